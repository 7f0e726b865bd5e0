"""The verdict sentence: every form it can take, and what it must never say."""

from __future__ import annotations

from typing import Any

import pytest

from brie.records import Manifest
from brie.records.analysis import Analysis, WinRate
from brie.report.sentence import caveats, verdict_sentence, verdict_word
from tests.report import sample

MODELS = sample.manifest(("claude-opus", "gpt-mini"))
RULE = sample.manifest(("reference",))
RULES = sample.manifest(("distinct", "reference"))


def win_rate(value: float, low: float | None, high: float | None, **more: Any) -> WinRate:
    base = sample.analysis().win_rate
    assert base is not None
    fields = {"by_source_interval": None, "interval_90": None, **more}
    return base.model_copy(update={"value": value, "low": low, "high": high, **fields})


def found(
    verdict: str | None, rate: WinRate | None, manifest: Manifest = MODELS, **more: Any
) -> Analysis:
    return sample.analysis(verdict=verdict, win_rate=rate, seal=manifest.seal, **more)


def test_better_reads_as_a_layman_would_say_it() -> None:
    analysis = found("better", win_rate(0.71, 0.62, 0.79))
    assert verdict_sentence(analysis, MODELS) == (
        "Judges preferred the fine-tune in 71 of every 100 comparisons, ties counting half; "
        "95 % interval 62 to 79 for new prompts like these. 2 of 120 pairs of answers are identical "
        "and count one half."
    )
    assert verdict_word(analysis) == "Better"


def test_identical_answers_are_said_in_the_first_line() -> None:
    counts = sample.analysis().counts
    alone = counts.model_copy(update={"identical": 120})
    half = counts.model_copy(update={"identical": 80})
    none = counts.model_copy(update={"identical": 0})
    even = win_rate(0.5, 0.48, 0.52, interval_90=(0.485, 0.515))
    assert verdict_sentence(found("equivalent", even, counts=alone), MODELS) == (
        "120 of 120 pairs of answers are identical: the two models do the same here. 90 % interval "
        "48 to 52 for new prompts like these."
    )
    assert verdict_sentence(found("undecided", even, counts=alone), MODELS).startswith(
        "120 of 120 pairs of answers are identical: the two models do the same here. "
        "95 % interval 48 to 52"
    )
    most = verdict_sentence(found("equivalent", even, counts=half), MODELS)
    assert most.startswith(
        "80 of 120 pairs of answers are identical and count one half. Judges found no diff"
    )
    assert "identical" not in verdict_sentence(found("equivalent", even, counts=none), MODELS)


def test_a_partial_result_does_not_say_that_the_models_are_the_same() -> None:
    counts = sample.analysis().counts.model_copy(update={"identical": 120})
    text = verdict_sentence(found(None, win_rate(0.5, 0.48, 0.52), counts=counts, interim=True), MODELS)
    assert "do the same" not in text
    assert "120 of 120 pairs of answers are identical" in text


def test_a_rule_is_called_a_rule() -> None:
    text = verdict_sentence(found("better", win_rate(0.71, 0.62, 0.79)), RULE)
    assert text.startswith("The rule `reference` chose the fine-tune in 71 of every 100 comparisons")
    assert text.endswith("Rule-based: no model and no person judged.")


@pytest.mark.parametrize("verdict", ["better", "worse", "equivalent", "undecided", None])
@pytest.mark.parametrize("manifest", [RULE, RULES])
@pytest.mark.parametrize("interim", [True, False])
def test_a_panel_of_rules_is_never_said_to_be_judges(
    verdict: str | None, manifest: Manifest, interim: bool
) -> None:
    analysis = found(verdict, win_rate(0.6, 0.4, 0.7), notes={"verdict": "too few"}, interim=interim)
    text = verdict_sentence(analysis, manifest).lower()
    assert "judges preferred" not in text
    assert "judges found" not in text
    assert "preferred" not in text
    assert "rule-based" in text


def test_rules_are_recognised_without_a_manifest() -> None:
    analysis = found("better", win_rate(0.71, 0.62, 0.79), by_judge={"first": {}, "longer": {}})
    assert verdict_sentence(analysis).startswith("The rules `first` and `longer` chose")


def test_a_mixed_panel_names_its_rules() -> None:
    text = verdict_sentence(found("better", win_rate(0.71, 0.62, 0.79)), sample.manifest())
    assert text.startswith("Judges (two models and the rule `reference`) preferred")


def test_judges_added_later_are_not_behind_the_headline() -> None:
    judges = {
        "claude-opus": {"provider": "anthropic"},
        "human:ann": {"provider": "human", "added": True},
    }
    text = verdict_sentence(found("better", win_rate(0.71, 0.62, 0.79), by_judge=judges))
    assert text.startswith("The judge `claude-opus` preferred")


def test_worse() -> None:
    text = verdict_sentence(found("worse", win_rate(0.29, 0.21, 0.38)), MODELS)
    assert text.startswith("Judges preferred the baseline: the fine-tune won 29 of every 100")
    assert "95 % interval 21 to 38" in text


def test_equivalent_quotes_the_90_percent_interval() -> None:
    rate = win_rate(0.502, 0.45, 0.55, interval_90=(0.464, 0.538))
    text = verdict_sentence(found("equivalent", rate), MODELS)
    assert "no difference as large as 5 points" in text
    assert "90 % interval 46 to 54" in text


def test_undecided_says_first_that_it_cannot_tell() -> None:
    analysis = found(
        "undecided", win_rate(0.56, 0.46, 0.66), verdict_reason="the 95 % interval includes 50"
    )
    text = verdict_sentence(analysis, MODELS)
    assert text.startswith("This evaluation cannot tell which is better: judges preferred")
    assert caveats(analysis)[0] == "The 95 % interval includes 50."


def test_better_by_little_says_so() -> None:
    assert verdict_word(found("better", win_rate(0.53, 0.51, 0.548))) == "Better, by less than 5 points"


def test_worse_by_little_says_so_too() -> None:
    assert verdict_word(found("worse", win_rate(0.47, 0.452, 0.49))) == "Worse, by less than 5 points"
    assert verdict_word(found("worse", win_rate(0.44, 0.41, 0.47))) == "Worse"
    assert verdict_word(found("better", win_rate(0.56, 0.53, 0.59))) == "Better"


def test_withheld_gives_the_reason_before_the_number() -> None:
    analysis = found(None, win_rate(0.9, 0.8, 0.95), notes={"verdict": "half of the calls failed"})
    assert verdict_sentence(analysis, MODELS).startswith(
        "The verdict is withheld: half of the calls failed. Judges preferred"
    )
    assert verdict_word(analysis) == "Verdict withheld"


def test_interim_is_headed_interim_and_carries_no_verdict() -> None:
    analysis = found("better", win_rate(0.9, 0.8, 0.95, prompts=12), interim=True)
    text = verdict_sentence(analysis, MODELS)
    assert text.startswith("INTERIM, no verdict: 12 of 40 prompts complete. So far judges preferred")
    assert verdict_word(analysis) == "INTERIM"
    (only,) = caveats(analysis)
    assert only.startswith("7 of 716 verdicts could not be used (6 invalid, 1 refused)")


def test_below_eight_prompts_the_betting_interval_is_quoted() -> None:
    rate = win_rate(0.8, None, None, prompts=5, betting_interval=(0.21, 0.99))
    assert "95 % interval 21 to 99" in verdict_sentence(found("undecided", rate), MODELS)


def test_without_any_interval_the_sentence_says_why() -> None:
    text = verdict_sentence(found("undecided", win_rate(0.8, None, None, prompts=1)), MODELS)
    assert "no interval: 1 prompt are too few" not in text
    assert "no interval: 1 prompt is too few" in text


def test_nothing_judged() -> None:
    analysis = found(None, None, notes={"win_rate": "no prompt is complete"})
    assert verdict_sentence(analysis, MODELS) == "There is no win rate: no prompt is complete."


def test_the_mean_of_source_means_is_a_number_and_a_sentence_of_its_own() -> None:
    rate = win_rate(0.71, 0.62, 0.79, by_source_interval=(0.46, 0.9), mean_of_sources=0.66, sources=10)
    wide = found("better", rate)
    assert "62 to 79 for new prompts like these." in verdict_sentence(wide, MODELS)
    assert "source" not in verdict_sentence(wide, MODELS)
    said = "The mean of 10 source means is 66 (46 to 90): it is for prompts from new sources"
    assert f"{said}, where none is shown to be better." in caveats(wide)
    clear = rate.model_copy(update={"by_source_interval": (0.55, 0.8)})
    assert f"{said.replace('46 to 90', '55 to 80')}." in caveats(found("better", clear))


def test_below_eight_sources_nothing_is_said_of_new_ones() -> None:
    rate = win_rate(0.71, 0.62, 0.79, mean_of_sources=0.66, sources=2)
    few = found("better", rate)
    assert "The mean of 2 source means is 66; 2 sources: nothing can be said of new ones." in caveats(
        few
    )
    assert "source" not in verdict_sentence(few, MODELS)


def test_a_document_without_the_mean_of_source_means_gives_its_interval() -> None:
    old = found("better", win_rate(0.71, 0.62, 0.79, by_source_interval=(0.46, 0.9)))
    assert any("The interval of the mean of source means is 46 to 90" in said for said in caveats(old))


def test_missing_verdicts_that_could_change_it_are_named() -> None:
    rate = win_rate(0.6, 0.51, 0.7, bounds=(0.48, 0.66))
    assert any("48 or 66" in c for c in caveats(found("better", rate, verdict_survives_missing=False)))


def test_an_early_stop_is_said_with_its_bias() -> None:
    counts = sample.analysis().counts.model_copy(update={"not_needed": 120})
    analysis = found("better", win_rate(0.8, 0.6, 0.9, prompts=20), counts=counts)
    assert any(caveat.startswith("Stopped early after 20 of 40 prompts") for caveat in caveats(analysis))


def test_a_run_of_a_model_against_itself_is_named() -> None:
    base = sample.analysis()
    analysis = found("undecided", win_rate(0.5, 0.4, 0.6), candidate=base.baseline)
    assert any("A/A run" in caveat for caveat in caveats(analysis))
    assert "fine-tune" not in verdict_sentence(analysis, MODELS)


def test_an_interval_that_only_rounds_to_fifty_is_not_printed_as_fifty() -> None:
    assert "interval 50.3 to 79" in verdict_sentence(found("better", win_rate(0.6, 0.503, 0.79)), MODELS)
