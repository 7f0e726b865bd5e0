"""Sending a model to the Hub: the real client, against a server that stores what it is sent."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from brie.cli import cli
from brie.digest import file_digest
from brie.errors import BrieError
from brie.evaluation.folders import Evaluation, evaluation_id
from brie.evaluation.manifest import write_manifest
from brie.evaluation.results import rebuild
from brie.forms.sides import resolve_source
from brie.project import Project
from brie.records import Pin
from brie.records.shipping import ExportedFile, ExportManifest
from tests.fakes.hub_store import TOKEN, HubStore
from tests.flow.world import World, rules

REPO = "me/letters"
CANARY = "sk-canary-0123456789abcdef"
FOLDER = "exports/adapter-merged-float32"


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with an export, and an evaluation of its checkpoint."""
    root = tmp_path_factory.mktemp("private-place") / "of-anna"
    root.mkdir()
    (root / "brie.toml").write_text("", "utf-8")
    world = World.make(root / "runs")
    project = Project(root)

    def text(side: str, prompt: int, sample: int) -> str:
        won = prompt % 5 > 0
        near, far = "The reference answer says what is so.", "Elsewhere nothing of that kind is, no."
        return f"{near if won == (side == 'candidate') else far} {prompt}"

    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(root)
        side = resolve_source("runs/adapter", project, base="runs/base")
        _, manifest = World(world.root, side, world.baseline).evaluate(
            text, panel_judges=rules("reference"), prompts=20
        )
        here = {"candidate": side.reference, "baseline": "base"}
        manifest = manifest.model_copy(
            update={
                "id": evaluation_id(manifest.plan),
                "locations": here,
                "bases": {"candidate": side.named_base},
            }
        )
        write_manifest(project.runs / manifest.id, manifest)
        rebuild(Evaluation(project.runs / manifest.id, manifest), project)
    _export(root / FOLDER, side.pin, root)
    return root


def _export(folder: Path, pin: Pin, root: Path) -> None:
    """An export's folder as `brie export --to merged` leaves it, with weights of no meaning."""
    folder.mkdir(parents=True)
    (folder / "model.safetensors").write_bytes(bytes(range(256)) * 4000)
    (folder / "config.json").write_text('{"model_type": "qwen2"}\n', "utf-8")
    files = tuple(
        ExportedFile(path=path.name, bytes=path.stat().st_size, digest=file_digest(path))
        for path in sorted(folder.iterdir())
    )
    manifest = ExportManifest(
        created="2026-01-01T00:00:00+00:00", version="0.1.0", source=pin, target="merged",
        number_format="float32", tools={"llama-quantize": f"{root}/bin/llama-quantize"},
        settings={"dtype": "float32", "quantize": "none"}, files=files, check=None,
        not_checked="nothing here could read it", serve=(f"vllm serve {root}/{FOLDER}",),
    )  # fmt: skip
    (folder / "brie-export.json").write_text(manifest.model_dump_json(indent=2), "utf-8")


@dataclass(frozen=True)
class Desk:
    """A copy of the project to send from, and where it is sent."""

    root: Path
    hub: HubStore

    def send(self, *more: str) -> Result:
        return CliRunner().invoke(cli, [*COMMAND, *more])

    @property
    def parcel(self) -> Path:
        return self.root / f"{FOLDER}.hub"


COMMAND = (
    "export", "runs/adapter", "--base", "runs/base", "--dtype", "float32", "--to", "hub", "--repo", REPO,
)  # fmt: skip


@pytest.fixture
def desk(shop: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    monkeypatch.chdir(shop)
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    monkeypatch.setenv("MY_API_KEY", CANARY)
    monkeypatch.setenv("HF_HUB_DISABLE_XET", "1")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_DISABLE_XET", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    monkeypatch.setenv("HF_HUB_OFFLINE", "0")
    with HubStore() as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        yield Desk(shop, hub)


def code(result: Result) -> int:
    error = result.exception
    return error.exit_code if isinstance(error, BrieError) else result.exit_code


def test_weights_card_and_records_arrive_and_a_second_time_nothing_changes(desk: Desk) -> None:
    from huggingface_hub import ModelCard, ModelCardData

    done = desk.send("--tag", "letters")
    assert code(done) == 0, done.exception
    assert "(private): 10 files sent" in done.output
    repo = desk.hub.repos[REPO]
    assert repo.private
    for file in json.loads(repo.files["brie-export.json"])["files"]:
        assert "sha256:" + sha256(repo.files[file["path"]]).hexdigest() == file["digest"]
    (name,) = (n.removesuffix(".every_eval_ever.json") for n in repo.files if "every_eval_ever" in n)
    assert {
        "README.md", "model.safetensors", "config.json", f"brie/{name}.zip", f"brie/{name}/index.html",
        f"brie/{name}/report.md", f"brie/{name}/analysis.json",
    } <= set(repo.files)  # fmt: skip
    card = ModelCard(repo.files["README.md"].decode())
    assert isinstance(card.data, ModelCardData)
    assert {"brie", "letters"} <= set(card.data.tags or ())
    assert card.data.eval_results
    assert f'model="{REPO}"' in card.content

    commits, puts = len(repo.commits), len(desk.hub.puts)
    again = desk.send("--tag", "letters")
    assert code(again) == 0, again.exception
    assert "nothing differed" in again.output
    assert (len(repo.commits), len(desk.hub.puts)) == (commits, puts) == (2, puts)


def test_no_key_no_folder_and_no_machine_s_name_is_in_any_byte(desk: Desk) -> None:
    import io
    import socket
    import zipfile

    assert code(desk.send()) == 0
    bodies = [bytes(desk.hub.received)]
    for name, body in desk.hub.repos[REPO].files.items():
        bodies.append(body)
        if name.endswith(".zip"):
            with zipfile.ZipFile(io.BytesIO(body)) as archive:
                bodies += [archive.read(member) for member in archive.namelist()]
    for secret in (CANARY, TOKEN, str(desk.root), "of-anna"):
        assert not any(secret.encode() in body for body in bodies), secret
    texts = [b for n, b in desk.hub.repos[REPO].files.items() if n.endswith((".md", ".json"))]
    machine = socket.gethostname().encode()
    assert not any(re.search(rb"\b%s\b" % re.escape(machine), text) for text in texts)


def test_a_key_in_a_file_of_the_model_stays_here(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_API_KEY", '"model_type": "qwen2"')
    done = desk.send()
    assert code(done) == 2
    assert "a key of this environment stands in config.json" in str(done.exception)
    assert not desk.hub.repos


def test_a_changed_number_in_the_card_is_named_and_nothing_is_sent(desk: Desk) -> None:
    assert code(desk.send("--dry-run")) == 0
    assert not desk.hub.received
    card = desk.parcel / "README.md"
    try:
        text = card.read_text("utf-8")
        card.write_text(text.replace("## Limits", "## Limits\n\nFor letters to friends.\n"), "utf-8")
        kept = desk.send("--dry-run")
        assert "was edited and every claim of it holds" in kept.output
        changed = re.sub(r"(win rate <!-- [^>]*-->)\d+", r"\g<1>97", card.read_text("utf-8"), count=1)
        card.write_text(changed, "utf-8")
        refused = desk.send()
        assert code(refused) == 2
        assert "win_rate.value of eval-" in str(refused.exception)
        assert "the text says 97" in str(refused.exception)
        assert not desk.hub.repos
        verified = CliRunner().invoke(cli, ["verify", "--claims", str(card)])
        assert code(verified) == 2
        assert "the text says 97" in verified.output
    finally:
        card.unlink()


@pytest.mark.slow
def test_a_push_that_was_cut_goes_on_with_what_is_missing(desk: Desk) -> None:
    started: list[subprocess.Popen[bytes]] = []

    def cut(count: int) -> None:
        if count == 1:
            started[0].kill()
            started[0].wait()

    desk.hub.at_upload = cut
    with desk.hub.lock:
        quiet = subprocess.DEVNULL
        command = [sys.executable, "-m", "brie", *COMMAND]
        started.append(subprocess.Popen(command, cwd=desk.root, stdout=quiet, stderr=quiet))
    assert started[0].wait() != 0
    first, stored = desk.hub.puts[0], set(desk.hub.objects)
    assert stored == {first}
    assert len(desk.hub.repos[REPO].commits) == 1
    desk.hub.at_upload = lambda count: None
    assert code(desk.send()) == 0
    assert desk.hub.puts.count(first) == 1
    assert set(desk.hub.objects) > stored
    assert len(desk.hub.repos[REPO].commits) == 2


def test_what_everybody_can_see_is_not_written_to_by_the_way(desk: Desk) -> None:
    assert code(desk.send("--public")) == 0
    assert not desk.hub.repos[REPO].private
    refused = desk.send()
    assert code(refused) == 2
    assert "say --public" in str(refused.exception)


def test_a_wrong_token_and_a_missing_one_are_said(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_another-token-0123456789")
    refused = desk.send()
    assert code(refused) == 2
    assert "does not let this HF_TOKEN write to me/letters" in str(refused.exception)
    assert "hf_another" not in str(refused.exception)
    monkeypatch.delenv("HF_TOKEN")
    missing = desk.send()
    assert code(missing) == 2
    assert "--dry-run" in str(missing.exception)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--to", "hub"), "needs the repository"),
        (("--to", "hub", "--repo", "letters"), "names no repository"),
        (("--to", "hub", "--repo", "me/gedichté"), "names no repository"),
        (("--to", "hub", "--repo", "me/letters."), "names no repository"),
        (("--to", "hub", "--repo", "me/letters.git"), "names no repository"),
        (("--to", "merged", "--public"), "go with --to hub"),
    ],
)
def test_what_is_asked_for_wrongly_is_said_before_anything_is_made(
    desk: Desk, arguments: tuple[str, ...], words: str
) -> None:
    done = CliRunner().invoke(cli, ["export", "runs/adapter", "--base", "runs/base", *arguments])
    assert code(done) == 2
    assert words in str(done.exception)
