"""What a reference to a model means, and what it is told where it means nothing or several things."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from brie.errors import PinError, UsageError
from brie.pin import pin_base, pin_checkpoint, resolve_pair, write_pin
from brie.pin.bases import locate, open_base, packaged_base
from brie.pin.resolve import default_candidate, resolve
from brie.pin.runs import find_run
from brie.project import Project, packaged
from brie.records import BaseModelRef
from tests.pin.folders import make_adapter, make_base

RUN = "train-0.5b-20260101-1200-ab12"


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A project with a local base."""
    make_base(tmp_path / "models" / "base")
    return Project(tmp_path.resolve())


def add_run(project: Project, name: str = RUN, *, called: str | None = "letters", fill: int = 3) -> Path:
    """A run with checkpoints at 10 and 20: the best is 10, the last 20."""
    run = project.runs / name
    base = pin_base(project.root / "models" / "base", repo="base")
    for which, step in (("best", 10), ("last", 20)):
        folder = make_adapter(run / "checkpoints" / f"checkpoint-{step}", fill=fill + step)
        pin = pin_checkpoint(
            folder, base=base, name=f"letters:{which}", run=name, step=step, planned_steps=40
        ).model_copy(update={"base_location": "models/base"})
        write_pin(pin, run / "pins" / f"{which}.json", checkpoint=folder)
    manifest = {"id": name, "state": "finished", **({"name": called} if called else {})}
    (run / "manifest.json").write_text(json.dumps(manifest))
    return run


@pytest.mark.parametrize("name", ["letters", "ab12", RUN])
def test_a_run_goes_by_its_name_its_id_and_the_end_of_its_id(project: Project, name: str) -> None:
    folder = add_run(project)
    assert find_run(name, project).folder == folder
    assert find_run(str(folder), project).id == RUN
    side = resolve(f"{name}:best", project)
    assert (side.name, side.pin.step) == ("letters:best", 10)


def test_a_run_without_a_name_goes_by_the_end_of_its_id(project: Project) -> None:
    add_run(project, called=None)
    assert find_run("ab12", project).name == "ab12"
    assert default_candidate(project) == "ab12:best"


@pytest.mark.parametrize(("which", "step"), [("best", 10), ("last", 20), ("10", 10), ("20", 20)])
def test_a_checkpoint_of_a_run_is_loaded_from_its_own_folder(
    project: Project, which: str, step: int
) -> None:
    folder = add_run(project)
    side = resolve(f"letters:{which}", project)
    assert side.adapter == folder / "checkpoints" / f"checkpoint-{step}"
    assert side.base_folder == project.root / "models" / "base"
    assert side.base.digest == side.pin.base.digest
    assert (side.pin.kind, side.pin.step, side.pin.planned_steps) == ("adapter", step, 40)
    assert side.pin.run == RUN
    expected = f"runs/{RUN}/pins/{which}.json" if not which.isdigit() else f"letters:{which}"
    assert side.reference == expected


def test_the_same_checkpoint_has_one_digest_however_it_is_named(project: Project) -> None:
    folder = add_run(project)
    by_pin = resolve(str(folder / "pins" / "best.json"), project)
    by_step, by_name = resolve("letters:10", project), resolve("letters:best", project)
    assert by_pin.pin.digest == by_step.pin.digest == by_name.pin.digest
    assert resolve("letters:last", project).pin.digest != by_pin.pin.digest


def test_the_default_is_the_only_run_there_is(project: Project) -> None:
    with pytest.raises(UsageError, match="no trained model here yet"):
        default_candidate(project)
    add_run(project)
    assert default_candidate(project) == "letters:best"
    add_run(project, "train-0.5b-20260102-1200-cd34", called="poems")
    with pytest.raises(UsageError, match="2 training runs") as said:
        default_candidate(project)
    choices = [line.split() for line in str(said.value).splitlines()[1:]]
    assert [words[:2] for words in choices] == [
        ["--candidate", "letters:best"],
        ["--candidate", "poems:best"],
    ]


def test_a_run_that_is_not_finished_is_no_default(project: Project) -> None:
    add_run(project)
    late = add_run(project, "train-0.5b-20260102-1200-cd34", called="poems")
    (late / "pins" / "best.json").unlink()
    assert default_candidate(project) == "letters:best"
    with pytest.raises(UsageError, match=r"no best pin \(state: finished\)"):
        resolve("poems:best", project)


def test_two_runs_of_one_name_are_told_apart_by_their_ids(project: Project) -> None:
    add_run(project)
    add_run(project, "train-0.5b-20260102-1200-cd34")
    with pytest.raises(UsageError, match="2 runs are called 'letters'") as said:
        resolve("letters:best", project)
    assert RUN in str(said.value)
    assert resolve("cd34:best", project).pin.run == "train-0.5b-20260102-1200-cd34"


def test_a_run_alone_is_several_models_and_they_are_listed(project: Project) -> None:
    add_run(project)
    for name in ("letters", "ab12", RUN):
        with pytest.raises(UsageError, match="is a training run") as said:
            resolve(name, project)
        listed = [line.strip() for line in str(said.value).splitlines()[1:]]
        assert listed == ["letters:best", "letters:last", "letters:10", "letters:20"]


@pytest.mark.parametrize("which", ["15", "newest", "-10", ""])
def test_a_checkpoint_that_was_never_kept_is_refused_with_those_that_were(
    project: Project, which: str
) -> None:
    add_run(project)
    with pytest.raises(UsageError, match="has: best, last, 10, 20"):
        resolve(f"letters:{which}", project)


def test_what_is_no_checkpoint_is_not_listed(project: Project) -> None:
    folder = add_run(project)
    (folder / "checkpoints" / "checkpoint-30").mkdir()
    make_adapter(folder / "checkpoints" / "checkpoint-tmp")
    with pytest.raises(UsageError, match="has: best, last, 10, 20"):
        resolve("letters:30", project)


def test_a_manifest_that_cannot_be_read_is_no_run(project: Project) -> None:
    for name, text in (("x", "{"), ("y", "[]")):
        folder = project.runs / f"train-{name}"
        folder.mkdir(parents=True)
        (folder / "manifest.json").write_text(text)
    with pytest.raises(UsageError, match="no trained model here yet"):
        default_candidate(project)


def test_an_unknown_model_names_the_nearest_run(project: Project) -> None:
    add_run(project)
    with pytest.raises(UsageError, match="did you mean 'letters:best'"):
        resolve("leters", project)
    with pytest.raises(UsageError, match="did you mean 'letters'"):
        resolve("leters:best", project)


def test_an_adapters_folder_is_taken_with_the_base_its_own_config_names(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(project.root)
    folder = make_adapter(project.root / "mine")
    config = json.loads((folder / "adapter_config.json").read_text())
    config["base_model_name_or_path"] = "models/base"
    (folder / "adapter_config.json").write_text(json.dumps(config))
    side = resolve("mine", project)
    assert (side.name, side.reference, side.adapter) == ("mine", "mine", folder)
    assert side.base_folder == project.root / "models" / "base"
    assert side.pin.base.digest == side.base.digest
    del config["base_model_name_or_path"]
    (folder / "adapter_config.json").write_text(json.dumps(config))
    with pytest.raises(PinError, match="does not name the adapter's base"):
        resolve("mine", project)


def test_a_full_models_folder_is_a_model_of_its_own(project: Project) -> None:
    side = resolve(str(project.root / "models" / "base"), project)
    assert (side.pin.kind, side.name, side.reference) == ("model", "base", "models/base")
    assert side.adapter is None
    assert side.base is side.pin
    assert side.base_folder == project.root / "models" / "base"


def test_a_pin_of_a_full_model_is_loaded_from_where_it_says(project: Project) -> None:
    merged = make_base(project.root / "merged", fill=7)
    pin = pin_base(merged, repo="base", kind="model").model_copy(update={"base_location": "models/base"})
    other = pin.model_copy(update={"base": BaseModelRef(repo="base", digest=pin.digest)})
    write_pin(other, project.root / "pins" / "merged.json", checkpoint=merged)
    side = resolve(str(project.root / "pins" / "merged.json"), project)
    assert side.base_folder == merged
    assert side.adapter is None
    assert side.pin.digest == pin.digest


def test_a_checkpoint_that_was_changed_since_is_refused(project: Project) -> None:
    folder = add_run(project)
    make_weights = folder / "checkpoints" / "checkpoint-10" / "adapter_model.safetensors"
    make_weights.write_bytes(make_weights.read_bytes() + b"x")
    with pytest.raises(PinError, match="not what the pin says"):
        resolve("letters:best", project)


def test_the_baseline_is_the_candidates_base_unless_it_is_named(project: Project) -> None:
    add_run(project)
    one, two = resolve_pair(project, candidate="letters:best", baseline="base")
    assert one.pin.kind == "adapter"
    assert (two.pin.kind, two.reference, two.adapter) == ("base", "base", None)
    assert two.pin.digest == one.base.digest
    assert two.base_folder == one.base_folder
    one, two = resolve_pair(project, candidate="letters:best", baseline="letters:last")
    assert (one.pin.step, two.pin.step) == (10, 20)


def test_baseline_against_itself_is_one_side_twice(project: Project) -> None:
    add_run(project)
    one, two = resolve_pair(project, candidate="baseline", baseline="base")
    assert one is two
    assert one.pin.kind == "base"
    one, two = resolve_pair(project, candidate="baseline", baseline="letters:last")
    assert one is two
    assert one.pin.step == 20


def test_a_base_named_by_a_person_is_packaged_or_a_folder(project: Project) -> None:
    folder, pin, location = open_base("tiny", project.root)
    assert (folder, pin.base.repo, location) == (packaged("models", "tiny"), "brie/tiny", None)
    assert open_base("brie/tiny", project.root)[1] == pin
    folder, pin, location = open_base(str(project.root / "models" / "base"), project.root)
    assert (folder, pin.base.repo, location) == (project.root / "models/base", "base", "models/base")
    outside = project.root.parent / "elsewhere"
    assert open_base(str(folder), outside)[2] == str(folder)
    with pytest.raises(UsageError, match="did you mean 'tiny'"):
        packaged_base("tini")


def test_a_pinned_base_is_looked_for_where_it_was(project: Project) -> None:
    ref = BaseModelRef(repo="base", digest="sha256:" + "0" * 64)
    tiny = ref.model_copy(update={"repo": "brie/tiny"})
    assert locate(ref, "models/base", project.root) == project.root / "models" / "base"
    assert locate(tiny, None, project.root) == packaged("models", "tiny")
    with pytest.raises(UsageError, match="which is gone"):
        locate(ref, "models/gone", project.root)


def test_a_file_that_is_no_pin_is_no_model(project: Project) -> None:
    (project.root / "notes.txt").write_text("{}")
    for name in ("notes.txt", "gone.json"):
        with pytest.raises(UsageError, match="A model is a pin file"):
            resolve(str(project.root / name), project)


@pytest.mark.parametrize("pinned_before", [None, "sha256:" + "0" * 64])
def test_a_base_pinned_by_a_digest_of_no_version_is_pinned_anew(
    project: Project, pinned_before: str | None
) -> None:
    for reference in ("tiny", str(project.root / "models" / "base")):
        pin = open_base(reference, project.root)[1]
        assert open_base(reference, project.root, pinned_before)[1] == pin
        assert open_base(reference, project.root, pin.digest)[1] == pin


def test_what_to_name_instead_is_a_line_a_run(project: Project) -> None:
    for name, called in ((RUN, "letters"), (RUN.replace("ab12", "cd34"), None)):
        add_run(project, name, called=called)
    with pytest.raises(UsageError) as refused:
        default_candidate(project)
    assert str(refused.value).splitlines()[1:] == [
        f"  --candidate letters:best    ({RUN})",
        f"  --candidate cd34:best    ({RUN.replace('ab12', 'cd34')})",
    ]
    with pytest.raises(UsageError) as refused:
        resolve("letters", project)
    assert str(refused.value).splitlines()[1:] == [
        "  letters:best", "  letters:last", "  letters:10", "  letters:20",
    ]  # fmt: skip


@pytest.mark.parametrize("name", ["notes.txt", "gone.json", "gone"])
def test_what_is_neither_a_pin_file_nor_a_folder_is_an_unknown_model(
    project: Project, name: str
) -> None:
    (project.root / "notes.txt").write_text("not a pin")
    with pytest.raises(UsageError, match="model"):
        resolve(str(project.root / name), project)


@pytest.mark.parametrize(
    "weights",
    [("model.safetensors",), ("model-00002-of-00002.safetensors", "model-00001-of-00002.safetensors")],
)
def test_an_adapter_and_a_whole_model_in_one_folder_are_told_apart_by_the_person(
    project: Project, weights: tuple[str, ...]
) -> None:
    both = make_adapter(project.root / "both")
    merged = make_base(project.root / "merged", fill=2)
    for name in weights:
        shutil.copy(merged / "model.safetensors", both / name)
    base = str(project.root / "models" / "base")
    for name in ("tokenizer.json", "tokenizer_config.json", "chat_template.jinja"):
        shutil.copy(merged / name, both)
    alone = resolve("both", project, base=base)  # without config.json there is one model
    assert alone.adapter == both
    shutil.copy(merged / "config.json", both)
    with pytest.raises(PinError, match=rf"an adapter .* and a whole model \({min(weights)}\)"):
        resolve("both", project, base=base)
    assert resolve("both", project, alone.pin, base=base).adapter == both  # it was told apart before
    for unwanted in (*weights, "config.json"):
        (both / unwanted).rename(project.root / unwanted)
    assert resolve("both", project, base=base).adapter == both
    for unwanted in (*weights, "config.json"):
        (project.root / unwanted).rename(both / unwanted)
    for unwanted in ("adapter_model.safetensors", "adapter_config.json"):
        (both / unwanted).unlink()
    assert resolve("both", project).adapter is None
