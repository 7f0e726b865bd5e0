"""What a judge's file says, checked before anything is asked, and what its requests weigh."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Sequence

from brie.blinding import JudgeInput
from brie.errors import UsageError
from brie.judge.hidden import longest
from brie.judge.local import answering
from brie.judge.prices import address_of, is_at_vendor
from brie.judge.prompt import PromptBuilder
from brie.judge.schema import OutputForm, schema
from brie.records import JudgeSpec, PanelJudge, Rubric
from brie.wire.addresses import fault_of, is_readable_on_the_way
from brie.wire.client import Destination
from brie.wire.keys import Secrets

_LIMITS = ("max_tokens", "max_completion_tokens", "max_output_tokens")
_FROM_ENVIRONMENT = re.compile(r"env:[A-Za-z_][A-Za-z0-9_]*")
_HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_BRIES_HEADERS = ("content-type", "content-length", "host", "accept-encoding", "transfer-encoding")
_INSTEAD = (
    ' Take it out; a server that wants it gets a header: [headers] Authorization = "env:MY_VARIABLE".'
)
_BRIES = (
    "model", "messages", "system", "stream", "n", "tools", "response_format", "input", "instructions",
    "logprobs", "top_logprobs",
)  # fmt: skip
"""What brie sets itself."""
_AROUND = 2400
"""Bytes of everything around the texts of a request: marks, numbers, field names, and what a judge is
told of its last reply."""


def check(spec: JudgeSpec) -> None:
    """Refuse a judge file whose settings cannot work.

    Raises:
        UsageError: names the file and the line.
    """
    file = f"judges/{spec.id}.toml"
    if not spec.provided.remote:
        return
    if address_of(spec) is None:
        raise UsageError(f'{file}: provider {spec.provider} needs base_url = "http://HOST:PORT/v1".')
    if spec.base_url is not None and (wrong := fault_of(spec.base_url)):
        raise UsageError(f"{file}: base_url {wrong}.{_INSTEAD if 'password' in wrong else ''}")
    if spec.base_url is not None and not spec.endpoint:
        raise UsageError(
            f'{file}: with base_url, name the server: endpoint = "my-server". Verdicts are kept under '
            "this label, because the same model on another server is another judge."
        )
    for name, value in spec.headers.items():
        if not _FROM_ENVIRONMENT.fullmatch(value):
            raise UsageError(
                f'{file}: [headers] {name} must name a variable, as in {name} = "env:MY_VARIABLE": what '
                "stands in a file is read by others."
            )
        if not _HEADER.fullmatch(name) or name.lower() in _BRIES_HEADERS:
            raise UsageError(
                f"{file}: [headers] {name} is set by brie, or is no header; remove that line."
            )
    forms = ("tool", "json_schema", "text", *(("logprobs",) if spec.provided.logprobs else ()))
    if spec.output not in forms:
        raise UsageError(f"{file}: output = {spec.output!r}; allowed here: {', '.join(forms)}.")
    _check_batch(spec, file)
    for name in _BRIES:
        if name in spec.parameters:
            raise UsageError(f"{file}: [parameters] {name} is set by brie; remove that line.")


def _check_batch(spec: JudgeSpec, file: str) -> None:
    if spec.batch is None:
        return
    allowed = spec.provided.batches
    if allowed is None:
        raise UsageError(f"{file}: provider {spec.provider} has no batches; remove [batch].")
    for name, most in (("requests", allowed.requests), ("size", allowed.size)):
        if (getattr(spec.batch, name) or 0) > most:
            raise UsageError(f"{file}: [batch] {name} may be {most} at most with {spec.provider}.")


def api_key(spec: JudgeSpec) -> str | None:
    """A judge's key, from the environment only.

    Raises:
        UsageError: it needs one and its variable is not set.
    """
    name = key_variable(spec)
    if name is None:
        return None
    key = os.environ.get(name, "").strip()
    if not key:
        raise UsageError(f"judge {spec.id!r} needs a key: set {name}.")
    return key


def key_variable(spec: JudgeSpec) -> str | None:
    """The variable that holds a judge's key; None where it names none.

    A vendor's key goes to the vendor's host alone: a judge asked elsewhere names its own variable.
    """
    if spec.api_key_env:
        return spec.api_key_env
    return spec.provided.key_variable if is_at_vendor(spec) else None


def header_variables(spec: JudgeSpec) -> dict[str, str]:
    """Header -> the variable that holds its value, of a judge's own headers."""
    return {name: value.removeprefix("env:") for name, value in spec.headers.items()}


def secrets_of(spec: JudgeSpec, key: str | None) -> Secrets:
    """What must be in nothing that is kept: a judge's key and headers, and every other secret here.

    Args:
        spec: the judge.
        key: its key; None: it has none.
    """
    headers = (os.environ.get(variable, "") for variable in header_variables(spec).values())
    return Secrets.of_environment((key or "", *headers))


def destination(spec: JudgeSpec, key: str | None) -> Destination:
    """Who is asked for a judge, as its client has to know.

    Args:
        spec: the judge.
        key: its key; None: it has none.

    Raises:
        UsageError: the variable of its proxy is not set.
    """
    proxy = os.environ.get(spec.proxy_env, "").strip() if spec.proxy_env else None
    if proxy == "":
        raise UsageError(f"judge {spec.id!r} is asked through a proxy: set {spec.proxy_env}.")
    return Destination(is_at_vendor(spec), secrets_of(spec, key), spec.timeout, proxy)


def is_key_readable(spec: JudgeSpec) -> bool:
    """Whether a judge's key or headers can be read on the way: plain http to another machine."""
    has_secret = key_variable(spec) is not None or bool(spec.headers)
    return has_secret and is_readable_on_the_way(address_of(spec))


def missing_key(spec: JudgeSpec) -> str | None:
    """The variable a judge needs and does not find."""
    wanted = [key_variable(spec), *header_variables(spec).values()]
    return next((name for name in wanted if name and not os.environ.get(name, "").strip()), None)


LEAVE_OUT = "Leave these judges out: --skip-missing-judges. "
"""A way out where other judges are left."""
WITHOUT_KEYS = (
    f"{LEAVE_OUT}Without any key: --judge distinct (a rule that looks at repetition alone), or a model "
    "that a server on this machine serves."
)
"""What can be done about missing keys when an evaluation is asked for."""


def check_keys(panel_judges: Sequence[PanelJudge], instead: str = WITHOUT_KEYS) -> None:
    """Refuse judges whose keys are not set.

    Args:
        panel_judges: the judges that will be asked.
        instead: what can be done without the keys, for the command at hand.

    Raises:
        UsageError: names the variables, and what can be done without them.
    """
    absent = [(s.judge.id, missing_key(s.judge)) for s in panel_judges if missing_key(s.judge)]
    if not absent:
        return
    listing = "".join(f"\n  {name}: set {variable}" for name, variable in absent)
    local = "".join(
        f"\n{found.server.name} answers on this machine: --judge {name}"
        for found in answering()
        for name in found.judges
    )
    raise UsageError(f"keys are missing:{listing}\n{instead}{local}")


def output_limit(spec: JudgeSpec) -> int:
    """Tokens a reply may have at most, as it is sent; of log-probabilities one is enough."""
    if spec.output == "logprobs":
        return 1
    limits = [limit for name in _LIMITS if isinstance(limit := spec.parameters.get(name), int)]
    return int(limits[0]) if limits else spec.max_tokens


def form_of(spec: JudgeSpec) -> OutputForm:
    """How a judge gives its verdict; rules give none in words."""
    return "text" if spec.output == "rule" else spec.output


def fixed_bytes(spec: JudgeSpec, rubric: Rubric | None) -> int:
    """UTF-8 bytes all requests of a judge have in common."""
    if rubric is None:
        return len(json.dumps(spec.parameters, ensure_ascii=False).encode()) + _AROUND
    system = PromptBuilder(rubric, form_of(spec)).system
    around = json.dumps([schema(rubric.criteria), spec.parameters], ensure_ascii=False)
    return len(system.encode()) + len(around.encode()) + _AROUND


def request_bytes(shown: JudgeInput) -> int:
    """UTF-8 bytes of a request's own texts, with the fences around them."""
    texts = [shown.first, shown.second, shown.reference or "", *(m.content for m in shown.messages)]
    return bytes_together([text_bytes(text) for text in texts])


def text_bytes(text: str) -> int:
    """UTF-8 bytes of a text in a request, at most."""
    # Neutralising adds at most one byte to three, as in `<s>`, and signs for what hides.
    return len(text.encode("utf-8", "replace")) * 4 // 3 + longest(text)


def bytes_together(texts: Sequence[int]) -> int:
    """UTF-8 bytes of a request's texts with the fences around them.

    Args:
        texts: `text_bytes` of each: both answers, the reference, and every message.
    """
    return sum(texts) + 100 * len(texts)
