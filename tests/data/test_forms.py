"""Training files as other tools write them: what they are read as, and what is asked."""

from __future__ import annotations

import csv
import gzip
import json
import re
import shlex
from pathlib import Path
from typing import Any

import pytest

from brie.data.convert import convert
from brie.data.files import split_file
from brie.data.load import load, parse, rows_digest
from brie.data.mapping import mapping_of
from brie.errors import InputError, UsageError
from tests.data.rows import row, write

Turns = list[tuple[str, str]]


def turns(path: Path, *mapping: str) -> list[Turns]:
    """Roles and texts of a file's rows."""
    rows = load(path, mapping_of(mapping))
    return [[(turn.role, turn.content) for turn in read.messages] for read in rows]


def read_as(path: Path, *mapping: str) -> tuple[str, ...]:
    return parse(path, mapping_of(mapping)).read_as


HELLO: Turns = [("user", "Hello?"), ("assistant", "Good day.")]


def test_alpaca_keeps_its_input_its_system_and_its_history(tmp_path: Path) -> None:
    path = write(
        tmp_path / "a.jsonl",
        [
            {"instruction": "Name its colour.", "input": "a lemon", "output": "yellow", "text": "…"},
            {"instruction": "Greet.", "input": "", "output": "Hi.", "system": "Be short."},
            {"instruction": "And now?", "output": "Bye.", "history": [["Hello?", "Good day."]]},
        ],
    )
    assert turns(path) == [
        [("user", "Name its colour.\n\na lemon"), ("assistant", "yellow")],
        [("system", "Be short."), ("user", "Greet."), ("assistant", "Hi.")],
        [*HELLO, ("user", "And now?"), ("assistant", "Bye.")],
    ]
    said = "Alpaca: system -> system, instruction + input + history -> user, output -> assistant; 3 rows"
    assert read_as(path) == (said,)


def test_dolly_has_a_context_and_a_category(tmp_path: Path) -> None:
    path = write(
        tmp_path / "d.jsonl",
        [{"instruction": "Who?", "context": "Ann came.", "response": "Ann.", "category": "closed_qa"}],
    )
    assert turns(path) == [[("user", "Who?\n\nAnn came."), ("assistant", "Ann.")]]
    assert load(path)[0].category == "closed_qa"


@pytest.mark.parametrize(
    ("human", "gpt"),
    [("human", "gpt"), ("user", "chatgpt"), ("Human", "GPT"), ("prompter", "assistant")],
)
def test_sharegpt_is_read_whatever_it_calls_its_speakers(tmp_path: Path, human: str, gpt: str) -> None:
    talk = [{"from": human, "value": "Hello?"}, {"from": gpt, "value": "Good day."}]
    path = write(tmp_path / "s.jsonl", [{"conversations": talk, "system": "Be kind."}])
    assert turns(path) == [[("system", "Be kind."), *HELLO]]
    assert read_as(path)[0].startswith("ShareGPT: ")


def test_calls_of_tools_in_sharegpt_and_in_the_older_form_of_openai_are_calls(tmp_path: Path) -> None:
    call = {"name": "weather", "arguments": {"town": "Ulm"}}
    asked, said = ("user", "Sun?"), ("assistant", "Yes.")
    sharegpt = [
        {"from": "human", "value": asked[1]},
        {"from": "function_call", "value": json.dumps(call)},
        {"from": "observation", "value": "sunny"},
        {"from": "gpt", "value": said[1]},
    ]
    older = [
        {"role": "user", "content": asked[1]},
        {
            "role": "assistant",
            "content": None,
            "function_call": {**call, "arguments": '{"town": "Ulm"}'},
        },
        {"role": "function", "name": "weather", "content": "sunny"},
        {"role": "assistant", "content": said[1]},
    ]
    described = {"name": "weather", "parameters": {}}
    path = write(
        tmp_path / "t.jsonl",
        [{"conversations": sharegpt, "tools": json.dumps([described])},
         {"messages": older, "functions": [described]}],
    )  # fmt: skip
    for read in load(path):
        assert [turn.role for turn in read.messages] == ["user", "assistant", "tool", "assistant"]
        assert "weather" in json.dumps(read.messages[1].tool_calls)
        assert "weather" in json.dumps(read.tools)


def test_gemini_and_openai_files_of_today_are_read(tmp_path: Path) -> None:
    path = write(
        tmp_path / "g.jsonl",
        [
            {"systemInstruction": {"parts": [{"text": "Be kind."}]},
             "contents": [{"role": "user", "parts": [{"text": "Hello?"}]},
                          {"role": "model", "parts": [{"text": "Good "}, {"text": "day."}]}]},
            {"messages": [{"role": "developer", "content": "Be kind."},
                          {"role": "user", "content": "Hello?"},
                          {"role": "assistant", "content": "Good day.", "weight": 1}],
             "parallel_tool_calls": False},
        ],
    )  # fmt: skip
    assert turns(path) == [[("system", "Be kind."), *HELLO]] * 2


def as_csv(path: Path, rows: list[dict[str, str]], delimiter: str = ",") -> Path:
    with path.open("w", encoding="utf-8", newline="") as handle:
        writer = csv.DictWriter(handle, list(rows[0]), delimiter=delimiter)
        writer.writeheader()
        writer.writerows(rows)
    return path


PAIRS = [
    {"question": f"Hello {n}?\nYes, you; or not?", "answer": f'Good "{n}" day.', "source": "ab"[n % 2]}
    for n in range(4)
]


def test_a_list_lines_a_table_and_parquet_hold_the_same_rows(tmp_path: Path) -> None:
    pandas = pytest.importorskip("pandas")
    pandas.DataFrame(PAIRS).to_parquet(tmp_path / "p.parquet")
    (tmp_path / "p.json").write_text(json.dumps(PAIRS, indent=1))
    (tmp_path / "inside.json").write_text(json.dumps({"version": 2, "data": PAIRS}))
    (tmp_path / "p.jsonl.gz").write_bytes(
        gzip.compress("".join(json.dumps(r) + "\n" for r in PAIRS).encode())
    )
    files = [
        write(tmp_path / "p.jsonl", PAIRS),
        as_csv(tmp_path / "p.csv", PAIRS),
        as_csv(tmp_path / "s.csv", PAIRS, ";"),
        as_csv(tmp_path / "p.tsv", PAIRS, "\t"),
        *(tmp_path / name for name in ("p.parquet", "p.json", "inside.json", "p.jsonl.gz")),
    ]
    assert {rows_digest(load(path)) for path in files} == {rows_digest(load(files[0]))}
    assert {read_as(path) for path in files} == {
        ("columns: question -> user, answer -> assistant; 4 rows",)
    }
    assert load(files[0])[1].source == "b"


def test_an_object_over_many_lines_is_one_row(tmp_path: Path) -> None:
    path = tmp_path / "one.json"
    path.write_text(json.dumps(row("Hello?", "Good day."), indent=2))
    assert turns(path) == [HELLO]


def test_text_behind_a_list_is_not_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "two.json"
    path.write_text(json.dumps([row()]) + "\n" + json.dumps([row("Hello?")]))
    with pytest.raises(InputError, match="more follows the list"):
        load(path)


DOUBTFUL: list[tuple[dict[str, Any], Turns]] = [
    ({"question": "Who?", "context": "Ann came.", "answer": "Ann."},
     [("user", "Who?\n\nAnn came."), ("assistant", "Ann.")]),
    ({"query": "Who?", "input": "Ann came.", "response": "Ann."},
     [("user", "Who?\n\nAnn came."), ("assistant", "Ann.")]),
    ({"text": "All persons shall", "label": "no", "id": "7"},
     [("user", "All persons shall"), ("assistant", "no")]),
    ({"ask": "Who?", "reply": "Ann."}, [("user", "Who?"), ("assistant", "Ann.")]),
    ({"question": "Who?", "answer": "Ann.", "output": "A."},
     [("user", "Who?"), ("assistant", "Ann.")]),
    ({"talk": [{"role": "user", "content": "Who?"}, {"role": "assistant", "content": "Ann."}]},
     [("user", "Who?"), ("assistant", "Ann.")]),
    ({"messages": [{"speaker": "client", "text": "Who is it?"}, {"speaker": "clerk", "text": "Ann."}]},
     [("user", "Who is it?"), ("assistant", "Ann.")]),
]  # fmt: skip


@pytest.mark.parametrize(("bad", "wanted"), DOUBTFUL)
def test_where_it_is_unclear_the_error_has_the_map_that_would_do(
    tmp_path: Path, bad: dict[str, Any], wanted: Turns
) -> None:
    path = write(tmp_path / "d.jsonl", [bad])
    mapping: list[str] = []
    while problems := parse(path, mapping_of(mapping)).problems:
        given = re.findall(r"--map (\S+)", problems[0].text)
        assert given
        assert len(mapping) < 5
        mapping += [shlex.split(pair)[0] for pair in given]
    assert turns(path, *mapping) == [wanted]
    assert mapping


def test_a_column_that_is_not_there_is_one_mistake_with_its_near_match(tmp_path: Path) -> None:
    path = write(
        tmp_path / "c.jsonl", [{"question": "a", "reply": "b"}, {"question": "c", "reply": "d"}]
    )
    wrong = mapping_of(["prompt=questoin", "completion=reply"])
    problems = parse(path, wrong).problems
    assert [p.line for p in problems] == [0]
    assert "no row has `questoin`, which --map takes for `prompt`; near it: question" in problems[0].text


def test_joined_columns_may_be_empty_and_numbers_become_text(tmp_path: Path) -> None:
    path = write(
        tmp_path / "j.jsonl",
        [{"q": "Is it?", "c": "It rains.", "label": 1}, {"q": "Is it?", "c": None, "label": 0}],
    )
    assert turns(path, "prompt=q+c", "completion=label") == [
        [("user", "Is it?\n\nIt rains."), ("assistant", "1")],
        [("user", "Is it?"), ("assistant", "0")],
    ]


def test_what_was_converted_is_read_as_the_file_it_came_from(tmp_path: Path) -> None:
    rows: list[dict[str, Any]] = [
        {"instruction": "Name it.", "input": "a lemon", "output": "yellow", "label": "colour"},
        {"conversations": [{"from": "human", "value": "Hello?"}, {"from": "gpt", "value": "Good day."}],
         "source": "talks"},
        row("Why?", "So.", category="c") | {"tools": [{"type": "function", "function": {"name": "f"}}]},
        {"messages": [{"role": "user", "content": "a"},
                      {"role": "assistant", "content": "b", "weight": 0},
                      {"role": "user", "content": "c"},
                      {"role": "assistant", "content": "d", "reasoning_content": "e"}]},
    ]  # fmt: skip
    path = write(tmp_path / "in.jsonl", rows)
    out = tmp_path / "out.jsonl"
    convert(path, out)
    assert rows_digest(load(out)) == rows_digest(load(path))
    assert parse(out).read_as == ()
    assert parse(out).extras[1] == {"label": "colour"}
    with pytest.raises(UsageError, match="exists"):
        convert(path, out)


def test_broken_rows_are_left_out_only_where_that_is_asked_for(
    tmp_path: Path,
) -> None:
    path = write(tmp_path / "in.jsonl", [row(), {"instruction": "a", "output": " "}, row("b?")])
    out = tmp_path / "out.jsonl"
    with pytest.raises(InputError, match=r"in\.jsonl:2"):
        convert(path, out)
    assert not out.exists()
    assert [p.line for p in convert(path, out, skip=True).problems] == [2]
    assert len(load(out)) == 2


def test_the_halves_of_a_table_have_all_its_columns_and_are_read_alike(tmp_path: Path) -> None:
    path = as_csv(tmp_path / "p.csv", PAIRS)
    _, files, parsed = split_file(path, by="source", share=0.5)
    assert parsed.read_as
    halves = [load(half) for half in files]
    assert sorted(r.messages[0].content for half in halves for r in half) == [
        r["question"] for r in PAIRS
    ]
    assert {r.source for r in halves[0]} | {r.source for r in halves[1]} == {"a", "b"}
