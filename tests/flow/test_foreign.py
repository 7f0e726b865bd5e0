"""Adapters, bases and files that others made: each is read rightly, or refused in a sentence."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from brie.api import evaluate
from brie.ci.verify import verify
from brie.cli import cli
from brie.errors import PinError, UsageError
from brie.evaluation.folders import Evaluation, find_evaluation
from brie.evaluation.request import EvalRequest
from brie.evaluation.results import Outcome
from brie.evaluation.work import Work
from brie.project import Project
from brie.store import Store
from tests.flow.world import Quiet
from tests.generate.tinymodel import TEMPLATE, build_adapter, build_base
from tests.pin.byte_pairs import make_tokenizer, older

Change = Callable[[Path], object]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A base and an adapter on it, in a folder of their own outside every project."""
    folder = tmp_path_factory.mktemp("models")
    build_base(folder / "base")
    build_adapter(folder / "lora", folder / "base")
    return folder


@pytest.fixture
def project(tmp_path: Path) -> Project:
    root = tmp_path / "project"
    root.mkdir()
    (root / "brie.toml").write_text("")
    (root / "mine.txt").write_text("What is rain?\nDescribe a garden.\nTell me of the sea.\n", "utf-8")
    return Project(root)


def ask(project: Project, candidate: Path | str, screen: Quiet | None = None, **wishes: Any) -> Outcome:
    asked = EvalRequest(
        suite=str(project.root / "mine.txt"),
        candidate=str(candidate),
        judges=("longer",),
        **{"samples": 1, "controls": 0, "max_new_tokens": 8, **wishes},
    )
    return evaluate(asked, project, screen=screen or Quiet())


def evaluation(project: Project, outcome: Outcome) -> Evaluation:
    return find_evaluation(outcome.analysis.id, project)


def rows(project: Project, outcome: Outcome) -> dict[str, str]:
    """Key -> text of every answer of an evaluation."""
    keys = [request.key for request in Work.of(evaluation(project, outcome).manifest).requests()]
    with Store.open(project.store, read_only=True) as store:
        return {key: row.text for key, row in store.completions(keys).items()}


def tuned(folder: Path, base: Path, **settings: Any) -> Path:
    """An adapter as PEFT saves it after some training."""
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import Qwen2ForCausalLM

    torch.manual_seed(5)
    model = Qwen2ForCausalLM.from_pretrained(base)
    config = LoraConfig(
        **{"r": 4, "lora_alpha": 8, "target_modules": ["q_proj", "v_proj"], **settings},
        task_type="CAUSAL_LM",
    )
    adapted = get_peft_model(model, config)
    for name, parameter in adapted.named_parameters():
        if parameter.requires_grad and "modules_to_save" not in name:
            parameter.data += 0.2 * torch.randn_like(parameter)
    adapted.save_pretrained(folder)
    return folder


def edited(file: Path, **changes: Any) -> None:
    file.write_text(json.dumps({**json.loads(file.read_text()), **changes}))


def copied(made: Path, to: Path) -> Path:
    """The adapter again, to be changed."""
    shutil.copytree(made / "lora", to)
    return to


# --- the base stays the base -----------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("settings", [{"init_lora_weights": "pissa"}, {"init_lora_weights": "olora"}])
def test_an_adapter_that_rewrites_its_base_spoils_no_row_of_a_later_one(
    made: Path, project: Project, tmp_path: Path, settings: dict[str, str]
) -> None:
    rewriting = tuned(tmp_path / "rewriting", made / "base", **settings)
    first = ask(project, rewriting, sampling="model")
    assert first.completions == 6
    second = ask(project, made / "lora", sampling="model")
    alone = Project(tmp_path / "alone")
    alone.root.mkdir()
    shutil.copy(project.root / "mine.txt", alone.root / "mine.txt")
    expected = rows(alone, ask(alone, made / "lora", sampling="model"))
    assert rows(project, second) == expected
    assert second.completions == 3, "the base's answers are those of the first evaluation"
    summary = next(c.summary for c in first.analysis.checks if c.id == "conditions")
    assert "loaded twice because an adapter rewrites it" in summary


def test_an_adapter_that_rewrites_its_base_anew_each_time_is_refused_with_the_conversion(
    made: Path, project: Project, tmp_path: Path
) -> None:
    folder = copied(made, tmp_path / "niter")
    edited(folder / "adapter_config.json", init_lora_weights="pissa_niter_4")
    with pytest.raises(PinError, match="path_initial_model_for_weight_conversion"):
        ask(project, folder)


def test_an_adapter_that_changes_nothing_is_said_first(
    made: Path, project: Project, tmp_path: Path
) -> None:
    from safetensors.torch import load_file, save_file

    folder = copied(made, tmp_path / "untrained")
    tensors = load_file(folder / "adapter_model.safetensors")
    zeroed = {name: t * 0 if "lora_B" in name else t for name, t in tensors.items()}
    save_file(zeroed, folder / "adapter_model.safetensors")
    done = CliRunner().invoke(
        cli, ["eval", "--suite", str(project.root / "mine.txt"), "--candidate", str(folder), "--yes",
                "--judge", "longer", "--samples", "1", "--controls", "0", "--max-new-tokens", "8"],
        env={"COLUMNS": "200"},
    )  # fmt: skip
    assert "changes nothing, every lora_B is zero" in done.stderr.splitlines()[0], done.stderr
    outcome = ask(project, folder)
    worst = outcome.analysis.checks[0]
    assert (worst.id, worst.status) == ("checkpoint", "fail")
    assert "changes nothing" in worst.summary


def test_an_adapter_whose_effect_cancels_out_is_found_by_its_logits(
    made: Path, project: Project, tmp_path: Path
) -> None:
    from safetensors.torch import load_file, save_file

    folder = copied(made, tmp_path / "cancelled")
    tensors = load_file(folder / "adapter_model.safetensors")
    dead = {name: t * 0 if "lora_A" in name else t for name, t in tensors.items()}
    save_file(dead, folder / "adapter_model.safetensors")
    screen = Quiet()
    outcome = ask(project, folder, screen)
    assert any("same logits" in line for line in screen.said)
    assert outcome.analysis.checks[0].id == "checkpoint"
    assert "very same logits" in outcome.analysis.checks[0].summary


# --- what a pin says -------------------------------------------------------------------------


def _template(folder: Path) -> None:
    text = (folder.parent / "base" / "chat_template.jinja").read_text("utf-8")
    (folder / "chat_template.jinja").write_text("{{ 'Shout.' }}" + text)


def _template_for_one_prompt(folder: Path) -> None:
    text = (folder.parent / "base" / "chat_template.jinja").read_text("utf-8")
    trap = "{% if 'sea' in messages[-1].content %}{{ 'Shout.' }}{% endif %}"
    (folder / "chat_template.jinja").write_text(trap + text)


def _code(folder: Path) -> None:
    (folder / "modeling_mine.py").write_text("open('ran', 'w')")


def _more_templates(folder: Path) -> None:
    (folder / "additional_chat_templates").mkdir()
    (folder / "additional_chat_templates" / "tool_use.jinja").write_text("x")


def _other_adapter(folder: Path) -> None:
    (folder / "adapter_model.bin").write_bytes(b"x")


SMUGGLED: dict[str, tuple[Change, str]] = {
    "template": (_template, "chat_template.jinja"),
    "template for one prompt": (_template_for_one_prompt, "chat_template.jinja"),
    "code": (_code, "modeling_mine.py"),
    "more templates": (_more_templates, "additional_chat_templates/tool_use.jinja"),
    "another adapter": (_other_adapter, "adapter_model.bin"),
}


@pytest.mark.parametrize("what", SMUGGLED)
def test_a_file_that_came_into_a_pinned_folder_is_refused_by_name(
    made: Path, project: Project, tmp_path: Path, what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    change, name = SMUGGLED[what]
    monkeypatch.chdir(project.root)
    shutil.copytree(made / "base", tmp_path / "base")
    folder = copied(made, tmp_path / "lora")
    edited(folder / "adapter_config.json", base_model_name_or_path=str(tmp_path / "base"))
    run = CliRunner().invoke
    assert run(cli, ["pin", str(folder), "--write", "mine.json"]).exit_code == 0
    held = run(cli, ["pin", "mine.json"])
    assert "the files are what the pin says." in held.output, held.output
    outcome = ask(project, folder)
    change(folder)
    again = run(cli, ["pin", "mine.json"])
    assert again.exit_code != 0
    assert isinstance(again.exception, PinError)
    assert name in str(again.exception)
    with pytest.raises(PinError, match=re.escape(name)):
        ask(project, "mine.json")
    findings = verify(evaluation(project, outcome), project)
    assert any(Path(name).name in finding.what and not finding.holds for finding in findings)


def test_a_bases_template_or_special_tokens_changed_after_pinning_are_named(
    made: Path, project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(project.root)
    base = tmp_path / "base"
    shutil.copytree(made / "base", base)
    folder = copied(made, tmp_path / "lora")
    edited(folder / "adapter_config.json", base_model_name_or_path=str(base))
    CliRunner().invoke(cli, ["pin", str(folder), "--write", "mine.json"])
    before = (base / "chat_template.jinja").read_text("utf-8")
    (base / "chat_template.jinja").write_text(before + "{# #}")
    with pytest.raises(PinError, match=r"differ in chat_template\.jinja"):
        ask(project, "mine.json")
    (base / "chat_template.jinja").write_text(before)
    edited(base / "tokenizer_config.json", eos_token="<|im_start|>")
    with pytest.raises(PinError, match=r"differ in tokenizer_config\.json"):
        ask(project, "mine.json")


def test_an_evaluation_of_a_folder_outside_the_project_verifies_from_anywhere(
    made: Path, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(made)
    outcome = ask(project, "lora")
    monkeypatch.chdir(project.root)
    findings = verify(evaluation(project, outcome), project)
    assert [finding.what for finding in findings if not finding.holds] == []
    assert str(made) not in (evaluation(project, outcome).folder / "analysis.json").read_text("utf-8")


def test_what_is_pinned_for_the_first_time_is_not_said_to_be_what_a_pin_says(
    made: Path, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(project.root)
    done = CliRunner().invoke(cli, ["pin", str(made / "lora")])
    assert "pinned now: nothing recorded earlier" in done.output
    assert "what the pin says" not in done.output
    as_json = CliRunner().invoke(cli, ["pin", str(made / "lora"), "--json"])
    assert json.loads(as_json.stdout)["kind"] == "adapter"
    assert as_json.stderr.count("its adapter_config.json says") == 1


# --- bases -----------------------------------------------------------------------------------


def test_a_base_that_was_elsewhere_is_named_with_an_option_and_found_again(
    made: Path, project: Project, tmp_path: Path
) -> None:
    folder = copied(made, tmp_path / "theirs")
    edited(folder / "adapter_config.json", base_model_name_or_path="/data/llm/qwen-tiny")
    with pytest.raises(UsageError, match=r"names its base /data/llm/qwen-tiny.*--base FOLDER"):
        ask(project, folder)
    cached = "/root/.cache/huggingface/hub/models--org--a.model/snapshots/0123abc"
    edited(folder / "adapter_config.json", base_model_name_or_path=cached)
    with pytest.raises(UsageError, match=r"Say where it is: --base org/a\.model@0123abc$"):
        ask(project, folder)
    outcome = ask(project, folder, base=str(made / "base"))
    assert outcome.completions == 6
    assert all(finding.holds for finding in verify(evaluation(project, outcome), project))


@pytest.mark.parametrize(
    ("named", "original"),
    [
        ("unsloth/some-model-unsloth-bnb-4bit", "unsloth/some-model"),
        ("them/other-GPTQ-Int4", "them/other"),
    ],
)
def test_a_base_in_few_bits_is_answered_with_the_option_before_anything_is_fetched(
    made: Path, project: Project, tmp_path: Path, named: str, original: str
) -> None:
    folder = copied(made, tmp_path / "theirs")
    edited(folder / "adapter_config.json", base_model_name_or_path=named)
    with pytest.raises(UsageError, match=f"perhaps of {original}.*: --base FOLDER.REPO$"):
        ask(project, folder)


def test_a_whole_model_is_not_compared_with_itself_unasked(made: Path, project: Project) -> None:
    with pytest.raises(UsageError, match=r"is a whole model.*--baseline MODEL"):
        ask(project, made / "base")
    asked = ask(project, "baseline", baseline=str(made / "base"))
    assert asked.analysis.counts.prompts == 3


def test_code_in_a_base_runs_by_no_verb(
    made: Path, project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(project.root)
    base = tmp_path / "coded"
    shutil.copytree(made / "base", base)
    mark = tmp_path / "ran"
    (base / "evil.py").write_text(f"open({str(mark)!r}, 'w').write('x')\n")
    edited(
        base / "config.json",
        model_type="mine",
        auto_map={"AutoConfig": "evil.C", "AutoModelForCausalLM": "evil.M", "AutoTokenizer": "evil.T"},
    )
    edited(
        base / "tokenizer_config.json",
        tokenizer_class="Mine",
        auto_map={"AutoTokenizer": ["evil.T", "evil.T"]},
    )
    data = project.root / "chats.jsonl"
    row = {"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Ho"}]}
    data.write_text((json.dumps(row) + "\n") * 9)
    for command in (
        ["data", "check", str(data), "--base", str(base)],
        ["data", "preview", str(data), "--base", str(base)],
        ["train", "--size", "tiny", "--base", str(base), "--data", str(data), "--dry-run"],
        ["eval", "--suite", "mine.txt", "--candidate", "baseline", "--baseline", str(base),
         "--judge", "longer", "--yes"],
        ["perplexity", "--data", str(data), "--candidate", "baseline", "--baseline", str(base)],
        ["doctor", "--model", str(base)],
        ["pin", str(base)],
    ):  # fmt: skip
        done = CliRunner().invoke(cli, command, input="y\ny\ny\n")
        assert not mark.exists(), command
        assert done.exception is None or isinstance(done.exception, (UsageError, SystemExit)), (
            command, done.exception,
        )  # fmt: skip


# --- adapters of other trainers --------------------------------------------------------------


@pytest.fixture(scope="module")
def by_trl(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A base, and the checkpoint that a bare TRL script left: with its tokenizer, as TRL does."""
    import torch
    from datasets import Dataset
    from peft import LoraConfig
    from transformers import Qwen2Config, Qwen2ForCausalLM
    from trl import SFTConfig, SFTTrainer

    folder = tmp_path_factory.mktemp("trl")
    base = make_tokenizer(folder / "base")
    (base / "chat_template.jinja").write_text(TEMPLATE)
    torch.manual_seed(0)
    shape = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2}
    heads = {"num_attention_heads": 4, "num_key_value_heads": 2, "max_position_embeddings": 256}
    Qwen2ForCausalLM(Qwen2Config(vocab_size=512, **shape, **heads)).save_pretrained(base)
    turns = [{"role": "user", "content": "the fox?"}, {"role": "assistant", "content": "the dog."}]
    SFTTrainer(
        model=str(base),
        args=SFTConfig(
            output_dir=str(folder / "out"), max_steps=2, save_steps=2, per_device_train_batch_size=2,
            learning_rate=1e-2, use_cpu=True, bf16=False, report_to="none", disable_tqdm=True,
        ),
        train_dataset=Dataset.from_list([{"messages": turns}] * 4),
        peft_config=LoraConfig(task_type="CAUSAL_LM", target_modules=["q_proj", "v_proj"]),
    ).train()  # fmt: skip
    return folder


@pytest.mark.parametrize("form", ["today", "older"])
def test_an_adapter_of_a_bare_trl_script_runs_on_its_base_in_either_form_of_its_tokenizer(
    by_trl: Path, project: Project, tmp_path: Path, form: str
) -> None:
    shutil.copytree(by_trl / "base", tmp_path / "base")
    shutil.copytree(by_trl / "out" / "checkpoint-2", tmp_path / "checkpoint-2")
    if form == "older":
        older(tmp_path / "base" / "tokenizer.json")
    edited(
        tmp_path / "checkpoint-2" / "adapter_config.json",
        base_model_name_or_path=str(tmp_path / "base"),
    )
    outcome = ask(project, tmp_path / "checkpoint-2")
    assert (outcome.completions, outcome.analysis.counts.missing) == (6, 0)
