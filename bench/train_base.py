"""A base of a real size's shape with random weights, and rows that fill it: nothing is downloaded."""

from __future__ import annotations

import json
import shutil
import tempfile
from pathlib import Path

from brie.project import Project, packaged
from brie.train.recipes import load_recipe

FOLDER = Path(tempfile.gettempdir()) / "brie-bench-train"
"""Random bases, 1 GB and more, that may be thrown away."""


def make_base(size: str) -> Path:
    """A model folder of a size's shape with random weights and the packaged tokenizer."""
    folder = FOLDER / size
    if (folder / "model.safetensors").is_file() or any(folder.glob("*.index.json")):
        return folder
    import torch
    from transformers import Qwen2Config, Qwen2ForCausalLM

    from brie.train.quiet import quiet

    shape = load_recipe(size, Project(FOLDER)).architecture
    if shape is None:
        raise SystemExit(f"recipe {size} has no [architecture]")
    shutil.copytree(packaged("models", "tiny"), folder, dirs_exist_ok=True)
    (folder / "model.safetensors").unlink()
    ends = json.loads((folder / "generation_config.json").read_text("utf-8"))
    torch.manual_seed(0)
    with torch.device("meta"):
        model = Qwen2ForCausalLM(
            Qwen2Config(
                vocab_size=shape.vocabulary,
                hidden_size=shape.hidden,
                intermediate_size=shape.intermediate,
                num_hidden_layers=shape.layers,
                num_attention_heads=shape.heads,
                num_key_value_heads=shape.kv_heads,
                tie_word_embeddings=shape.tied,
                eos_token_id=ends.get("eos_token_id"),
                dtype=torch.bfloat16,
            )
        ).to(torch.bfloat16)
    model = model.to_empty(device="cpu")
    model.tie_weights()
    for name, weight in model.named_parameters():
        weight.data.fill_(1.0) if "norm" in name else weight.data.normal_(0, 0.02)
    with quiet():
        model.save_pretrained(folder)
    return folder


def make_rows(length: int) -> Path:
    """Chats that fill rows of so many tokens: short questions, long answers."""
    path = FOLDER / f"rows-{length}.jsonl"
    FOLDER.mkdir(parents=True, exist_ok=True)
    lines = (packaged("data", "demo.jsonl")).read_text("utf-8").splitlines()
    turns = [json.loads(line)["messages"] for line in lines]
    answers = [turn[-1]["content"] for turn in turns]
    rows = [
        {"prompt": f"Question {i}: {turns[i][0]['content']}", "completion": " ".join(answers[i:] * 8)}
        for i in range(200)
    ]
    for row in rows:
        row["completion"] = row["completion"][: length * 6]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def make_halves(length: int) -> Path:
    """Chats of so many tokens, about half of them prompt: what a loss over answers can save."""
    path = FOLDER / f"halves-{length}.jsonl"
    whole = [json.loads(line) for line in make_rows(length).read_text("utf-8").splitlines()]
    texts = [(number, row["completion"][: int(length * 2.4)]) for number, row in enumerate(whole)]
    rows = [
        {"prompt": f"Case {n}: {text}", "completion": " ".join(reversed(text.split()))}
        for n, text in texts
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path
