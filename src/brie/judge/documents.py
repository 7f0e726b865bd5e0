"""Bodies that providers send, decoded: nothing of them is believed, and all of it can be kept."""

from __future__ import annotations

import json
import re

from pydantic import JsonValue

from brie.records import whole_text

LONGEST_REPLY = 32 * 2**20
"""Bytes of a reply's body, decompressed, that are read at most: a verdict has a few thousand."""
LONGEST_FILE = 512 * 2**20
"""The same of what is fetched, such as the results of a batch of 10,000 verdicts."""
_MAY_BE_HALF = re.compile(rb"\\u[dD][89a-fA-F]|\xed[\xa0-\xbf]")


class TooLong(Exception):
    """A body that was not read to its end, or in a compression nobody asked for."""


def decoded(content: bytes | str) -> JsonValue:
    """A JSON body whose texts can all be encoded: half of a surrogate pair becomes U+FFFD.

    Raises:
        ValueError: it is no JSON, or not UTF-8.
        RecursionError: it is nested deeper than any reply.
    """
    raw = content.encode("utf-8", "surrogatepass") if isinstance(content, str) else content
    document: JsonValue = json.loads(raw)
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
