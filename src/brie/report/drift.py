"""What a reader of the verdict must know of judges that changed."""

from __future__ import annotations

from collections.abc import Iterator

from brie.checks.judges import doubt_words
from brie.number_format import drifted
from brie.records.analysis import Analysis


def drift_lines(analysis: Analysis) -> Iterator[str]:
    """A sentence for each judge of the headline that has changed: before these verdicts, or perhaps
    meanwhile."""
    for name, judge in analysis.by_judge.items():
        drift = judge.drift
        if drift is None or not drift.alarm or judge.outside:
            continue
        if drift.doubt:
            yield doubt_words(name, drift)
        else:
            yield (
                f"`{name}` had changed by {drift.at[:10]}: {drifted(drift)}. It counts as another judge "
                "since, and no verdict from before is used here."
            )
