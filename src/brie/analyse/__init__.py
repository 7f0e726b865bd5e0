"""Statistics: verdicts in, numbers with their uncertainty out. Pure functions on NumPy columns.

One row a *planned* verdict, usable or not:

    table = VerdictTable.build(
        prompts=["p1", "p2"], category=["maths", "essay"], source=["a", "b"],   # one entry a prompt
        judges=["claude", "gpt"],
        prompt=[0, 0, 1, 1], judge=[0, 0, 0, 0], sample=[0, 0, 0, 0],           # one entry a row
        score=[1.0, 0.5, 1.0, float("nan")],              # for the candidate; NaN where unusable
        position=[1, -1, 1, -1],                          # +1 candidate first, -1 second, 0 unknown
        label=[1, -1, -1, 1],                             # +1 candidate is A, -1 B, 0 unknown
        status=[StatusCode.OK, StatusCode.OK, StatusCode.OK, StatusCode.INVALID],
        length_difference=[12, 12, -40, -40],             # optional: candidate - baseline
        both_orders=True,
    )
    controls = ControlTables(aa, damaged)
    parts = analyse_verdicts(table, options=Options(level=0.95), controls=controls, seed=1)
    parts.win_rate.value, parts.verdict, parts.by_judge["claude"]["win_rate"], parts.notes

`AnalysisParts` has the keys of `brie.records.analysis.Analysis`. Rows of byte-identical answers
are given with `identical=True`, status OK and score 0.5; repeats with `repeat` > 0; verdicts not asked
for yet with `StatusCode.MISSING`; prompts that early stopping left out have no rows at all. In
`ControlTables.damaged` the candidate is the intact answer. What cannot be said is None, with the
reason in `parts.notes`.

With `stopping=EarlyStopping(order, alpha, max_prompts)` the e-process decides; `look(table, rule)`
says after each block whether to stop. Several evaluations: `compare`, `ladder` (`brie.analyse.compare`);
planning: `plan_table` (`brie.analyse.power`); people's votes: `brie.analyse.anchored`.
"""

from __future__ import annotations

from brie.analyse.assemble import AnalysisParts, Options, analyse_verdicts
from brie.analyse.controls import ControlTables
from brie.analyse.headline import EarlyStopping, look
from brie.analyse.table import StatusCode, VerdictTable

__all__ = [
    "AnalysisParts",
    "ControlTables",
    "EarlyStopping",
    "Options",
    "StatusCode",
    "VerdictTable",
    "analyse_verdicts",
    "look",
]
