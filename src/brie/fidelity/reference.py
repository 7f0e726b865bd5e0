"""A checkpoint as exports are held against it: greedy answers, logits along them, its numbers."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from brie.catalog import with_system
from brie.fidelity.texts import FIXED_TEXTS
from brie.forms.merge import load_side, write_merged
from brie.generate.encode import Encoder
from brie.pin import Resolved
from brie.pin.libraries import quiet_transformers
from brie.progress import Screen
from brie.records import Suite

if TYPE_CHECKING:
    from peft import PeftModel
    from transformers import PreTrainedModel

TOKENS = 32
"""Tokens of a greedy answer: enough to leave the path, few enough for a minute."""
PROMPTS = 66
"""Most prompts of a suite that are read."""
_BATCH = 16


@dataclass(frozen=True, slots=True)
class Row:
    """A sequence of tokens that every engine reads."""

    name: str
    """Id of the prompt, or `text N`."""
    text: str
    """What becomes the tokens before `start`; the whole, for a fixed text."""
    ids: tuple[int, ...]
    start: int
    """The first token whose logits are compared: of the answer, or the text's second."""
    answer: bool

    @property
    def scored(self) -> int:
        """How many positions are compared."""
        return len(self.ids) - self.start


@dataclass(frozen=True, slots=True)
class Reference:
    """What exports of one checkpoint are compared with."""

    side: Resolved
    suite: Suite
    encoder: Encoder
    rows: tuple[Row, ...]
    merged: Path
    """Folder of the checkpoint as one model, in float32."""
    logits: Path
    """Array file: positions of all rows in order x vocabulary."""

    @property
    def positions(self) -> int:
        """Positions compared, over all rows."""
        return sum(row.scored for row in self.rows)


def make_reference(
    side: Resolved, suite: Suite, work: Path, screen: Screen, *, tokens: int = TOKENS
) -> Reference:
    """Answer a suite with the checkpoint as it was trained, and write down what it thought meanwhile.

    An adapter stays an adapter here, so that a wrong merge shows.

    Args:
        side: the checkpoint.
        suite: its prompts; the first `PROMPTS` are read.
        work: a folder of one's own.
        screen: progress.
        tokens: most tokens of an answer.

    Raises:
        PinError: the checkpoint cannot be loaded, or its template refuses a prompt.
    """
    merged = work / "checkpoint"
    merged.mkdir(parents=True)
    write_merged(side, merged, "float32")
    encoder = Encoder.load(side.base_folder, adapter=side.adapter, template=side.template)
    model = load_side(side)
    asked = [(p.id, encoder.encode(with_system(p, suite))) for p in suite.prompts[:PROMPTS]]
    with screen.bar("checkpoint answers", len(asked), "prompts") as advance:
        answers: list[tuple[int, ...]] = []
        for at in range(0, len(asked), _BATCH):
            batch = [ids for _, ids in asked[at : at + _BATCH]]
            answers += greedy(model, batch, encoder, tokens)
            advance(len(batch))
    rows = [
        Row(name, encoder.tokenizer.decode(ids), (*ids, *answer), len(ids), True)
        for (name, ids), answer in zip(asked, answers, strict=True)
        if answer
    ]
    rows += text_rows(encoder)
    logits = work / "checkpoint.npy"
    write_logits(model, rows, logits, encoder.vocabulary, screen)
    return Reference(side, suite, encoder, tuple(rows), merged, logits)


def text_rows(encoder: Encoder) -> list[Row]:
    """The fixed texts as rows: no template, nothing added."""
    rows = []
    for number, text in enumerate(FIXED_TEXTS, 1):
        ids = encoder.tokenizer(text, add_special_tokens=False)["input_ids"][: encoder.context]
        if len(ids) > 1:
            rows.append(Row(f"text {number}", text, tuple(ids), 1, False))
    return rows


def greedy(
    model: PreTrainedModel | PeftModel, prompts: Sequence[list[int]], encoder: Encoder, tokens: int
) -> list[tuple[int, ...]]:
    """The most likely continuation of each prompt, its end token included."""
    import torch

    width = max(map(len, prompts))
    pad = min(encoder.stop, default=0)
    padded = [[pad] * (width - len(ids)) + ids for ids in prompts]
    seen = [[0] * (width - len(ids)) + [1] * len(ids) for ids in prompts]
    room = max(1, min(tokens, encoder.context - width))
    with torch.inference_mode(), quiet_transformers(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        output = model.generate(
            input_ids=torch.tensor(padded),
            attention_mask=torch.tensor(seen),
            max_new_tokens=room,
            do_sample=False,
            temperature=None,
            top_p=None,
            top_k=None,
            eos_token_id=sorted(encoder.stop) or None,
            pad_token_id=pad,
        )
    return [_to_its_end(row[width:].tolist(), encoder.stop) for row in output]


def _to_its_end(ids: list[int], stop: frozenset[int]) -> tuple[int, ...]:
    end = next((at for at, token in enumerate(ids) if token in stop), len(ids) - 1)
    return tuple(ids[: end + 1])


def write_logits(
    model: PreTrainedModel | PeftModel, rows: Sequence[Row], path: Path, vocabulary: int, screen: Screen
) -> None:
    """Logits at every scored position, row by row, into an array file.

    Args:
        model: what reads.
        rows: what is read; each by itself, so that no padding is in it.
        path: written, float32, positions x vocabulary.
        vocabulary: tokens that have a text; the columns kept.
        screen: progress.
    """
    import torch

    total = sum(row.scored for row in rows)
    array = np.lib.format.open_memmap(path, mode="w+", dtype=np.float32, shape=(total, vocabulary))
    at = 0
    with torch.inference_mode(), screen.bar("logits", len(rows), "texts") as advance:
        for row in rows:
            output = model(
                input_ids=torch.tensor([row.ids[:-1]]), logits_to_keep=row.scored, use_cache=False
            )
            array[at : at + row.scored] = output.logits[0, :, :vocabulary].float().numpy()
            at += row.scored
            advance(1)
    array.flush()
