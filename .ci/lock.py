"""Write lock/, constraints.txt and docs/licences.md anew: what `make lock` runs.

    python .ci/lock.py

`uv` resolves what pyproject.toml names, for Linux and macOS and every Python that is supported, at the
versions that constraints.txt gives; a line taken out there is resolved to the newest. It knows every
file of a version by its SHA-256. torch is published twice, for CUDA and for CPUs alone, and only the
first lies where uv looks: the files of the second stand in lock/torch-cpu.txt, which is left as it is.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

ROOT = Path(__file__).parents[1]
LOCK = ROOT / "lock"
OLDEST, NEWEST = "3.11", "3.13"
HEADS = {
    "packages": "What `make` installs: every file of every package by its SHA-256.",
    "sources": "What is published without a wheel: built here, by the setuptools of lock/packages.txt.",
    "torch": "torch as the package index has it, for CUDA on Linux, and what that build needs.",
    "release": "What `make dist` adds.",
    "extras": "What the other extras need; `make` installs none of it.",
}
VERSIONS = """\
# Every package that brie was tested with: pip install -c constraints.txt '.[train]'
# `make` installs the same, each file held against its SHA-256, from lock/. To change a version, change
# it here, or take the line out for the newest, and run `make lock`.
"""
LICENCES = """\
# Licences

What brie is installed with and under which licence, as each package's own metadata says it. `make lock`
writes this page. Only the packages of the first table come with `pip install brie-eval` and its extra
`train`; all of them stand in `lock/` with the SHA-256 of every file.
"""
TABLES = {
    "use": "What brie and its extra `train` need",
    "develop": "What tests and documentation need beside that",
    "torch": "torch, and what its build for CUDA needs",
    "release": "What a release is made with",
    "extras": "What the other extras need",
}

_TORCH = re.compile(r"torch$|nvidia-|cuda-|triton$")
_ELSEWHERE = re.compile(r"sys_platform == '(win32|emscripten)'")
_LINE = re.compile(r"(?P<name>[\w.-]+)==(?P<version>[^\s;]+)(?: ; (?P<marker>[^\\]*[^\\ ]))?")
_FILE = re.compile(r"--hash=(sha256:[0-9a-f]{64})")


@dataclass
class Locked:
    """One package, at one version."""

    version: str
    marker: str
    """Where it is installed, as pip reads it; empty: everywhere."""
    files: set[str]
    """`sha256:` and the digest of each file that may be installed."""


Lock = dict[str, Locked]
"""Packages by name."""


class Metadata(TypedDict, total=False):
    """A package's own metadata, as pip reports it."""

    name: str
    version: str
    license_expression: str
    license: str
    classifier: list[str]


class _Archive(TypedDict):
    hashes: dict[str, str]


class _Download(TypedDict):
    url: str
    archive_info: _Archive


class Package(TypedDict):
    """One package that pip would install."""

    metadata: Metadata
    download_info: _Download


def read(text: str) -> Lock:
    """The packages of a requirements file with hashes, by name."""
    lock: Lock = {}
    for line in text.splitlines():
        if matched := _LINE.match(line):
            last = lock[canonical(matched["name"])] = Locked(
                matched["version"], matched["marker"] or "", set()
            )
        if file := _FILE.search(line):
            last.files.add(file[1])
    return lock


def canonical(name: str) -> str:
    """A package's name as an index compares it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def resolve(*extras: str) -> Lock:
    """What brie needs with these extras, without what only Windows and browsers need."""
    command = [str(Path(sys.executable).with_name("uv")), "pip", "compile", "--quiet", "--universal"]
    command += ["--python-version", OLDEST, "--generate-hashes", "--no-annotate", "--no-header"]
    command += [f"--extra={extra}" for extra in extras]
    command += ["--constraints", "constraints.txt", "pyproject.toml"]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
    return {name: one for name, one in read(done.stdout).items() if not _ELSEWHERE.search(one.marker)}


def would_install(lines: Iterable[str], *options: str) -> Iterator[Package]:
    """What pip would install for these lines; it downloads metadata alone where an index has it."""
    with tempfile.TemporaryDirectory() as folder:
        asked, answer = Path(folder) / "asked.txt", Path(folder) / "answer.json"
        asked.write_text("".join(f"{line}\n" for line in lines))
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--dry-run", "--ignore-installed"]
        command += ["--no-deps", "--report", str(answer), "-r", str(asked), *options]
        subprocess.run(command, check=True)
        yield from json.loads(answer.read_text("utf-8"))["install"]


def unnamed_build(torch: Locked) -> str:
    """The line of lock/torch-cpu.txt that is missing for the build of torch that pip would take here."""
    (package,) = would_install([f"torch=={torch.version}"])
    named = read((LOCK / "torch-cpu.txt").read_text("utf-8")).get("torch")
    file = f"sha256:{package['download_info']['archive_info']['hashes']['sha256']}"
    if file in torch.files or (named and file in named.files):
        return ""
    return f"torch=={package['metadata']['version']} --hash={file}"


def licence(metadata: Metadata) -> str:
    """The licence as the metadata says it: the expression, else its one line, else the classifiers."""
    short = metadata.get("license", "").strip()
    if "\n" in short or len(short) > 60 or short.lower() in ("", "unknown"):
        short = ""
    classified = [
        line.split(" :: ")[-1]
        for line in metadata.get("classifier", [])
        if line.startswith("License ::")
    ]
    stated = metadata.get("license_expression") or short or ", ".join(classified)
    return stated or "not stated in its metadata"


def requirement(name: str, locked: Locked) -> str:
    """The package at its version and where it is wanted, without its files."""
    return f"{name}=={locked.version}" + (f" ; {locked.marker}" if locked.marker else "")


def written(name: str, locked: Locked) -> str:
    """The package with its files, as a requirements file has it."""
    return " \\\n    ".join(
        [requirement(name, locked), *(f"--hash={file}" for file in sorted(locked.files))]
    )


def table(title: str, rows: Iterable[tuple[str, str, str]]) -> str:
    """A part of the page of licences."""
    lines = [f"\n## {title}\n", "| package | version | licence |", "|---|---|---|"]
    return "\n".join([*lines, *(f"| {' | '.join(row)} |" for row in rows)]) + "\n"


def published(lock: Lock) -> dict[str, Package]:
    """What pip says of each package; the newest Python has every one of them, whatever its platform."""
    lines = [f"{name}=={one.version}" for name, one in lock.items()]
    everywhere = (f"--python-version={NEWEST}", f"--target={LOCK}")
    return {canonical(one["metadata"]["name"]): one for one in would_install(lines, *everywhere)}


def divided(lock: Lock, packages: dict[str, Package]) -> dict[str, Lock]:
    """The packages of each file of lock/, sorted."""
    wanted = {"packages": resolve("train", "dev"), "release": resolve("train", "dev", "release")}
    parts: dict[str, Lock] = {name: {} for name in HEADS}
    for name, one in sorted(lock.items()):
        part = next((part for part, names in wanted.items() if name in names), "extras")
        if _TORCH.match(name):
            part = "torch"
        elif part == "packages" and not packages[name]["download_info"]["url"].endswith(".whl"):
            part = "sources"
        parts[part][name] = one
    return parts


def write_versions(parts: dict[str, Lock]) -> None:
    """Write the files of lock/, and constraints.txt, which has the same versions."""
    for part, packages in parts.items():
        text = "".join(f"{written(name, one)}\n" for name, one in packages.items())
        (LOCK / f"{part}.txt").write_text(f"# {HEADS[part]}\n# Made by `make lock`.\n{text}", "utf-8")
    everything = {name: one for packages in parts.values() for name, one in packages.items()}
    versions = (f"{name}=={everything[name].version}\n" for name in sorted(everything))
    (ROOT / "constraints.txt").write_text(VERSIONS + "".join(versions), "utf-8")


def write_licences(parts: dict[str, Lock], packages: dict[str, Package]) -> None:
    """Write docs/licences.md."""
    use, made = resolve("train"), parts["packages"] | parts["sources"]
    tables = {
        "use": made.keys() & use.keys(), "develop": made.keys() - use.keys(),
        **{part: parts[part].keys() for part in ("torch", "release", "extras")},
    }  # fmt: skip
    page = LICENCES
    for part, title in TABLES.items():
        rows = ((name, packages[name]["metadata"]) for name in sorted(tables[part]))
        page += table(title, ((name, said["version"], licence(said)) for name, said in rows))
    (ROOT / "docs" / "licences.md").write_text(page, "utf-8")


def main() -> int:
    """Write the files; 1 if pip would take a build of torch on this machine that nothing names."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    lock = resolve(*project["optional-dependencies"])
    packages = published(lock)
    parts = divided(lock, packages)
    if line := unnamed_build(parts["torch"]["torch"]):
        print("pip would take a build of torch here that nothing names. To trust it, add its line to")
        print(f"lock/torch-cpu.txt:\n{line}")
        return 1
    write_versions(parts)
    write_licences(parts, packages)
    return 0


if __name__ == "__main__":
    sys.exit(main())
