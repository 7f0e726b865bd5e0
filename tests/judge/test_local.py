"""A judge that runs on this machine: one model, however many ask; what fails is told."""

from __future__ import annotations

import math
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest

from brie.evaluation.plan import panel_judge
from brie.judge.prompt import PromptBuilder, fence_code
from brie.records import JudgeSpec, PanelJudge, Provider, Status
from tests.fakes.judge_servers import JudgeServer
from tests.generate.tinymodel import build_base
from tests.judge.arena import RUBRIC, arena, judge

_opened: list[str] = []
sys.addaudithook(lambda event, given: _opened.append(str(given[0])) if event == "open" else None)


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny model that judges."""
    return build_base(tmp_path_factory.mktemp("local") / "model", seed=5, context=16_384)


def here(folder: Path, **changes: Any) -> PanelJudge:
    """A judge with the model in a folder."""
    settings: dict[str, Any] = {
        "id": "here", "provider": Provider.TRANSFORMERS, "model": "tiny", "output": "logprobs",
        "max_concurrency": 8, "location": str(folder), **changes,
    }  # fmt: skip
    return panel_judge(JudgeSpec(**settings), RUBRIC)


def _loads(folder: Path) -> int:
    wanted = str(folder / "tokenizer_config.json")
    return sum(name == wanted for name in _opened)


def test_a_model_is_loaded_once_however_many_ask_at_the_same_time(tmp_path: Path, local: Path) -> None:
    loads = []
    for most in (1, 8):
        before = _loads(local)
        with arena(tmp_path / str(most), [here(local, max_concurrency=most)], prompts=6) as found:
            found.run()
            assert {v.status for v in found.verdicts()} == {Status.OK}
        loads.append(_loads(local) - before)
    assert loads[0] == loads[1] > 0


def test_what_a_model_writes_is_read_as_any_other_reply(tmp_path: Path, local: Path) -> None:
    """Random weights write no JSON: that is `invalid`, and never a tie."""
    with arena(tmp_path, [here(local, output="json_schema", max_tokens=24)], prompts=3) as found:
        found.run()
        kept = found.verdicts()
    assert {v.status for v in kept} == {Status.INVALID}
    assert all(v.letter is None and v.usage.attempts == 2 for v in kept)


def test_a_model_that_cannot_be_loaded_stops_its_judge_and_says_so(tmp_path: Path, local: Path) -> None:
    broken = shutil.copytree(local, tmp_path / "broken")
    (broken / "model.safetensors").write_bytes(b"no weights")
    with (
        JudgeServer() as server,
        arena(tmp_path, [here(broken), judge(server)], prompts=8) as found,
    ):
        done = found.run()
        assert "could not be loaded" in done.stopped["here"]
        assert sum(v.status is Status.OK for v in found.verdicts()) == 16


def test_the_letters_log_probabilities_are_the_model_s_own(tmp_path: Path, local: Path) -> None:
    """Asked again with plain transformers: the same template, the same prompt, one row at a time."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    model = AutoModelForCausalLM.from_pretrained(local, dtype=torch.float32).eval()
    tokenizer = AutoTokenizer.from_pretrained(local)
    builder = PromptBuilder(RUBRIC, "logprobs", tokenizer.all_special_tokens)
    with arena(tmp_path, [here(local)], prompts=2) as found:
        found.run()
        for task, verdict in zip(found.tasks, found.verdicts(), strict=True):
            code = fence_code(found.store.secret(), task.presentation_digest, 0)
            prompt = builder.build(found.shown(task), code=code)
            ids = tokenizer.apply_chat_template(
                [{"role": "system", "content": prompt.system}, {"role": "user", "content": prompt.user}],
                add_generation_prompt=True, return_tensors="pt", return_dict=True,
            )["input_ids"]  # fmt: skip
            with torch.inference_mode():
                likely = torch.log_softmax(model(ids).logits[0, -1].double(), dim=-1)
            assert verdict.measured is not None
            for letter, value in verdict.measured.by_letter.items():
                assert value == pytest.approx(float(likely[tokenizer.get_vocab()[letter]]), abs=1e-4)
            assert verdict.measured.mass == pytest.approx(
                sum(math.exp(value) for value in verdict.measured.by_letter.values())
            )
