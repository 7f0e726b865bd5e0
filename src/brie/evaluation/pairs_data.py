"""What a candidate that learned from preference pairs was trained on: its pairs, and what came before.

The pairs of a run are compared as a training file is, with all of their prompts: those held out chose
the checkpoint, and the same judges said what is better. Where the file is not here, the digests that the
run's configuration keeps of its prompts still find equal ones.
"""

from __future__ import annotations

from pathlib import Path

from brie.checks import Training
from brie.checks.evidence import Taught
from brie.data.near import Match, search
from brie.data.overlap import entries, texts_to_find
from brie.data.preferences import PairFile, asked_digest, load_pairs
from brie.digest import digest
from brie.errors import InputError
from brie.records import Suite
from brie.report.clean import without_paths
from brie.train.config import PairsInfo, TrainConfig


def of_pairs(
    suite: Suite, run: str, config: TrainConfig, path: Path | str, *, by_digest: bool = False
) -> Training:
    """The pairs of a run, compared with a suite.

    Args:
        suite: the evaluation's.
        run: id of the training run.
        config: its configuration, of a run that learned from pairs.
        path: the very file, or why it is not here.
        by_digest: compare digests alone, as was done before.
    """
    assert config.pairs is not None
    pairs = None if by_digest or isinstance(path, str) else _read(path)
    nearest = _equal(suite, config.pairs)
    if pairs is not None:
        rows = (*pairs.chosen, *pairs.of(pairs.chosen))
        wanted = {prompt.id: texts_to_find(prompt.messages) for prompt in suite.prompts}
        nearest |= search(wanted, entries(rows))
    return Training(
        run=run,
        file=without_paths(config.train.path),
        file_digest=config.train.file or digest(config.train.path),
        rows=config.train.rows + config.val.rows,
        nearest={prompt.id: nearest[prompt.id] for prompt in suite.prompts if prompt.id in nearest},
        taught=Taught(
            teachers=config.pairs.teachers,
            suites=config.pairs.suites,
            unsigned=config.pairs.unsigned,
            by_digest=pairs is None,
        ),
    )


def _read(path: Path) -> PairFile | None:
    try:
        return load_pairs(path)
    except InputError:
        return None


def _equal(suite: Suite, pairs: PairsInfo) -> dict[str, Match]:
    """Prompts that a run's pairs ask, by the digests its configuration keeps."""
    asked = set(pairs.prompts)
    return {
        prompt.id: Match(prompt.id, "a pair", 1.0, "exact")
        for prompt in suite.prompts
        if asked_digest(prompt.messages) in asked
    }
