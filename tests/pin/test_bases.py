"""A base from the Hub: asked for once, at a commit that is written down, and never half there."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from brie.digest import digest as digest_of
from brie.errors import UsageError
from brie.pin import pin_base
from brie.pin.bases import download, is_whole, locate, open_base
from brie.pin.resolve import resolve
from brie.project import Project, packaged
from brie.records import BaseModelRef
from tests.fakes.hub_server import COMMIT, GATED, FakeHub
from tests.pin.folders import make_adapter, make_base

REPO = "org/small"
DIGEST = "sha256:" + "0" * 64


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeHub]:
    """A Hub with one model, and an empty cache."""
    from huggingface_hub import constants

    folder = make_base(tmp_path / "hub")
    (folder / "training_args.bin").write_bytes(b"x" * 9)
    (folder / "LICENSE.txt").write_text("free")
    with FakeHub({REPO: folder}) as server:
        monkeypatch.setattr(constants, "ENDPOINT", server.url)
        url = server.url + "/{repo_id}/resolve/{revision}/{filename}"
        monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", url)
        monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
        monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
        yield server


def test_a_base_is_fetched_once_and_named_by_its_commit(hub: FakeHub, tmp_path: Path) -> None:
    folder, pin, location = open_base(REPO, tmp_path)
    assert folder.name == COMMIT
    assert (pin.base.repo, pin.base.revision, location) == (REPO, COMMIT, None)
    assert pin.digest == pin_base(tmp_path / "hub", repo="x").digest
    before = len(hub.asked)
    again, same, _ = open_base(f"{REPO}@{COMMIT}", tmp_path)
    assert (again, same) == (folder, pin)
    assert len(hub.asked) == before, "what is there is not asked for again"


def test_only_safe_weights_and_what_belongs_to_them_are_fetched(hub: FakeHub) -> None:
    folder = download(REPO, None)
    assert {path.name for path in folder.iterdir()} == {
        "model.safetensors", "config.json", "tokenizer.json", "tokenizer_config.json",
        "chat_template.jinja", "LICENSE.txt",
    }  # fmt: skip


def test_without_weights_none_are_fetched_and_later_they_are(hub: FakeHub) -> None:
    folder = download(REPO, None, weights=False)
    assert not (folder / "model.safetensors").exists()
    assert (folder / "config.json").is_file()
    assert is_whole(folder, weights=False)
    assert not is_whole(folder)
    assert (download(REPO, None) / "model.safetensors").is_file()


def test_a_pinned_base_is_found_again_by_its_commit(hub: FakeHub, tmp_path: Path) -> None:
    folder = download(REPO, None)
    ref = BaseModelRef(repo=REPO, revision=COMMIT, digest=DIGEST)
    assert locate(ref, None, tmp_path) == folder


@pytest.mark.parametrize(
    ("repo", "revision", "said"),
    [
        (GATED, None, "is gated"),
        ("org/smal", None, "no model 'org/smal'"),
        (REPO, "v9", "no revision v9"),
        ("./nothing", None, "no such folder"),
        ("/nothing", None, "no such folder"),
        ("~/nothing", None, "no such folder"),
    ],
)
def test_a_refusal_is_one_sentence(hub: FakeHub, repo: str, revision: str | None, said: str) -> None:
    with pytest.raises(UsageError, match=said) as caught:
        download(repo, revision)
    assert "\n" not in str(caught.value)


def test_a_hub_that_does_not_answer_is_told_from_one_that_refuses(
    hub: FakeHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(UsageError, match="the Hub did not answer"):
        download(REPO, None)


def test_an_adapter_on_the_hub_is_pinned_at_its_commit(hub: FakeHub, tmp_path: Path) -> None:
    adapter = make_adapter(tmp_path / "adapter")
    config = json.loads((adapter / "adapter_config.json").read_text())
    config |= {"base_model_name_or_path": REPO, "revision": COMMIT}
    (adapter / "adapter_config.json").write_text(json.dumps(config))
    hub.models["org/tuned"] = adapter
    project = Project(tmp_path / "project")
    side = resolve("hf:org/tuned", project)
    assert (side.name, side.reference) == ("org/tuned", f"hf:org/tuned@{COMMIT}")
    assert side.adapter is not None
    assert side.base.base.repo == REPO
    assert side.base.base.revision == COMMIT
    assert len(side.notes) == 1
    assert COMMIT in side.notes[0]
    again = resolve(f"hf:org/tuned@{COMMIT}", project)
    assert again.notes == ()
    assert again.pin.digest == side.pin.digest


def test_a_pin_of_a_hub_base_needs_no_folder(hub: FakeHub, tmp_path: Path) -> None:
    _, pin, _ = open_base(REPO, tmp_path)
    path = tmp_path / "base.json"
    path.write_text(pin.model_dump_json(by_alias=True))
    side = resolve(str(path), Project(tmp_path))
    assert side.base_folder.name == COMMIT
    assert side.pin.digest == pin.digest


def test_a_folder_without_a_config_is_no_base(tmp_path: Path) -> None:
    folder = make_base(tmp_path / "half")
    (folder / "config.json").unlink()
    with pytest.raises(UsageError, match=r"no such folder, or no config\.json in it"):
        open_base(str(folder), tmp_path)


@pytest.mark.parametrize("reference", ["tiny", "folder"])
def test_a_base_pinned_by_an_earlier_version_keeps_its_pin_however_it_is_named(
    tmp_path: Path, reference: str
) -> None:
    folder = packaged("models", "tiny") if reference == "tiny" else make_base(tmp_path / "base")
    named = "tiny" if reference == "tiny" else str(folder)
    today = open_base(named, tmp_path)[1]
    covered = ("model.safetensors", "tokenizer.json")
    files = {name: digest for name, digest in today.files.items() if name in covered}
    earlier = digest_of({"kind": "model", "files": files, "config": today.config})
    pin = open_base(named, tmp_path, earlier)[1]
    assert (today.version, pin.version) == (2, 1)
    assert (pin.digest, pin.files, pin.date) == (earlier, files, None)
