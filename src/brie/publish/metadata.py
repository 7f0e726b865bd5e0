"""The metadata at a card's head, as the Hub reads it (YAML), with its claims behind its numbers."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from brie.errors import UsageError
from brie.publish.quoted import Quoted
from brie.publish.subject import Subject
from brie.report.clean import one_line

_LIBRARIES = {"merged": "transformers", "gguf": "gguf", "ollama": "gguf", "mlx": "mlx"}
_TAG = re.compile(r"[\w][\w.:+-]{0,63}")
_TASK = "text-generation"


def metadata(subject: Subject) -> str:
    """The head of a card, between its two lines of dashes."""
    return "\n".join(["---", *_lines(subject), "---"])


def checked_tags(tags: tuple[str, ...]) -> tuple[str, ...]:
    """Tags as the Hub takes them.

    Raises:
        UsageError: one is none.
    """
    for tag in tags:
        if not _TAG.fullmatch(tag):
            raise UsageError(
                f"{tag!r} is no tag: letters, digits and . : + - _ without spaces, 64 at most."
            )
    return tags


def _lines(subject: Subject) -> Iterator[str]:
    licence, export = subject.licence, subject.export
    yield f"license: {licence.identifier}"
    if licence.identifier == "other":
        yield f"license_name: {_text(licence.slug)}"
        files = {file.said("path") for file in export.rows("files")} if export else set()
        if "LICENSE" in files:
            yield "license_link: LICENSE"
    if subject.is_trained and _is_on_the_hub(subject):
        yield f"base_model: {_text(subject.base.repo)}"
        relation = (
            "quantized" if export and export.said("settings", "quantize") not in ("", "none") else ""
        )
        yield f"base_model_relation: {relation or 'finetune'}"
    library = _LIBRARIES[export.said("target")] if export else "transformers"
    yield f"library_name: {library}"
    yield f"pipeline_tag: {_TASK}"
    yield "tags:"
    yield from (f"- {_text(tag)}" for tag in _tags(subject))
    yield from _model_index(subject)


def _is_on_the_hub(subject: Subject) -> bool:
    """A base with a commit is one of the Hub; a folder's or a packaged base's name is none there."""
    return subject.base.revision is not None


def _tags(subject: Subject) -> list[str]:
    categories = [
        tag
        for evaluation in subject.evaluations
        for name in evaluation.table("by_category")
        if (tag := re.sub(r"[^\w.:+-]+", "-", name).strip("-")[:64])
    ]
    lora = ["lora"] if subject.pin.lora is not None else []
    return list(dict.fromkeys(["brie", *lora, *subject.tags, *categories]))


def _model_index(subject: Subject) -> Iterator[str]:
    """One result an evaluation whose verdict stands; a number without its doubts is not handed on."""
    sound = [
        e for e in subject.evaluations if e.said("verdict") and e.value("win_rate", "value") is not None
    ]
    if not sound:
        return
    yield "model-index:"
    yield f"- name: {_text(subject.repo or subject.name)}"
    yield "  results:"
    for evaluation in sound:
        yield from _result(evaluation)


def _result(evaluation: Quoted) -> Iterator[str]:
    suite = evaluation.said("suite", "name")
    against = evaluation.said("baseline", "name")
    yield "  - task:"
    yield f"      type: {_TASK}"
    yield "    dataset:"
    yield f"      name: {_text(f'{suite}, blind, against {against}')}"
    yield f"      type: {_text(suite)}"
    yield f"      revision: {evaluation.entry('suite', 'digest')}"
    yield "      args:"
    yield f"        evaluation: {evaluation.entry('id')}"
    yield f"        verdict: {evaluation.entry('verdict')}"
    yield "    metrics:"
    ends = ("low", "high") if evaluation.value("win_rate", "low") is not None else ()
    names = {"value": "Win rate, ties half", "low": "Its interval begins", "high": "Its interval ends"}
    for key in ("value", *ends):
        kind = "win_rate" if key == "value" else f"win_rate_{key}"
        yield f"    - type: {kind}"
        yield f"      name: {_text(names[key])}"
        yield f"      value: {evaluation.entry('win_rate', key)}"


def _text(words: str) -> str:
    """Words as YAML takes them whatever is in them."""
    return json.dumps(one_line(words, 200), ensure_ascii=False)
