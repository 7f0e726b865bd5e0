"""Damaged and hostile input for everything that reads: no exception but brie's own, nothing over 10 s.

    python -m bench.fuzz [TARGET...] [--inputs N] [--seed S]

Hypothesis draws a number a time; from it a good sample of the target is damaged: bytes changed, cut,
doubled, moved, replaced by what breaks parsers (deep nesting, huge numbers, half of a surrogate pair, NaN,
control signs). Text targets get 100,000 inputs, the others 5,000. Prints a line a target and writes
fuzz.json beside the other results; ends with 1 where an input raised something else, or took longer.
"""

# ruff: noqa: E501
from __future__ import annotations

import argparse
import io
import json
import random
import sys
import tempfile
import time
import traceback
import zipfile
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from brie.audit.answer_files import read_answers
from brie.audit.read import read_files
from brie.bundle import check_file
from brie.bundle.layout import INDEX
from brie.catalog import build, read_suite
from brie.errors import BrieError
from brie.evaluation.manifest import read_manifest
from brie.evaluation.soundness import refuse_unsound
from brie.evaluation.vote_file import read_votes
from brie.judge import parse
from brie.judge.readings import WrongCase
from brie.pin import read_pin
from brie.pin.template import template_digest
from brie.project import packaged
from brie.reading.texts import read_toml
from brie.records import JudgeSpec

RESULTS = Path(__file__).parent / "results" / "fuzz.json"
GOLDEN = Path(__file__).parents[1] / "tests" / "golden" / "few-made-by-0.1.0.zip"
TEXTS, OTHERS = 100_000, 5_000
MOST_SECONDS = 10.0
NASTY = (
    "\ud83d", "\0", "\x1b[2J", "\u202e", "\ufeff", "NaN", "Infinity", "-1", "1e999", "9" * 5000, "[" * 3000,
    "{" * 3000, '{"a":' * 1500, "null", "true", '""', "'", '"', "\\", "\\ud83d", "```", "⟦", "“", " " * 5000,
    "\n" * 3000, ",", ":", "]", "}", "[]", "{}", "=", "..", "../" * 20, "<think>", "\r\n", "\t", "é", "%s", "{{",
    "{% for a in range(99999) %}", "{{ 10**10**9 }}", "2026-13-45", "sha256:", "A" * 20_000,
)  # fmt: skip


def damaged(text: str, draw: random.Random) -> str:
    """A text with one to six things wrong."""
    for _ in range(draw.randint(1, 6)):
        at, to = sorted(draw.choices(range(len(text) + 1), k=2))
        to = min(to, at + draw.choice((1, 3, 20, 400)))
        how = draw.randrange(6)
        if how == 0:
            text = text[:at] + text[to:]
        elif how == 1:
            text = text[:at] + draw.choice(NASTY) + text[at:]
        elif how == 2:
            text = text[:at] + draw.choice(NASTY) + text[to:]
        elif how == 3:
            text = text[:to] + text[at:to] * draw.choice((1, 1, 2, 50)) + text[to:]
        elif how == 4:
            text = (
                text[:at] + chr(draw.choice((draw.randrange(128), draw.randrange(0x3000)))) + text[to:]
            )
        else:
            text = text[:at] if draw.random() < 0.3 else text[:at] + text[to:] + text[at:to]
    return text[:200_000]


def encoded(text: str) -> bytes:
    """Its bytes, valid or not."""
    return text.encode("utf-8", "surrogatepass")


@dataclass
class Target:
    """What is fuzzed: good samples, and what reads them."""

    samples: Sequence[str]
    read: Callable[[str, Path, random.Random], object]
    inputs: int = OTHERS
    outcomes: Counter[str] = field(default_factory=Counter)
    slowest: float = 0.0
    faults: list[str] = field(default_factory=list)

    def once(self, number: int, folder: Path) -> None:
        """One input."""
        draw = random.Random(number)
        text = damaged(draw.choice(self.samples), draw)
        start = time.process_time()
        try:
            self.read(text, folder, draw)
            self.outcomes["read"] += 1
        except (BrieError, parse.Unreadable, parse.Refused, WrongCase) as error:
            self.outcomes[type(error).__name__] += 1
        except Exception as error:
            last = traceback.extract_tb(error.__traceback__)[-1]
            place = f"{type(error).__name__} in {Path(last.filename).name}:{last.lineno}"
            self.outcomes["something else"] += 1
            self.faults.append(f"{place}, input {number}: {str(error)[:200]}")
        took = time.process_time() - start
        self.slowest = max(self.slowest, took)
        if took > MOST_SECONDS:
            self.faults.append(f"{took:.1f} s, input {number}")


def _written(text: str, folder: Path, name: str) -> Path:
    path = folder / name
    path.write_bytes(encoded(text))
    return path


def _toml(text: str, folder: Path, draw: random.Random) -> object:
    path = _written(text, folder, "x.toml")
    if "[[prompt]]" in text:
        return read_suite(path)
    return build(JudgeSpec, {"id": "x", **read_toml(path)}, "x.toml")


def _manifest(text: str, folder: Path, draw: random.Random) -> object:
    _written(text, folder, "manifest.json")
    manifest = read_manifest(folder)
    refuse_unsound(manifest)
    return manifest


def _audit(text: str, folder: Path, draw: random.Random) -> object:
    name = draw.choice(("x.json", "x.jsonl", "x.csv"))
    return read_files([_written(text, folder, name)])


def _answers(text: str, folder: Path, draw: random.Random) -> object:
    return read_answers(_written(text, folder, draw.choice(("x.json", "x.jsonl", "x.csv"))), "a")


def _bundle(text: str, folder: Path, draw: random.Random) -> object:
    """Bytes of the container damaged, or a member under an index that agrees with it."""
    path = folder / "x.brie.zip"
    whole = bytearray(GOLDEN.read_bytes())
    if draw.random() < 0.5:
        for _ in range(draw.randint(1, 8)):
            whole[draw.randrange(len(whole))] = draw.randrange(256)
        path.write_bytes(bytes(whole[: draw.choice((len(whole), draw.randrange(len(whole))))]))
        return check_file(path)
    with zipfile.ZipFile(io.BytesIO(bytes(whole))) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    index = json.loads(members[INDEX])
    name = draw.choice(sorted(set(members) - {INDEX}))
    members[name] = encoded(
        damaged(members[name].decode("utf-8", "surrogateescape"), draw).replace("\udcff", "")
    )
    index["members"][name] = {
        "digest": f"sha256:{sha256(members[name]).hexdigest()}", "bytes": len(members[name]),
    }  # fmt: skip
    members[INDEX] = json.dumps(index).encode()
    with zipfile.ZipFile(path, "w") as archive:
        for member, content in members.items():
            archive.writestr(member, content)
    return check_file(path)


def targets() -> dict[str, Target]:
    """Name -> target."""
    verdict = '{"reasons": "A is better.", "scores": {"quality": {"A": 4, "B": 2}}, "winner": "A", "case": "123456"}'
    replies = (
        verdict, f"Here it is:\n```json\n{verdict}\n```", "It is better.\n\nCase: 123456\nWinner: A",
        f"<think>Winner: B</think>\n{verdict}", "<winner>A</winner><case>123456</case>", "I can't judge that.",
        "Scores\nquality: A=4, B=2\nMargin: slightly\nCase: 123456\n**Winner: tie**",
    )  # fmt: skip
    with zipfile.ZipFile(GOLDEN) as archive:
        manifest = next(n for n in archive.namelist() if n.endswith("manifest.json"))
        sealed = archive.read(manifest).decode()
    judges = [path.read_text("utf-8") for path in sorted(packaged("judges").glob("*.toml"))]
    suite = packaged("prompt_suites", "smoke.toml").read_text("utf-8")
    votes = "voter,prompt,sample,winner,comment\n" + "".join(
        f'Ann,p{n},{n % 3},{("candidate", "baseline", "tie", "")[n % 4]},"warm, ""really"""\n'
        for n in range(12)
    )
    rows = [
        {"prompt": "q", "answer_a": "x", "answer_b": "y", "model_a": "m", "model_b": "n", "winner": "A", "judge": "j"},
        {"instruction": "i", "output_1": "a", "output_2": "b", "generator_1": "m", "generator_2": "n",
         "annotator": "x", "preference": 1.5},
        {"question_id": "q", "model": "m", "judge": "j", "games": [{"score": "A>B"}, {"score": "B>>A"}]},
        {"question_id": 1, "model_1": "m", "model_2": "n", "g1_winner": "model_1", "g2_winner": "tie",
         "judge": ["j", "pair-v2"], "turn": 1},
        {"question_id": "q", "model_a": "m", "model_b": "n", "winner": "tie", "judge": "people", "turn": 1,
         "language": "English", "tstamp": 1.5, "anony": True},
        {"prompt": "q", "chosen": "good", "rejected": "bad"},
        {"doc_id": 1, "doc": {"q": "x"}, "target": "1", "resps": [["1"]], "filtered_resps": ["1"], "acc": 1.0},
    ]  # fmt: skip
    judgments = [json.dumps([{**row} for _ in range(3)]) for row in rows]
    judgments += ["\n".join(json.dumps(row) for _ in range(3)) for row in rows]
    judgments += ["prompt,model_a,model_b,winner\nq,m,n,A\nr,m,n,B\n"]
    answers = [json.dumps([{"id": f"p{n}", "prompt": f"q{n}", "a": "one", "b": "two"} for n in range(3)]),
               "\n".join(json.dumps({"prompt": f"q{n}", "model": "a", "answer": "x"}) for n in range(3)),
               "prompt,a,b\nq,one,two\nr,three,four\n"]  # fmt: skip
    pin = {"kind": "base", "name": "base", "digest": f"sha256:{'a' * 64}", "files": {"x": f"sha256:{'b' * 64}"},
           "config": f"sha256:{'c' * 64}", "base": {"repo": "r", "revision": None, "digest": f"sha256:{'d' * 64}"},
           "template_digest": f"sha256:{'e' * 64}", "checkpoint": "../x"}  # fmt: skip
    template = packaged("models", "tiny", "chat_template.jinja")
    shipped = template.read_text("utf-8") if template.is_file() else json.loads(
        packaged("models", "tiny", "tokenizer_config.json").read_text("utf-8"))["chat_template"]  # fmt: skip
    loops = "{% for m in messages %}{{ m['role'] | upper }}: {{ m.content | trim }}{% endfor %}{{ bos_token ~ 'x' }}"
    return {
        "replies": Target(
            replies, lambda t, f, d: parse.read_reply(t, (), ("quality",), "123456"), TEXTS
        ),
        "toml": Target([*judges, suite], _toml, TEXTS),
        "votes": Target([votes], lambda t, f, d: read_votes(_written(t, f, "v.csv")), TEXTS),
        "judgments": Target(judgments, _audit),
        "answers": Target(answers, _answers),
        "manifests": Target([sealed], _manifest),
        "pins": Target([json.dumps(pin)], lambda t, f, d: read_pin(_written(t, f, "pin.json"))),
        "templates": Target([shipped, loops], lambda t, f, d: template_digest(t, {"bos_token": "<s>"})),
        "bundles": Target([sealed[:200]], _bundle),
    }


def fuzz(name: str, target: Target, inputs: int, start: int) -> dict[str, object]:
    """Run one target; what came of it."""
    with tempfile.TemporaryDirectory() as folder:

        @seed(start)
        @settings(
            max_examples=inputs, database=None, deadline=None, phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )  # fmt: skip
        @given(st.integers(0, 2**63 - 1))
        def run(number: int) -> None:
            target.once(number, Path(folder))

        began = time.process_time()
        run()
    tried = sum(target.outcomes.values())
    return {
        "inputs": tried, "seed": start, "outcomes": dict(sorted(target.outcomes.items())),
        "slowest_s": round(target.slowest, 3), "seconds": round(time.process_time() - began, 1),
        "faults": target.faults[:20], "fault_count": len(target.faults),
    }  # fmt: skip


def main() -> None:
    """Run the targets that are named, or all."""
    parser = argparse.ArgumentParser()
    parser.add_argument("targets", nargs="*")
    parser.add_argument("--inputs", type=int)
    parser.add_argument("--seed", type=int, default=1)
    wishes = parser.parse_args()
    results = json.loads(RESULTS.read_text("utf-8")) if RESULTS.is_file() else {}
    failed = False
    for name, target in targets().items():
        if wishes.targets and name not in wishes.targets:
            continue
        came = fuzz(name, target, wishes.inputs or target.inputs, wishes.seed)
        print(
            f"{name:10} {came['inputs']:>7} inputs, slowest {came['slowest_s']} s, {came['fault_count']} faults"
        )
        for fault in target.faults[:20]:
            print(f"    {fault}")
        failed = failed or bool(target.faults)
        results[name] = came
        if wishes.inputs is None:
            RESULTS.write_text(json.dumps(results, indent=1) + "\n", "utf-8")
    sys.exit(failed)


if __name__ == "__main__":
    main()
