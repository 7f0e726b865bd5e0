"""What `make` installs is named, file by file, and so is the licence of each package."""

from __future__ import annotations

import importlib.util
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterable
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, requires
from pathlib import Path
from types import ModuleType

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[1]
FILES = ("packages", "sources", "torch", "release", "extras")
ROW = re.compile(r"\| ([\w-]+) \| (\S+) \| (.+) \|")


@pytest.fixture(scope="module")
def lock() -> ModuleType:
    spec = importlib.util.spec_from_file_location("lock", ROOT / ".ci" / "lock.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["lock"] = module
    spec.loader.exec_module(module)
    return module


def versions(lock: ModuleType, *names: str) -> dict[str, str]:
    """Package -> version, of files of lock/."""
    return {
        package: locked.version
        for name in names
        for package, locked in lock.read((ROOT / "lock" / f"{name}.txt").read_text("utf-8")).items()
    }


def test_every_package_is_locked_to_one_version_and_its_files(lock: ModuleType) -> None:
    for name in FILES:
        text = (ROOT / "lock" / f"{name}.txt").read_text("utf-8")
        packages = lock.read(text)
        assert packages or name == "extras"
        assert [package for package, locked in packages.items() if not locked.files] == []
        again = "".join(f"{lock.written(package, locked)}\n" for package, locked in packages.items())
        assert [line for line in text.splitlines() if line[0] != "#"] == again.splitlines()


def test_constraints_and_lock_have_the_same_versions(lock: ModuleType) -> None:
    lines = (ROOT / "constraints.txt").read_text("utf-8").splitlines()
    constrained = dict(line.split("==") for line in lines if not line.startswith("#"))
    assert constrained == versions(lock, *FILES)


def test_torch_is_locked_in_both_its_builds(lock: ModuleType) -> None:
    for_cuda = lock.read((ROOT / "lock" / "torch.txt").read_text("utf-8"))
    for_cpus = lock.read((ROOT / "lock" / "torch-cpu.txt").read_text("utf-8"))
    assert for_cpus.keys() == {"torch"}
    assert for_cpus["torch"].version == f"{for_cuda['torch'].version}+cpu"
    assert for_cpus["torch"].files
    assert for_cpus["torch"].files.isdisjoint(for_cuda["torch"].files)
    assert {"nvidia-cublas", "triton"} <= for_cuda.keys()
    assert not any(name.startswith("nvidia-") for name in versions(lock, "packages"))


def needed(lines: Iterable[str], extras: Iterable[str]) -> Iterable[Requirement]:
    """The requirements that hold here."""
    for line in lines:
        requirement = Requirement(line)
        environments = [{"extra": extra} for extra in ("", *extras)]
        if requirement.marker is None or any(map(requirement.marker.evaluate, environments)):
            yield requirement


def test_what_the_project_needs_and_what_that_needs_is_locked(lock: ModuleType) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    extras = project["optional-dependencies"]
    named = [*project["dependencies"], *(line for lines in extras.values() for line in lines)]
    locked, waiting, done = versions(lock, *FILES), list(needed(named, ())), set()
    while waiting:
        requirement = waiting.pop()
        name = lock.canonical(requirement.name)
        assert name in locked, requirement
        assert requirement.specifier.contains(locked[name], prereleases=True), requirement
        if (name, *sorted(requirement.extras)) not in done:
            done.add((name, *sorted(requirement.extras)))
            with suppress(PackageNotFoundError):  # such as what only a release needs
                waiting += needed(requires(name) or (), requirement.extras)
    assert len(done) > 100


@pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")
def test_make_installs_nothing_that_the_lock_does_not_name() -> None:
    told = subprocess.run(
        ["make", "--always-make", "--dry-run", ".venv/ready"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    installing = [
        line for line in told.splitlines() if line.startswith(".venv/bin/python -m pip install")
    ]
    assert all("--no-deps" in line for line in installing)
    third_party, sources, itself = installing
    assert third_party.endswith("--require-hashes --only-binary=:all: -r lock/packages.txt")
    assert sources.endswith("--require-hashes --no-build-isolation -r lock/sources.txt")
    assert itself.endswith("--no-build-isolation -e .")
    (torch,) = (line for line in told.splitlines() if '-r "lock/$build.txt"' in line)
    assert "--no-deps --require-hashes -r" in torch


def test_the_page_of_licences_has_every_locked_package(lock: ModuleType) -> None:
    page = (ROOT / "docs" / "licences.md").read_text("utf-8")
    rows = {row[1]: row[2] for line in page.splitlines() if (row := ROW.fullmatch(line))}
    del rows["package"]
    assert rows == versions(lock, *FILES)


@pytest.mark.parametrize(
    ("metadata", "licence"),
    [
        ({"license_expression": "MIT", "license": "MIT License"}, "MIT"),
        (
            {"license": "Apache 2.0", "classifier": ["License :: OSI Approved :: MIT License"]},
            "Apache 2.0",
        ),
        ({"license": "BSD\n\nCopyright", "classifier": ["License :: OSI Approved :: BSD"]}, "BSD"),
        ({"license": "UNKNOWN", "classifier": ["Topic :: Utilities"]}, "not stated in its metadata"),
        ({}, "not stated in its metadata"),
    ],
)
def test_a_licence_is_what_the_metadata_says_of_it(
    lock: ModuleType, metadata: dict[str, str], licence: str
) -> None:
    assert lock.licence(metadata) == licence


def test_a_build_of_torch_that_nothing_names_is_told_and_not_trusted(
    lock: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with zipfile.ZipFile(tmp_path / "torch-0.1+cpu-py3-none-any.whl", "w") as archive:
        info = "torch-0.1+cpu.dist-info"
        archive.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: torch\nVersion: 0.1+cpu\n")
        archive.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        archive.writestr(f"{info}/RECORD", "")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    line = lock.unnamed_build(lock.Locked("0.1", "", {"sha256:" + "0" * 64}))
    assert line.startswith("torch==0.1+cpu --hash=sha256:")
    assert lock.unnamed_build(lock.Locked("0.1", "", lock.read(line)["torch"].files)) == ""
