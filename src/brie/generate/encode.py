"""From conversations to token ids and back: what a model folder says without its weights."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from brie.data.prompts import prompt_ids
from brie.data.tokenizer import eos_ids
from brie.errors import PinError, UsageError
from brie.generate.thoughts import MARKS, Answered, opened_by, split
from brie.pin import ending, folder_template, has_template, turn
from brie.pin.tokenizers import refuse_other_tokenizer
from brie.pin.weights import load_config_of, load_tokenizer_of
from brie.records import Message, Sampling

if TYPE_CHECKING:
    from transformers import PreTrainedConfig, PreTrainedTokenizerFast


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
    def load(cls, folder: Path, *, adapter: Path | None = None, template: Path | None = None) -> Encoder:
        """Read a model folder; an adapter's own chat template takes precedence over its base's.

        Args:
            folder: the model's, or the base's.
            adapter: on that base.
            template: folder of the chat template to use instead.

        Raises:
            PinError: there is no tokenizer or template, or the adapter's tokenizer is another one.
        """
        config = load_config_of(folder)
        tokenizer = load_tokenizer_of(folder)
        own = adapter if adapter is not None and has_template(adapter) else folder
        text, special = folder_template(template or own)
        if adapter is not None:
            refuse_other_tokenizer(base=folder, adapter=adapter)
        return cls.of(tokenizer, text, special, config.get_text_config(), eos_ids(folder))

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
        self,
        messages: Sequence[Message],
        *,
        prompt: str = "",
        thinking: bool = False,
        system: Literal["refuse", "fold"] = "refuse",
    ) -> list[int]:
        """Token ids of a conversation, up to where the answer begins.

        Args:
            messages: the turns, a system prompt included.
            prompt: their digest; given, the result is kept for the prompt's other samples.
            thinking: thinking mode, for templates that have one.
            system: what becomes of a system turn that the template has no place for.

        Raises:
            PinError: the template refuses the conversation.
        """
        key = f"{prompt}{thinking}{system}"
        if prompt and key in self._cache:
            return self._cache[key]
        turns = [message.model_dump() for message in messages]
        ids = prompt_ids(
            self.tokenizer,
            self.template,
            turns,
            self.special,
            thinking=thinking,
            fold=system == "fold",
        )
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

    def answered(self, prompt: Sequence[int], ids: Sequence[int]) -> Answered:
        """Thought and answer of the tokens a model wrote.

        Args:
            prompt: the tokens before them: they may have opened a thought.
            ids: the tokens, without the one that ended them.
        """
        tail = self.tokenizer.decode(list(prompt[-8:]), skip_special_tokens=False)
        ends_with = opened_by(tail)
        opening = next((mark for mark, i in self.thought_marks.items() if [i] == list(ids[:1])), None)
        end = MARKS[opening] if opening else ends_with
        if end not in self.thought_marks:
            return split(self.decode(ids), ends_with)
        # The marks are special tokens, which decoding leaves out.
        at = self.thought_marks[end]
        if at not in ids:
            return Answered(self.decode(ids).strip(), "", True)
        cut = list(ids).index(at)
        return Answered(self.decode(ids[:cut]).strip(), self.decode(ids[cut + 1 :]).lstrip(), False)

    @cached_property
    def thought_marks(self) -> dict[str, int]:
        """The marks of thoughts that are special tokens of this tokenizer."""
        vocabulary = self.tokenizer.get_vocab()
        marks = {mark: vocabulary.get(mark) for pair in MARKS.items() for mark in pair}
        return {mark: i for mark, i in marks.items() if i in self.markers and i is not None}

    def room(self, prompt_tokens: int, sampling: Sampling) -> int:
        """How many tokens an answer may have: the asked limit, or what the context leaves."""
        return min(sampling.max_new_tokens, self.context - prompt_tokens)


def refuse_unreadable(
    prompts: Mapping[str, Sequence[Message]], encoder: Encoder, sampling: Sampling, *, told: str = ""
) -> None:
    """Refuse prompts that the template cannot write or that leave no room, before any work.

    Args:
        prompts: what to call each prompt -> its conversation.
        encoder: of the model that would answer.
        sampling: thinking mode, and what becomes of system turns.
        told: name of the side, where it is told more than the prompts.

    Raises:
        UsageError: the message names every prompt that is too long with its length, or the first
            that the template refuses.
    """
    lengths = {}
    for name, messages in prompts.items():
        try:
            ids = encoder.encode(messages, thinking=sampling.thinking, system=sampling.system)
        except PinError as error:
            raise UsageError(f"prompt {name}: {error}.") from error
        lengths[name] = len(ids)
    long = {name: n for name, n in lengths.items() if n >= encoder.context}
    if long:
        listing = ", ".join(
            f"{name} ({n} tokens, {_opening(prompts[name])!r})" for name, n in sorted(long.items())[:10]
        )
        more = f" and {len(long) - 10} more" if len(long) > 10 else ""
        them = "it or them" if told else "them"
        before = f" behind what {told} is told" if told else ""
        raise UsageError(
            f"{len(long):,} prompt(s){before} do not fit the model's context of {encoder.context:,} "
            f"tokens: {listing}{more}. Shorten {them}, or take a model with a longer context."
        )


def _opening(messages: Sequence[Message]) -> str:
    """How a prompt begins: ids made from its text say nothing to people."""
    return " ".join(messages[-1].content[:200].split())[:40]


def _turn_end(
    tokenizer: PreTrainedTokenizerFast,
    template: str,
    special: Mapping[str, str],
    markers: frozenset[int],
) -> set[int]:
    """The special token the template writes after an assistant's turn, if it writes one.

    A base model's eos is often another: without this, its fine-tune would never stop.
    """
    added = tokenizer.get_added_vocab()
    try:
        end = ending(turn(template, special), added)
    except PinError:
        return set()
    return {added[token] for token in end[:1]} & markers
