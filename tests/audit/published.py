"""Files as other tools publish them, with every key those tools write; texts and numbers are ours."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

PROMPTS = 24
LOST_BY_ONE = frozenset({3, 11, 40})
"""Rows of the first legacy judge that name A, the baseline."""
LOST_BY_TWO = frozenset({3, 11, 20, 33})
CUT = frozenset({0, 5, 7, 40})
"""Legacy rows whose fine-tuned answer stops in the middle."""


def alpaca_eval(path: Path) -> list[float]:
    """Annotations of AlpacaEval, as one JSON array; returns the preferences, 1 to 2."""
    preferences = [1 + ((n * 37) % 101) / 100 for n in range(40)]
    rows = [
        {
            "instruction": f"Question {n}: name {n + 2} things?",
            "output_1": f"Here are {n + 2} things:\n\n1. One\n2. Two",
            "generator_1": "a_reference_model",
            "dataset": ("helpful_base", "koala", "oasst")[n % 3],
            "output_2": f"One, two and {n}.",
            "generator_2": "my-model",
            "annotator": "weighted_alpaca_eval_judge",
            "preference": preference,
            "price_per_example": 0.00806,
            "time_per_example": 0.44,
            "raw_completion": {
                "finish_reason": "length", "index": 0, "text": "",
                "logprobs": {"content": [{"token": "M", "logprob": -0.01, "top_logprobs": []}]},
            },
        }
        for n, preference in enumerate(preferences)
    ]  # fmt: skip
    path.write_text(json.dumps(rows, indent=2, ensure_ascii=False), "utf-8")
    return preferences


def arena_hard(path: Path, *, old: bool = False) -> None:
    """Judgments of arena-hard, twelve questions: the model wins both games of nine and ties three.

    Args:
        path: the file to write.
        old: the keys of its first version.
    """
    rows = []
    for n in range(12):
        scores = ("A=B", "A=B") if n % 4 == 3 else ("B>>A" if n % 2 else "B>A", "A>B")
        games = [_game(n, score, old) for score in scores]
        named = (
            {"question_id": f"q{n:02}"}
            if old
            else {"uid": f"u{n:02}", "category": "hard_prompt", "baseline": "a_reference_model"}
        )
        rows.append({**named, "model": "my-model", "judge": "a-judge", "games": games})
    _write(path, rows)


def _game(n: int, score: str, old: bool) -> dict[str, Any]:
    prompt = f"<|User Prompt|>\nQuestion {n}?\n\n<|The Start of Assistant A's Answer|>\n…"
    said = f"## My Answer: …\n\nMy final verdict is: [[{score}]]"
    if old:
        return {"user_prompt": prompt, "judgment": said, "score": score}
    return {
        "score": score,
        "judgment": {"answer": said},
        "prompt": [{"role": "user", "content": prompt}],
    }


def mt_bench(path: Path) -> None:
    """Pairs of MT-bench, ten questions in two turns: won twice, split, lost twice, tied, failed."""
    outcomes = [
        ("model_1", "model_1"), ("model_1", "model_2"), ("model_2", "model_2"), ("tie", "tie"),
        ("model_1", "error"),
    ]  # fmt: skip
    rows = [
        {
            "question_id": 81 + n, "model_1": "my-model", "model_2": "a_reference_model",
            "g1_winner": outcomes[n % 5][0], "g2_winner": outcomes[n % 5][1],
            "judge": ["a-judge", "pair-v2"], "g1_user_prompt": "[User Question]\n…",
            "g1_judgment": "… [[A]]", "g2_user_prompt": "[User Question]\n…",
            "g2_judgment": "… [[B]]", "turn": turn, "tstamp": 1_686_900_000.5 + n,
        }
        for n in range(10)
        for turn in (1, 2)
    ]  # fmt: skip
    _write(path, rows)


def mt_bench_votes(path: Path) -> None:
    """Votes of people on MT-bench: two people, twelve questions, six won, three lost, three tied."""
    winners = ("model_a", "model_b", "model_a", "tie")
    turns = [{"role": "user", "content": "…"}, {"role": "assistant", "content": "…"}]
    rows = [
        {
            "question_id": 81 + n, "model_a": "my-model", "model_b": "a_reference_model",
            "winner": winners[n % 4], "judge": f"expert_{person}", "conversation_a": turns,
            "conversation_b": turns, "turn": 1,
        }
        for n in range(12)
        for person in (1, 2)
    ]  # fmt: skip
    _write(path, rows)


def brie_legacy(folder: Path) -> list[Path]:
    """The original scripts' files of two judges: 24 prompts, two pairs of answers each.

    Their script took the letter for a place, so half of the stored winners contradict the text.
    """
    judges = (("judge-one", LOST_BY_ONE), ("judge-two", LOST_BY_TWO))
    return [
        _write(
            folder / f"comprehensive_judged_{name}.jsonl",
            [_legacy(n, name, "A" if n in lost else "B") for n in range(2 * PROMPTS)],
        )
        for name, lost in judges
    ]


def _legacy(n: int, judge: str, winner: str) -> dict[str, Any]:
    order = "AB" if n % 2 else "BA"
    right = "brie" if winner == "B" else "baseline"
    wrong = "baseline" if winner == "B" else "brie"
    return {
        "config_name": "a_run", "prompt_num": n // 2 + 1, "prompt": f"Write about {n // 2}.",
        "temperature": 0.75, "max_tokens": 512,
        "baseline_response": f"In quiet rooms, {n} of us wait.", "baseline_length": 31,
        "baseline_latency": 15.2,
        "brie_response": f"In the house of {n} clocks" + (", and" if n in CUT else " we wait."),
        "brie_length": 30, "brie_latency": 13.686, "judge_model": judge,
        "judgment": (
            "Response A - Creativity: 3, Coherence: 4, Depth: 3\n"
            f"Response B - Creativity: 4, Coherence: 4, Depth: 4\n\nWinner: {winner}\nReasoning: …"
        ),
        "presentation_order": order, "winner": right if order == "AB" else wrong,
        "timestamp": "2026-01-01T00:00:00.5", "winner_ORIGINAL_BUGGY": wrong, "judge_type": "openai",
    }  # fmt: skip


def _write(path: Path, rows: Sequence[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), "utf-8")
    return path
