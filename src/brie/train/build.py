"""Model, adapter, data and arguments: everything TRL's trainer is built from."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict

from brie.data.encode import IGNORED, Encoded, dataset
from brie.pin.attach import attach
from brie.pin.few_bits import stay_learnable
from brie.pin.thread_pace import ThreadPace
from brie.pin.weights import Loading, load_causal_lm, quantized
from brie.train import sharding
from brie.train.attention import HUB, TORCH
from brie.train.config import CHECKPOINTS
from brie.train.lora import lora_config
from brie.train.metrics import MetricsFile
from brie.train.pairs import dpo_rows, kto_rows
from brie.train.prepare import Job
from brie.train.recipes import Recipe

if TYPE_CHECKING:
    from datasets import Dataset
    from peft import PeftModel
    from transformers import PreTrainedModel, Trainer, TrainerCallback, TrainingArguments

    from brie.train.conventions import Conventions

WRITING = ".writing"
"""Where a checkpoint is written before it is whole; beside the others, so that moving is cheap."""


def build_trainer(
    job: Job,
    folder: Path,
    metrics: MetricsFile,
    hooks: Sequence[TrainerCallback],
    threads: ThreadPace | None = None,
    *,
    fresh: bool = True,
    measuring: bool = False,
) -> Trainer:
    """The trainer with model, data and hooks in place.

    Args:
        job: what to train.
        folder: where checkpoints go.
        metrics: figures of earlier sessions.
        hooks: callbacks.
        threads: decides how many the next step computes with; None leaves them as they are.
        fresh: evaluate the base first; not when a run is continued.
        measuring: neither evaluate nor save.
    """
    from transformers.trainer_callback import PrinterCallback

    from brie.train.conventions import Keeping

    config = job.config
    keeping = Keeping(
        base=config.base,
        checkpoints=folder / CHECKPOINTS,
        planned_steps=config.planned_steps,
        own_tokenizer=bool(config.template.aligned_eos or config.template.given),
        threads=threads or ThreadPace(1, fixed=True),
        before=metrics.history[-1] if metrics.history else None,
    )
    kind, train, val = _data(job)
    model = load_model(job)
    args = arguments(job, folder / CHECKPOINTS / WRITING, fresh=fresh, measuring=measuring)
    if sharding.is_sharded(config.device):
        sharding.prepare(args, config.device.type)
    trainer = kind(
        model=model,
        args=args,
        train_dataset=train,
        eval_dataset=val,
        processing_class=job.tokenizer,
        peft_config=None if job.start else lora_config(config.recipe, job.base_folder),
        callbacks=list(hooks),
    )
    if config.recipe.quantize == "nf4":
        for weight in trainer.model.parameters():
            if weight.requires_grad:  # TRL learns in bfloat16 beside a base in 4 bits
                weight.data = weight.data.float()
    trainer.keep(keeping)
    trainer.remove_callback(PrinterCallback)
    return trainer


def _data(job: Job) -> tuple[Callable[..., Conventions], Dataset, Dataset]:
    """The trainer of a run's method, and both halves of its data as that trainer takes them."""
    recipe = job.config.recipe
    if recipe.method == "sft":
        from brie.train.trainer import BrieTrainer

        return BrieTrainer, dataset(spread(job)), dataset(job.val)
    from brie.train.preference_trainer import BrieDPO, BrieKTO

    if recipe.method == "dpo":
        return BrieDPO, dpo_rows(job.train), dpo_rows(job.val)
    train = kto_rows(job.train, beside=recipe.micro_batch_size, seed=recipe.seed)
    return BrieKTO, train, dpo_rows(job.val)


def load_model(job: Job) -> PreTrainedModel | PeftModel:
    """The base in its number format, with the adapter that is trained on, if there is one; its name is
    its label, so that no path is recorded."""
    recipe, device, dtype = job.config.recipe, job.config.device.type, job.config.dtype.value
    options: Loading = quantized(device, dtype) if recipe.quantize == "nf4" else {}
    if job.config.kernels is not None and job.config.kernels.value == HUB:
        options["use_kernels"] = True
    if job.config.attention is not None and job.config.attention.value != TORCH:
        options["attn_implementation"] = job.config.attention.value
    sharded = sharding.is_sharded(job.config.device)
    with sharding.loading_once() if sharded else nullcontext():
        model = load_causal_lm(job.base_folder, dtype, **options)
    if recipe.quantize == "nf4" and device == "cpu":
        stay_learnable(model)
    model.name_or_path = job.config.base.repo
    model.config._name_or_path = job.config.base.repo
    if job.start is None:
        return model
    adapted = attach(model, "default", job.start)
    adapted.peft_config["default"].inference_mode = False
    adapted.set_adapter("default")
    return adapted


def arguments(job: Job, folder: Path, *, fresh: bool, measuring: bool) -> TrainingArguments:
    """TRL's arguments; each that has a surprising default is stated."""
    config, recipe = job.config, job.config.recipe
    mps = config.device.type == "mps"
    sharded = sharding.is_sharded(config.device)
    by_fsdp = sharded and sharding.recomputed_by_fsdp(recipe)
    return _kind(job)(
        **(sharding.arguments(recipe) if sharded else {}),
        output_dir=str(folder),
        per_device_train_batch_size=recipe.micro_batch_size,
        per_device_eval_batch_size=max(recipe.micro_batch_size, 4),
        gradient_accumulation_steps=config.accumulation,
        max_steps=config.planned_steps,
        learning_rate=recipe.learning_rate,
        **_schedule(recipe, config.planned_steps),
        warmup_steps=recipe.warmup,
        adam_beta1=recipe.betas[0],
        adam_beta2=recipe.betas[1],
        weight_decay=recipe.weight_decay,
        neftune_noise_alpha=recipe.neftune_noise_alpha,
        max_grad_norm=recipe.max_grad_norm,
        optim=_optimizer(recipe, config.device.type),
        bf16=config.dtype.value == "bfloat16",
        fp16=config.dtype.value == "float16",
        gradient_checkpointing=recipe.gradient_checkpointing and not by_fsdp,
        gradient_checkpointing_kwargs={"use_reentrant": False},
        seed=recipe.seed,
        data_seed=recipe.seed,
        eval_strategy="no" if measuring else "steps",
        eval_steps=recipe.checkpoint_steps,
        eval_on_start=fresh and not measuring,
        save_strategy="no" if measuring else "steps",
        save_steps=recipe.checkpoint_steps,
        save_total_limit=None,
        load_best_model_at_end=False,
        prediction_loss_only=True,
        logging_strategy="steps",
        logging_steps=1,
        logging_nan_inf_filter=False,
        disable_tqdm=True,
        report_to=list(recipe.report_to) or "none",
        use_cpu=config.device.type == "cpu",
        dataloader_pin_memory=config.device.type == "cuda",
        torch_empty_cache_steps=1 if mps else None,
        ddp_find_unused_parameters=False,
        run_name=folder.parents[1].name,
    )


def _kind(job: Job) -> Callable[..., TrainingArguments]:
    """TRL's arguments of a run's method, with those that no other method has."""
    from trl import DPOConfig, KTOConfig, SFTConfig

    recipe = job.config.recipe
    if recipe.method == "sft":
        return partial(
            SFTConfig,
            max_length=recipe.max_length if recipe.packing else None,
            packing=recipe.packing,
            eval_packing=False,
            train_sampling_strategy="group_by_length" if job.config.order else "random",
        )
    # Rows are cut already; lengths of pairs are no column that batches could be grouped by.
    if recipe.method == "dpo":
        return partial(
            DPOConfig,
            beta=recipe.beta,
            loss_type=["sigmoid"],
            max_length=None,
            train_sampling_strategy="random",
        )
    return partial(
        KTOConfig,
        beta=recipe.beta,
        loss_type="kto",
        max_length=None,
        train_sampling_strategy="sequential",
    )


class _Schedule(TypedDict):
    lr_scheduler_type: str
    lr_scheduler_kwargs: dict[str, float]


def _schedule(recipe: Recipe, steps: int) -> _Schedule:
    """transformers' name and arguments of a recipe's schedule."""
    floor = recipe.min_learning_rate
    if recipe.schedule == "wsd":
        falling = max(1, round(recipe.decay * steps))
        return {
            "lr_scheduler_type": "warmup_stable_decay",
            "lr_scheduler_kwargs": {"num_decay_steps": falling, "min_lr_ratio": floor},
        }
    if recipe.schedule == "cosine" and floor:
        return {
            "lr_scheduler_type": "cosine_with_min_lr",
            "lr_scheduler_kwargs": {"min_lr_rate": floor},
        }
    return {"lr_scheduler_type": recipe.schedule, "lr_scheduler_kwargs": {}}


def _optimizer(recipe: Recipe, device: str) -> str:
    """transformers' name of a recipe's optimizer on a device."""
    names = {"adamw_8bit": "adamw_bnb_8bit", "paged_adamw_8bit": "paged_adamw_8bit"}
    usual = "adamw_torch_fused" if device == "cuda" else "adamw_torch"
    return usual if recipe.optimizer == "adamw" else names.get(recipe.optimizer, recipe.optimizer)


def evened(rows: Sequence[Encoded], multiple: int) -> list[Encoded]:
    """Rows filled up to a multiple with rows that teach nothing, for several processes.

    Otherwise the launcher repeats rows to give every process as much, and some are seen twice.
    """
    filler = Encoded(line=0, ids=rows[0].ids[:2], labels=[IGNORED] * 2, length=2, cut="lost")
    missing = -len(rows) % multiple
    return [*rows, *[filler] * missing]


def spread(job: Job) -> Sequence[Encoded]:
    """The training rows, evened out where several processes share them."""
    count = job.config.device.count
    return evened(job.train, job.config.recipe.micro_batch_size * count) if count > 1 else job.train
