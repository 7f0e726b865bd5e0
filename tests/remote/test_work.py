"""What is sent: one zip, with the brie that runs here, the files a command reads, and no key."""

from __future__ import annotations

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import click
import pytest

import brie
from brie.cli.options import request_of
from brie.cli.train import command as train_verb
from brie.errors import InputError, UsageError
from brie.project import Project
from brie.remote.estimate import TERAFLOPS, speed
from brie.remote.wheel import needed, versions_here, write_wheel
from brie.remote.work import Work, pack_work, read_work
from brie.train.arguments import arguments_of
from brie.train.config import TrainRequest


def packed(folder: Path, rows: bytes) -> Path:
    """Work, unpacked as it is there."""
    pack_work(
        folder / "work.zip", Project(folder), {"project/rows": rows},
        job="job-1", kind="train", arguments=("train", "--size", "tiny"),
    )  # fmt: skip
    with zipfile.ZipFile(folder / "work.zip") as archive:
        archive.extractall(folder / "there")
    return folder / "there"


@pytest.fixture(scope="module")
def once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Work that arrived."""
    return packed(tmp_path_factory.mktemp("work"), b"one\n")


@pytest.fixture
def there(once: Path, tmp_path: Path) -> Path:
    """The same, to be changed."""
    return Path(shutil.copytree(once, tmp_path / "there"))


def test_the_wheel_is_the_brie_that_runs_here(tmp_path: Path) -> None:
    wheel = write_wheel(tmp_path)
    assert wheel.name == f"brie_eval-{brie.__version__}-py3-none-any.whl"
    (tmp_path / "again").mkdir()
    again = write_wheel(tmp_path / "again")
    assert again.read_bytes() == wheel.read_bytes()
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "lib")
    asks = "import brie, brie.project as p; print(brie.__file__); print(p.packaged('models', 'tiny'))"
    command = [sys.executable, "-c", asks]
    env = {"PYTHONPATH": str(tmp_path / "lib"), "PATH": "/usr/bin:/bin"}
    out = subprocess.run(
        command, env=env, capture_output=True, text=True, check=True, cwd=tmp_path
    ).stdout
    module, model = map(Path, out.split())
    assert module == tmp_path / "lib" / "brie" / "__init__.py"
    assert (model / "config.json").is_file()


def test_every_package_that_brie_asks_for_has_its_version_pinned() -> None:
    here = versions_here()
    assert {"torch", "transformers", "pydantic"} <= set(needed())
    assert set(needed()) <= set(here)
    assert not any("+" in version for version in here.values())


def test_work_that_did_not_arrive_as_it_was_sent_is_refused(there: Path) -> None:
    assert read_work(there).arguments == ("train", "--size", "tiny")
    (there / "project" / "rows").write_bytes(b"two\n")
    with pytest.raises(InputError, match="project/rows did not arrive"):
        read_work(there)


@pytest.mark.parametrize("name", ["../evil", "/evil", "project/../../evil", "a\\b", "project/./x"])
def test_a_name_that_leads_out_is_refused(there: Path, name: str) -> None:
    text = (there / "work.json").read_text().replace("project/rows", name.replace("\\", "\\\\"))
    (there / "work.json").write_text(text)
    with pytest.raises(InputError, match="is no name that work has"):
        read_work(there)


def test_a_key_of_this_environment_is_not_sent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_API_KEY", "sk-0123456789abcdef")
    with pytest.raises(UsageError, match="a key of this environment stands in project/rows") as refused:
        packed(tmp_path, b"the key is sk-0123456789abcdef.\n")
    assert "sk-0123" not in str(refused.value)


def test_work_knows_its_form() -> None:
    work = Work(job="j", kind="train", arguments=(), version="1", members={})
    assert work.model_dump()["schema"] == "brie.work/1"


@pytest.mark.parametrize(
    "request_",
    [
        TrainRequest(),
        TrainRequest(size="tiny", settings=("r=8", "max_steps=3"), name="a b", device="cpu"),
        TrainRequest(
            recipe=Path("x.toml"), data="d.jsonl", val="v.jsonl", hold_out_source=("a", "b"),
            balance="label", mapping=("source=meta.source",), chat_template="chatml", system="fold",
        ),
        TrainRequest(method="dpo", prefs="p.jsonl", start="first:best", base="a/b@c", seeds=2),
        TrainRequest(resume="first", processes=2),
    ],
)  # fmt: skip
def test_a_request_as_words_is_read_as_the_same_request(request_: TrainRequest) -> None:
    words = arguments_of(request_)
    assert words[0] == "train"
    with train_verb.make_context("train", list(words[1:])) as context:
        fields = {name: context.params[name] for name in TrainRequest.__dataclass_fields__}
    assert isinstance(context, click.Context)
    assert request_of(TrainRequest, fields) == request_


def test_the_speed_of_a_card_is_found_by_its_name() -> None:
    assert speed("NVIDIA A100-SXM4-80GB") == TERAFLOPS["A100"]
    assert speed("NVIDIA RTX PRO 6000 Blackwell") == TERAFLOPS["RTX PRO 6000"]
    assert speed("Tesla T4") == TERAFLOPS["T4"]
    assert speed("NVIDIA L40S") == TERAFLOPS["L40S"]
    assert speed("NVIDIA A1000") is None
