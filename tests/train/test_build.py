"""What the trainer is built from: layers that exist, packed rows that are counted."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from brie.errors import UsageError
from brie.project import Project, packaged
from brie.train.build import build_trainer
from brie.train.layers import linear_layers, refuse_missing_packages, with_layers
from brie.train.metrics import MetricsFile
from brie.train.prepare import prepare
from brie.train.quiet import quiet
from brie.train.recipes import SEVEN, Recipe
from brie.train.run import train
from brie.train.runs import checkpoints, read_manifest
from tests.train.world import Watcher, demo_rows, make_project, request

LLAMA_TEMPLATE = (
    "{%- for m in messages %}{{- '<|im_start|>' + m.role + '\n\n' + (m.content | trim) "
    "+ '<|im_end|>' }}{%- endfor %}"
    "{%- if add_generation_prompt %}{{- '<|im_start|>assistant\n\n' }}{%- endif %}"
)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return make_project(tmp_path / "project", demo_rows(48))


def make_model(folder: Path, config: object) -> Path:
    """A random model of another family with the packaged tokenizer and a template of its own."""
    from transformers import AutoModelForCausalLM

    with quiet():
        AutoModelForCausalLM.from_config(config).save_pretrained(folder)
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copy(packaged("models", "tiny", name), folder / name)
    (folder / "chat_template.jinja").write_text(LLAMA_TEMPLATE)
    return folder


def test_another_family_with_another_template_trains(project: Project, tmp_path: Path) -> None:
    from transformers import LlamaConfig

    config = LlamaConfig(
        vocab_size=4096,
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=1,
    )
    base = make_model(tmp_path / "llama", config)
    asked = request(project, "max_steps=2", "checkpoint_steps=2")
    folder = train(replace(asked, base=str(base)), project, Watcher())
    manifest = read_manifest(folder)
    assert manifest.config.template.way == "spans"
    assert manifest.state == "complete"
    raw = json.loads((checkpoints(folder)[2] / "adapter_config.json").read_text())
    assert set(raw["target_modules"]) == set(SEVEN)


def test_layers_that_do_not_exist_are_refused_with_those_that_do(
    project: Project, tmp_path: Path
) -> None:
    """PEFT would adapt `c_proj` alone, or on Phi-3 two of seven, and say nothing."""
    from transformers import GPT2Config

    base = make_model(tmp_path / "gpt2", GPT2Config(vocab_size=4096, n_embd=32, n_layer=1, n_head=2))
    assert linear_layers(base) == ("c_attn", "c_fc", "c_proj")
    recipe = Recipe(name="x", base="mine", target_modules=("c_proj", "q_proj"))
    with pytest.raises(UsageError, match=r"no layer called q_proj; .*'c_attn', 'c_fc', 'c_proj'"):
        with_layers(recipe, base)
    asked = replace(request(project), base=str(base))
    with pytest.raises(UsageError, match="no layer called"):
        train(asked, project, Watcher())
    assert not project.runs.exists()


def test_a_folder_with_an_unknown_architecture_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"model_type": "abacus"}')
    with pytest.raises(UsageError, match="no causal language model") as caught:
        linear_layers(tmp_path)
    assert "\n" not in str(caught.value)


def test_a_tracker_that_is_not_installed_is_named() -> None:
    refuse_missing_packages(Recipe(name="x", base="tiny"), "cpu")
    with pytest.raises(UsageError, match="pip install swanlab"):
        refuse_missing_packages(Recipe(name="x", base="tiny", report_to=("swanlab",)), "cpu")


def test_all_linear_layers_are_named_in_the_run(project: Project) -> None:
    job = prepare(request(project, "target_modules=all-linear"), project, Watcher())
    assert set(job.config.recipe.target_modules) == set(SEVEN)
    one = prepare(request(project, "target_modules=q_proj"), project, Watcher())
    assert one.config.recipe.target_modules == ("q_proj",)


@pytest.mark.parametrize(
    ("settings", "device", "message"),
    [
        ({"quantize": "nf4"}, "mps", "trains on CUDA and CPUs, not on mps"),
        ({"optimizer": "adamw_8bit"}, "cpu", "pip install bitsandbytes"),
        ({"quantize": "nf4"}, "cuda", "pip install bitsandbytes"),
    ],
)
def test_settings_that_need_more_than_is_here_are_refused(
    settings: dict[str, str], device: str, message: str
) -> None:
    import importlib.util

    if "pip install" in message and importlib.util.find_spec("bitsandbytes"):
        refuse_missing_packages(Recipe(name="x", base="tiny", **settings), device)
        return
    with pytest.raises(UsageError, match=message):
        refuse_missing_packages(Recipe(name="x", base="tiny", **settings), device)


def test_every_schedule_ends_where_the_recipe_says(project: Project, tmp_path: Path) -> None:
    """The last rate of a real optimizer's schedule, a share of the first."""
    ends = {
        ("schedule=linear",): 0.0,
        ("schedule=cosine",): 0.0,
        ("schedule=cosine", "min_learning_rate=0.25"): 0.25,
        ("schedule=wsd", "min_learning_rate=0.5", "decay=0.5"): 0.5,
        ("schedule=constant",): 1.0,
    }
    for settings, end in ends.items():
        job = prepare(request(project, *settings, "warmup=0", "learning_rate=0.01"), project, Watcher())
        with quiet():
            trainer = build_trainer(job, tmp_path / "x", MetricsFile(tmp_path), [], measuring=True)
            trainer.create_optimizer_and_scheduler(job.config.planned_steps)
        for _ in range(job.config.planned_steps):
            trainer.optimizer.step()
            trainer.lr_scheduler.step()
        (rate,) = set(trainer.lr_scheduler.get_last_lr())
        assert rate == pytest.approx(end * 0.01, abs=1e-5), settings


def test_noise_betas_and_optimizers_reach_the_trainer(project: Project, tmp_path: Path) -> None:
    settings = ("optimizer=adafactor", "neftune_noise_alpha=5", "betas=[0.8, 0.95]")
    job = prepare(request(project, *settings), project, Watcher())
    with quiet():
        trainer = build_trainer(job, tmp_path / "x", MetricsFile(tmp_path), [], measuring=True)
    assert trainer.args.optim == "adafactor"
    assert trainer.args.neftune_noise_alpha == 5
    assert (trainer.args.adam_beta1, trainer.args.adam_beta2) == (0.8, 0.95)
