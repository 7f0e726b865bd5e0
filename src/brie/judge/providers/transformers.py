"""A judge that runs here: a local instruct model, by letter probabilities or by what it writes.

With `output = "logprobs"` nothing is sampled: one pass over the prompt gives the log-probabilities of
the two letters as the next token (`brie.judge.letters`).
Requests that wait at the same time go through the model together.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from brie.blinding import JudgeInput
from brie.errors import UsageError
from brie.judge import letters, parse
from brie.judge.faults import Fault
from brie.judge.interface import Judge, Reply
from brie.judge.prompt import Correction, JudgePrompt, PromptBuilder
from brie.judge.providers.together import TogetherJudge, device_and_dtype
from brie.judge.settings import form_of, output_limit
from brie.pin.weights import load_causal_lm, load_tokenizer_of
from brie.records import JudgeSpec, Letter, Rubric, Status, Usage

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel, PreTrainedTokenizerFast

_TOKENS_TOGETHER = 16_384
"""Prompt tokens, padding included, that go through the model at once."""


@dataclass(frozen=True, slots=True)
class _Loaded:
    """A model ready to be asked."""

    model: PreTrainedModel
    tokenizer: PreTrainedTokenizerFast
    prompter: PromptBuilder
    letters: dict[Letter, list[int]]
    """Token ids of each letter."""
    longest: int
    """Tokens its positions reach."""
    served: str


@dataclass
class LocalJudge(TogetherJudge[_Loaded, JudgePrompt]):
    """A local model as a judge."""

    rubric: Rubric

    def load(self) -> _Loaded:
        """The model with its tokenizer and the words around a case."""
        return _load(self.spec, self.rubric)

    def request(self, loaded: _Loaded, shown: JudgeInput, correction: Correction | None) -> JudgePrompt:
        """The request in words."""
        return loaded.prompter.build(shown, correction)

    def answer(self, loaded: _Loaded, asked: Sequence[JudgePrompt]) -> list[Reply | Fault]:
        """Replies, those to prompts of like length worked out together."""
        return _answer_all(self.spec, self.rubric, loaded, asked)


def open_judge(spec: JudgeSpec, rubric: Rubric | None) -> Judge:
    """A judge on this machine; its weights are loaded when it is first asked.

    Raises:
        UsageError: the extra `train` is not installed, or the output form is not one it has.
    """
    if rubric is None:
        raise UsageError(f"judge {spec.id!r} has no rubric.")
    if spec.output not in ("logprobs", "json_schema", "text"):
        raise UsageError(
            f"judges/{spec.id}.toml: output = {spec.output!r}; allowed: logprobs, json_schema, text."
        )
    return LocalJudge(spec, rubric)


def _load(spec: JudgeSpec, rubric: Rubric) -> _Loaded:
    from transformers.utils import logging

    logging.disable_progress_bar()
    if spec.location is None:
        raise UsageError(f"judge {spec.id!r}: its weights were not found on this machine.")
    folder = Path(spec.location)
    device, dtype = device_and_dtype(spec)
    tokenizer = load_tokenizer_of(folder)
    model = load_causal_lm(folder, dtype)
    special = sorted({*tokenizer.all_special_tokens, *tokenizer.get_added_vocab()})
    return _Loaded(
        model.eval().requires_grad_(False).to(device),
        tokenizer,
        PromptBuilder(rubric, form_of(spec), special),
        letters.token_ids(tokenizer.get_vocab()) if spec.output == "logprobs" else {},
        int(getattr(model.config, "max_position_embeddings", 0) or 1_000_000),
        f"{spec.model} {dtype} {device}",
    )


def _answer_all(
    spec: JudgeSpec, rubric: Rubric, loaded: _Loaded, prompts: Sequence[JudgePrompt]
) -> list[Reply | Fault]:
    """Replies to some prompts, those of like length together."""
    rows = [_tokens(loaded, prompt) for prompt in prompts]
    replies_at: dict[int, Reply | Fault] = {}
    room = loaded.longest - (0 if spec.output == "logprobs" else output_limit(spec))
    fits = []
    for index, row in enumerate(rows):
        if len(row) > room:
            replies_at[index] = Fault(
                f"a prompt of {len(row)} tokens does not fit the model's {loaded.longest}", "this"
            )
        else:
            fits.append(index)
    for group in _groups(sorted(fits, key=lambda index: len(rows[index])), rows):
        start = time.perf_counter()
        part = [rows[index] for index in group]
        if spec.output == "logprobs":
            replies = _by_letters(loaded, part)
        else:
            replies = _by_writing(spec, rubric, loaded, part, [prompts[index] for index in group])
        seconds = (time.perf_counter() - start) / len(group)
        for index, reply in zip(group, replies, strict=True):
            usage = reply.usage.model_copy(update={"seconds": seconds})
            replies_at[index] = replace(reply, usage=usage)
    return [replies_at[index] for index in range(len(prompts))]


def _groups(order: Sequence[int], rows: Sequence[Sequence[int]]) -> list[list[int]]:
    groups: list[list[int]] = []
    for index in order:
        if groups and (len(groups[-1]) + 1) * len(rows[index]) <= _TOKENS_TOGETHER:
            groups[-1].append(index)
        else:
            groups.append([index])
    return groups


def _tokens(loaded: _Loaded, prompt: JudgePrompt) -> list[int]:
    """Token ids of a prompt through the model's own chat template."""
    turns = [{"role": "system", "content": prompt.system}, {"role": "user", "content": prompt.user}]
    try:
        text = loaded.tokenizer.apply_chat_template(
            turns, tokenize=False, add_generation_prompt=True, enable_thinking=False
        )
    except Exception:
        # Some templates have no system turn.
        merged = [{"role": "user", "content": f"{prompt.system}\n\n{prompt.user}"}]
        text = loaded.tokenizer.apply_chat_template(merged, tokenize=False, add_generation_prompt=True)
    return list(loaded.tokenizer(text, add_special_tokens=False)["input_ids"])


def _padded(loaded: _Loaded, rows: Sequence[Sequence[int]]) -> dict[str, torch.Tensor]:
    """Rows padded on the left, with positions that do not count the padding."""
    import torch

    width = max(len(row) for row in rows)
    ids = torch.tensor([[0] * (width - len(row)) + list(row) for row in rows])
    mask = torch.tensor([[0] * (width - len(row)) + [1] * len(row) for row in rows])
    positions = (mask.cumsum(-1) - 1).clamp(min=0)
    device = loaded.model.device
    return {
        "input_ids": ids.to(device),
        "attention_mask": mask.to(device),
        "position_ids": positions.to(device),
    }


def _by_letters(loaded: _Loaded, rows: Sequence[Sequence[int]]) -> list[Reply]:
    import torch

    with torch.inference_mode():
        logits = loaded.model(**_padded(loaded, rows), logits_to_keep=1).logits[:, -1]
    likely = torch.log_softmax(logits.float().cpu().double(), dim=-1)
    by_letter = {
        letter: torch.logsumexp(likely[:, ids], dim=-1).tolist()
        for letter, ids in loaded.letters.items()
    }
    replies = []
    for number, row in enumerate(rows):
        usage = Usage(input_tokens=len(row), output_tokens=1)
        try:
            values = letters.measured({letter: each[number] for letter, each in by_letter.items()})
        except parse.Unreadable as error:
            replies.append(Reply(Status.INVALID, reason=str(error), usage=usage, served=loaded.served))
        else:
            replies.append(letters.reply_of(values, usage, loaded.served))
    return replies


def _by_writing(
    spec: JudgeSpec,
    rubric: Rubric,
    loaded: _Loaded,
    rows: Sequence[Sequence[int]],
    prompts: Sequence[JudgePrompt],
) -> list[Reply]:
    import torch

    inputs = _padded(loaded, rows)
    limit = output_limit(spec)
    with torch.inference_mode():
        written = loaded.model.generate(
            input_ids=inputs["input_ids"], attention_mask=inputs["attention_mask"], do_sample=False,
            max_new_tokens=limit, pad_token_id=loaded.tokenizer.pad_token_id or 0,
        )  # fmt: skip
    width = inputs["input_ids"].shape[1]
    replies = []
    for row, out, prompt in zip(rows, written, prompts, strict=True):
        made = out[width:]
        text = loaded.tokenizer.decode(made, skip_special_tokens=True)
        ended = int(made[-1]) in _ends(loaded)
        usage = Usage(input_tokens=len(row), output_tokens=len(made))
        replies.append(
            _read(text, ended or len(made) < limit, rubric, prompt, usage, served=loaded.served)
        )
    return replies


def _ends(loaded: _Loaded) -> set[int]:
    end = loaded.model.generation_config.eos_token_id
    stops = {*(end if isinstance(end, list) else [end]), loaded.tokenizer.eos_token_id}
    return {stop for stop in stops if stop is not None}


def _read(
    text: str, whole: bool, rubric: Rubric, prompt: JudgePrompt, usage: Usage, *, served: str
) -> Reply:
    reply = partial(Reply, text=text, usage=usage, served=served)
    if not whole:
        return reply(Status.INVALID, reason="cut off: it ended at its limit", unreadable=True)
    try:
        parsed = parse.read_text(text, rubric.criteria, prompt.number)
    except parse.Refused as error:
        return reply(Status.REFUSED, reason=str(error))
    except (parse.Unreadable, parse.WrongCase) as error:
        return reply(Status.INVALID, reason=f"unreadable: {error}", unreadable=True)
    return reply(
        Status.OK, letter=parsed.letter, reason=parsed.reason, scores=parsed.scores, margin=parsed.margin
    )
