"""How a measurement is shown and kept."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "results"


def table(rows: Sequence[Mapping[str, Any]]) -> str:
    """Rows as aligned text; numbers with four digits after the point."""
    names = list(rows[0])
    text = [names] + [[_cell(row[name]) for name in names] for row in rows]
    widths = [max(len(line[i]) for line in text) for i in range(len(names))]
    return "\n".join("  ".join(c.rjust(w) for c, w in zip(line, widths, strict=True)) for line in text)


def save(name: str, document: Mapping[str, Any]) -> Path:
    """Write one measurement as JSON, its seed inside."""
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{name}.json"
    path.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    return path


def _cell(value: Any) -> str:
    return f"{value:.4f}" if isinstance(value, float) else str(value)
