"""How both sides are sampled: from what was asked for, the suite and the models to settings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from brie.catalog import load_defaults
from brie.errors import UsageError
from brie.evaluation.side_prompts import differ
from brie.generate.vllm_engine import VLLM
from brie.pin import Resolved
from brie.project import Project
from brie.records import LocalEngine, Sampling, Suite

if TYPE_CHECKING:
    from brie.evaluation.request import EvalRequest


def engine_of(wishes: EvalRequest, sides: Sequence[Resolved], project: Project) -> LocalEngine:
    """What answers for the sides that are models in folders.

    Raises:
        UsageError: vLLM was asked for, and no side is one, or something is asked that it does not do.
    """
    if wishes.engine == VLLM and not any(side.here for side in sides):
        raise UsageError(
            "--engine vllm is for models in folders of this machine, and no side is one; leave it out."
        )
    engine = wishes.engine or load_defaults(project).engine
    if engine == VLLM and wishes.tasks:
        raise UsageError("--tasks are done by the other engine: --engine transformers")
    return engine


def settled_sampling(
    wishes: EvalRequest, suite: Suite, sides: tuple[Resolved, Resolved], engine: LocalEngine
) -> tuple[Sampling, list[str]]:
    """How both sides are sampled, and what was decided on the way."""
    decisions: list[str] = []
    of_files = all(side.given is not None for side in sides)
    sampling = Sampling() if of_files else _sampling(wishes, suite)
    if wishes.sampling == "model":
        sampling, ignored = _own_sampling(sides[1], sampling)
        decisions.append(f"sampling as the model's own config says: {_settings(sampling)}")
        decisions += [
            f"its setting {name} is one brie does not have, and was left out" for name in ignored
        ]
    for side in sides:
        _refuse_other_thinking(side, sampling)
    sampling, unpaired = _noise(wishes, sampling, sides, engine)
    decisions += unpaired
    return sampling, decisions


def _sampling(wishes: EvalRequest, suite: Suite) -> Sampling:
    changed = {
        "temperature": wishes.temperature,
        "max_new_tokens": wishes.max_new_tokens,
        "system": wishes.system,
        "thinking": wishes.thinking,
    }
    given = {key: value for key, value in changed.items() if value is not None}
    return (suite.sampling or Sampling()).model_copy(update=given)


def _noise(
    wishes: EvalRequest, sampling: Sampling, sides: Sequence[Resolved], engine: LocalEngine
) -> tuple[Sampling, list[str]]:
    """Whether both sides meet the same draws, and why they do not although that was asked for.

    Raises:
        UsageError: a side is behind a server or asked through vLLM, which draw for themselves.
    """
    paired = wishes.paired_noise or sampling.paired_noise
    if not paired:
        return sampling, []
    if engine == VLLM:
        raise UsageError(
            "--paired-noise needs brie's own draws, and vLLM draws for itself; take the other engine: "
            "--engine transformers"
        )
    files = [side.name for side in sides if side.given is not None]
    if files:
        raise UsageError(
            f"--paired-noise needs two models that answer here: {files[0]} is a file of answers."
        )
    served = [side.name for side in sides if side.served or side.started]
    if served:
        raise UsageError(
            f"--paired-noise needs both models here: {served[0]} is behind a server, which draws for "
            "itself. Leave it out, or compare greedy answers: --temperature 0"
        )
    if differ(sides[0].pin, sides[1].pin):
        raise UsageError(
            "--paired-noise is for the same conversation on both sides, and one is told more; leave it "
            "out."
        )
    if sampling.temperature == 0:
        off = sampling.model_copy(update={"paired_noise": False})
        return off, ["temperature 0 draws nothing, so --paired-noise is left out."]
    return sampling.model_copy(update={"paired_noise": True}), []


def _refuse_other_thinking(side: Resolved, sampling: Sampling) -> None:
    """A model is asked with the prompts it was trained on.

    Raises:
        UsageError: it was trained with its template's thinking mode the other way.
    """
    trained = side.pin.thinking
    if trained is not None and trained != sampling.thinking:
        words = {True: "on", False: "off"}
        raise UsageError(
            f"{side.name} was trained with its template's thinking mode {words[trained]}, and would be "
            f"asked with it {words[sampling.thinking]}: another prompt than it learnt. Ask as it was "
            f"trained: {'--thinking' if trained else '--no-thinking'}"
        )


def _own_sampling(side: Resolved, asked: Sampling) -> tuple[Sampling, tuple[str, ...]]:
    from brie.generate.sampling import model_sampling

    if side.given is not None:
        raise UsageError("the sampling of a file of answers is not known; give --temperature.")
    if side.served or side.started:
        raise UsageError("a served model's own sampling is not known here; give --temperature.")
    return model_sampling(side.base_folder, asked)


def _settings(sampling: Sampling) -> str:
    return f"temperature {sampling.temperature:g}, top_p {sampling.top_p:g}, top_k {sampling.top_k}"
