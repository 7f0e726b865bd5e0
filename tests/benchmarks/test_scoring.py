"""lm-eval's own code on a real (random) model that brie has loaded."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from brie.benchmarks.loading import Loaded, load_tasks
from brie.benchmarks.naming import AskedAs
from brie.benchmarks.scoring import Scored, score
from brie.errors import InputError, UsageError
from brie.generate.turns import Local, TurnEngine, open_engine
from brie.pin import asked
from brie.records import Environment
from tests.benchmarks.files import REPEATS, SUMS, write_repeats, write_sums

QUESTIONS = {f"Question {n}?": "x" for n in range(10)}


def load(
    folder: Path, *names: str, asked_as: AskedAs = "auto", code: bool = False, most: int | None = None
) -> list[Loaded]:
    return list(
        load_tasks(names, folder, asked_as=asked_as, allow_code=code, most=most, say=lambda _: None)
    )


def run(loaded: Loaded, engine: TurnEngine, pin: str) -> tuple[list[Scored], int]:
    """The results, and how many documents progress was told of."""
    told = 0

    def advance(done: int) -> None:
        nonlocal told
        told += done

    with engine.lent(pin) as (model, encoder):
        places = loaded.spec.chosen
        return score(loaded, model, encoder, places=places, thinking=False, advance=advance), told


def values(scored: Sequence[Scored], measure: str) -> list[float]:
    return [result.measures[measure] for result in scored]


def test_every_document_has_a_result_on_either_side_of_one_loaded_model(
    tmp_path: Path,
    base: Path,
    adapter: Path,
    cpu: Environment,
) -> None:
    write_sums(tmp_path), write_repeats(tmp_path, QUESTIONS)
    sums, repeats = load(tmp_path, "sums.yaml", "repeats.yaml")
    assert (sums.spec.metric, sums.spec.chat, sums.spec.documents) == ("acc", False, 12)
    assert (repeats.spec.metric, repeats.spec.chat) == ("exact_match", True)
    with open_engine({"with": Local(base, adapter), "without": Local(base)}, cpu) as engine:
        first, told = run(sums, engine, "with")
        again, _ = run(sums, engine, "with")
        second, _ = run(sums, engine, "without")
        wrote, _ = run(repeats, engine, "without")
        (fewer,) = load(tmp_path, "sums.yaml", most=8)
        drawn, _ = run(fewer, engine, "with")
    assert told == 12
    assert [result.index for result in first] == list(range(12))
    assert set(first[0].measures) == {"acc,none", "acc_norm,none"}
    assert first == again
    assert [first[at] for at in fewer.spec.chosen] == drawn
    assert [r.text for r in first] != [r.text for r in second]
    assert set(values(wrote, "exact_match,none")) <= {0.0, 1.0}


@pytest.mark.slow
def test_a_conversation_is_asked_in_the_sides_template_and_ends_with_its_turn(
    tmp_path: Path,
    base: Path,
    cpu: Environment,
) -> None:
    write_repeats(tmp_path, QUESTIONS)
    chat, text = (load(tmp_path, "repeats.yaml", asked_as=how)[0] for how in ("chat", "text"))
    with open_engine({"one": Local(base)}, cpu) as engine:
        run(chat, engine, "one"), run(text, engine, "one")
        with engine.lent("one") as (_, encoder):
            turns = [{"role": "user", "content": "Question 3?"}]
            expected = asked(encoder.template, turns, encoder.special)
    assert chat.task.instances[3].args[0] == expected
    assert text.task.instances[3].args[0] == "Question 3?"


@pytest.mark.slow
def test_a_document_has_the_same_examples_in_every_draw(
    tmp_path: Path, base: Path, cpu: Environment
) -> None:
    path = write_sums(tmp_path, documents=40)
    path.write_text(SUMS + "num_fewshot: 2\nfewshot_split: test\n", encoding="utf-8")
    seen: list[dict[str, str]] = []
    with open_engine({"one": Local(base)}, cpu) as engine:
        for most in (10, 30):
            (loaded,) = load(tmp_path, "sums.yaml", most=most)
            run(loaded, engine, "one")
            asked_with = {str(one.doc["a"]): one.args[0] for one in loaded.task.instances}
            seen.append(asked_with)
    few, more = seen
    assert len(few) == 10
    assert all(text.count("=") == 3 for text in few.values())
    assert few == {document: more[document] for document in few}
    assert len({text.partition("\n\n")[0] for text in more.values()}) > 5


@pytest.mark.slow
def test_a_template_reaches_no_python_without_consent(tmp_path: Path) -> None:
    path = write_sums(tmp_path)
    reach = "{{ ''.__class__.__mro__[1].__subclasses__()|length }}"
    path.write_text(SUMS.replace("{{a}} + {{b}} =", reach), encoding="utf-8")
    with pytest.raises(InputError, match="sums"):
        load(tmp_path, "sums.yaml")
    (allowed,) = load(tmp_path, "sums.yaml", code=True)
    assert allowed.spec.documents == 12


@pytest.mark.slow
def test_a_metric_is_named_or_refused_with_those_there_are(tmp_path: Path) -> None:
    path = write_sums(tmp_path)
    (normed,) = load(tmp_path, "sums.yaml#acc_norm")
    assert normed.spec.metric == "acc_norm"
    with pytest.raises(UsageError, match=r"'f1'.*#acc, #acc_norm"):
        load(tmp_path, "sums.yaml#f1")
    path.write_text(SUMS.replace("metric: acc\n", "metric: f1\n").replace("acc_norm", "mcc"), "utf-8")
    with pytest.raises(UsageError, match="cannot be paired"):
        load(tmp_path, "sums.yaml")


@pytest.mark.slow
def test_tasks_of_lm_evals_own_that_need_a_download_say_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr("datasets.config.HF_DATASETS_CACHE", tmp_path / "datasets")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(UsageError, match=r"mmlu needs a download: data set cais/mmlu .*hf download"):
        load(tmp_path, "mmlu")
    with pytest.raises(UsageError, match="did you mean hellaswag"):
        load(tmp_path, "hellaswagg")
    with pytest.raises(UsageError, match="humaneval runs code that the models write"):
        load(tmp_path, "humaneval")


@pytest.mark.slow
def test_a_tasks_own_python_is_run_with_consent(tmp_path: Path, base: Path, cpu: Environment) -> None:
    path = write_repeats(tmp_path, QUESTIONS)
    path.write_text(REPEATS + "process_results: !function marks.score\n", encoding="utf-8")
    odd = "float(len(doc['question']) % 2)"
    code = f"def score(doc, results):\n    return {{'exact_match': {odd}}}\n"
    (tmp_path / "marks.py").write_text(code, encoding="utf-8")
    with pytest.raises(UsageError, match=r"Python of its own \(marks\.score\).*--allow-code"):
        load(tmp_path, "repeats.yaml")
    (loaded,) = load(tmp_path, "repeats.yaml", code=True)
    with open_engine({"one": Local(base)}, cpu) as engine:
        scored, _ = run(loaded, engine, "one")
    assert values(scored, "exact_match,none") == [float(len(q) % 2) for q in QUESTIONS]
