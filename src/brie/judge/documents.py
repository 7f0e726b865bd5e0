"""Bodies that providers send, decoded: nothing of them is believed, and all of it can be kept."""

from __future__ import annotations

import json
import re

from pydantic import JsonValue

from brie.judge.streamed import completed, is_stream
from brie.records import whole_text

_MAY_BE_HALF = re.compile(rb"\\u[dD][89a-fA-F]|\xed[\xa0-\xbf]")


def decoded(content: bytes | str) -> JsonValue:
    """A body of JSON, or of events with it, whose texts can be encoded: half a pair becomes U+FFFD.

    Raises:
        ValueError: it is no JSON, or not UTF-8.
        RecursionError: it is nested deeper than any reply.
    """
    raw = content.encode("utf-8", "surrogatepass") if isinstance(content, str) else content
    document: JsonValue = completed(raw) if is_stream(raw) else json.loads(raw)
    return whole(document) if _MAY_BE_HALF.search(raw) else document


def whole(document: JsonValue) -> JsonValue:
    """A decoded body with whole texts only."""
    if isinstance(document, str):
        return whole_text(document)
    if isinstance(document, list):
        return [whole(item) for item in document]
    if isinstance(document, dict):
        return {whole_text(key): whole(value) for key, value in document.items()}
    return document
