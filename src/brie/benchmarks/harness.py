"""The library lm-eval: whether it is here, and how it is kept quiet and inside a sandbox."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from importlib import import_module

from brie.errors import UsageError
from brie.provenance import install_command, package_versions


def version() -> str:
    """Version of lm-eval.

    Raises:
        UsageError: it is not installed.
    """
    installed = package_versions(["lm_eval"]).get("lm_eval")
    if installed is None:
        raise UsageError(f"--tasks needs lm-eval, which is not installed: {install_command('tasks')}")
    return installed


@contextmanager
def at_work(*, sandboxed: bool) -> Iterator[None]:
    """Inside, lm-eval prints nothing, and templates of tasks reach no Python unless they may.

    Args:
        sandboxed: compile templates in Jinja's sandbox; lm-eval itself does not.
    """
    from datasets import disable_progress_bars
    from jinja2 import StrictUndefined
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    disable_progress_bars()
    utils, tasks = import_module("lm_eval.utils"), import_module("lm_eval.api.task")
    plain, bars = utils.env, tasks.tqdm
    safe = ImmutableSandboxedEnvironment(
        loader=plain.loader, undefined=StrictUndefined, keep_trailing_newline=True
    )
    safe.filters |= {"regex_replace": utils.regex_replace}
    loggers = [logging.getLogger(name) for name in ("lm_eval", "datasets", "huggingface_hub")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    vars(utils)["env"], vars(tasks)["tqdm"] = safe if sandboxed else plain, partial(bars, disable=True)
    try:
        yield
    finally:
        vars(utils)["env"], vars(tasks)["tqdm"] = plain, bars
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
