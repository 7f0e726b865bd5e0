"""A folder of a model may hold anything: nothing of it is run, and another template is another model."""

from __future__ import annotations

import json
import shutil
import time
from pathlib import Path

import pytest

from tests.generate.tinymodel import build_adapter, build_base
from tests.hostile.world import World

TINY = Path(__file__).parents[2] / "models" / "tiny"
LONG = "<|im_start|>system\nAnswer very long.<|im_end|>\n"


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny base and an adapter on it."""
    folder = tmp_path_factory.mktemp("models")
    build_adapter(folder / "tuned", build_base(folder / "base"))
    return folder


@pytest.fixture
def tuned(world: World, models: Path) -> Path:
    """A copy of the adapter, in the project."""
    shutil.copytree(models / "tuned", world.folder / "tuned")
    return world.folder / "tuned"


def _eval(world: World, *more: str) -> tuple[int, str]:
    said = world.brie(
        "eval", "--suite", "small.toml", "--candidate", "tuned", "--samples", "1", "--controls", "0",
        "--max-new-tokens", "8", "--judge", "longer", "--yes", *more,
    )  # fmt: skip
    return said.code, said.err


def test_a_template_that_was_put_beside_a_pinned_adapter_is_noticed(
    world: World, tuned: Path, models: Path
) -> None:
    assert _eval(world)[0] == 0
    name = world.evaluation().name
    base = json.loads((models / "base" / "tokenizer_config.json").read_text("utf-8"))
    template = models / "base" / "chat_template.jinja"
    text = template.read_text("utf-8") if template.is_file() else base["chat_template"]
    (tuned / "chat_template.jinja").write_text(LONG + text, "utf-8")
    said = world.brie("verify", name)
    assert "both models are the pinned ones" not in said.out + said.err
    assert "template" in said.out + said.err
    # With it, the model is another one: its answers are asked for again, under a plan of its own.
    assert _eval(world)[0] in (0, 2)
    assert len(list(world.folder.glob("runs/eval-*"))) in (1, 2)
    assert "sealed" in world.said[-1].err or world.said[-1].code == 2


@pytest.mark.parametrize("verb", ["data", "perplexity", "eval", "pin"])
def test_code_that_comes_with_a_model_is_not_run(
    world: World, verb: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("builtins.input", lambda *_: "y")
    folder = world.folder / "evil"
    shutil.copytree(TINY, folder)
    for name, key in (("config.json", "AutoConfig"), ("tokenizer_config.json", "AutoTokenizer")):
        config = json.loads((folder / name).read_text("utf-8"))
        kinds = {"AutoConfig": "evil.Evil", "AutoModelForCausalLM": "evil.Evil"}
        config["auto_map"] = (
            kinds if key == "AutoConfig" else {"AutoTokenizer": ["evil.Evil", "evil.Evil"]}
        )
        config.pop("tokenizer_class", None)
        if key == "AutoConfig":
            config["model_type"] = "evil"
        (folder / name).write_text(json.dumps(config), "utf-8")
    (folder / "evil.py").write_text("import pathlib\npathlib.Path('PWNED').touch()\nclass Evil: pass\n")
    row = {"messages": [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}]}
    (world.folder / "rows.jsonl").write_text(json.dumps(row) + "\n", "utf-8")
    said = {
        "data": lambda: world.brie("data", "check", "rows.jsonl", "--base", "evil"),
        "perplexity": lambda: world.brie(
            "perplexity", "rows.jsonl", "--candidate", "evil", "--baseline", "evil"
        ),
        "eval": lambda: world.brie(
            "eval",
            "--suite",
            "small.toml",
            "--candidate",
            "evil",
            "--baseline",
            "evil",
            "--judge",
            "longer",
        ),
        "pin": lambda: world.brie("pin", "evil"),
    }[verb]()
    assert list(world.folder.rglob("PWNED")) == []
    assert said.code in (0, 2), said.err


def _spoil(tuned: Path, how: str) -> None:
    weights, config = tuned / "adapter_model.safetensors", tuned / "adapter_config.json"
    raw = weights.read_bytes()
    size = int.from_bytes(raw[:8], "little")
    if how == "cut off":
        weights.write_bytes(raw[: len(raw) // 2])
    elif how == "no header":
        weights.write_bytes(b"\xff" * 8 + raw[8:])
    elif how in ("a list", "deep", "a shape of words"):
        head = {"a list": "[1, 2]", "deep": "[" * 5000, "a shape of words": ""}[how]
        if not head:
            tensors = json.loads(raw[8 : 8 + size])
            next(value for key, value in tensors.items() if key != "__metadata__")["shape"] = "x"
            head = json.dumps(tensors)
        weights.write_bytes(len(head).to_bytes(8, "little") + head.encode() + raw[8 + size :])
    else:
        value = json.loads(config.read_text("utf-8"))
        value.update(
            {"rank": {"r": "x"}, "no rank": {"r": None}, "targets": {"target_modules": [["q"]]}}[how]
        )
        config.write_text(json.dumps(value), "utf-8")


@pytest.mark.parametrize(
    "how",
    ["cut off", "no header", "a list", "deep", "a shape of words", "rank", "no rank", "targets"],
)
def test_a_damaged_adapter_is_a_sentence_before_anything_is_sealed(
    world: World, tuned: Path, how: str
) -> None:
    _spoil(tuned, how)
    code, err = _eval(world)
    assert code == 2, err
    assert list(world.folder.glob("runs/eval-*")) == []


TEMPLATES = {
    "division": "{{ 1 // 0 }}",
    "a kind": "{{ messages + 1 }}",
    "recursion": "{% macro a() %}{{ a() }}{% endmacro %}{{ a() }}",
    "no attribute": "{{ messages[0].content.nothing.at.all }}",
    "loops": "{% for a in range(99999) %}{% for b in range(99999) %}x{% endfor %}{% endfor %}",
    "a power": "{{ 10**100000000 }}",
    "a long text": "{{ 'x'*3000000000 }}",
    "slices": "{{ messages | slice(10**9) | list }}",
    "time": "{{ strftime_now('%Y'*10**7) }}",
    "centre": "{{ 'x'.center(3*10**9) }}",
    "no end": "{% for a in ",
    "a bare raise": "{{ raise_exception('no') }}",
}


@pytest.mark.parametrize("what", TEMPLATES)
def test_a_chat_template_that_cannot_be_used_is_a_sentence_in_seconds(
    world: World, tuned: Path, what: str
) -> None:
    (tuned / "chat_template.jinja").write_text(TEMPLATES[what], "utf-8")
    start = time.process_time()
    said = world.brie("pin", "tuned")
    assert time.process_time() - start < 10
    assert said.code in (0, 2), said.err


@pytest.mark.parametrize("checkpoint", ["a\0b", "../../..", "x" * 5000])
def test_a_pin_that_leads_nowhere_is_a_sentence(world: World, tuned: Path, checkpoint: str) -> None:
    assert world.brie("pin", "tuned", "--name", "mine").code in (0, 2)
    assert world.brie("pin", f"tuned#{checkpoint}").code == 2
