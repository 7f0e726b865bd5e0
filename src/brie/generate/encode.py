"""From conversations to token ids and back: what a model folder says without its weights."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from brie.data.prompts import prompt_ids
from brie.errors import PinError, UsageError
from brie.pin import folder_template, has_template, render_chat
from brie.pin.tokenizers import refuse_other_tokenizer
from brie.pin.weights import load_config_of, load_tokenizer_of
from brie.records import Message, Sampling

if TYPE_CHECKING:
    from transformers import PreTrainedConfig, PreTrainedTokenizerFast

_PROBE = "probe"


@dataclass(frozen=True)
class Encoder:
    """A tokenizer, a chat template, the tokens that end an answer, and the context length."""

    tokenizer: PreTrainedTokenizerFast
    template: str
    special: Mapping[str, str]
    context: int
    """Most tokens a conversation and its answer may have together."""
    stop: frozenset[int]
    """Any of these ends an answer: generation config, tokenizer and template each name some."""
    markers: frozenset[int]
    """Special tokens: decoding leaves them out."""
    vocabulary: int
    """Token ids from here on have no text (padded embeddings) and are never drawn."""
    _cache: dict[str, list[int]] = field(default_factory=dict, compare=False, repr=False)

    @classmethod
    def load(cls, folder: Path, *, adapter: Path | None = None) -> Encoder:
        """Read a model folder; an adapter's own chat template takes precedence over its base's.

        Raises:
            PinError: there is no tokenizer or template, or the adapter's tokenizer is another one.
        """
        config = load_config_of(folder)
        tokenizer = load_tokenizer_of(folder)
        carrier = adapter if adapter is not None and has_template(adapter) else folder
        template, special = folder_template(carrier)
        if adapter is not None:
            refuse_other_tokenizer(base=folder, adapter=adapter)
        return cls.of(tokenizer, template, special, config.get_text_config(), _eos_ids(folder))

    @classmethod
    def of(
        cls,
        tokenizer: PreTrainedTokenizerFast,
        template: str,
        special: Mapping[str, str],
        config: PreTrainedConfig,
        eos_ids: Sequence[int] = (),
    ) -> Encoder:
        """An encoder from parts already in memory; `config` is the model's own."""
        added = {i for i, token in tokenizer.added_tokens_decoder.items() if token.special}
        markers = frozenset(added | set(tokenizer.all_special_ids))
        ends = {i for i in (tokenizer.eos_token_id, *eos_ids) if i is not None}
        end = _turn_end(tokenizer, template, special, markers)
        return cls(
            tokenizer=tokenizer,
            template=template,
            special=special,
            context=int(getattr(config, "max_position_embeddings", 0) or 1 << 30),
            stop=frozenset(ends | end),
            markers=markers,
            vocabulary=max(tokenizer.get_vocab().values()) + 1,
        )

    def encode(
        self, messages: Sequence[Message], *, prompt: str = "", thinking: bool = False
    ) -> list[int]:
        """Token ids of a conversation, up to where the answer begins.

        Args:
            messages: the turns, a system prompt included.
            prompt: their digest; given, the result is kept for the prompt's other samples.
            thinking: thinking mode, for templates that have one.
        """
        key = f"{prompt}{thinking}"
        if prompt and key in self._cache:
            return self._cache[key]
        turns = [message.model_dump() for message in messages]
        ids = prompt_ids(self.tokenizer, self.template, turns, self.special, thinking=thinking)
        if prompt:
            if len(self._cache) >= 4096:
                self._cache.clear()
            self._cache[key] = ids
        return ids

    def decode(self, ids: Sequence[int]) -> str:
        """The answer as people read it: special tokens left out, nothing else touched."""
        text: str = self.tokenizer.decode(
            list(ids), skip_special_tokens=True, clean_up_tokenization_spaces=False
        )
        return text

    def room(self, prompt_tokens: int, sampling: Sampling) -> int:
        """How many tokens an answer may have: the asked limit, or what the context leaves."""
        return min(sampling.max_new_tokens, self.context - prompt_tokens)


def refuse_too_long(prompts: Mapping[str, Sequence[Message]], encoder: Encoder) -> None:
    """Refuse prompts that leave no room for an answer, before any work.

    Args:
        prompts: what to call each prompt -> its conversation.
        encoder: of the model that would answer.

    Raises:
        UsageError: the message names every such prompt with its length.
    """
    lengths = {name: len(encoder.encode(messages)) for name, messages in prompts.items()}
    long = {name: n for name, n in lengths.items() if n >= encoder.context}
    if long:
        listing = ", ".join(
            f"{name} ({n} tokens, {_opening(prompts[name])!r})" for name, n in sorted(long.items())[:10]
        )
        more = f" and {len(long) - 10} more" if len(long) > 10 else ""
        raise UsageError(
            f"{len(long)} prompt(s) do not fit the model's context of {encoder.context} tokens: "
            f"{listing}{more}. Shorten them, or take a model with a longer context."
        )


def _opening(messages: Sequence[Message]) -> str:
    """How a prompt begins: ids made from its text say nothing to people."""
    return " ".join(messages[-1].content[:200].split())[:40]


def _eos_ids(folder: Path) -> list[int]:
    path = folder / "generation_config.json"
    ids = json.loads(path.read_text("utf-8")).get("eos_token_id") if path.is_file() else None
    return [ids] if isinstance(ids, int) else list(ids or ())


def _turn_end(
    tokenizer: PreTrainedTokenizerFast,
    template: str,
    special: Mapping[str, str],
    markers: frozenset[int],
) -> set[int]:
    """The special token the template writes after an assistant's turn, if it writes one.

    A base model's eos is often another: without this, its fine-tune would never stop.
    """
    turns = [{"role": "user", "content": _PROBE}, {"role": "assistant", "content": _PROBE}]
    try:
        rendered = render_chat(template, turns, special, add_generation_prompt=False).text
    except PinError:
        return set()
    after = rendered.rpartition(_PROBE)[2]
    ids = tokenizer(after, add_special_tokens=False)["input_ids"]
    return {ids[0]} if ids and ids[0] in markers else set()
