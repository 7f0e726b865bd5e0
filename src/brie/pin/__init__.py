"""Pinning: naming a model by its content, checking it, and finding what a reference means."""

from brie.pin.bases import locate, open_base, packaged_base
from brie.pin.explain import adapter_fact, duplicates, explain
from brie.pin.hashing import (
    ADAPTER_CONFIG,
    ADAPTER_WEIGHTS,
    canonical_config,
    folder_template,
    folder_template_digest,
    lora_summary,
    pin_base,
    pin_checkpoint,
    read_pin,
    tensor_shapes,
    verify_files,
    write_pin,
)
from brie.pin.resolve import (
    Resolved,
    Run,
    checkpoints,
    default_candidate,
    find_run,
    resolve,
    resolve_pair,
    training_runs,
)
from brie.pin.template import date_read, has_thinking, render, render_chat, template_digest

__all__ = [
    "ADAPTER_CONFIG",
    "ADAPTER_WEIGHTS",
    "Resolved",
    "Run",
    "adapter_fact",
    "canonical_config",
    "checkpoints",
    "date_read",
    "default_candidate",
    "duplicates",
    "explain",
    "find_run",
    "folder_template",
    "folder_template_digest",
    "has_thinking",
    "locate",
    "lora_summary",
    "open_base",
    "packaged_base",
    "pin_base",
    "pin_checkpoint",
    "read_pin",
    "render",
    "render_chat",
    "resolve",
    "resolve_pair",
    "template_digest",
    "tensor_shapes",
    "training_runs",
    "verify_files",
    "write_pin",
]
