"""What `brie verify` does not believe, whatever is edited in a project, and what it cannot know."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.flow.bench import SECRET, Bench, Said
from tests.flow.test_answers import pairs, plain_rows, write_table
from tests.flow.test_state import changed, name_of

FLIPPED = (
    "UPDATE verdicts SET body = json_set(body, '$.letter', "
    "CASE json_extract(body, '$.letter') WHEN 'A' THEN 'B' ELSE 'A' END)"
)
UNUSABLE = "UPDATE verdicts SET status = 'invalid', body = json_set(body, '$.status', 'invalid')"
EVERY_FORM = ("claude", "gpt", "served", "here", "longer")


def by_answers(bench: Bench, *judges: str) -> Said:
    """An evaluation of two columns of a file."""
    write_table(bench.folder / "answers.csv", plain_rows(8))
    if "here" in judges:
        assert bench.score("here").code == 0
    named = [part for judge in judges for part in ("--judge", judge)]
    return bench.call("eval", *pairs("mine", "theirs"), *named, "--yes")


def published(said: Said) -> str:
    """The last line to publish that a command printed."""
    lines = re.findall(r"to publish: (brie/1 .*)", said.err)
    assert lines, said.err
    return str(lines[-1])


def of_judge(bench: Bench, judge: str) -> str:
    """The judge's rows, as the end of a statement."""
    manifest = bench.manifest()
    (digest,) = [s["digest"] for s in manifest["plan"]["seats"] if s["judge"]["id"] == judge]
    return f" WHERE judge = '{digest}'"


# --- verdicts against what was said --------------------------------------------------------


@pytest.mark.slow
def test_replies_of_every_form_are_read_again(bench: Bench) -> None:
    assert by_answers(bench, *EVERY_FORM).code == 0
    held = bench.call("verify")
    assert held.code == 0, held.out
    assert "read again from replies, or computed again by rules: the same" in " ".join(held.out.split())


@pytest.mark.parametrize(
    "judge", [*EVERY_FORM[:3], "longer", pytest.param("here", marks=pytest.mark.slow)]
)
@pytest.mark.parametrize("edit", [FLIPPED, UNUSABLE], ids=["letter", "status"])
def test_an_edited_verdict_is_found_after_a_report(bench: Bench, judge: str, edit: str) -> None:
    assert by_answers(bench, judge).code == 0
    row = bench.call("verify")
    assert row.code == 0
    changed(bench, f"{edit} WHERE id = (SELECT max(id) FROM verdicts{of_judge(bench, judge)})")
    assert bench.call("report").code == 0
    failed = bench.call("verify")
    assert failed.code == 2
    assert "1 verdict not as the stored reply or the rule says" in " ".join(failed.out.split())
    assert judge in failed.out


def test_scores_that_the_judge_did_not_give_are_found(bench: Bench) -> None:
    assert by_answers(bench, "gpt").code == 0
    scores = json.dumps({"clarity": {"A": 1, "B": 5}})
    edit = f"json_set(body, '$.scores', json('{scores}'))"
    changed(bench, f"UPDATE verdicts SET body = {edit} WHERE id = 3")
    assert bench.call("report").code == 0
    assert bench.call("verify").code == 2


def test_votes_that_nobody_cast_are_found(bench: Bench) -> None:
    assert by_answers(bench, "longer").code == 0
    votes = bench.folder / "votes.csv"
    prompt = bench.manifest()["plan"]["order"][0]
    votes.write_text(f"voter,prompt,winner\nAnn,{prompt},candidate\n", "utf-8")
    assert bench.call("judge", "--votes", str(votes)).code == 0
    assert bench.call("verify").code == 0
    changed(bench, f"{FLIPPED} WHERE id = (SELECT max(id) FROM verdicts)")
    assert bench.call("report").code == 0
    assert bench.call("verify").code == 2


# --- names ---------------------------------------------------------------------------------


def test_swapped_names_are_found(bench: Bench) -> None:
    assert by_answers(bench, "longer").code == 0
    (path,) = bench.folder.glob("runs/eval-*/manifest.json")
    manifest = json.loads(path.read_text("utf-8"))
    assert manifest["plan"]["names"] == {"candidate": "mine", "baseline": "theirs"}
    names = manifest["names"]
    manifest["names"] = {"candidate": names["baseline"], "baseline": names["candidate"]}
    path.write_text(json.dumps(manifest), "utf-8")
    said = bench.call("report")
    assert said.code == 2
    assert "the sides are called otherwise than when they were sealed" in said.err
    assert bench.call("verify").code == 2
    assert bench.call("gate", "--require", "better").code == 4


def test_the_same_question_is_the_same_evaluation_whatever_its_sides_are_called(bench: Bench) -> None:
    from brie.records import Manifest

    assert by_answers(bench, "longer").code == 0
    plan = Manifest.model_validate(bench.manifest()).plan
    other = plan.model_copy(update={"names": {"candidate": "x", "baseline": "y"}, "existed": 7})
    assert other.identity() == plan.identity()
    assert other.seal() != plan.seal()


# --- answers -------------------------------------------------------------------------------


@pytest.mark.slow
def test_an_edited_answer_is_found_by_making_it_again(bench: Bench) -> None:
    assert bench.eval("--yes", judges=("gpt",)).code == 0
    held = bench.call("verify", "--regenerate", "4")
    assert held.code == 0, held.out + held.err
    assert "4 answers made again: the same, to the letter" in held.out
    changed(
        bench,
        "UPDATE completions SET body = json_set(body, '$.text', 'Another text.')"
        " WHERE sample = 0 AND json_extract(body, '$.text') NOT LIKE '%|%'",
    )
    assert bench.call("report").code == 0
    failed = bench.call("verify", "--regenerate", "100")
    assert failed.code == 2
    assert "answers made again are not the stored ones" in " ".join(failed.out.split())


def test_answers_that_no_model_here_made_are_not_made_again(bench: Bench) -> None:
    assert by_answers(bench, "longer").code == 0
    said = bench.call("verify", "--regenerate", "2")
    assert said.code == 2
    assert "only those of float32 on a CPU" in said.err


# --- looks, and everything at once ---------------------------------------------------------


def test_deleted_looks_are_found(bench: Bench) -> None:
    assert by_answers(bench, "longer").code == 0
    assert bench.call("judge", "--judge", "first").code == 0
    line = published(bench.call("report"))
    changed(bench, "DELETE FROM looks")
    failed = bench.call("verify")
    assert failed.code == 2
    assert "looks were deleted that the record names" in failed.out
    changed(bench, "DELETE FROM analyses")
    failed = bench.call("verify")
    assert failed.code == 2
    assert "the record of analyses does not know these numbers" in failed.out
    assert bench.call("report").code == 0
    alone = bench.call("verify")
    assert alone.code == 0
    assert "would not be seen" in alone.out, "said not to be detectable without a published line"
    against = bench.call("verify", "--published", line)
    assert against.code == 2
    assert "the published record of analyses is not this store's" in " ".join(against.out.split())


def test_a_link_taken_out_of_the_record_is_found(bench: Bench) -> None:
    assert by_answers(bench, "longer").code == 0
    assert bench.call("judge", "--judge", "first").code == 0
    assert bench.call("verify").code == 0
    changed(bench, "DELETE FROM analyses WHERE id = 1")
    failed = bench.call("verify")
    assert failed.code == 2
    assert "was changed or moved" in failed.out


def test_rows_that_were_all_replaced_alike_are_found_against_a_published_line(bench: Bench) -> None:
    assert by_answers(bench, "served").code == 0
    line = published(bench.call("report"))
    changed(
        bench,
        "UPDATE verdicts SET body = json_set(body, '$.letter', other, '$.reply', 'Winner: ' || other, "
        "'$.scores', json('{}')) FROM (SELECT id AS which, CASE json_extract(body, '$.letter') WHEN 'A' "
        "THEN 'B' WHEN 'B' THEN 'A' ELSE 'tie' END AS other FROM verdicts) WHERE id = which",
    )
    assert bench.call("report").code == 0
    alone = bench.call("verify")
    assert alone.code == 0, alone.out
    assert "rows that were all replaced alike" in " ".join(alone.out.split())
    against = bench.call("verify", "--published", line)
    assert against.code == 2
    assert "the rows are not those of the published report" in " ".join(against.out.split())


def test_rows_that_came_after_the_published_report_are_no_forgery(bench: Bench) -> None:
    assert by_answers(bench, "longer").code == 0
    line = published(bench.call("report"))
    assert bench.call("judge", "--judge", "first").code == 0
    held = bench.call("verify", "--published", line)
    assert held.code == 0, held.out
    assert "every row of the published report is here, unchanged" in held.out


def test_a_line_is_printed_at_the_seal_and_holds_until_the_end(bench: Bench) -> None:
    write_table(bench.folder / "answers.csv", plain_rows(8))
    begun = [*pairs("mine", "theirs"), "--judge", "longer"]
    sealed = bench.call("eval", *begun, "--stop-after", "seal")
    line = published(sealed)
    assert "rows:" not in line
    assert bench.call("eval", *begun).code == 0
    (bench.folder / "note.txt").write_text(f"We sealed it.\n\n{line}\n", "utf-8")
    for given in (line, "note.txt"):
        held = bench.call("verify", "--published", given)
        assert held.code == 0, held.out
        assert "the seal is the published one" in held.out


def test_another_plans_line_does_not_hold_and_no_line_is_refused(bench: Bench) -> None:
    assert by_answers(bench, "longer").code == 0
    line = published(bench.call("report"))
    other = re.sub(r"seal:[0-9a-f]{8}", "seal:00000000", line)
    failed = bench.call("verify", "--published", other)
    assert failed.code == 2
    assert "another plan was published" in failed.out
    for wrong in ("", "brie/1", line[:-3], f"{line} and {line}"):
        said = bench.call("verify", "--published", wrong)
        assert said.code == 2
        assert "published line" in said.err


def test_a_bundle_is_held_against_a_published_line(bench: Bench, tmp_path: Path) -> None:
    assert by_answers(bench, "longer").code == 0
    line = published(bench.call("report"))
    assert bench.call("bundle", name_of(bench), "-o", "b.zip").code == 0
    held = bench.call("verify", "b.zip", "--published", line)
    assert held.code == 0, held.out
    assert "carries no record" in held.out
    changed(bench, f"{FLIPPED} WHERE id < 9")
    assert bench.call("report").code == 0
    assert bench.call("bundle", name_of(bench), "-o", "c.zip").code == 0
    assert bench.call("verify", "c.zip").code == 2
    assert bench.call("verify", "c.zip", "--published", line).code == 2


# --- prompts chosen afterwards ---------------------------------------------------------------


def test_verdicts_that_existed_before_the_seal_are_counted_and_said(bench: Bench) -> None:
    assert bench.eval(judges=("longer",)).code == 0
    assert "existed" not in bench.manifest()["plan"]
    first = name_of(bench)
    small = (bench.folder / "small.toml").read_text("utf-8")
    chosen = small.replace('name = "small"', 'name = "everyday"').partition('[[prompt]]\nid = "p6"')[0]
    (bench.folder / "everyday.toml").write_text(chosen, "utf-8")
    again = bench.call(
        "eval", "--suite", "everyday.toml", "--candidate", SECRET, "--samples", "1", "--controls", "0",
        "--judge", "longer",
    )  # fmt: skip
    assert again.code == 0, again.err
    (path,) = [p for p in bench.folder.glob("runs/eval-*") if p.name != first]
    plan = json.loads((path / "manifest.json").read_text("utf-8"))["plan"]
    assert plan["existed"] > 0
    said = f"{plan['existed']} of 12 verdicts existed before this plan was sealed."
    checks = json.loads((path / "analysis.json").read_text("utf-8"))["checks"]
    (looks,) = [check for check in checks if check["id"] == "looks"]
    assert said in looks["summary"]
    assert said in next((bench.folder / "reports" / path.name).glob("index.html")).read_text("utf-8")
    assert bench.call("verify", path.name).code == 0
