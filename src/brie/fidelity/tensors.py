"""A file's numbers against its checkpoint's, tensor by tensor: what happened to each, by name.

With an adapter the checkpoint is base + delta. Projecting (file - base) on delta gives how many times
the adapter is in the file: once in a sound one, not at all, twice, or by another scale. Rounding is
nearly uncorrelated with delta, so that this is seen through quantisation too.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from brie.records.shipping import Fault

if TYPE_CHECKING:
    import torch

RELATIVE: dict[str, float] = {
    "float32": 1e-4, "float16": 1e-3, "bfloat16": 5e-3, "q8_0": 0.02, "mlx-8bit": 0.02, "q6_k": 0.05,
    "q5_k": 0.08, "q5_0": 0.08, "q5_1": 0.08, "q4_k": 0.15, "q4_0": 0.2, "q4_1": 0.2, "iq4_nl": 0.2,
    "iq4_xs": 0.2, "mlx-4bit": 0.2, "nf4": 0.15, "fp4": 0.2, "int8": 0.05,
}  # fmt: skip
"""Number format -> how far a tensor may lie from the checkpoint's, relative to its norm."""
OTHER_FORMATS = 0.5
_TOO_SCALED = 0.1
_TIMES = 0.15
"""How far from once an adapter may be in a file."""
_SIGMAS = 6.0
_GRIDS = ("bfloat16", "float16", "float8_e4m3fn", "float8_e5m2")
_EMBEDDING, _HEAD = "embed_tokens.weight", "lm_head.weight"
_NAMED = 3
"""Tensors that are named of many with one fault."""


@dataclass(slots=True)
class _Times:
    """Sums over tensors, for how many times the adapter is in the file."""

    along: float = 0.0
    square: float = 0.0
    noise: float = 0.0
    apart: float = 0.0
    """Squared distance between file and checkpoint."""
    whole: float = 0.0
    """Squared norm of the checkpoint."""

    @property
    def beside(self) -> float:
        """Relative distance that is left when the adapter is counted as often as it is there."""
        extra = self.value - 1
        left = max(0.0, self.apart - extra * extra * self.square)
        return math.sqrt(left / self.whole) if self.whole else 0.0

    @property
    def value(self) -> float:
        return self.along / self.square if self.square else 1.0

    @property
    def error(self) -> float:
        return math.sqrt(self.noise) / self.square if self.square else 0.0


@dataclass(frozen=True, slots=True)
class _Off:
    """A tensor that is not the checkpoint's."""

    name: str
    relative: float
    scale: float
    """Least-squares factor between the checkpoint's numbers and the file's."""
    beside: float
    """What is left, relative, when the factor is taken out."""
    grid: str | None
    """A coarser number format that all of its numbers have."""
    adapted: bool
    after_times: float
    """What is left, relative, when the adapter is counted as often as it is in this tensor."""


class Weights:
    """Tensors of a folder's safetensors by name, each read when it is asked for."""

    def __init__(self, folder: Path) -> None:
        from safetensors import safe_open

        self._files = [safe_open(path, framework="pt") for path in sorted(folder.glob("*.safetensors"))]
        self._where = {name: file for file in self._files for name in list(file.keys())}  # type: ignore[no-untyped-call]

    def __contains__(self, name: str) -> bool:
        return name in self._where

    def __iter__(self) -> Iterator[str]:
        return iter(self._where)

    def get(self, name: str) -> torch.Tensor:
        """One tensor as float32."""
        import torch

        tensor: torch.Tensor = self._where[name].get_tensor(name)  # type: ignore[no-untyped-call]
        return tensor.to(torch.float32)


def compare_tensors(
    checkpoint: Path, file: Path, base: Path | None, number_format: str, alpha_over_r: float | None
) -> list[Fault]:
    """Compare a file's tensors with its checkpoint's.

    Args:
        checkpoint: folder of the merged checkpoint, float32.
        file: folder of the file, unpacked.
        base: folder of the base, where the checkpoint is an adapter.
        number_format: the file's.
        alpha_over_r: scale of the adapter, to name what ignoring it gives.

    Returns:
        What is wrong, the causes before what they cause.
    """
    ours, theirs = Weights(checkpoint), Weights(file)
    under = Weights(base) if base is not None else None
    limit = RELATIVE.get(number_format, OTHER_FORMATS)
    missing = [name for name in ours if name not in theirs and name != _HEAD]
    if missing:
        return [Fault(kind="weights", where=missing[0], sentence=_missing(missing))]
    times, off = _Times(), []
    for name in ours:
        if name not in theirs:
            continue
        fault = _tensor(name, ours.get(name), theirs.get(name), under, times, limit)
        if isinstance(fault, Fault):
            return [fault]
        off += [fault] if fault is not None else []
    untied = _untied(ours, theirs, limit)
    # What rounds or breaks every number also moves the adapter; then it is no matter of merging.
    merged = _merged(times, alpha_over_r) if times.beside <= 2 * limit else []
    rest = [o for o in off if not (merged and o.adapted and o.after_times <= limit)]
    return [*merged, *untied, *_named(rest, number_format)]


def _missing(names: list[str]) -> str:
    return (
        f"{len(names):,} tensors of the checkpoint are not in the file, the first is {names[0]}; "
        "convert it again from the merged folder."
    )


def _tensor(
    name: str,
    mine: torch.Tensor,
    its: torch.Tensor,
    under: Weights | None,
    times: _Times,
    limit: float,
) -> Fault | _Off | None:
    if its.shape != mine.shape:
        if its.ndim != mine.ndim or its.shape[1:] != mine.shape[1:] or its.shape[0] < mine.shape[0]:
            shapes = f"{tuple(its.shape)} in the file and {tuple(mine.shape)} in the checkpoint"
            return Fault(kind="weights", where=name, sentence=f"{name} has the shape {shapes}.")
        its = its[: mine.shape[0]]  # padded vocabulary
    if not bool(its.isfinite().all()):
        return Fault(
            kind="weights", where=name, sentence=f"{name} holds infinity, or what is no number."
        )
    delta = None
    if under is not None and name in under and (there := under.get(name)).shape == mine.shape:
        delta = mine - there
        delta = delta if bool(delta.any()) else None
    if delta is not None:
        residue = its - mine
        times.along += float((delta * residue).sum()) + float((delta * delta).sum())
        times.square += float((delta * delta).sum())
        times.noise += float((residue * residue * delta * delta).sum())
        times.apart += float((residue * residue).sum())
        times.whole += float((mine * mine).sum())
    norm = float(mine.norm())
    relative = float((its - mine).norm()) / norm if norm else float(its.norm())
    if relative <= limit:
        return None
    scale = float((its * mine).sum()) / norm**2 if norm else 1.0
    return _Off(
        name,
        relative,
        scale,
        float((its - scale * mine).norm()) / norm if norm else 0.0,
        _grid(its, mine),
        delta is not None,
        _after_times(its, mine, delta, norm),
    )


def _after_times(
    its: torch.Tensor, mine: torch.Tensor, delta: torch.Tensor | None, norm: float
) -> float:
    if delta is None or not norm:
        return math.inf
    off = its - mine
    extra = float((off * delta).sum()) / float((delta * delta).sum())
    return float((off - extra * delta).norm()) / norm


def _grid(its: torch.Tensor, mine: torch.Tensor) -> str | None:
    """The coarsest number format that all of a tensor's numbers have and the checkpoint's have not."""
    import torch

    for name in reversed(_GRIDS):
        kind = getattr(torch, name)
        if torch.equal(its.to(kind).float(), its) and not torch.equal(mine.to(kind).float(), mine):
            return name
    return None


def _untied(ours: Weights, theirs: Weights, limit: float) -> list[Fault]:
    """Output weights of the file where the checkpoint's are its embedding."""
    tied = next((name for name in ours if name.endswith(_EMBEDDING)), None)
    if _HEAD in ours or _HEAD not in theirs or tied is None:
        return []
    mine, head = ours.get(tied), theirs.get(_HEAD)
    rows = min(len(mine), len(head))
    if float((head[:rows] - mine[:rows]).norm()) / float(mine.norm()) <= max(limit, 0.01):
        return []
    return [
        Fault(
            kind="embeddings",
            where=_HEAD,
            sentence="the checkpoint writes with its embedding (tied), and the file has output weights "
            "of its own that are others: it was untied. Export it again with tie_word_embeddings true.",
        )
    ]


def _merged(times: _Times, alpha_over_r: float | None) -> list[Fault]:
    """Whether the adapter is in the file once."""
    apart = abs(times.value - 1)
    if not times.square or apart <= max(_TIMES, _SIGMAS * times.error):
        return []
    seen = f"{times.value:.2f} times"
    if abs(times.value) <= _TIMES:
        return [
            Fault(
                kind="adapter not merged",
                where="adapter",
                sentence="the file is the base without the adapter: merge before converting.",
            )
        ]
    ignored = alpha_over_r is not None and abs(times.value * alpha_over_r - 1) <= _TIMES
    if abs(times.value - 2) <= 2 * _TIMES and not ignored:
        return [
            Fault(
                kind="adapter merged twice",
                where="adapter",
                sentence=f"the adapter is in the file {seen}: it was merged into a base that had it.",
            )
        ]
    why = "alpha / r was left out" if ignored else "it was scaled by something else than alpha / r"
    return [
        Fault(
            kind="adapter scale",
            where="lora_alpha",
            sentence=f"the adapter is in the file {seen} instead of once: {why}.",
        )
    ]


def _named(off: list[_Off], number_format: str) -> list[Fault]:
    """Tensors that are wrong, grouped by what happened to them."""
    groups: dict[str, list[_Off]] = {}
    for tensor in off:
        groups.setdefault(_what(tensor, number_format), []).append(tensor)
    return [_group(kind, members, number_format) for kind, members in groups.items()]


def _what(tensor: _Off, number_format: str) -> str:
    if tensor.scale == 0.0 and tensor.relative >= 0.999:
        return "layer zeroed"
    if tensor.grid is not None and tensor.grid != number_format:
        return "number format"
    if abs(tensor.scale - 1) > _TOO_SCALED and tensor.beside < tensor.relative / 2:
        return "layer scaled"
    if number_format not in ("float32", "float16", "bfloat16"):
        return "quantisation"
    return "weights"


def _group(kind: str, members: list[_Off], number_format: str) -> Fault:
    first = members[0]
    listed = ", ".join(member.name for member in members[:_NAMED])
    more = f" and {len(members) - _NAMED} more" if len(members) > _NAMED else ""
    worst = max(member.relative for member in members)
    words = {
        "layer zeroed": "holds nothing but zeros",
        "layer scaled": f"is {first.scale:.2f} times the checkpoint's",
        "number format": f"says {number_format}, and its numbers have been rounded to {first.grid}",
        "quantisation": f"lies {worst:.0%} from the checkpoint, more than {number_format} explains",
        "weights": f"lies {worst:.2%} from the checkpoint, more than {number_format} explains",
    }
    return Fault.model_validate(
        {"kind": kind, "where": first.name, "sentence": f"{listed}{more}: {words[kind]}."}
    )
