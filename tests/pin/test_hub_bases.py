"""A base on the Hub: what is fetched of it, when nobody is asked, and which commit is pinned."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import huggingface_hub.constants
import pytest

from brie.errors import UsageError
from brie.pin.bases import download, locate, open_base
from brie.pin.resolve import resolve
from brie.project import Project
from brie.records import BaseModelRef
from tests.fakes.hub_server import COMMIT, GATED, FakeHub
from tests.pin.folders import make_adapter, make_base

REPO, TUNED = "org/small", "org/tuned"


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeHub]:
    """A Hub with a base and an adapter of it, and an empty cache."""
    base = make_base(tmp_path / "base")
    for name in ("LICENSE", "LICENSE.txt", "merges.txt", "vocab.json", "tokenizer.model"):
        (base / name).write_text("{}")
    for name in ("README.md", "pytorch_model.bin", "train.py", "consolidated.safetensors"):
        (base / name).write_text("not wanted")
    tuned = make_adapter(tmp_path / "tuned")
    config = json.loads((tuned / "adapter_config.json").read_text())
    config["base_model_name_or_path"] = REPO
    (tuned / "adapter_config.json").write_text(json.dumps(config))
    with FakeHub({REPO: base, TUNED: tuned}) as server:
        settings = {
            "ENDPOINT": server.url,
            "HUGGINGFACE_CO_URL_TEMPLATE": server.url + "/{repo_id}/resolve/{revision}/{filename}",
            "HF_HUB_CACHE": str(tmp_path / "cache"),
            "HF_HUB_OFFLINE": False,
            "HF_HUB_DISABLE_XET": True,
        }
        for name, value in settings.items():
            monkeypatch.setattr(huggingface_hub.constants, name, value)
        yield server


def test_weights_config_tokenizer_template_and_licence_are_fetched_and_no_more(hub: FakeHub) -> None:
    folder = download(REPO, None)
    assert folder.name == COMMIT
    assert sorted(path.name for path in folder.iterdir()) == [
        "LICENSE", "LICENSE.txt", "chat_template.jinja", "config.json", "merges.txt",
        "model.safetensors", "tokenizer.json", "tokenizer.model", "tokenizer_config.json", "vocab.json",
    ]  # fmt: skip


def test_without_weights_the_rest_is_fetched(hub: FakeHub) -> None:
    folder = download(REPO, None, weights=False)
    assert not list(folder.glob("*.safetensors"))
    assert (folder / "tokenizer.json").is_file()


@pytest.mark.parametrize("weights", [True, False])
def test_what_is_here_and_whole_is_not_asked_for_again(hub: FakeHub, weights: bool) -> None:
    folder = download(REPO, None, weights=weights)
    hub.asked.clear()
    assert download(REPO, None, weights=weights) == folder
    assert hub.asked == []


def test_weights_that_are_missing_are_fetched_then(hub: FakeHub) -> None:
    download(REPO, COMMIT, weights=False)
    hub.asked.clear()
    assert (download(REPO, COMMIT) / "model.safetensors").is_file()
    assert hub.asked != []


def test_a_base_is_pinned_at_the_commit_its_revision_is(hub: FakeHub, tmp_path: Path) -> None:
    for reference in (REPO, f"{REPO}@main", f"{REPO}@{COMMIT}"):
        folder, pin, location = open_base(reference, tmp_path)
        assert (folder.name, location) == (COMMIT, None)
        assert (pin.base.repo, pin.base.revision) == (REPO, COMMIT)
    assert locate(pin.base, None, tmp_path) == folder
    assert open_base(REPO, tmp_path, pin.digest)[1] == pin


@pytest.mark.parametrize(
    ("repo", "revision", "words"),
    [
        (GATED, None, "is gated"),
        ("org/none", None, "no model 'org/none'"),
        (REPO, "v9", "no revision v9"),
        ("./here", None, "no such folder"),
        ("~/here", None, "no such folder"),
        ("/nowhere/here", None, "no such folder"),
    ],
)
def test_what_cannot_be_fetched_is_refused(
    hub: FakeHub, repo: str, revision: str | None, words: str
) -> None:
    with pytest.raises(UsageError, match=words):
        download(repo, revision)


def test_a_model_on_the_hub_is_named_with_its_commit(hub: FakeHub, tmp_path: Path) -> None:
    project = Project(tmp_path.resolve())
    model = resolve(f"hf:{REPO}@{COMMIT}", project)
    assert (model.name, model.reference, model.notes) == (REPO, f"hf:{REPO}@{COMMIT}", ())
    assert (model.adapter, model.pin.kind, model.base_folder.name) == (None, "model", COMMIT)
    moving = resolve(f"hf:{REPO}", project)
    assert moving.reference == model.reference
    assert len(moving.notes) == 1
    assert COMMIT in moving.notes[0]
    assert moving.pin == model.pin


def test_an_adapter_on_the_hub_brings_its_base_with_it(hub: FakeHub, tmp_path: Path) -> None:
    model = resolve(f"hf:{TUNED}@{COMMIT}", Project(tmp_path.resolve()))
    assert model.adapter is not None
    assert model.adapter != model.base_folder
    assert (model.pin.kind, model.base.base.repo, model.base.base.revision) == ("adapter", REPO, COMMIT)
    assert model.pin.base.digest == model.base.digest


def test_a_base_that_is_neither_here_nor_reached_is_named(
    hub: FakeHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(UsageError, match="not on this machine"):
        download(REPO, None)
    ref = BaseModelRef(repo=REPO, revision=COMMIT, digest="sha256:" + "0" * 64)
    with pytest.raises(UsageError, match="not on this machine"):
        locate(ref, None, Path())
