"""The engine `vllm`: vLLM in this process, a base and its adapters from one copy of the weights.

    with VllmEngine.load(base, environment, {"candidate": adapter}) as engine:
        for completion in engine.generate(requests):
            ...

Prompts are the tokens that the engine `transformers` reads, and answers end at the same ones. vLLM draws
by itself, from a seed of the completion's key. How it adds up depends on the batch, unless it is told to
be batch-invariant, which it can be on GPUs from Hopper on.
"""

from __future__ import annotations

import gc
import importlib
import importlib.util
import os
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby, islice
from pathlib import Path
from types import ModuleType
from typing import Protocol

from brie.errors import UsageError
from brie.generate.encode import Encoder
from brie.generate.engine import Closing, OnDone, Request
from brie.generate.tokens import completion_of, prompt_of
from brie.pin import has_template
from brie.pin.adapters import ADAPTER_CONFIG
from brie.pin.folders import json_or_empty
from brie.records import Completion, Environment, FinishReason

VLLM = "vllm"
SAMPLER, INVARIANT = "vllm's", "vllm's, batch-invariant"
"""What records call the draws of vLLM."""
_SWITCH = "VLLM_BATCH_INVARIANT"
_HOPPER = (9, 0)
_RANKS = (8, 16, 32, 64, 128, 256, 320, 512)
"""Ranks that vLLM makes room for."""
_TOGETHER = 256
"""Requests handed over together: about what vLLM computes at a time, and what Ctrl-C may lose."""
_SEEDS = 2**63
_SETTINGS = {
    "VLLM_ENABLE_V1_MULTIPROCESSING": "0",  # in this process: it ends with it, and is freed with it
    "VLLM_NO_USAGE_STATS": "1",
    "DO_NOT_TRACK": "1",
    "VLLM_LOGGING_LEVEL": "ERROR",
}
"""Variables of vLLM that hold unless the user has set them."""


class Settings(Protocol):
    """vLLM's `SamplingParams`."""

    max_tokens: int | None


class Adapter(Protocol):
    """vLLM's `LoRARequest`."""

    lora_name: str


class Written(Protocol):
    """vLLM's `CompletionOutput`."""

    token_ids: Sequence[int]
    finish_reason: str | None


class Output(Protocol):
    """vLLM's `RequestOutput`."""

    outputs: Sequence[Written]


class Model(Protocol):
    """vLLM's `LLM`, as far as it is used here."""

    def generate(
        self,
        prompts: Sequence[Mapping[str, list[int]]],
        sampling_params: Sequence[Settings],
        *,
        use_tqdm: bool,
        lora_request: Sequence[Adapter] | None,
    ) -> list[Output]:
        """The outputs of prompts, in their order."""
        ...


def _library(part: str = "") -> ModuleType:
    """vLLM, which is imported when it is needed, and is no part of what brie is checked with."""
    return importlib.import_module(f"{VLLM}{part}")


def vllm_version() -> str:
    """The version of vLLM.

    Raises:
        UsageError: it is not installed.
    """
    if importlib.util.find_spec(VLLM) is None:
        raise UsageError(
            "the engine vllm needs vLLM, which is not installed: pip install vllm (Linux with a CUDA "
            "GPU). Or take the other one: --engine transformers"
        )
    return str(_library().__version__)


def by_vllm(environment: Environment) -> tuple[Environment, str]:
    """An environment of this machine as vLLM's, with what is printed of it.

    Raises:
        UsageError: vLLM is not installed, or does not run on the device.
    """
    version = vllm_version()
    if environment.device == "mps":
        raise UsageError("vLLM does not run on Apple's GPUs; take --engine transformers.")
    invariant, why = _batch_invariant(environment.device)
    made = Environment(
        engine=VLLM,
        dtype=environment.dtype,
        device=environment.device,
        sampler=INVARIANT if invariant else SAMPLER,
        programs={VLLM: version},
    )
    return made, f"{made.dtype} on {made.device} by {VLLM} {version}, {why}"


def _batch_invariant(device: str) -> tuple[bool, str]:
    asked = os.environ.get(_SWITCH)
    if asked is not None:
        return asked == "1", f"{_SWITCH}={asked} is set"
    if device != "cuda":
        return False, "texts may change with their batch"
    import torch

    if torch.cuda.get_device_capability() >= _HOPPER:
        return True, "batch-invariant: texts do not change with their batch"
    return False, "texts may change with their batch: batch-invariant from Hopper on"


class VllmEngine(Closing):
    """Makes completions with vLLM: one loaded base, and adapters that share a batch with it."""

    def __init__(
        self,
        llm: Model,
        encoders: Mapping[str | None, Encoder],
        adapters: Mapping[str, Adapter],
    ) -> None:
        """An engine from parts in memory; `load` makes them from folders.

        Args:
            llm: the loaded model.
            encoders: adapter name (None: the base) -> how its conversations are encoded.
            adapters: name -> what vLLM calls it.
        """
        self._llm: Model | None = llm
        self._encoders = dict(encoders)
        self._adapters = dict(adapters)

    @classmethod
    def load(
        cls,
        base: Path,
        environment: Environment,
        adapters: Mapping[str, Path] | None = None,
        *,
        template: Path | None = None,
    ) -> VllmEngine:
        """Load a base with room for its adapters.

        Args:
            base: its folder.
            environment: device and dtype, and whether texts must not depend on their batch.
            adapters: name -> folder.
            template: folder of the chat template the base is asked with, where that is not its own.

        Raises:
            PinError: a folder is not what it should be.
            UsageError: vLLM is not installed or cannot load this, or does not read such an adapter.
        """
        folders = dict(adapters or {})
        rank = max((_rank(folder) for folder in folders.values()), default=0)
        encoders: dict[str | None, Encoder] = {}
        if not folders or has_template(template or base):
            encoders[None] = Encoder.load(base, template=template)
        encoders |= {name: Encoder.load(base, adapter=folder) for name, folder in folders.items()}
        vllm_version()
        _set(environment)
        llm = _loaded(base, environment, rank=rank, adapters=len(folders))
        named = {
            name: _library(".lora.request").LoRARequest(name, number, str(folder))
            for number, (name, folder) in enumerate(folders.items(), 1)
        }
        return cls(llm, encoders, named)

    def generate(
        self, requests: Iterable[Request], on_done: OnDone | None = None
    ) -> Iterator[Completion]:
        """Yield completions, those of a few hundred requests of one model at a time; see `Engine`.

        Base and adapter share the weights and never a batch: a build of vLLM for processors answered the
        base's requests with the adapter that stood beside them.
        """
        waiting = iter(requests)
        while together := sorted(islice(waiting, _TOGETHER), key=_model):
            for _, group in groupby(together, key=_model):
                for completion in self._answered(list(group)):
                    if on_done is not None:
                        on_done(completion)
                    yield completion

    def close(self) -> None:
        """Free the model's memory."""
        if self._llm is None:
            return
        self._llm = None
        gc.collect()
        _library(".distributed.parallel_state").cleanup_dist_env_and_memory()

    def _answered(self, together: list[Request]) -> Iterator[Completion]:
        assert self._llm is not None
        adapter = together[0].adapter
        encoder = self._encoder(adapter)
        asked = [prompt_of(request, encoder) for request in together]
        settings = [
            _sampling(request, encoder, room) for request, (_, room) in zip(together, asked, strict=True)
        ]
        start = time.perf_counter()
        try:
            outputs = self._llm.generate(
                [{"prompt_token_ids": prompt} for prompt, _ in asked],
                settings,
                use_tqdm=False,
                lora_request=None if adapter is None else [self._adapters[adapter]] * len(together),
            )
        except ValueError as error:  # longer than what fits in memory
            raise UsageError(f"vLLM refuses a request: {str(error)[:300]}") from error
        seconds = (time.perf_counter() - start) / len(together)
        for request, (prompt, _), output in zip(together, asked, outputs, strict=True):
            new, finish = _written(output, encoder)
            yield completion_of(request, encoder, prompt=prompt, new=new, finish=finish, seconds=seconds)

    def _encoder(self, adapter: str | None) -> Encoder:
        if adapter not in self._encoders:
            raise UsageError(f"no adapter {adapter!r} is loaded in this engine.")
        return self._encoders[adapter]


def _model(request: Request) -> str:
    """What requests have in common that may share a batch; the base's come first."""
    return request.adapter or ""


def _rank(adapter: Path) -> int:
    """The room an adapter needs, a rank that vLLM knows.

    Raises:
        UsageError: it is more than low-rank matrices, or of a higher rank.
    """
    config = json_or_empty(adapter / ADAPTER_CONFIG)
    more = [key for key in ("use_dora", "modules_to_save", "trainable_token_indices") if config.get(key)]
    if config.get("bias", "none") != "none":
        more.append("bias")
    pattern = config.get("rank_pattern")
    ranks = [config.get("r"), *(pattern.values() if isinstance(pattern, dict) else ())]
    highest = max((rank for rank in ranks if isinstance(rank, int)), default=0)
    room = next((rank for rank in _RANKS if rank >= highest), None)
    if more or room is None:
        what = more[0] if more else f"rank {highest}"
        raise UsageError(
            f"vLLM reads no adapter with {what}; take --engine transformers, or compare the merged "
            "model: brie export RUN:best --to merged"
        )
    return room


def _set(environment: Environment) -> None:
    """Say to vLLM, before it is imported, how it is to run."""
    for name, value in _SETTINGS.items():
        os.environ.setdefault(name, value)
    os.environ[_SWITCH] = "1" if environment.sampler == INVARIANT else "0"


def _loaded(base: Path, environment: Environment, *, rank: int, adapters: int) -> Model:
    room = {"enable_lora": True, "max_lora_rank": rank, "max_loras": adapters} if adapters else {}
    try:
        model: Model = _library().LLM(
            model=str(base),
            dtype=environment.dtype,
            seed=0,
            trust_remote_code=False,
            generation_config="vllm",  # settings are the plan's, none the model's own
            max_model_len=-1,  # as much of its context as fits in memory
            **room,
        )
        return model
    except (OSError, ValueError, RuntimeError, NotImplementedError) as error:
        first = (str(error).splitlines() or [type(error).__name__])[0]
        raise UsageError(
            f"vLLM cannot load {base.name}: {first[:300]} Take --engine transformers, or see its own "
            "messages with VLLM_LOGGING_LEVEL=INFO"
        ) from error


def _sampling(request: Request, encoder: Encoder, room: int) -> Settings:
    """vLLM's settings for one answer; stop tokens are brie's, so its own are left out."""
    from brie.generate.noise import key_seed

    asked = request.sampling
    settings: Settings = _library().SamplingParams(
        temperature=asked.temperature,
        top_p=asked.top_p,
        top_k=asked.top_k,
        min_p=asked.min_p,
        repetition_penalty=asked.repetition_penalty,
        presence_penalty=asked.presence_penalty,
        frequency_penalty=asked.frequency_penalty,
        max_tokens=room,
        seed=key_seed(request.noise) % _SEEDS,
        stop=list(asked.stop) or None,
        stop_token_ids=sorted(encoder.stop),
        ignore_eos=True,
        skip_special_tokens=False,
        detokenize=bool(asked.stop),
    )
    return settings


def _written(output: Output, encoder: Encoder) -> tuple[list[int], FinishReason]:
    """An answer's tokens without the one that ended it, and why it ended.

    Raises:
        UsageError: vLLM gave up on it.
    """
    (made,) = output.outputs
    new = list(made.token_ids)
    if made.finish_reason == "length":
        return new, "length"
    if made.finish_reason != "stop":
        raise UsageError(f"vLLM ended an answer without an end: {made.finish_reason}.")
    return (new[:-1] if new and new[-1] in encoder.stop else new), "stop"
