"""A stand-in for the package `vllm`, where that cannot be had: what brie uses of it, by transformers.

Not vLLM, and no measure of it: `LLM.generate` has the documented signature and refuses what the real one
refuses, and computes one answer after the other with a model of transformers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from peft import PeftModel
    from transformers import PreTrainedModel

__version__ = "0.0.stand-in"
_RANKS = (1, 8, 16, 32, 64, 128, 256, 320, 512)


@dataclass
class SamplingParams:
    """Settings of one answer."""

    temperature: float = 1.0
    top_p: float = 1.0
    top_k: int = 0
    min_p: float = 0.0
    repetition_penalty: float = 1.0
    presence_penalty: float = 0.0
    frequency_penalty: float = 0.0
    max_tokens: int | None = 16
    seed: int | None = None
    stop: list[str] | None = None
    stop_token_ids: list[int] | None = None
    ignore_eos: bool = False
    skip_special_tokens: bool = True
    detokenize: bool = True

    def __post_init__(self) -> None:
        if self.seed is not None and not 0 <= self.seed < 2**63:
            raise ValueError("seed is out of range")


@dataclass(frozen=True)
class LoRARequest:
    """An adapter that a prompt is answered with."""

    lora_name: str
    lora_int_id: int
    lora_path: str


@dataclass
class CompletionOutput:
    """One answer; the token that ended it is the last one."""

    token_ids: list[int]
    finish_reason: str


@dataclass
class RequestOutput:
    """The answers to one prompt."""

    outputs: list[CompletionOutput]


@dataclass
class LLM:
    """A base with room for adapters."""

    model: str
    dtype: str = "auto"
    seed: int = 0
    trust_remote_code: bool = False
    generation_config: str = "auto"
    max_model_len: int | None = None
    enable_lora: bool = False
    max_lora_rank: int = 16
    max_loras: int = 1
    _base: PreTrainedModel = field(init=False)

    def __post_init__(self) -> None:
        from transformers import AutoModelForCausalLM

        if self.max_lora_rank not in _RANKS:
            raise ValueError(f"max_lora_rank {self.max_lora_rank} is none of {_RANKS}")
        self._base = self._load()
        config = AutoModelForCausalLM.from_pretrained(self.model).config
        self._context = config.max_position_embeddings

    def _load(self) -> PreTrainedModel:
        from transformers import AutoModelForCausalLM

        return AutoModelForCausalLM.from_pretrained(self.model, dtype=getattr(torch, self.dtype)).eval()

    def generate(
        self,
        prompts: Sequence[Mapping[str, list[int]]],
        sampling_params: Sequence[SamplingParams],
        *,
        use_tqdm: bool = True,
        lora_request: Sequence[LoRARequest | None] | None = None,
    ) -> list[RequestOutput]:
        """Answers, in the order of the prompts."""
        if lora_request is not None and not self.enable_lora:
            raise ValueError("LoRA is not enabled")
        adapters = lora_request or [None] * len(prompts)
        models = {adapter: self._with(adapter) for adapter in dict.fromkeys(adapters)}
        return [
            RequestOutput([self._answer(models[adapter], prompt["prompt_token_ids"], settings)])
            for prompt, settings, adapter in zip(prompts, sampling_params, adapters, strict=True)
        ]

    def _with(self, adapter: LoRARequest | None) -> PreTrainedModel | PeftModel:
        if adapter is None:
            return self._base
        from peft import PeftModel

        wrapped = PeftModel.from_pretrained(self._load(), adapter.lora_path).eval()
        rank = wrapped.peft_config["default"].r
        if rank > self.max_lora_rank:
            raise ValueError(f"LoRA rank {rank} is greater than max_lora_rank {self.max_lora_rank}")
        return wrapped

    def _answer(
        self, model: PreTrainedModel | PeftModel, prompt: list[int], settings: SamplingParams
    ) -> CompletionOutput:
        assert settings.max_tokens is not None
        if len(prompt) + settings.max_tokens > self._context:
            raise ValueError("the prompt is longer than the maximum model length")
        draws, new = torch.Generator().manual_seed(settings.seed or 0), list[int]()
        while len(new) < settings.max_tokens:
            with torch.no_grad():
                logits = model(input_ids=torch.tensor([prompt + new])).logits[0, -1].float()
            if settings.temperature == 0:
                new.append(int(logits.argmax()))
            else:
                shares = (logits / settings.temperature).softmax(-1)
                new.append(int(torch.multinomial(shares, 1, generator=draws)))
            if new[-1] in (settings.stop_token_ids or ()):
                return CompletionOutput(new, "stop")
        return CompletionOutput(new, "length")


def cleanup_dist_env_and_memory() -> None:
    """Nothing is held."""


def install(folder: Path) -> Path:
    """Write the package `vllm` into a folder, which then goes to the front of `sys.path`."""
    here = "from tests.fakes.vllm_stand_in import"
    files = {
        "__init__.py": f"{here} LLM, RequestOutput, SamplingParams, __version__\n",
        "lora/__init__.py": "",
        "lora/request.py": f"{here} LoRARequest\n",
        "distributed/__init__.py": "",
        "distributed/parallel_state.py": f"{here} cleanup_dist_env_and_memory\n",
    }
    for name, text in files.items():
        path = folder / "vllm" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder
