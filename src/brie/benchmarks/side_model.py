"""lm-eval's model class around a model that brie has loaded, asked in brie's chat template."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from copy import deepcopy
from importlib import import_module
from typing import TYPE_CHECKING

from brie.generate.encode import Encoder
from brie.pin import asked, placed

if TYPE_CHECKING:
    import torch
    from peft import PeftModel
    from transformers import PreTrainedModel

_HFLM = import_module("lm_eval.models.huggingface").HFLM


class _Counting:
    """What lm-eval tells of every request that is done."""

    def __init__(self, done: Callable[[], None]) -> None:
        self._done = done

    def add_partial(self, *_: object) -> None:
        """One more is done; nothing of it is kept."""
        self._done()


class SideModel(_HFLM):  # type: ignore[misc,valid-type]
    """One side, as lm-eval asks it."""

    def __init__(
        self,
        model: PreTrainedModel | PeftModel,
        encoder: Encoder,
        *,
        batch_size: int,
        chat: bool,
        thinking: bool,
        done: Callable[[], None],
    ) -> None:
        """A side from what brie has in memory.

        Args:
            model: with its adapter on or off; it stays as it is.
            encoder: its tokenizer, its template and the tokens that end an answer.
            batch_size: requests at a time.
            chat: requests are conversations, which bring their special tokens themselves.
            thinking: thinking mode, for templates that have one.
            done: called for every request that is done.
        """
        with _tied_as_it_is(model):
            super().__init__(
                pretrained=model, tokenizer=deepcopy(encoder.tokenizer), backend="causal",
                batch_size=batch_size, max_length=encoder.context,
                add_bos_token=False if chat else None,
            )  # fmt: skip
        self._encoder, self._chat, self._thinking = encoder, chat, thinking
        self.set_cache_hook(_Counting(done))

    def apply_chat_template(
        self, chat_history: Sequence[Mapping[str, str]], add_generation_prompt: bool = True
    ) -> str:
        """A conversation as the side reads it; without `add_generation_prompt` its last turn goes on."""
        turns = list(chat_history)
        begun = "" if add_generation_prompt else turns.pop()["content"]
        template, special = self._encoder.template, self._encoder.special
        text = asked(
            template, placed(template, turns, special, fold=True), special, thinking=self._thinking
        )
        return text + begun

    def loglikelihood(
        self, requests: Sequence[object], disable_tqdm: bool = True
    ) -> list[tuple[float, bool]]:
        """As lm-eval does it; brie shows the progress."""
        scored: list[tuple[float, bool]] = super().loglikelihood(requests, disable_tqdm=True)
        return scored

    def generate_until(self, requests: Sequence[object], disable_tqdm: bool = True) -> list[str]:
        """As lm-eval does it; brie shows the progress."""
        written: list[str] = super().generate_until(requests, disable_tqdm=True)
        return written

    def _model_generate(self, context: torch.Tensor, **settings: object) -> torch.Tensor:
        """As lm-eval does it; in a conversation the tokens that end a turn end an answer."""
        if self._chat:
            settings["eos_token_id"] = sorted(self._encoder.stop)
        return super()._model_generate(context, **settings)


@contextmanager
def _tied_as_it_is(model: PreTrainedModel | PeftModel) -> Iterator[None]:
    """lm-eval ties a model's weights anew, which would undo an adapter that has unbound them."""
    model.tie_weights = lambda *_, **__: None
    try:
        yield
    finally:
        del model.tie_weights
