"""The part of a card that says how to use the model, and how to check what the card says."""

from __future__ import annotations

import json
from collections.abc import Iterator

from brie.publish.quoted import Quoted
from brie.publish.subject import Subject
from brie.report.markdown import code_span, escape, fenced, table

_TOKENS = 256
"""Tokens of an answer in the examples."""


def usage(subject: Subject) -> Iterator[str]:
    """How to ask it: with transformers, vLLM and Ollama."""
    yield "## How to use it"
    export = subject.export
    if export is None:
        yield (
            "The weights are not beside this card. In the project that made them, "
            "`brie export MODEL --to merged` writes them for transformers and vLLM, `--to ollama` for "
            f"Ollama; MODEL is {code_span(_reference(subject))}."
        )
        return
    target = export.said("target")
    yield _what_lies_here(subject, export)
    blocks = {"merged": _merged, "gguf": _gguf, "ollama": _gguf, "mlx": _mlx}
    yield from blocks[target](subject)
    yield from _chat(subject)
    yield from _checked(export)


def verifying(subject: Subject) -> Iterator[str]:
    """How the card was made, and how to hold it against the records."""
    yield "## How this card was made, and how to check it"
    yield (
        "brie wrote it from the records alone: the run's manifest, the adapter's own files, and the "
        "evaluations' sealed plans and stored verdicts. Nobody typed a number. Before every figure "
        "stands a comment that names where it comes from, and a figure without one is found as well:"
    )
    lines = ["brie verify --claims README.md    # every number of this card, against the records"]
    names = [quoted.name for quoted in subject.evaluations]
    lines += [f"brie verify {name}    # seal, rows, every verdict and every number" for name in names]
    yield fenced("\n".join(lines), "sh")
    if subject.repo:
        kept = [f"`brie/{name}.zip`" for name in (*names, *(q.name for q in subject.suites))]
        kept += [f"`brie/{subject.run.name}.zip`"] if subject.run else []
        if kept:
            yield (
                f"The records are in this repository ({', '.join(kept)}): `brie unbundle FILE` puts "
                "them into a project of yours, where both commands work, and `brie verify FILE` checks "
                "one as it is. What they cannot show is that the answers came "
                "from these weights, and who made them."
            )
    rows = [("Weights' fingerprint", subject.quoted.fingerprint("digest"))]
    rows += [
        (f"Numbers of {code_span(quoted.name)}", quoted.fingerprint("rows_digest"))
        for quoted in subject.evaluations
    ]
    if subject.export is not None:
        rows.append(("Exported with brie", subject.export.code("version")))
    yield table(("", ""), rows)


def unknown_things(subject: Subject) -> Iterator[str]:
    """What a reader of a card looks for and no record holds."""
    yield "## Not known"
    lines = [
        "what it is meant for, and what it should not be used for: its makers have not said it here",
        "the languages of its training data",
        "where its training data comes from, and under which licence",
        "what training it took in energy or money",
    ]
    if subject.run is None:
        lines.append("how it was trained")
    yield "\n".join(f"- {escape(line)}" for line in lines)


def _reference(subject: Subject) -> str:
    """How the model is named in a command: its run, where it has one."""
    run = subject.run
    return run.name + ":best" if run is not None and subject.name.endswith(":best") else subject.name


def _what_lies_here(subject: Subject, export: Quoted) -> str:
    rows = [
        (code_span(file.said("path")), file.number("bytes"), file.fingerprint("digest"))
        for file in export.rows("files")
    ]
    merged = ", the adapter merged into its base" if subject.is_trained else ""
    form, numbers = export.word("target"), export.code("number_format")
    told = f"What lies here: form {form}, numbers in {numbers}{merged}."
    return f"{told}\n\n{table(('File', 'Bytes', 'Fingerprint (sha256)'), rows, 'lrl')}"


def _where(subject: Subject) -> str:
    return subject.repo or "."


def _merged(subject: Subject) -> Iterator[str]:
    where = json.dumps(_where(subject))
    yield "With transformers:"
    yield fenced(
        "from transformers import pipeline\n\n"
        f'pipe = pipeline("text-generation", model={where})\n'
        'messages = [{"role": "user", "content": "Hello"}]\n'
        f'print(pipe(messages, max_new_tokens={_TOKENS})[0]["generated_text"][-1]["content"])',
        "python",
    )
    yield "With vLLM, which then speaks OpenAI's protocol:"
    yield fenced(f"vllm serve {_where(subject)} --port 8000", "sh")
    yield (
        "With Ollama: it reads GGUF. In the project that made this, `brie export MODEL --to ollama` "
        f"writes the file and its Modelfile; MODEL is {code_span(_reference(subject))}."
    )


def _gguf(subject: Subject) -> Iterator[str]:
    export = subject.export
    files = [f.said("path") for f in export.rows("files")] if export else []
    file = next(name for name in files if name.endswith(".gguf"))
    name = file.split(".gguf")[0].lower()
    if "Modelfile" in files:
        yield "With Ollama, by the Modelfile, which has the chat template:"
        yield fenced(f"ollama create {name} -f Modelfile\nollama run {name}", "sh")
    elif subject.repo:
        yield "With Ollama, which reads the file from the Hub:"
        yield fenced(f"ollama run hf.co/{subject.repo}", "sh")
    else:
        yield "With Ollama: export it with `--to ollama`, which writes its Modelfile too."
    yield "With llama.cpp:"
    yield fenced(f"llama-server -m {file} --jinja --port 8080", "sh")
    yield "With transformers, which unpacks it:"
    yield fenced(
        "from transformers import AutoModelForCausalLM, AutoTokenizer\n\n"
        f"where, file = {json.dumps(_where(subject))}, {json.dumps(file)}\n"
        "tokenizer = AutoTokenizer.from_pretrained(where, gguf_file=file)\n"
        "model = AutoModelForCausalLM.from_pretrained(where, gguf_file=file)",
        "python",
    )
    yield "With vLLM: take a merged export (`--to merged`), which it reads whole."


def _mlx(subject: Subject) -> Iterator[str]:
    yield "With mlx-lm, on a Mac:"
    yield fenced(f"python -m mlx_lm chat --model {_where(subject)}", "sh")
    yield "For transformers and vLLM take an export `--to merged`, for Ollama one `--to ollama`."


def _chat(subject: Subject) -> Iterator[str]:
    if subject.run is None:
        yield "It has the chat template it was made with; use it, as the lines above do."
        return
    template = subject.run.under("config", "template")
    told = f"It was trained with its chat template, an answer ending with {template.code('end')}"
    if template.value("thinking") is not None:
        told += f"; thinking mode while training: {template.word('thinking')}"
    if template.said("date"):
        told += f"; the date its template was told: {template.code('date')}"
    yield f"{told}. Asked without it, it is another model."


def _checked(export: Quoted) -> Iterator[str]:
    """What was compared of the file with its checkpoint."""
    check = export.under("check")
    if not export.table("check"):
        yield f"The file was not compared with its checkpoint: {export.text('not_checked')}."
        return
    yield f"Compared with its checkpoint after it was made: {check.text('sentence')}"
    rows = [
        (
            figures.code("engine"),
            f"{figures.number('identical')} of {figures.number('answers')}",
            figures.number("max_logit_difference", digits=3),
            figures.number("kl", digits=3),
        )
        for figures in check.rows("figures")
    ]
    yield table(("Read by", "Identical answers", "Largest logit difference", "Nats"), rows, "lrrr")
