"""Pinning: naming a model by its content, checking it, and finding what a reference means."""

from brie.pin.adapters import ADAPTER_CONFIG, ADAPTER_WEIGHTS, lora_summary, rewriting
from brie.pin.bases import locate, open_base, packaged_base
from brie.pin.explain import adapter_fact, duplicates, explain
from brie.pin.folders import (
    canonical_config,
    folder_template,
    folder_template_digest,
    has_template,
)
from brie.pin.given import ANSWERS, GivenAnswers, GivenPrompt, GivenText, pin_answers
from brie.pin.hashing import (
    pin_base,
    pin_checkpoint,
    read_pin,
    refuse_other_content,
    verify_files,
    write_pin,
)
from brie.pin.resolve import (
    Resolved,
    default_candidate,
    resolve,
    resolve_pair,
)
from brie.pin.runs import Run, checkpoints, find_run, training_runs
from brie.pin.template import date_read, has_thinking, render, render_chat, template_digest
from brie.pin.told import by_itself, conversation, pin_told
from brie.pin.turns import (
    asked,
    ending,
    fold_system,
    folded,
    open_thought,
    placed,
    takes_system,
    thought,
    turn,
)

__all__ = [
    "ADAPTER_CONFIG",
    "ADAPTER_WEIGHTS",
    "ANSWERS",
    "GivenAnswers",
    "GivenPrompt",
    "GivenText",
    "Resolved",
    "Run",
    "adapter_fact",
    "asked",
    "by_itself",
    "canonical_config",
    "checkpoints",
    "conversation",
    "date_read",
    "default_candidate",
    "duplicates",
    "ending",
    "explain",
    "find_run",
    "fold_system",
    "folded",
    "folder_template",
    "folder_template_digest",
    "has_template",
    "has_thinking",
    "locate",
    "lora_summary",
    "open_base",
    "open_thought",
    "packaged_base",
    "pin_answers",
    "pin_base",
    "pin_checkpoint",
    "pin_told",
    "placed",
    "read_pin",
    "refuse_other_content",
    "render",
    "render_chat",
    "resolve",
    "resolve_pair",
    "rewriting",
    "takes_system",
    "template_digest",
    "thought",
    "training_runs",
    "turn",
    "verify_files",
    "write_pin",
]
