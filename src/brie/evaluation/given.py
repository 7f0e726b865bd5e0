"""Sides that are files of answers: what a reference means, which prompts they share, and their texts.

answers:FILE                  the only column or model of a file
answers:FILE#NAME             one of several
answers:FILE#NAME?prompt=COL  where the prompt's column is not plain
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from brie.audit.answer_files import names_in, read_answers
from brie.catalog import with_system
from brie.digest import short, text_digests
from brie.errors import InputError, PinError, UsageError
from brie.evaluation.matched import matched
from brie.number_format import plural
from brie.pin import GivenAnswers, GivenPrompt, GivenText, Resolved, pin_answers
from brie.project import Project
from brie.records import JudgeSpec, Pin, Prompt, Suite, conversation_json, prompt_id

PREFIX = "answers:"
_PROMPT = "?prompt="


def reference_to(file: str, name: str = "", prompt: str | None = None) -> str:
    """The reference of a column or model of a file."""
    asked = f"{_PROMPT}{prompt}" if prompt else ""
    return f"{PREFIX}{file}{'#' if name else ''}{name}{asked}"


def pair_of(
    file: str, *, candidate: str | None, baseline: str | None, prompt: str | None
) -> tuple[str, str]:
    """Both references of `--pairs FILE`.

    Raises:
        UsageError: a side is not named; lists what the file has.
        InputError: the file cannot be read.
    """
    if candidate is None or baseline is None:
        named = ", ".join(names_in(_there(file, file), prompt))
        raise UsageError(
            f"say which sides of {file} are meant, --candidate NAME --baseline NAME; it has: {named}."
        )
    return reference_to(file, candidate, prompt), reference_to(file, baseline, prompt)


def resolve_given(reference: str, project: Project, sealed: Pin | None = None) -> Resolved:
    """A side of answers by its reference.

    Args:
        reference: as it was named; a path is taken from here, or else from the project's folder.
        project: where it is looked for.
        sealed: the pin it had before.

    Raises:
        UsageError: there is no such file, column or model.
        InputError: the file is none of answers.
        PinError: the answers are others than the sealed ones.
    """
    path, name, prompt = _parts(reference, project)
    given, notes = read_answers(path, name, prompt=prompt)
    pin = pin_answers(given)
    if sealed is not None and sealed.digest != pin.digest:
        raise PinError(
            f"{path.name}: its answers of {given.origin.label!r} are not those that were judged: "
            f"recorded {short(sealed.digest, 12)}, found {short(pin.digest, 12)}; "
            "put the file back as it was."
        )
    again = reference_to(project.place(path), name, prompt)
    said = (
        f"{given.origin.label}: {plural(given.origin.answers, 'answer')} to "
        f"{plural(given.origin.prompts, 'prompt')} of {path.name}, read as {given.origin.form}.",
    )
    return Resolved(pin, pin.name, again, Path(), pin, None, (*said, *notes), given=given)


def names_column(reference: str, project: Project) -> bool:
    """Whether a reference names a column or model that its file has."""
    path, name, prompt = _parts(reference, project)
    return name in names_in(path, prompt)


def _parts(reference: str, project: Project) -> tuple[Path, str, str | None]:
    rest = reference.removeprefix(PREFIX)
    head, mark, prompt = rest.rpartition(_PROMPT)
    rest = head if mark else rest
    cuts = [at for at, sign in enumerate(rest) if sign == "#"]
    for at in (len(rest), *reversed(cuts)):
        for path in (Path(rest[:at]), project.root / rest[:at]):
            if rest[:at] and path.is_file():
                return path, rest[at + 1 :], prompt if mark else None
    return _there(rest[: cuts[0]] if cuts else rest, reference), "", None


def _there(file: str, reference: str) -> Path:
    path = Path(file)
    if not path.is_file():
        raise UsageError(f"there is no file {file!r} (answers are named answers:FILE#COLUMN).")
    return path


def told_apart(candidate: Resolved, baseline: Resolved) -> tuple[Resolved, Resolved]:
    """Both sides, with their files in their names where they are called alike and are not the same."""
    if candidate.name != baseline.name or candidate.pin.digest == baseline.pin.digest:
        return candidate, baseline
    sides = [
        replace(side, name=f"{side.name} of {side.given.origin.file}") if side.given else side
        for side in (candidate, baseline)
    ]
    return sides[0], sides[1]


# --- prompts ---------------------------------------------------------------------------------


def suite_of(sides: Sequence[Resolved], suite: Suite | None) -> tuple[Suite, list[str]]:
    """The prompts that are judged: those of the files, or those of a suite that the files answer.

    Args:
        sides: both sides.
        suite: the suite, where one was named.

    Returns:
        The suite, and what was left out, to be said.

    Raises:
        UsageError: the files answer different prompts, or none of the suite's; or have no questions.
    """
    files = _files(sides)
    if not files:
        assert suite is not None
        return suite, []
    if suite is None:
        suite = _made_of(files)
        for given in files:
            _refuse_other_prompts(given, suite)
        return suite, []
    answered = [matched(given, suite) for given in files]
    kept = tuple(p for p in suite.prompts if all(p.id in prompts for prompts in answered))
    notes = []
    for given, prompts in zip(files, answered, strict=True):
        missing, extra = len(suite.prompts) - len(prompts), len(given.prompts) - len(prompts)
        if not prompts:
            raise UsageError(
                f"{given.origin.file} answers none of the {plural(len(suite.prompts), 'prompt')} of "
                f"suite {suite.name!r}: neither ids nor texts match. Without --suite its own prompts "
                "are taken."
            )
        if missing:
            notes.append(
                f"{given.origin.label}: {missing:,} of {plural(len(suite.prompts), 'prompt')} of suite "
                f"{suite.name!r} without an answer; left out."
            )
        if extra > 0:
            notes.append(
                f"{given.origin.label}: {plural(extra, 'more prompt')} than suite {suite.name!r} has."
            )
    if not kept:
        raise UsageError(f"no prompt of suite {suite.name!r} is answered by both sides.")
    return suite.model_copy(update={"prompts": kept}), notes


def _files(sides: Sequence[Resolved]) -> list[GivenAnswers]:
    return [side.given for side in sides if side.given is not None]


def _made_of(files: Sequence[GivenAnswers]) -> Suite:
    """The prompts of the first file that has its questions, as a suite."""
    first = next((given for given in files if all(p.messages for p in given.prompts)), None)
    if first is None:
        raise UsageError(
            f"{files[0].origin.file} has answers by id and not their questions; name them: --suite FILE "
            "with these ids."
        )
    prompts = [
        Prompt(
            id=given.id or prompt_id(given.messages), messages=given.messages,
            category=given.category, source=given.source, reference=given.reference,
        )
        for given in first.prompts
    ]  # fmt: skip
    name, count = Counter(p.id for p in prompts).most_common(1)[0]
    if count > 1:
        raise InputError(
            f"{first.origin.file}: the prompt {name!r} stands twice, with an id and without."
        )
    return Suite(name=first.origin.file.split(".")[0] or "answers", prompts=tuple(prompts))


def _refuse_other_prompts(given: GivenAnswers, suite: Suite) -> None:
    """Both files answer the same prompts, where no suite says which are meant.

    Raises:
        UsageError: they do not; says how many.
    """
    answered = matched(given, suite)
    missing = [prompt for prompt in suite.prompts if prompt.id not in answered]
    extra = len(given.prompts) - len(answered)
    if missing or extra > 0:
        first = f", the first {missing[0].id!r}" if missing else ""
        raise UsageError(
            f"the prompts of both sides differ: {plural(len(missing), 'prompt')} without an answer in "
            f"{given.origin.file} ({given.origin.label}){first}, and {max(extra, 0)} that only it "
            "answers. To judge those that both answer, name the prompts: --suite FILE"
        )


# --- answers ---------------------------------------------------------------------------------


def samples_of(sides: Sequence[Resolved], suite: Suite, wished: int | None) -> int | None:
    """Answers a prompt, as the files have them; None where both sides are models.

    Raises:
        UsageError: the files have unlike many, or fewer than were asked for.
    """
    files = _files(sides)
    if not files:
        return None
    counts = [
        (given.origin.label, Counter(len(entry.texts) for entry in matched(given, suite).values()))
        for given in files
    ]
    fewest = min(min(count) for _, count in counts)
    if wished is not None and wished > fewest:
        raise UsageError(
            f"--samples {wished}: a prompt has only {plural(fewest, 'answer')} in the file; "
            f"take fewer: --samples {fewest}"
        )
    if wished is None and len({number for _, count in counts for number in count}) > 1:
        each = ", ".join(
            f"{label} {min(count)}" + (f" to {max(count)}" if len(count) > 1 else "")
            for label, count in counts
        )
        raise UsageError(
            f"the sides have unlike many answers a prompt ({each}); to take the first of each: "
            f"--samples {fewest}"
        )
    return wished or fewest


def texts_of(given: GivenAnswers, suite: Suite) -> dict[str, tuple[GivenText, ...]]:
    """Digest of a prompt's conversation -> its answers.

    Args:
        given: the answers.
        suite: the prompts they are to.
    """
    entries = matched(given, suite)
    asked = [prompt for prompt in suite.prompts if prompt.id in entries]
    digests = text_digests(conversation_json(with_system(prompt, suite)) for prompt in asked)
    return {name: entries[prompt.id].texts for name, prompt in zip(digests, asked, strict=True)}


def refuse_settings(named: Sequence[str], sides: Iterable[Resolved]) -> None:
    """Nothing is sampled where both sides are answers.

    Args:
        named: options that were given and set how a model answers.
        sides: both sides.

    Raises:
        UsageError: there is one.
    """
    if named and all(side.given is not None for side in sides):
        raise UsageError(
            f"{named[0]} sets how a model answers, and both sides are answers that exist; leave it out."
        )


def refuse_longer(sides: Sequence[Resolved], suite: Suite, judges: Iterable[JudgeSpec]) -> None:
    """Two answers and their prompt fit the context of a judge whose weights are here.

    Of other judges the context is not known here; a server that refuses a pair says so.

    Args:
        sides: both sides; looked at where both are files, as other answers are not written yet.
        suite: the prompts.
        judges: who judges.

    Raises:
        UsageError: they do not; names the prompt and both lengths.
    """
    files = _files(sides)
    local = [Path(j.location) for j in judges if j.location and not j.provided.scores]
    if len(files) < len(sides) or not local:
        return
    longest, name = max(_lengths([matched(given, suite) for given in files], suite))
    for folder in local:
        room = _context(folder)
        if room is None or longest <= room:  # a token has a byte at least
            continue
        tokens = _tokens(folder, [matched(given, suite)[name] for given in files], suite, name)
        if tokens > room:
            raise UsageError(
                f"the answers to prompt {name!r} have {tokens:,} tokens with it, and the judge in "
                f"{folder.name} reads {room:,}; take a judge with a longer context."
            )


def _lengths(answered: Sequence[Mapping[str, GivenPrompt]], suite: Suite) -> Iterable[tuple[int, str]]:
    for prompt in suite.prompts:
        texts = [
            max(len(given.text.encode()) for given in entries[prompt.id].texts) for entries in answered
        ]
        yield sum(texts) + sum(len(m.content.encode()) for m in prompt.messages), prompt.id


def _context(folder: Path) -> int | None:
    """Tokens a model reads, as its configuration says; None where it does not."""
    config = json.loads((folder / "config.json").read_text("utf-8"))
    room = config.get("max_position_embeddings")
    return room if isinstance(room, int) else None


def _tokens(folder: Path, entries: Sequence[GivenPrompt], suite: Suite, name: str) -> int:
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    asked = next(prompt.messages for prompt in suite.prompts if prompt.id == name)
    longest = [max((given.text for given in entry.texts), key=len) for entry in entries]
    texts = [*longest, *(message.content for message in asked)]
    return sum(len(tokenizer.encode(text, add_special_tokens=False).ids) for text in texts)
