"""A reward model that runs here: a sequence-classification model with one output, for one answer at a
time.

It reads no rubric, no letters and no order: the conversation with one answer, through the template of
its own tokenizer. What each answer got is kept under the letter it was shown with, unrounded; which of
the two wins is decided from their difference (`brie.blinding.weigh`). Only safetensors are loaded, and
no code of the model's own runs.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from brie.blinding import JudgeInput
from brie.errors import UsageError
from brie.judge.faults import Fault
from brie.judge.interface import Judge, Reply
from brie.judge.letters import reply_of
from brie.judge.neutral import neutral
from brie.judge.prompt import Correction
from brie.judge.providers.together import TogetherJudge, device_and_dtype
from brie.pin.weights import load_config_of, load_reward_model, load_tokenizer_of
from brie.records import JudgeSpec, Measured, Message, Rubric, Status, Usage
from brie.records.base import Letter

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerFast

_TOKENS_TOGETHER = 16_384
"""Tokens that go through the model at once."""
_KEPT = 4096
"""Rewards that are remembered: both presentations of a comparison ask for the same two."""
_KIND = "ForSequenceClassification"

Row = tuple[int, ...]
"""Token ids of a conversation with one answer."""


@dataclass(frozen=True, slots=True)
class _Loaded:
    """A model ready to be asked."""

    model: PreTrainedModel
    tokenizer: PreTrainedTokenizerFast
    special: tuple[str, ...]
    longest: int
    """Tokens its positions reach."""
    served: str


@dataclass(frozen=True, slots=True)
class _Asked:
    """Two answers to be scored, as the model reads them."""

    rows: tuple[tuple[Letter, Row], ...]


@dataclass
class RewardJudge(TogetherJudge[_Loaded, _Asked]):
    """A reward model as a judge."""

    _known: dict[Row, float] = field(default_factory=dict, init=False)

    def load(self) -> _Loaded:
        """The model with its tokenizer."""
        return _load(self.spec)

    def request(self, loaded: _Loaded, shown: JudgeInput, correction: Correction | None) -> _Asked:
        """Both answers, each after the conversation."""
        return _Asked(
            tuple((letter, _tokens(loaded, shown.messages, text)) for letter, text in shown.answers)
        )

    def answer(self, loaded: _Loaded, asked: Sequence[_Asked]) -> list[Reply | Fault]:
        """Rewards of all answers that are not known yet, then a reply to each request."""
        start = time.perf_counter()
        rows = {row for request in asked for _, row in request.rows if len(row) <= loaded.longest}
        new = [row for row in rows if row not in self._known]
        if len(self._known) + len(new) > _KEPT:
            self._known = {row: self._known[row] for row in rows if row in self._known}
        for group in _groups(new, alone=loaded.model.config.pad_token_id is None):
            self._known |= zip(group, _rewards(loaded, group), strict=True)
        seconds = (time.perf_counter() - start) / len(asked)
        return [_reply(loaded, request, self._known, seconds) for request in asked]


def open_judge(spec: JudgeSpec, rubric: Rubric | None) -> Judge:
    """A reward model on this machine; its weights are loaded when it is first asked.

    Raises:
        UsageError: it is no model with one output, or its tokenizer has no template.
    """
    if spec.location is None:
        raise UsageError(f"judge {spec.id!r}: its weights were not found on this machine.")
    config = load_config_of(Path(spec.location))
    kinds = [str(name) for name in config.architectures or ()]
    if config.num_labels != 1 or not all(name.endswith(_KIND) for name in kinds):
        what = f"{' or '.join(kinds) or 'a model of no kind'} with {config.num_labels} outputs"
        raise UsageError(
            f"judges/{spec.id}.toml: {spec.model} is {what}; a reward model is one for sequence "
            'classification with one output. A model that writes is provider = "transformers".'
        )
    if not load_tokenizer_of(Path(spec.location)).chat_template:
        raise UsageError(
            f"judges/{spec.id}.toml: the tokenizer of {spec.model} has no chat template, so nothing "
            "says how a conversation is put to it. Take a reward model that has one."
        )
    return RewardJudge(spec)


def _load(spec: JudgeSpec) -> _Loaded:
    from transformers.utils import logging

    logging.disable_progress_bar()
    folder = Path(spec.location or "")
    device, dtype = device_and_dtype(spec)
    tokenizer = load_tokenizer_of(folder)
    model = load_reward_model(folder, dtype)
    return _Loaded(
        model.eval().requires_grad_(False).to(device),
        tokenizer,
        tuple(sorted({*tokenizer.all_special_tokens, *tokenizer.get_added_vocab()})),
        int(getattr(model.config, "max_position_embeddings", 0) or 1_000_000),
        f"{spec.model} {dtype} {device}",
    )


def _tokens(loaded: _Loaded, messages: Sequence[Message], answer: str) -> Row:
    """Token ids of a conversation with an answer, through the model's own template."""
    turns = [
        {"role": m.role, "content": neutral(m.content, loaded.special)} for m in messages
    ] + [{"role": "assistant", "content": neutral(answer, loaded.special)}]  # fmt: skip
    try:
        text = loaded.tokenizer.apply_chat_template(turns, tokenize=False)
    except Exception:  # Some templates have no system turn.
        if turns[0]["role"] != "system" or len(turns) < 3:
            raise
        first = {**turns[1], "content": f"{turns[0]['content']}\n\n{turns[1]['content']}"}
        text = loaded.tokenizer.apply_chat_template([first, *turns[2:]], tokenize=False)
    return tuple(loaded.tokenizer(text, add_special_tokens=False)["input_ids"])


def _groups(rows: Sequence[Row], *, alone: bool) -> list[list[Row]]:
    """Rows that go through the model together: of one length, so that nothing is padded.

    The model takes the reward from the last token that is not its padding; padded rows of models whose
    padding is the end of a turn would be read elsewhere than they were trained to be.

    Args:
        rows: what is to be scored.
        alone: the model takes one row at a time.
    """
    groups: list[list[Row]] = []
    for row in sorted(rows, key=lambda row: (len(row), row)):
        fits = groups and len(groups[-1][0]) == len(row) and not alone
        if fits and (len(groups[-1]) + 1) * len(row) <= _TOKENS_TOGETHER:
            groups[-1].append(row)
        else:
            groups.append([row])
    return groups


def _rewards(loaded: _Loaded, rows: Sequence[Row]) -> list[float]:
    import torch

    ids = torch.tensor(rows, device=loaded.model.device)
    with torch.inference_mode():
        logits = loaded.model(input_ids=ids, attention_mask=torch.ones_like(ids)).logits
    return [float(value) for value in logits[:, 0].float().cpu().tolist()]


def _reply(loaded: _Loaded, asked: _Asked, known: dict[Row, float], seconds: float) -> Reply | Fault:
    longest = max(len(row) for _, row in asked.rows)
    if longest > loaded.longest:
        told = f"a conversation of {longest} tokens does not fit the model's {loaded.longest}"
        return Fault(told, "this")
    usage = Usage(input_tokens=sum(len(row) for _, row in asked.rows), seconds=seconds)
    rewards = {letter: known[row] for letter, row in asked.rows}
    if not all(math.isfinite(value) for value in rewards.values()):
        why = "the model's rewards are no numbers"
        return Reply(Status.INVALID, reason=why, usage=usage, served=loaded.served)
    return reply_of(Measured(by_letter=rewards), usage, loaded.served)
