"""Models come on their device, unable to learn; what cannot be loaded is one sentence."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from brie.data.tokenizer import eos_ids
from brie.errors import PinError, UsageError
from brie.generate.encode import Encoder
from brie.generate.load import load_adapter, load_model, thread_pace
from brie.generate.local import TransformersEngine
from brie.records import Environment, Message
from tests.generate.conftest import Ask
from tests.generate.tinymodel import build_base


@pytest.mark.parametrize("tuned", [False, True])
def test_a_model_is_loaded_to_be_read_not_trained(
    base: Path, adapter: Path, cpu: Environment, tuned: bool
) -> None:
    alone = load_model(base, cpu)
    model = load_adapter(alone, "tuned", adapter) if tuned else alone
    assert not model.training
    assert not any(parameter.requires_grad for parameter in model.parameters())
    assert {parameter.dtype for parameter in model.parameters()} == {torch.float32}


def test_a_small_model_on_a_cpu_computes_with_one_thread(base: Path, cpu: Environment) -> None:
    model = load_model(base, cpu)
    assert thread_pace(model, cpu).count == 1
    elsewhere = cpu.model_copy(update={"device": "cuda"})
    assert thread_pace(model, elsewhere).count == torch.get_num_threads()


@pytest.mark.parametrize("missing", ["adapter_model.safetensors", "adapter_config.json"])
def test_an_adapter_that_lacks_a_file_is_named_with_it(
    base: Path, adapter: Path, cpu: Environment, tmp_path: Path, missing: str
) -> None:
    for path in adapter.iterdir():
        if path.name != missing:
            (tmp_path / path.name).write_bytes(path.read_bytes())
    with pytest.raises(PinError, match=f"it has no {missing}"):
        load_adapter(load_model(base, cpu), "tuned", tmp_path)


def test_a_folder_without_safetensors_is_refused(cpu: Environment, tmp_path: Path) -> None:
    (tmp_path / "pytorch_model.bin").touch()
    with pytest.raises(PinError, match=r"holds no \*\.safetensors weights"):
        load_model(tmp_path, cpu)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda t: t.pop("lm_head.weight"), r"lacks lm_head\.weight, which would be made up"),
        (lambda t: t.update({f"_orig_mod.{name}": t.pop(name) for name in list(t)}),
         r"which would be made up \(it holds _orig_mod\.lm_head\.weight"),
        (lambda t: t.update({"model.layers.0.self_attn.q_proj.lora_A.x.weight": torch.ones(2, 64)}),
         "part of an adapter that was never merged"),
        (lambda t: t.update({"lm_head.weight": torch.ones(7, 64)}),
         r"lm_head\.weight has the size \(7, 64\) in its files, and \(259, 64\)"),
    ],
)  # fmt: skip
def test_weights_that_are_not_the_models_are_not_made_up(
    base: Path, cpu: Environment, tmp_path: Path, change: Callable[[dict[str, torch.Tensor]], object],
    words: str,
) -> None:  # fmt: skip
    from safetensors.torch import load_file, save_file

    folder = Path(shutil.copytree(base, tmp_path / "odd"))
    tensors = load_file(folder / "model.safetensors")
    change(tensors)
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(PinError, match=words):
        load_model(folder, cpu)


def test_a_config_that_contradicts_itself_is_one_sentence(
    base: Path, cpu: Environment, tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(base, tmp_path / "odd"))
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "num_hidden_layers": 5}))
    with pytest.raises(PinError, match=r"config\.json cannot be used"):
        TransformersEngine.load(folder, cpu)


def _retouched(adapter: Path, to: Path, change: Callable[[dict[str, torch.Tensor]], object]) -> Path:
    """The adapter with other tensors."""
    from safetensors.torch import load_file, save_file

    shutil.copytree(adapter, to)
    tensors = load_file(to / "adapter_model.safetensors")
    change(tensors)
    save_file(tensors, to / "adapter_model.safetensors")
    return to


def _configured(adapter: Path, to: Path, **settings: object) -> Path:
    """The adapter with other settings."""
    shutil.copytree(adapter, to)
    path = to / "adapter_config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **settings}))
    return to


def test_tensors_without_a_place_in_the_model_are_named(
    base: Path, adapter: Path, cpu: Environment, tmp_path: Path
) -> None:
    fewer = _configured(adapter, tmp_path / "fewer", target_modules=["q_proj"])
    with pytest.raises(PinError, match=r"v_proj\.lora_A\.weight.* have no place in the model"):
        load_adapter(load_model(base, cpu), "tuned", fewer)
    stray = _retouched(adapter, tmp_path / "stray", lambda t: t.update(stray=torch.ones(2)))
    with pytest.raises(PinError, match="stray of its file has no place in the model"):
        load_adapter(load_model(base, cpu), "tuned", stray)


def test_an_adapter_that_writes_over_its_base_is_refused(
    base: Path, adapter: Path, cpu: Environment, tmp_path: Path
) -> None:
    def more(tensors: dict[str, torch.Tensor]) -> None:
        tensors["base_model.model.model.norm.weight"] = torch.full((64,), 0.5)

    over = _retouched(adapter, tmp_path / "over", more)
    with pytest.raises(PinError, match=r"rewrites its base.*model\.norm\.weight"):
        load_adapter(load_model(base, cpu), "tuned", over)


def test_the_base_is_bit_for_bit_the_base_with_adapters_off(
    base: Path, adapter: Path, cpu: Environment
) -> None:
    alone = load_model(base, cpu)
    ids = torch.arange(40, 52)[None]
    with torch.inference_mode():
        before = alone(input_ids=ids).logits
        tuned = load_adapter(alone, "tuned", adapter)
        assert not torch.equal(tuned(input_ids=ids).logits, before)
        with tuned.disable_adapter():
            assert torch.equal(tuned(input_ids=ids).logits, before)


def test_a_few_changed_rows_of_an_embedding_in_the_file_do_not_reach_the_base(
    base: Path, adapter: Path, cpu: Environment, tmp_path: Path
) -> None:
    from safetensors.torch import load_file

    embedding = load_file(base / "model.safetensors")["model.embed_tokens.weight"]
    embedding[45] += 1
    name = "base_model.model.model.embed_tokens.weight"
    carries = _retouched(adapter, tmp_path / "carries", lambda t: t.update({name: embedding}))
    with pytest.raises(PinError, match=r"rewrites its base.*embed_tokens\.weight"):
        load_adapter(load_model(base, cpu), "tuned", carries)
    alone = load_adapter(load_model(base, cpu), "tuned", carries, alone=True)
    assert torch.equal(alone.get_input_embeddings().weight, embedding)


def test_trained_tokens_leave_the_base_as_it_is(
    base: Path, adapter: Path, cpu: Environment, tmp_path: Path
) -> None:
    rows = torch.full((2, 64), 0.7)
    delta = "base_model.model.model.embed_tokens.token_adapter.trainable_tokens_delta"
    more = _retouched(adapter, tmp_path / "more", lambda t: t.update({delta: rows}))
    tokens = _configured(more, tmp_path / "tokens", trainable_token_indices=[45, 47])
    alone = load_model(base, cpu)
    ids = torch.arange(40, 52)[None]
    with torch.inference_mode():
        before = alone(input_ids=ids).logits
        tuned = load_adapter(alone, "tuned", tokens)
        assert not torch.equal(tuned(input_ids=ids).logits, before)
        with tuned.disable_adapter():
            assert torch.equal(tuned(input_ids=ids).logits, before)


def test_an_engine_with_a_rewriting_adapter_does_not_answer_as_the_base(
    base: Path, adapter: Path, cpu: Environment, tmp_path: Path
) -> None:
    biased = _configured(adapter, tmp_path / "biased", bias="all")
    with TransformersEngine.load(base, cpu, {"biased": biased}) as engine:
        engine.encoder("biased")
        with pytest.raises(UsageError, match="no adapter None"):
            engine.encoder(None)
    with pytest.raises(PinError, match="rewrites its base"):
        TransformersEngine.load(base, cpu, {"biased": biased, "plain": adapter})


def test_a_model_that_computes_no_numbers_is_refused_at_its_first_step(
    adapter: Path, cpu: Environment, ask: Ask, tmp_path: Path
) -> None:
    from safetensors.torch import load_file, save_file

    broken = build_base(tmp_path / "broken")
    tensors = load_file(broken / "model.safetensors")
    tensors["model.norm.weight"][3] = float("nan")
    save_file(tensors, broken / "model.safetensors", metadata={"format": "pt"})
    with (
        TransformersEngine.load(broken, cpu) as engine,
        pytest.raises(PinError, match="computes no numbers"),
    ):
        list(engine.generate(ask(2)))


def test_an_adapter_is_idle_where_its_logits_are_its_bases(
    base: Path, adapter: Path, cpu: Environment, tmp_path: Path
) -> None:
    def silent(tensors: dict[str, torch.Tensor]) -> None:
        for name in tensors:
            tensors[name] = torch.zeros_like(tensors[name])

    dead = _retouched(adapter, tmp_path / "dead", silent)
    with TransformersEngine.load(base, cpu, {"dead": dead, "alive": adapter}) as engine:
        assert engine.idle == ("dead",)


@pytest.mark.parametrize(
    ("named", "ends"),
    [([0, 5], {0, 5}), (7, {7}), (None, set()), (-1, set())],
)
def test_tokens_that_end_an_answer_are_read_from_the_config_where_no_other_file_names_them(
    base: Path, tmp_path: Path, named: object, ends: set[int]
) -> None:
    folder = Path(shutil.copytree(base, tmp_path / "m"))
    (folder / "generation_config.json").unlink(missing_ok=True)
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "eos_token_id": named}))
    assert set(eos_ids(folder)) == ends
    (folder / "generation_config.json").write_text(json.dumps({"eos_token_id": [1]}))
    assert eos_ids(folder) == [1]


@pytest.mark.parametrize("named", ["<|im_end|>", ["<|im_end|>"], True, 2.0])
def test_an_end_that_is_no_token_number_is_refused(tmp_path: Path, named: object) -> None:
    (tmp_path / "generation_config.json").write_text(json.dumps({"eos_token_id": named}))
    with pytest.raises(PinError, match="must be a token's number"):
        eos_ids(tmp_path)


@pytest.mark.parametrize("template", ["", "Hello.", "{{ messages | length }}"])
def test_a_template_that_leaves_the_question_out_asks_nothing(
    base: Path, tmp_path: Path, template: str
) -> None:
    folder = Path(shutil.copytree(base, tmp_path / "m"))
    (folder / "chat_template.jinja").write_text(template)
    encoder = Encoder.load(folder)
    with pytest.raises(PinError, match="leaves out the question"):
        encoder.encode([Message(role="user", content="Why is it so?")])
