"""A model's card: every number of it is confirmed, and what is not known is said to be so."""

from __future__ import annotations

import importlib.util
import json
import re
from dataclasses import dataclass, replace
from importlib import resources
from pathlib import Path

import pytest
from pydantic import JsonValue

from brie.ci.claim_sources import Cited
from brie.ci.claims import check_claims, check_text
from brie.errors import UsageError
from brie.evaluation.manifest import write_manifest
from brie.project import Project
from brie.publish.card import model_card
from brie.publish.licence import licence_of
from brie.publish.making import training
from brie.publish.metadata import checked_tags
from brie.publish.quoted import Quoted
from brie.publish.record import eval_records
from brie.publish.subject import Subject, of_reference
from brie.publish.write import write_card
from brie.records import Manifest, Message, Prompt, Suite
from brie.records.analysis import Analysis
from tests.flow.world import World, rules

HOSTILE = "a|b <img src=x onerror=1> --> @you [x](http://evil.example) `c`"


@dataclass(frozen=True)
class Made:
    """A project with two finished evaluations of one candidate: one won, one undecided."""

    project: Project
    world: World
    better: Analysis
    undecided: Analysis


def _suite(name: str, category: str, prompts: int) -> Suite:
    return Suite(
        name=name,
        prompts=tuple(
            Prompt(
                id=f"p{n:03}",
                messages=(Message(role="user", content=f"{name}: question {n}?"),),
                category=category if n % 2 else "plain",
                source=f"s{n % 2}",
                reference=f"The reference answer number {n} says what is so.",
            )
            for n in range(prompts)
        ),
    )


def _keep(project: Project, analysis: Analysis, manifest: Manifest) -> Analysis:
    folder = project.runs / analysis.id
    write_manifest(folder, manifest)
    (folder / "analysis.json").write_text(analysis.to_json(), "utf-8")
    return analysis


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    root = tmp_path_factory.mktemp("card")
    project, world = Project(root), World.make(root / "runs")
    near, far = "The reference answer says what is so.", "Elsewhere nothing of that kind is, no."

    def good(side: str, prompt: int, sample: int) -> str:
        won = prompt % 8 > 0
        return f"{near} {prompt}" if won == (side == "candidate") else f"{far} {prompt}"

    def even(side: str, prompt: int, sample: int) -> str:
        won = prompt % 2 > 0
        return f"{near} {prompt}" if won == (side == "candidate") else f"{far} {prompt}"

    judged = rules("reference", "longer")
    better = world.evaluate(good, panel_judges=judged, made=_suite("letters", HOSTILE, 24))
    undecided = world.evaluate(even, panel_judges=rules("reference"), made=_suite("sums", "7", 12))
    return Made(project, world, _keep(project, *better), _keep(project, *undecided))


@pytest.fixture(scope="module")
def subject(made: Made) -> Subject:
    return replace(of_reference(made.better.id, made.project), tags=("mine",))


@pytest.fixture(scope="module")
def card(made: Made, subject: Subject, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("written")
    return write_card(subject, folder, made.project).card


def test_every_number_of_a_card_is_a_claim_that_holds(card: Path, made: Made) -> None:
    answers = check_claims(card, made.project)
    assert len(answers) > 80
    assert all(answer.holds for answer in answers)


def test_every_number_that_is_changed_is_named_by_its_line(card: Path, made: Made) -> None:
    lines = card.read_text("utf-8").split("\n")
    claimed = re.compile(r"(<!-- brie:\S+ \S+ -->)([\d,.]+)")
    entry = re.compile(r"(: )([\d.]+)( # brie:)")
    changed = [entry.sub(r"\g<1>7.25\3", claimed.sub(r"\g<1>777,123", line)) for line in lines]
    which = {n for n, (a, b) in enumerate(zip(lines, changed, strict=True), 1) if a != b}
    answers = check_text("\n".join(changed), made.project, card)
    assert {answer.line for answer in answers if not answer.holds} == which
    assert len(which) > 30


def test_a_number_that_somebody_adds_is_named_and_words_are_not(card: Path, made: Made) -> None:
    text = card.read_text("utf-8")
    added = check_text(f"{text}\nIt also writes nice poems.\n", made.project, card)
    assert all(answer.holds for answer in added)
    (bad,) = [
        a for a in check_text(f"{text}\nIt won 99 % of them.\n", made.project, card) if not a.holds
    ]
    assert bad.what.startswith("99 ")


def tables(markdown: str) -> list[list[int]]:
    """Cells of each line of each table; a table whose first two differ is shown as a heap of signs."""
    blocks = (block.splitlines() for block in markdown.split("\n\n") if block.startswith("|"))
    return [[len(re.findall(r"(?<!\\)\|", line)) - 1 for line in block] for block in blocks]


def test_the_lines_of_every_table_have_as_many_cells(card: Path, subject: Subject) -> None:
    made = tables(card.read_text("utf-8"))
    assert len(made) > 8
    run = Quoted("train-a", {"evaluations": [{"step": 0, "loss": 0.5, "perplexity": 1.6}]})
    made += tables("\n\n".join(training(replace(subject, run=run), picture=False)))
    assert not [cells for cells in made if len(set(cells)) > 1]


def test_a_name_that_is_a_number_is_read_as_a_name(card: Path) -> None:
    assert '| `"7"` |' in card.read_text("utf-8")


def test_an_undecided_evaluation_is_said_to_tell_nothing(card: Path, made: Made) -> None:
    text = _plain(card)
    part = text.partition("### Suite `sums`")[2].partition("### ")[0]
    assert made.undecided.verdict == "undecided"
    assert "Verdict: **undecided**; this evaluation cannot tell which is better." in part
    assert "It won **50" in part


def test_what_is_not_known_is_said(card: Path) -> None:
    text = _plain(card)
    for words in (
        "Not known: no training run of this project made it.",
        "**not known**: read the base's own card",
        "no suites were sealed and judged together",
        "the languages of its training data",
        "the suite has too few sources",
    ):
        assert words in text, words
    assert not re.search(r"TODO|\[more information needed\]|TBD|XXX", text, re.IGNORECASE)


def test_hostile_names_come_alive_nowhere(card: Path) -> None:
    import cmarkgfm
    from cmarkgfm.cmark import Options

    text = re.sub(r"\A---\n.*?\n---\n", "", card.read_text("utf-8"), flags=re.S)
    page = cmarkgfm.github_flavored_markdown_to_html(text, Options.CMARK_OPT_UNSAFE)
    assert "<img" not in page
    assert "evil.example</a>" not in page
    assert 'href="http://evil' not in page
    assert "a¦b" in page


def test_the_hub_s_own_library_reads_the_card(card: Path, made: Made) -> None:
    from huggingface_hub import ModelCard

    data = ModelCard.load(card).data
    assert data.license == "unknown"
    assert {"brie", "lora", "mine", "plain"} <= set(data.tags or ())
    rate = made.better.win_rate
    assert rate is not None
    values = {
        (result.dataset_type, result.metric_type): result.metric_value
        for result in data.eval_results or ()
    }
    assert values["letters", "win_rate"] == pytest.approx(rate.value, abs=5e-5)
    assert values["letters", "win_rate_low"] == pytest.approx(rate.low, abs=5e-5)
    assert values["sums", "win_rate"] == pytest.approx(0.5)


def test_the_same_records_give_the_same_bytes(card: Path, subject: Subject, made: Made) -> None:
    before = {path.name: path.read_bytes() for path in card.parent.iterdir()}
    again = write_card(subject, card.parent, made.project)
    assert not again.kept
    assert {path.name: path.read_bytes() for path in card.parent.iterdir()} == before


def test_words_that_were_added_stay_and_a_changed_number_is_refused(
    card: Path, subject: Subject, made: Made, tmp_path: Path
) -> None:
    mine = tmp_path / "README.md"
    mine.write_text(card.read_text("utf-8") + "\nWritten for my own letters.\n", "utf-8")
    assert write_card(subject, tmp_path, made.project).kept
    assert "my own letters" in mine.read_text("utf-8")
    changed = re.sub(r"(It won \*\*<!-- [^>]*-->)\d+", r"\g<1>99", mine.read_text("utf-8"), count=1)
    mine.write_text(changed, "utf-8")
    with pytest.raises(UsageError, match=r"win_rate\.value of .*the text says 99.*the store 0\."):
        write_card(subject, tmp_path, made.project)
    doubts = re.compile(r"^\|.*brie:check_words\.\S+ .*\n", re.M)
    mine.write_text(doubts.sub("", card.read_text("utf-8"), count=1), "utf-8")
    with pytest.raises(UsageError, match="no result goes without its doubts"):
        write_card(subject, tmp_path, made.project)
    mine.write_text("# My model\n", "utf-8")
    with pytest.raises(UsageError, match="no card that can be confirmed"):
        write_card(subject, tmp_path, made.project)


def test_evaluations_are_records_that_others_can_read(subject: Subject, made: Made) -> None:
    records = eval_records(subject)
    assert len(records) == 2
    record = records[f"{made.better.id}.every_eval_ever.json"]
    read = Quoted("record", record)
    assert made.better.win_rate is not None
    score = read.value("evaluation_results", "0", "score_details", "score")
    assert score == made.better.win_rate.value
    assert json.loads(json.dumps(record)) == record


@pytest.mark.skipif(
    not importlib.util.find_spec("every_eval_ever"), reason="needs every-eval-ever (Python 3.12)"
)
def test_the_records_follow_the_shared_schema(subject: Subject) -> None:
    from jsonschema import Draft7Validator

    path = resources.files("every_eval_ever").joinpath("schemas/eval.schema.json")
    validator = Draft7Validator(json.loads(path.read_text("utf-8")))
    for record in eval_records(subject).values():
        assert not list(validator.iter_errors(record))


@pytest.mark.parametrize(
    ("repo", "name", "identifier"),
    [
        ("Qwen/Qwen2.5-0.5B-Instruct", "Apache-2.0", "apache-2.0"),
        ("Qwen/Qwen2.5-3B-Instruct", "Qwen Research License", "other"),
        ("brie/tiny", "Apache-2.0", "apache-2.0"),
        ("somebody/else", "", "unknown"),
    ],
)
def test_a_base_s_licence_is_looked_up_and_not_guessed(
    repo: str, name: str, identifier: str, tmp_path: Path
) -> None:
    licence = licence_of(repo, None, Project(tmp_path))
    assert (licence.name, licence.identifier) == (name, identifier)
    assert bool(licence.note) == (name == "Qwen Research License")


def test_a_base_s_own_files_say_its_licence(tmp_path: Path) -> None:
    base = tmp_path / "base"
    base.mkdir()
    assert licence_of("me/base", base, Project(tmp_path)).name == ""
    (base / "LICENSE").write_text("Apache License\n  Version 2.0, January 2004", "utf-8")
    assert licence_of("me/base", base, Project(tmp_path)).name == "Apache-2.0"
    (base / "LICENSE").write_text("Terms of our own\n", "utf-8")
    unread = licence_of("me/base", base, Project(tmp_path))
    assert (unread.name, unread.source) == ("", "the base's file LICENSE has its text")
    (base / "README.md").write_text("---\nlicense: other\nlicense_name: qwen-research\n---\n", "utf-8")
    assert licence_of("me/base", base, Project(tmp_path)).identifier == "other"


def test_a_tag_is_one_word() -> None:
    assert checked_tags(("fine-tune", "lang:en")) == ("fine-tune", "lang:en")
    with pytest.raises(UsageError, match="is no tag"):
        checked_tags(("two words",))


def test_of_a_whole_model_nothing_is_said_of_a_base(subject: Subject) -> None:
    whole = subject.pin.model_copy(update={"kind": "model", "lora": None})
    text = model_card(replace(subject, pin=whole), picture=False)
    assert "What it was made from is not recorded." in text
    assert "| The model itself |" in text
    assert "bound by the base's licence" not in text
    assert "LoRA" not in text


def test_a_base_of_the_hub_is_named_in_the_metadata_with_its_licence(subject: Subject) -> None:
    base = subject.pin.base.model_copy(update={"repo": "Qwen/Qwen2.5-3B-Instruct", "revision": "a" * 40})
    licence = licence_of(base.repo, None, Project(Path("nowhere")))
    text = model_card(
        replace(subject, pin=subject.pin.model_copy(update={"base": base}), licence=licence),
        picture=False,
    )
    assert 'license: other\nlicense_name: "qwen-research"\n' in text
    assert 'base_model: "Qwen/Qwen2.5-3B-Instruct"\nbase_model_relation: finetune\n' in text
    assert "does not allow commercial use" in text


def test_a_model_that_learned_from_verdicts_says_whose_they_were(subject: Subject) -> None:
    teacher: JsonValue = {"id": "opus", "model": "opus-1", "family": None}
    start: JsonValue = {"name": "first:best", "digest": "sha256:" + "ab" * 32}
    config: JsonValue = {
        "recipe": {"method": "dpo"}, "start": start, "pairs": {"teachers": [teacher]},
        "train": {"rows": 40, "prompts": 20},
    }  # fmt: skip
    points: JsonValue = [{"step": 0, "loss": 0.6931, "perplexity": 3.0, "accuracy": 0.5, "kl": 0.0}]
    run = Quoted("train-x-1a2b", {"id": "train-x-1a2b", "config": config, "evaluations": points})
    text = re.sub(r"<!--.*?-->", "", model_card(replace(subject, run=run), picture=False))
    assert "on 40 preference pairs of 20 distinct prompts" in text
    assert "It goes on from `first:best`, `abababababababab`." in text
    assert "by `dpo`. The verdicts were those of: `opus` (model `opus-1`)" in text
    assert "| before training | 0.6931 | 3 | 0.5 | 0 |" in text


@pytest.mark.parametrize(
    ("target", "files", "repo", "words"),
    [
        ("merged", ("model.safetensors",), "me/x", ('model="me/x"', "vllm serve me/x", "--to ollama")),
        ("gguf", ("x.q8_0.gguf",), "me/x", ("ollama run hf.co/me/x", "llama-server -m x.q8_0.gguf")),
        ("gguf", ("x.q8_0.gguf",), "", ("--to ollama", 'where, file = ".", "x.q8_0.gguf"')),
        ("ollama", ("x.q8_0.gguf", "Modelfile"), "", ("ollama create x.q8_0 -f Modelfile", "vLLM")),
        ("mlx", ("model.safetensors",), "me/x", ("mlx_lm chat --model me/x", "--to ollama")),
    ],
)
def test_a_card_says_how_each_form_is_used(
    subject: Subject, target: str, files: tuple[str, ...], repo: str, words: tuple[str, ...]
) -> None:
    listed: JsonValue = [{"path": file, "bytes": 7, "digest": "sha256:" + "cd" * 32} for file in files]
    export = Quoted(
        "brie-export.json",
        {"target": target, "number_format": "q8_0", "files": listed, "check": None,
         "not_checked": "nothing here could read it", "version": "0.1.0"},
    )  # fmt: skip
    text = model_card(replace(subject, export=export, repo=repo), picture=False)
    part = text.partition("## How to use it")[2].partition("\n## ")[0]
    for word in ("transformers", "vLLM", "Ollama", *words):
        assert word in part, word


def _plain(card: Path) -> str:
    """A card as it is read: without its comments."""
    text = re.sub(r"<!--.*?-->", "", card.read_text("utf-8"), flags=re.S)
    return text.replace("\u00a0", " ")


def test_a_verdict_that_does_not_stand_is_not_said_and_not_handed_on(subject: Subject) -> None:
    first = subject.evaluations[0]
    reason: JsonValue = {"cause": "contamination", "text": "all 24 prompts were trained on"}
    withheld: JsonValue = {"state": "withheld", "reasons": [reason]}
    doubted = Quoted(first.name, {**first.document, "verdict": None, "standing": withheld})
    text = model_card(replace(subject, evaluations=(doubted,)), picture=False)
    assert "**The verdict does not stand by itself** (it is <!-- brie:standing.state" in text
    assert "all 24 prompts were trained on" in text
    assert "model-index" not in text
    assert "better" not in text.partition("## How to use it")[0]


def test_a_verdict_on_a_condition_is_said_with_it(subject: Subject) -> None:
    first = subject.evaluations[0]
    reason: JsonValue = {"cause": "length", "text": "only if length is part of it"}
    standing: JsonValue = {"state": "conditional", "reasons": [reason]}
    document: Cited = {**first.document, "verdict": None, "standing": standing}
    document["conditional_verdict"] = "better"
    text = model_card(replace(subject, evaluations=(Quoted(first.name, document),)), picture=False)
    plain = re.sub(r"<!--.*?-->", "", text)
    assert "Verdict: **better, on a condition** (it is conditional), and no more without it:" in plain
    assert "- `length`: only if length is part of it" in plain
    assert "model-index" not in text


def test_a_judge_that_does_not_count_is_not_said_to_have_judged(subject: Subject, made: Made) -> None:
    (first,) = (quoted for quoted in subject.evaluations if quoted.name == made.better.id)
    judges = first.document["by_judge"]
    assert isinstance(judges, dict)
    assert isinstance(judges["longer"], dict)
    longer: JsonValue = {**judges["longer"], "margins": {"counts": False}}
    aside = Quoted(first.name, {**first.document, "by_judge": {**judges, "longer": longer}})
    changed = replace(subject, evaluations=(aside,))
    text = model_card(changed, picture=False)
    assert "by the rule `reference` and the rule `longer`" in model_card(subject, picture=False)
    assert "blind, by the rule `reference`:" in text
    assert "a rule, no model; not shown able to tell, outside the win rate" in text
    (record,) = eval_records(changed).values()
    assert "longer" not in json.dumps(record)


def test_a_model_that_nobody_judged_is_said_to_be_that(subject: Subject) -> None:
    text = model_card(replace(subject, evaluations=()), picture=False)
    assert "**Not judged.**" in text
    assert "model-index" not in text
    assert "win rate" not in text.lower()
