"""What a document's JSON may hold, as a JSON Schema."""

from __future__ import annotations

from pydantic import JsonValue

from brie.records.analysis import Analysis
from brie.versions import schema_id


def analysis_schema() -> dict[str, JsonValue]:
    """The JSON Schema (draft 2020-12) of `analysis.json`, from the records that write it."""
    name = schema_id("analysis")
    fields = Analysis.model_json_schema(by_alias=True, mode="serialization")
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": name,
        **fields,
        "title": name,
    }
