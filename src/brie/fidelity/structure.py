"""What a file says besides its numbers, against its checkpoint: tokens, template, ends, config."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import JsonValue

from brie.errors import PinError
from brie.fidelity.reference import Reference, Row
from brie.forms.detect import OnDisk
from brie.forms.header import GgufHeader
from brie.pin import ending, folder_template, render_chat, template_digest, turn
from brie.pin.folders import json_or_empty
from brie.pin.weights import load_config_of, load_tokenizer_of
from brie.records.shipping import Fault, FaultKind

_KEYS = (
    "model_type",
    "num_hidden_layers",
    "hidden_size",
    "intermediate_size",
    "num_attention_heads",
    "num_key_value_heads",
    "head_dim",
    "hidden_act",
    "rms_norm_eps",
    "layer_norm_eps",
    "norm_eps",
    "attention_bias",
    "max_position_embeddings",
    "use_sliding_window",
    "sliding_window",
)
"""Keys of a configuration that change what a model computes, in the order they are compared."""
_ROPE = "rope_theta"
_ENDS = ("tokenizer.ggml.eos_token_id", "tokenizer.ggml.eot_token_id", "tokenizer.ggml.eom_token_id")


@dataclass
class Structure:
    """What the comparison came to."""

    faults: list[Fault] = field(default_factory=list)
    same: dict[str, bool] = field(default_factory=dict)
    not_measured: dict[str, str] = field(default_factory=dict)

    def add(self, what: str, fault: Fault | None) -> None:
        """One more thing was compared."""
        self.same[what] = fault is None
        self.faults += [fault] if fault is not None else []


def compare_structure(reference: Reference, file: OnDisk, folder: Path) -> Structure:
    """Compare everything but the numbers.

    Args:
        reference: the checkpoint.
        file: what is looked at.
        folder: the same as a folder that transformers loads; for a GGUF file, unpacked.
    """
    structure = Structure()
    if file.header is not None:
        structure.add("tokenizer", _gguf_tokens(reference, file.header))
        structure.add("template", _gguf_template(reference, file.header))
        structure.add("end token", _gguf_end(reference, file.header))
    else:
        structure.add("tokenizer", _folder_tokens(reference, folder))
        structure.add("template", _folder_template(reference, folder))
        structure.add("end token", _folder_end(reference, file.path))
        structure.add("rope base", _raw_rope(reference, file))
    structure.add("config", _config(reference, folder))
    return structure


def _fault(kind: FaultKind, where: str, sentence: str) -> Fault:
    return Fault(kind=kind, where=where, sentence=sentence)


# --- tokens ------------------------------------------------------------------------------


def _folder_tokens(reference: Reference, folder: Path) -> Fault | None:
    try:
        tokenizer = load_tokenizer_of(folder)
    except PinError as error:
        return _fault("tokenizer", "tokenizer.json", str(error))
    mine, its = reference.encoder.tokenizer.get_vocab(), tokenizer.get_vocab()
    for token, number in sorted(mine.items(), key=lambda item: item[1]):
        if its.get(token) != number:
            return _fault("tokenizer", f"token {number}", _other_token(token, its.get(token)))
    for row in reference.rows:
        ids = tokenizer(_before(row), add_special_tokens=False)["input_ids"]
        expected = list(row.ids[: row.start]) if row.answer else list(row.ids)
        if ids != expected and ids[: len(expected)] != expected:
            return _fault(
                "tokenizer", row.name, f"{row.name} becomes other tokens than the checkpoint's."
            )
    return None


def _before(row: Row) -> str:
    """The text of a row that is made into tokens."""
    return row.text


def _other_token(token: str, number: int | None) -> str:
    there = "is not in the file's" if number is None else f"has the number {number} in the file's"
    return (
        f"the token {token[:40]!r} {there} vocabulary: it is the tokenizer of another model. Copy the "
        "checkpoint's tokenizer files beside the weights, or convert again from a folder that has them."
    )


def _gguf_tokens(reference: Reference, header: GgufHeader) -> Fault | None:
    tokens = header.texts("tokenizer.ggml.tokens")
    vocabulary = reference.encoder.tokenizer.get_vocab()
    where = {token: number for number, token in enumerate(tokens)}
    for token, number in sorted(vocabulary.items(), key=lambda item: item[1]):
        if number >= len(tokens) or tokens[number] != token:
            return _fault("tokenizer", f"token {number}", _other_token(token, where.get(token)))
    merges = header.texts("tokenizer.ggml.merges")
    mine = _merges(reference.merged)
    if merges and mine and merges != mine:
        first = next((a for a, b in zip(mine, merges, strict=False) if a != b), "their number")
        return _fault(
            "tokenizer", "merges", f"merges differ, first at {first[:40]!r}: texts split otherwise."
        )
    return None


def _merges(folder: Path) -> list[str]:
    path = folder / "tokenizer.json"
    loaded: JsonValue = json.loads(path.read_text("utf-8")) if path.is_file() else {}
    model = loaded.get("model") if isinstance(loaded, dict) else None
    merges = model.get("merges") if isinstance(model, dict) else None
    if not isinstance(merges, list):
        return []
    return [" ".join(map(str, pair)) if isinstance(pair, list) else str(pair) for pair in merges]


# --- template ----------------------------------------------------------------------------


def _folder_template(reference: Reference, folder: Path) -> Fault | None:
    try:
        template, special = folder_template(folder)
    except PinError:
        return _lost("chat_template.jinja")
    return _other_template(reference, template, special, "chat_template")


def _gguf_template(reference: Reference, header: GgufHeader) -> Fault | None:
    if header.template is None:
        return _lost("tokenizer.chat_template")
    # What a template cannot know from this file it is told from the checkpoint.
    special = {**reference.encoder.special, **header.special}
    return _other_template(reference, header.template, special, "tokenizer.chat_template")


def _lost(where: str) -> Fault:
    return _fault(
        "template",
        where,
        "the file has no chat template: a server will guess one. Convert again from a folder that has "
        "the checkpoint's chat_template.jinja.",
    )


def _other_template(
    reference: Reference, template: str, special: Mapping[str, str], where: str
) -> Fault | None:
    mine, special_here = reference.encoder.template, reference.encoder.special
    if template_digest(template, special) == template_digest(mine, special_here):
        return None
    probe = ({"role": "user", "content": "Hello"},)
    try:
        shown = render_chat(template, probe, special)[-60:]
    except PinError as error:
        shown = str(error)
    return _fault(
        "template",
        where,
        f"the file writes conversations otherwise than the checkpoint: a question ends in {shown!r}, "
        f"the checkpoint's in {render_chat(mine, probe, special_here)[-60:]!r}.",
    )


# --- end tokens --------------------------------------------------------------------------


def turn_ends(reference: Reference) -> dict[int, str]:
    """Tokens of which a file has to name one as an end: what the template writes after an answer."""
    encoder = reference.encoder
    added = encoder.tokenizer.get_added_vocab()
    try:
        after = ending(turn(encoder.template, encoder.special), added)[:1]
    except PinError:
        after = ()
    ends = {added[token]: token for token in after if added[token] in encoder.markers}
    if ends or encoder.tokenizer.eos_token_id is None:
        return ends
    return {encoder.tokenizer.eos_token_id: str(encoder.tokenizer.eos_token)}


def _folder_end(reference: Reference, folder: Path) -> Fault | None:
    needed, named = turn_ends(reference), _named_ends(folder)
    if not needed or set(needed) & named:
        return None
    return _no_end(needed, named, "generation_config.json: eos_token_id")


def _named_ends(folder: Path) -> set[int]:
    """What a folder names as ends, in the order in which engines look."""
    for name in ("generation_config.json", "config.json"):
        named = json_or_empty(folder / name).get("eos_token_id")
        if named is not None:
            ids = named if isinstance(named, list) else [named]
            return {number for number in ids if isinstance(number, int)}
    try:
        number = load_tokenizer_of(folder).eos_token_id
    except PinError:
        return set()
    return {number} if number is not None else set()


def _gguf_end(reference: Reference, header: GgufHeader) -> Fault | None:
    needed = turn_ends(reference)
    named = {int(number) for key in _ENDS if (number := header.number(key)) is not None}
    if not needed or set(needed) & named:
        return None
    return _no_end(needed, named, _ENDS[0])


def _no_end(needed: Mapping[int, str], named: set[int], where: str) -> Fault:
    token = next(iter(needed.values()))
    instead = f"names {', '.join(map(str, sorted(named)))} instead" if named else "names none"
    return _fault(
        "end token",
        where,
        f"the checkpoint ends its answers with {token} ({next(iter(needed))}), and the file {instead}: "
        "answers would not stop.",
    )


# --- configuration -----------------------------------------------------------------------


def _config(reference: Reference, folder: Path) -> Fault | None:
    try:
        its = load_config_of(folder).get_text_config()
    except PinError as error:
        return _fault("config", "config.json", str(error))
    mine = load_config_of(reference.merged).get_text_config()
    for key in _KEYS:
        pair = getattr(mine, key, None), getattr(its, key, None)
        if None not in pair and not _equal(*pair):
            return _fault(
                "config", key, f"{key} is {pair[1]!r} in the file and {pair[0]!r} in the checkpoint."
            )
    theirs = dict(_rope(its))
    for key, value in _rope(mine):
        other = theirs.get(key)
        if other is not None and not _equal(value, other):
            named = "rope base" if key == _ROPE else key
            return _fault(
                "config", key, f"the {named} is {other!r} in the file and {value!r} in the checkpoint."
            )
    return None


def _rope(config: object) -> Iterator[tuple[str, str | float]]:
    """Settings of rotary positions, by name."""
    settings = getattr(config, "rope_parameters", None)
    for key, value in settings.items() if isinstance(settings, dict) else ():
        if isinstance(value, (str, int, float)):
            yield str(key), value


def _equal(mine: str | float | bool | None, its: str | float | bool | None) -> bool:
    if isinstance(mine, float) or isinstance(its, float):
        numbers = isinstance(mine, (int, float)) and isinstance(its, (int, float))
        return numbers and math.isclose(float(str(mine)), float(str(its)), rel_tol=1e-5)
    return mine == its


def _raw_rope(reference: Reference, file: OnDisk) -> Fault | None:
    """A config that names no rope base leaves it to each reader's default, and those differ."""
    base = dict(_rope(load_config_of(reference.merged).get_text_config())).get(_ROPE)
    config = json_or_empty(file.path / "config.json")
    nested = config.get("rope_parameters")
    inside = isinstance(nested, dict) and _ROPE in nested
    if base is None or _ROPE in config or (inside and file.form != "mlx"):
        return None
    where = "names no rope base on top, where mlx-lm looks" if inside else "names no rope base"
    return _fault(
        "config",
        _ROPE,
        f"config.json {where}; the checkpoint's is {base:g}, and readers fall back on others (mlx-lm on "
        f'1,000,000): write "rope_theta": {base:g} into it.',
    )
