"""What the documentation is built from: pages from outside docs/, and two files for coding agents.

    python -m docs.pages     writes docs/llms.txt and docs/skill/SKILL.md anew

mkdocs loads this file as a hook. README and its neighbours become pages of the site, with their links
led to where they stand there. llms.txt and the skill file are made of the pages' own titles and first
sentences, the verbs' own help lines and the errors' own exit codes; a test compares them.
"""

from __future__ import annotations

import re
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

ROOT = Path(__file__).parents[1]
OUTSIDE = {
    "index.md": "README.md",
    "CONTRIBUTING.md": "CONTRIBUTING.md",
    "SECURITY.md": "SECURITY.md",
    "CHANGELOG.md": "CHANGELOG.md",
    "prompt_suites.md": "prompt_suites/README.md",
}
"""Page of the site -> file of the project."""
_LINK = re.compile(r"\]\((?!https?:|#|mailto:)([^)#\s]+)(#[^)\s]*)?\)")
GUIDE = (
    "training",
    "preferences",
    "remote",
    "generation",
    "judging",
    "statistics",
    "checks",
    "sharing",
    "publishing",
    "python",
    "architecture",
)
FIRST = ("demo", "audit", "eval", "plan", "verify")
"""The verbs that an agent needs first."""


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages that stand outside docs/."""
    for page, source in OUTSIDE.items():
        content = led((ROOT / source).read_text("utf-8"), Path(source).parent)
        files.append(File.generated(config, page, content=content))
    return files


def on_page_markdown(markdown: str, **_: object) -> str:
    """Lead the links of a page in docs/ that point outside it."""
    return led(markdown, Path("docs"))


def led(markdown: str, folder: Path) -> str:
    """A page's links as they must be on the site, where all pages stand in one folder.

    A link to what is no page stays as it is, and fails the build.
    """
    pages = {source: page for page, source in OUTSIDE.items()}

    def target(match: re.Match[str]) -> str:
        path = _normal((folder / match[1]).as_posix())
        return f"]({pages.get(path, path.removeprefix('docs/'))}{match[2] or ''})"

    return _LINK.sub(target, markdown)


def _normal(path: str) -> str:
    parts: list[str] = []
    for part in path.split("/"):
        if part == "..":
            parts = parts[:-1]
        elif part not in ("", "."):
            parts.append(part)
    return "/".join(parts)


# --- for coding agents -------------------------------------------------------------------


def llms() -> str:
    """`docs/llms.txt`: what brie is, and which page says what."""
    from brie.cli import PLUMBING, VERBS, cli

    pages = [f"- [{title}]({name}.md): {first}" for name, title, first in map(_opening, GUIDE)]
    verbs = [
        f"- `brie {verb}`: {line}"
        for table in (*VERBS.values(), *PLUMBING.values())
        for verb, line in table.items()
    ]
    question = str(cli.help).split("\n")[0]
    return "\n".join([
        "# brie", "",
        f"> {question} brie compares two language models, or two files of answers, blind and in both "
        "orders: a win rate whose interval holds, and every reason not to believe it.",
        "", "## Documentation", "", *pages,
        "- [For coding agents](skill/SKILL.md): when to use brie, five commands, exit codes, what may "
        "not be concluded", "", "## Verbs", "", *verbs, "",
    ])  # fmt: skip


def skill() -> str:
    """`docs/skill/SKILL.md`: how a coding agent uses brie."""
    from brie.cli import VERBS

    lines = {verb: line for table in VERBS.values() for verb, line in table.items()}
    verbs = [f"| `{_EXAMPLES[verb]}` | {lines[verb]} |" for verb in FIRST]
    codes = [f"| {code} | {meaning} |" for code, meaning in exit_codes().items()]
    template = (ROOT / "docs" / "skill" / "template.md").read_text("utf-8")
    return template.format(verbs="\n".join(verbs), codes="\n".join(codes))


def exit_codes() -> dict[int, str]:
    """Exit code -> what it means, from the errors that end so."""
    from brie.errors import BrieError, GateNotMet, GateUndecided, Stopped

    errors = (BrieError, Stopped, GateNotMet, GateUndecided)
    told = {error.exit_code: (error.__doc__ or "").split(";")[0].rstrip(".") + "." for error in errors}
    return dict(sorted({0: "Done.", 1: "A bug: a traceback is shown.", **told}.items()))


def _opening(name: str) -> tuple[str, str, str]:
    """A page's name, title and first sentence."""
    text = (ROOT / "docs" / f"{name}.md").read_text("utf-8")
    title, _, rest = text.removeprefix("# ").partition("\n")
    paragraph = next(
        p for p in rest.split("\n\n") if p.strip() and not p.startswith(("#", "|", "!", "`"))
    )
    first = re.split(r"(?<=[.:])\s", " ".join(paragraph.split()))[0]
    return name, title, re.sub(r"\]\([^)]*\)", "", first).replace("[", "").rstrip(":")


_EXAMPLES = {
    "demo": "brie demo",
    "audit": "brie audit judgments.jsonl --json",
    "eval": "brie eval --pairs FILE --candidate mine --baseline theirs --judge JUDGE --yes --json",
    "plan": "brie plan --suite demo --json",
    "verify": "brie verify --json",
}

if __name__ == "__main__":
    (ROOT / "docs" / "llms.txt").write_text(llms(), encoding="utf-8")
    (ROOT / "docs" / "skill").mkdir(exist_ok=True)
    (ROOT / "docs" / "skill" / "SKILL.md").write_text(skill(), encoding="utf-8")
