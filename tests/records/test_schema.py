"""The JSON Schema of `analysis.json` is that of the documents there are."""

from __future__ import annotations

import json
from typing import Any

import pytest
from click.testing import CliRunner

from brie.cli import cli
from tests.records.test_documents import DOCUMENTS, FILES


@pytest.fixture(scope="module")
def schema() -> dict[str, Any]:
    """As `brie report --schema` prints it."""
    result = CliRunner().invoke(cli, ["report", "--schema"])
    assert result.exit_code == 0, result.output
    printed: dict[str, Any] = json.loads(result.stdout)
    return printed


def test_the_schema_names_itself_and_needs_no_project(schema: dict[str, Any]) -> None:
    assert (schema["$id"], schema["title"]) == ("brie.analysis/1", "brie.analysis/1")
    assert schema["$schema"].endswith("/2020-12/schema")


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_key_of_a_document_is_in_the_schema(name: str, schema: dict[str, Any]) -> None:
    assert set(json.loads(FILES[name])) <= set(schema["properties"])


@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_document_is_valid_and_a_changed_one_is_not(name: str, schema: dict[str, Any]) -> None:
    validator = pytest.importorskip("jsonschema").Draft202012Validator(schema)
    document = json.loads(FILES[name])
    assert [error.message for error in validator.iter_errors(document)] == []
    document["counts"]["prompts"] = "many"
    document["new"] = 1
    assert len(list(validator.iter_errors(document))) == 2
