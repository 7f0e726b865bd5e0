"""What is pasted into papers: one plain sentence, and an entry that BibTeX reads."""

from __future__ import annotations

import re

from brie.report.cite import bibtex, quote
from tests.report import sample


def test_the_sentence_is_plain_and_whole() -> None:
    assert quote(sample.analysis(), sample.manifest()) == (
        "qwen-0.5b-letters, step 290 won 71 of 100 against Qwen2.5-0.5B-Instruct, ties counting half "
        "(95 % interval 62 to 78), on 40 prompts of the suite in_domain, 3 samples each, judged by "
        "2 models (claude-opus, gpt-mini) and a rule (reference); brie 0.1.0, plan "
        f"{sample.manifest().seal.removeprefix('sha256:')[:16]}."
    )


def test_what_does_not_stand_is_not_quoted_without_saying_so() -> None:
    standing = {"state": "withheld", "reasons": [{"cause": "length", "text": "all were trained on"}]}
    assert "this does not stand: all were trained on" in quote(sample.analysis(standing=standing), None)
    assert quote(sample.analysis(interim=True), None) == ""


def test_the_entry_has_every_field_and_none_breaks_out() -> None:
    base = sample.analysis()
    name = base.candidate.model_copy(update={"name": "a} , url = {evil}\\x 100% #1"})
    entry = bibtex(base.model_copy(update={"candidate": name}), sample.manifest())
    fields = re.findall(r"^  (\w+) = \{[^{}]*\},?$", entry, re.MULTILINE)
    assert fields == ["author", "title", "howpublished", "url", "year", "note"]
    assert entry.count("{") == entry.count("}") == 7
    assert "Better: 71 of 100" in entry
