"""Task files are read before anything of them runs: what they bring, and what they would do."""

from __future__ import annotations

from pathlib import Path

import pytest

from brie.benchmarks.naming import Named, located
from brie.benchmarks.task_files import read_task_file, refuse_code, task_files
from brie.errors import InputError, UsageError
from tests.benchmarks.files import REPEATS, SUMS, write_repeats, write_sums


def test_documents_are_looked_for_beside_the_task_file(tmp_path: Path) -> None:
    file = read_task_file(write_sums(tmp_path))
    assert file.data_files == {"test": [str(tmp_path.resolve() / "sums.jsonl")]}
    (tmp_path / "sums.jsonl").unlink()
    with pytest.raises(InputError, match=r"sums\.jsonl.* are not there"):
        _ = file.data_files


def test_an_address_is_no_file_of_documents(tmp_path: Path) -> None:
    path = write_sums(tmp_path)
    path.write_text(SUMS.replace("sums.jsonl", "https://example.org/sums.jsonl"), "utf-8")
    with pytest.raises(InputError, match="addresses are not followed"):
        _ = read_task_file(path).data_files


def test_the_digest_covers_documents_and_definition_and_not_where_they_lie(tmp_path: Path) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    here.mkdir()
    there.mkdir()
    first = read_task_file(write_sums(here)).digest()
    assert read_task_file(write_sums(there)).digest() == first
    assert read_task_file(write_sums(there, documents=13)).digest() != first
    write_sums(there).write_text(SUMS.replace("acc_norm", "acc_bytes"), "utf-8")
    assert read_task_file(there / "sums.yaml").digest() != first


def test_what_a_file_includes_is_part_of_it(tmp_path: Path) -> None:
    write_sums(tmp_path).rename(tmp_path / "_shared.yaml")
    child = tmp_path / "mine.yaml"
    child.write_text("include: _shared.yaml\ntask: mine\n", encoding="utf-8")
    file = read_task_file(child)
    assert (file.name, file.config["output_type"]) == ("mine", "multiple_choice")
    assert [path.name for path in task_files(tmp_path)] == ["mine.yaml"]
    before = file.digest()
    (tmp_path / "_shared.yaml").write_text(SUMS.replace("+", "plus"), encoding="utf-8")
    assert read_task_file(child).digest() != before


def test_files_that_include_each_other_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("include: b.yaml\ntask: a\n", encoding="utf-8")
    (tmp_path / "b.yaml").write_text("include: a.yaml\n", encoding="utf-8")
    with pytest.raises(InputError, match="in turn"):
        read_task_file(tmp_path / "a.yaml")


def test_a_chain_of_files_that_each_include_the_next_twice_is_refused_at_once(tmp_path: Path) -> None:
    for number in range(18):
        after = f"{number + 1}.yaml"
        (tmp_path / f"{number}.yaml").write_text(f"include: [{after}, {after}]\ntask: a\n", "utf-8")
    (tmp_path / "18.yaml").write_text("task: a\n", encoding="utf-8")
    with pytest.raises(InputError, match="includes more than 20 files"):
        read_task_file(tmp_path / "0.yaml")


@pytest.mark.parametrize(
    ("first", "next_one"),
    [("[1, 2]", "[*a{0}, *a{0}, *a{0}, *a{0}]"), ("{x: 1}", "{{<<: [*a{0}, *a{0}, *a{0}, *a{0}]}}")],
)
def test_aliases_that_stand_for_billions_of_values_are_refused_at_once(
    tmp_path: Path, first: str, next_one: str
) -> None:
    lines = [f"a{number}: &a{number} {next_one.format(number - 1)}" for number in range(1, 40)]
    path = tmp_path / "sums.yaml"
    path.write_text("\n".join(["task: sums", f"a0: &a0 {first}", *lines]), encoding="utf-8")
    with pytest.raises(InputError, match="aliases stand for too much"):
        read_task_file(path)


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("process_results: !function marks.score", "Python of its own (marks.score)"),
        ("dataset_path: pandas", "they are pickles"),
        ("unsafe_code: true", "code that models write"),
        ("use_prompt: promptsource:all", "templates of another package"),
        ("metric_list: [{metric: bleurt, hf_evaluate: true}]", "a metric that is downloaded (bleurt)"),
        ("generation_kwargs: {custom_generate: me/mine}", "does not know (custom_generate)"),
    ],
)
def test_what_would_run_code_needs_consent_and_is_named(tmp_path: Path, line: str, told: str) -> None:
    path = write_repeats(tmp_path, {"Who?": "Me."})
    key = line.partition(":")[0]
    kept = [block for block in REPEATS.strip().split("\n") if not block.startswith(key)]
    kept = kept if key != "metric_list" else kept[: kept.index("  - metric: exact_match")]
    path.write_text("\n".join([*kept, line]) + "\n", encoding="utf-8")
    (tmp_path / "marks.py").write_text("raise SystemExit('it ran')\n", encoding="utf-8")
    file = read_task_file(path)
    with pytest.raises(UsageError) as refused:
        refuse_code([file], allowed=False)
    assert told in str(refused.value)
    assert "--allow-code" in str(refused.value)
    refuse_code([file], allowed=True)


def test_python_beside_the_file_is_part_of_its_digest(tmp_path: Path) -> None:
    path = write_repeats(tmp_path, {"Who?": "Me."})
    path.write_text(REPEATS + "process_results: !function marks.score\n", encoding="utf-8")
    (tmp_path / "marks.py").write_text("def score(doc, results): return {}\n", encoding="utf-8")
    before = read_task_file(path).digest()
    (tmp_path / "marks.py").write_text("def score(doc, results): return {'acc': 1}\n", "utf-8")
    assert read_task_file(path).digest() != before


@pytest.mark.parametrize(
    "text",
    [
        "- a list\n", "task: [a, b]\n", "group: all\ntask: a\n", "output_type: x\n", "a: {b\n",
        "task: !!python/name:os.system\n",
    ],
)  # fmt: skip
def test_what_is_no_task_is_said(tmp_path: Path, text: str) -> None:
    (tmp_path / "odd.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=r"odd\.yaml"):
        read_task_file(tmp_path / "odd.yaml")


def test_a_name_may_say_which_metric_and_filter_count() -> None:
    assert Named.of("gsm8k") == Named("gsm8k")
    assert Named.of("tasks/sums.yaml#acc_norm") == Named("tasks/sums.yaml", "acc_norm")
    assert Named.of("gsm8k#exact_match,flexible-extract").filter == "flexible-extract"


def test_a_file_named_from_the_current_folder_is_found_from_the_projects(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inner = tmp_path / "inner"
    inner.mkdir()
    write_sums(inner)
    monkeypatch.chdir(inner)
    assert located("sums.yaml#acc_norm", tmp_path) == "inner/sums.yaml#acc_norm"
    assert located("sums.yaml", inner) == "sums.yaml"
    assert located("hellaswag", tmp_path) == "hellaswag"
