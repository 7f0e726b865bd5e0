"""Packed rows do not see each other, on any attention; what computes it is chosen aloud."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from brie.errors import UsageError
from brie.project import Project
from brie.train.attention import FETCHED, choose_attention, unusable_kernels, with_kernels
from brie.train.build import build_trainer
from brie.train.config import Decided, DeviceInfo
from brie.train.memory import estimate
from brie.train.metrics import MetricsFile
from brie.train.prepare import Job, prepare
from brie.train.quiet import quiet
from brie.train.recipes import Recipe, load_recipe
from brie.train.run import train
from brie.train.runs import read_manifest
from tests.train.test_build import make_model
from tests.train.world import Watcher, demo_rows, make_project, request

CPU, MPS, CUDA = (DeviceInfo(type=kind, name=kind, memory_bytes=None) for kind in ("cpu", "mps", "cuda"))
PACKED = Recipe(name="x", base="tiny", packing=True)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return make_project(tmp_path / "project", demo_rows(24))


@pytest.fixture
def job(project: Project) -> Job:
    settings = ("packing=true", "epochs=1", "batch_size=2", "micro_batch_size=2", "dropout=0")
    asked = request(project, *settings)
    return prepare(replace(asked, device="cpu"), project, Watcher())


def test_where_there_is_no_flash_attention_torchs_own_is_used_and_said() -> None:
    for device in (CPU, MPS):
        chosen = choose_attention(PACKED, device, "bfloat16")
        assert chosen is not None
        assert chosen.value == "torch"
        assert f"{device.type} has no FlashAttention" in chosen.reason
        assert "a mask keeps packed rows apart" in chosen.reason
    single = choose_attention(PACKED, CUDA, "float32")
    assert single is not None
    assert "16 bits" in single.reason


def test_on_cuda_the_reason_is_what_this_installation_has() -> None:
    chosen, missing = choose_attention(PACKED, CUDA, "bfloat16"), unusable_kernels()
    assert chosen is not None
    if missing is None:
        assert chosen.value == FETCHED
    else:
        assert chosen.value == "torch"
        assert missing in chosen.reason
        assert "pip install 'kernels>=" in chosen.reason


def test_without_packing_nothing_is_chosen_unless_it_is_asked_for() -> None:
    plain = Recipe(name="x", base="tiny")
    assert choose_attention(plain, CUDA, "bfloat16") is None
    asked = choose_attention(plain.model_copy(update={"attention": "torch"}), CUDA, "bfloat16")
    assert asked == Decided(value="torch", reason="asked for")
    flash = choose_attention(plain.model_copy(update={"attention": "flash"}), CPU, "bfloat16")
    assert flash == Decided(value="torch", reason="cpu has no FlashAttention; torch's own attention")


def test_a_kernel_that_cannot_be_loaded_is_replaced_and_said(job: Job) -> None:
    """This machine has no CUDA, so the kernel of the Hub cannot be loaded, whatever is installed."""
    wanted = Decided(value=FETCHED, reason="asked for")
    watcher = Watcher()
    config = with_kernels(job.config.model_copy(update={"attention": wanted}), watcher)
    assert config.attention is not None
    assert config.attention.value == "torch"
    assert f"{FETCHED} cannot be loaded (" in config.attention.reason
    assert watcher.notes == [f"attention: torch ({config.attention.reason})"]
    assert with_kernels(config, watcher) == config


def test_a_packed_step_has_the_loss_and_the_gradient_of_the_same_rows_apart(
    job: Job, tmp_path: Path
) -> None:
    """Also where brie computes the loss itself, and with activations computed twice."""
    import torch

    from brie.train.loss import offer_learned_loss

    again = job.config.recipe.model_copy(update={"gradient_checkpointing": True})
    twice = replace(job, config=job.config.model_copy(update={"recipe": again}))
    alone = job.config.recipe.model_copy(update={"packing": False})
    apart = replace(job, config=job.config.model_copy(update={"recipe": alone, "attention": None}))
    with quiet():
        results = []
        for number, made in enumerate((apart, job, twice, job)):
            made = replace(made, train=job.train[:6])
            trainer = build_trainer(
                made, tmp_path / str(number), MetricsFile(tmp_path), [], measuring=True
            )
            if number == 3:
                trainer._learned_loss = offer_learned_loss(trainer.model, "cpu")
                assert trainer._learned_loss
            batch = trainer.data_collator(list(trainer.train_dataset))
            assert ("attention_mask" in batch) == (number == 0)
            learned = (batch["labels"][:, 1:] != -100).sum()
            trainer.model.train()
            loss = trainer.compute_loss(trainer.model, batch, num_items_in_batch=learned)
            loss.backward()
            grads = [p.grad for p in trainer.model.parameters() if p.grad is not None]
            results.append((float(loss), torch.cat([g.flatten() for g in grads])))
    loss, gradient = results[0]
    for other, of_other in results[1:]:
        assert other == pytest.approx(loss, rel=1e-5)
        assert torch.allclose(of_other, gradient, atol=1e-5 * float(gradient.abs().max()))


def test_packed_training_counts_every_token_once_and_validates_row_by_row(project: Project) -> None:
    settings = ("packing=true", "max_steps=none", "epochs=1", "batch_size=2", "micro_batch_size=1")
    watcher = Watcher()
    folder = train(replace(request(project, *settings), device="cpu"), project, watcher)
    manifest = read_manifest(folder)
    assert manifest.tokens == manifest.config.train.tokens
    assert manifest.config.planned_steps < manifest.config.train.rows / 2
    assert manifest.config.attention is not None
    assert manifest.config.attention.value == "torch"
    plain = prepare(request(project, "epochs=1", "batch_size=2", "micro_batch_size=1"), project, watcher)
    with quiet():
        trainer = build_trainer(plain, folder / "x", MetricsFile(folder / "x"), [])
        assert manifest.evaluations[0].loss == pytest.approx(trainer.evaluate()["eval_loss"], rel=1e-6)
    assert any(note.startswith("attention: torch (cpu has no") for note in watcher.notes)
    assert any(note.startswith("packing: two rows held against") for note in watcher.notes)


def test_a_family_that_does_not_keep_packed_rows_apart_is_refused(
    project: Project, tmp_path: Path
) -> None:
    from transformers import BloomConfig

    config = BloomConfig(vocab_size=4096, hidden_size=32, n_layer=2, n_head=2)
    base = make_model(tmp_path / "bloom", config)
    settings = ("packing=true", 'target_modules=["query_key_value"]', "max_steps=2")
    asked = replace(request(project, *settings), base=str(base), device="cpu")
    with pytest.raises(UsageError, match=r"does not keep rows apart.*--set packing=false"):
        train(asked, project, Watcher())


def test_the_attention_is_part_of_the_runs_identity_and_may_change_on_the_way(job: Job) -> None:
    without = job.config.model_copy(update={"attention": None})
    assert job.config.identity() != without.identity()
    assert job.config.facts() == without.facts()
    assert "attention" not in json.loads(without.model_dump_json())


@pytest.mark.parametrize(("size", "tokens"), [("0.5b-8k", 8192), ("3b-16k", 16384)])
def test_recipes_for_long_contexts_pack_and_estimate_a_whole_sequence(
    project: Project, size: str, tokens: int
) -> None:
    recipe = load_recipe(size, project)
    assert (recipe.packing, recipe.gradient_checkpointing, recipe.max_length) == (True, True, tokens)
    shape = recipe.architecture
    assert shape is not None
    masked, flash = (Decided(value=value, reason="") for value in ("torch", FETCHED))
    whole = estimate(shape, recipe, "bfloat16", tokens, attention=masked)
    lean = estimate(shape, recipe, "bfloat16", tokens, attention=flash)
    assert whole.activations - lean.activations == tokens**2 * 3
    kept = recipe.model_copy(update={"gradient_checkpointing": False})
    assert lean.activations < estimate(shape, kept, "bfloat16", tokens).activations / 5
