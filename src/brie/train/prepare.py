"""From a request to a job: everything resolved, checked and explained; nothing written yet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from brie.data.encode import Encoded, Encoder, Tokens, encode_all, taken_apart, trainable
from brie.data.families import set_template
from brie.data.mapping import mapping_of
from brie.data.marks import listed, marks_in, special_texts
from brie.data.prompts import refuse_other_prompts
from brie.data.split import prompt_key
from brie.data.template import TrainingTemplate, choose
from brie.data.tokenizer import Tokenizer, eos_ids, load_tokenizer, special_tokens
from brie.errors import InputError, UsageError
from brie.pin import Resolved, folder_template, open_base
from brie.pin.folders import refuse_quantised
from brie.project import Project
from brie.records import Conversation, Pin
from brie.train.attention import computed_by, with_kernels
from brie.train.balance import balance_of, baselines_of, repeated
from brie.train.config import (
    DataPart,
    Decided,
    DeviceInfo,
    SplitInfo,
    TemplateInfo,
    TrainConfig,
    TrainRequest,
)
from brie.train.device import choose_dtype
from brie.train.gpus import decide_device, expected
from brie.train.layers import refuse_missing_packages, sees, with_layers
from brie.train.lora import count_parameters
from brie.train.memory import read_architecture
from brie.train.micro_batch import decide_micro_batch, fit_micro_batch
from brie.train.pairs import encode_pairs, pairs_info
from brie.train.progress import Progress
from brie.train.recipes import Recipe, load_recipe, override, recipe_files
from brie.train.sharding import as_launched, refuse_sharding
from brie.train.sources import Source, read_data
from brie.train.start import going_on, own_template, preferring, recipe_of, start_info, starting
from brie.train.steps import batch_order, longest, planned_steps, refuse_grouping, sequences

UNKNOWN_LICENCE = "unknown to brie: read its model card before you share what you train"


@dataclass(frozen=True)
class Job:
    """A run ready to start."""

    request: TrainRequest
    config: TrainConfig
    base_folder: Path
    base: Pin
    tokenizer: Tokenizer
    train: tuple[Encoded, ...]
    """Of pairs: a better answer, its worse one, and so on."""
    val: tuple[Encoded, ...]
    held: tuple[Conversation, ...]
    """The validation rows as they were read."""
    start: Path | None = None
    """Folder of the adapter that is trained on; None: a new one."""


def prepare(
    request: TrainRequest, project: Project, progress: Progress, tokens: Tokens | None = None
) -> Job:
    """Resolve a request for a new run; `tokens` are those that other runs made.

    Raises:
        UsageError: a choice is missing or impossible here.
        InputError: a recipe or data file is wrong; names file and line or key.
        PinError: the base is no usable model.
    """
    recipe = resolve_recipe(request, project, progress)
    job = build_job(request, recipe, project, progress, tokens=tokens)
    return replace(job, config=with_kernels(job.config, progress))


def build_job(
    request: TrainRequest,
    recipe: Recipe,
    project: Project,
    progress: Progress,
    before: TrainConfig | None = None,
    tokens: Tokens | None = None,
) -> Job:
    """A job for a recipe whose settings are final; raises what `prepare` raises.

    Args:
        request: files and options.
        recipe: the settings.
        project: where files are looked for.
        progress: what is said on the way.
        before: how the run was resolved when it was begun, for one that goes on.
        tokens: rows that other runs have encoded, and where this one leaves its own.
    """
    here = expected(request)
    start = starting(request, project)
    recipe = fit_micro_batch(recipe, here.size, progress)
    device = decide_device(request, recipe, here, progress)
    refuse_sharding(recipe, device)
    refuse_grouping(recipe)
    refuse_missing_packages(recipe, device.type)
    train_rows, val_rows, split_info = _read(request, recipe, project, progress)
    folder, base, location = _open_base(recipe, project, before, start, progress)
    recipe = with_layers(recipe, folder)
    dtype = _decide_dtype(recipe, device, folder, before)
    progress.note(f"numbers: {dtype.value} ({dtype.reason})")
    attention, kernels = computed_by(recipe, device, dtype, progress)
    encoder, aligned, given = _encoder(recipe, folder, start, tokens, progress)
    train, val = (_encode(source, encoder, recipe, progress) for source in (train_rows, val_rows))
    balance = balance_of(request, train_rows)
    tried = None if train_rows.pairs else baselines_of(train_rows, val_rows, split_info)
    epoch = repeated(trainable(train), balance, train_rows, recipe.seed)
    for what, made in (("balance", balance), ("without a model", tried)):
        if made:
            progress.note(f"{what}: {made.words()}")
    _hold_against_prompts(train_rows, encoder, folder, saved=bool(aligned or given), progress=progress)
    recipe = decide_micro_batch(
        recipe,
        read_architecture(folder),
        device=device,
        dtype=dtype.value,
        tokens_a_row=longest(recipe, train, val),
        attention=attention,
        progress=progress,
        copied=start is not None,
    )
    config = TrainConfig(
        recipe=recipe,
        base=base.base,
        base_location=location,
        template=_template_info(encoder.template, aligned, given),
        train=_part(train_rows, train),
        val=_part(val_rows, val),
        split=split_info,
        device=device,
        dtype=dtype,
        attention=attention,
        kernels=kernels,
        order=batch_order(recipe, device, epoch, before=before),
        accumulation=recipe.batch_size // (recipe.micro_batch_size * here.size),
        planned_steps=planned_steps(sequences(epoch, recipe), recipe),
        balance=balance,
        baselines=tried,
        start=start_info(start) if start else None,
        pairs=pairs_info(train_rows, val_rows),
    )
    usable = tuple(epoch), tuple(trainable(val))
    adapter = start.adapter if start else None
    return Job(request, config, folder, base, encoder.tokenizer, *usable, val_rows.rows, adapter)


def _encoder(
    recipe: Recipe, base: Path, start: Resolved | None, tokens: Tokens | None, progress: Progress
) -> tuple[Encoder, str | None, str | None]:
    """What turns rows into tokens; the end token that was set, and what the template is called where it
    is not the base's own."""
    tokenizer, template, given = _template(recipe, base, start, progress)
    aligned = _align_eos(tokenizer, template.end, base, progress)
    written = (template.digest, template.thinking, template.date, given)
    way = map(str, (base, *written, recipe.max_length, recipe.loss))
    kept = tokens.of(*way) if tokens else None
    return Encoder(tokenizer, template, recipe.max_length, recipe.loss, kept), aligned, given


def _read(
    request: TrainRequest, recipe: Recipe, project: Project, progress: Progress
) -> tuple[Source, Source, SplitInfo | None]:
    """Both halves of the data, and what is said of them."""
    train, val, split = read_data(request, recipe, project)
    progress.note(f"data: {_told(request, train=train, val=val, drawn=split)}")
    for source in (train, val):
        for note in source.notes:
            progress.note(f"{source.shown}: {note}")
    return train, val, split


def _open_base(
    recipe: Recipe,
    project: Project,
    before: TrainConfig | None,
    start: Resolved | None,
    progress: Progress,
) -> tuple[Path, Pin, str | None]:
    """The base's folder, pin and place; its licence is said."""
    known = before.base.digest if before else None
    if start is not None:
        folder, base, location = start.base_folder, start.base, start.pin.base_location
        progress.note(f"begins with: {start.name}; it is the reference too, as a frozen copy")
    else:
        folder, base, location = open_base(recipe.base, project.root, known)
    progress.note(f"base: {base.base}, licence {recipe.license or UNKNOWN_LICENCE}")
    if recipe.license_note:
        progress.note(recipe.license_note)
    refuse_quantised(folder)
    if sees(folder):
        progress.note("LoRA goes into the language model alone; what sees or hears stays as it is")
    return folder, base, location


def _template(
    recipe: Recipe, base: Path, start: Resolved | None, progress: Progress
) -> tuple[Tokenizer, TrainingTemplate, str | None]:
    """The tokenizer, the template answers are located by, and what it is called where it is not the
    base's own."""
    brought = own_template(start) if start else None
    tokenizer = load_tokenizer(brought or base)
    given = set_template(tokenizer, recipe.chat_template, fold=recipe.system == "fold")
    if brought is not None and given is None:
        given = "that of the checkpoint it began with"
    if given:
        progress.note(f"template: {given}; it is written into the checkpoints")
    located = recipe.loss == "assistant"
    return tokenizer, choose(tokenizer, thinking=recipe.thinking, located=located), given


def _template_info(template: TrainingTemplate, aligned: str | None, given: str | None) -> TemplateInfo:
    return TemplateInfo(
        way=template.way,
        end="".join(template.end),
        digest=template.digest,
        aligned_eos=aligned,
        given=given,
        thinking=template.thinking,
        date=template.date,
    )


def _told(request: TrainRequest, *, train: Source, val: Source, drawn: SplitInfo | None) -> str:
    whose = "" if request.data or train.pairs else ", the recipe's own (--data FILE for yours)"
    what = "pairs" if train.pairs else "rows"
    held = drawn.words() if drawn else f"from {val.shown}"
    return f"{len(train.rows):,} {what} of {train.shown}{whose}; {len(val.rows):,} to validate, {held}"


def _decide_dtype(
    recipe: Recipe, device: DeviceInfo, folder: Path, before: TrainConfig | None
) -> Decided:
    """The number format; a run that goes on keeps its own, whatever a probe says today."""
    if before and recipe.dtype == "auto" and before.device.type == device.type:
        return before.dtype
    return choose_dtype(recipe.dtype, device, parameters=count_parameters(folder))


def resolve_recipe(request: TrainRequest, project: Project, progress: Progress) -> Recipe:
    """The recipe a request names, with its settings, base and method laid over it.

    Without a name it is the recipe of the checkpoint the run begins with.

    Raises:
        UsageError: neither or both of size and recipe file are given, or the size is unknown.
    """
    start = starting(request, project)
    recipe = _named_recipe(request, start, project)
    asked = {"chat_template": request.chat_template, "system": request.system}
    recipe = recipe.model_copy(update={key: value for key, value in asked.items() if value})
    if start is not None:
        if clash := [f"--{key.replace('_', '-')}" for key in ("base", "chat_template", "system")
                     if getattr(request, key)]:  # fmt: skip
            raise UsageError(f"{clash[0]}: {start.name} has its own; leave it out.")
        recipe = going_on(recipe, start, request.settings)
    if request.base is not None:
        update = {"base": request.base, "license": "", "license_note": None, "architecture": None}
        recipe = recipe.model_copy(update=update)
    recipe = as_launched(preferring(recipe, request, progress))
    if start is not None and recipe.method == "sft":
        raise UsageError("--from goes on with preferences: --method dpo --prefs FILE, or kto")
    return recipe


def _named_recipe(request: TrainRequest, start: Resolved | None, project: Project) -> Recipe:
    """The recipe by name or file, or that of the checkpoint a run begins with, with the settings."""
    if request.size is None and request.recipe is None and start is not None:
        earlier = recipe_of(start, project)
        if earlier is not None:
            return override(earlier, request.settings)
    if (request.size is None) == (request.recipe is None):
        if request.size is not None:
            raise UsageError("--size and --recipe both name a recipe; leave one of them out.")
        sizes = "\n".join(f"  --size {name}" for name in recipe_files(project))
        raise UsageError(f"say what to train, one of:\n{sizes}\n  --recipe FILE.toml")
    return load_recipe(request.size or str(request.recipe), project, request.settings)


def _align_eos(tokenizer: Tokenizer, end: Sequence[str], base: Path, progress: Progress) -> str | None:
    """Make the tokenizer end where answers end; a base model often ends elsewhere.

    A base model's own end token follows documents, not turns: a fine-tune that learns to end
    its turn would run on in any program that waits for the document's end. A model whose
    generation config ends there already is left as it is.
    """
    ids = {tokenizer.get_added_vocab()[token] for token in end}
    if not end or tokenizer.eos_token in end or ids & set(eos_ids(base)):
        return None
    progress.note(
        f"end token: answers end with {end[0]}, the base's tokenizer says {tokenizer.eos_token}; "
        f"{end[0]} is used and written into the checkpoints"
    )
    tokenizer.eos_token = end[0]
    return end[0]


def _encode(source: Source, encoder: Encoder, recipe: Recipe, progress: Progress) -> list[Encoded]:
    _look_for_marks(source, encoder.tokenizer, recipe, progress)
    try:
        rows = encode_pairs(source, encoder) if source.pairs else encode_all(source.rows, encoder)
    except InputError as error:
        raise InputError(f"{source.shown}: {error}") from error
    if apart := taken_apart(rows):
        progress.note(f"{source.shown}: {apart}")
    cut = sum(row.cut == "cut" for row in rows)
    lost = list(dict.fromkeys(row.line for row in rows if row.cut == "lost"))
    if cut:
        progress.note(
            f"{source.shown}: {cut:,} of {len(rows):,} answers lose their end to max_length "
            f"{encoder.max_length}"
        )
    if lost:
        listing = ", ".join(map(str, lost[:5])) + (", …" if len(lost) > 5 else "")
        progress.note(
            f"{source.shown}: {len(lost):,} row{'' if len(lost) == 1 else 's'} dropped, no answer is "
            f"left within max_length {encoder.max_length}: line {listing}"
        )
    return rows


def _look_for_marks(source: Source, tokenizer: Tokenizer, recipe: Recipe, progress: Progress) -> None:
    """Special tokens inside text: refused in answers unless asked for, said elsewhere."""
    marks = marks_in((*source.rows, *source.rejected), special_texts(tokenizer))
    if marks.answers and not recipe.allow_special_tokens:
        raise InputError(
            f"{source.shown}: special tokens stand in the text of answers: {listed(marks.answers)}. "
            "They would be learned as tokens: take them out, or accept it: "
            "--set allow_special_tokens=true"
        )
    for what, where in (("answers", marks.answers), ("prompts", marks.prompts)):
        if where:
            progress.note(
                f"{source.shown}: special tokens stand in the text of {what}, and are read as such: "
                f"{listed(where)}"
            )


def _hold_against_prompts(
    source: Source, encoder: Encoder, base: Path, *, saved: bool, progress: Progress
) -> None:
    """Three rows, token for token: what comes before an answer is what an evaluation would ask."""
    if encoder.loss == "text":
        return  # the prompt is learned too, and no answer is told from it
    # A tokenizer that was changed is saved with the checkpoint, and read from there.
    special = special_tokens(encoder.tokenizer) if saved else folder_template(base)[1]
    try:
        compared = refuse_other_prompts(source.rows, encoder, special)
    except UsageError as error:
        raise InputError(f"{source.shown}: {error}") from error
    template = encoder.template
    facts = [f"thinking {'on' if template.thinking else 'off'}"] if template.thinking is not None else []
    facts += [f"the date it asks for is {template.date}"] if template.date else []
    also = f" ({', '.join(facts)})" if facts else ""
    progress.note(
        f"template: {template.reason}; {compared} row{'' if compared == 1 else 's'} compared with what "
        f"an evaluation asks, token for token{also}"
    )


def _part(source: Source, rows: Sequence[Encoded]) -> DataPart:
    usable = trainable(rows)
    if not usable:
        raise InputError(
            f"{source.shown}: no answer is left within max_length; raise it: --set max_length=4096"
        )
    return DataPart(
        path=source.place,
        file=source.file,
        rows_digest=source.digest,
        rows=len({row.line for row in usable}),
        prompts=len({prompt_key(row) for row in source.rows}),
        tokens=sum(len(row.ids) for row in usable),
        learned_tokens=sum(row.learned for row in usable),
        cut=sum(row.cut == "cut" for row in rows),
        dropped=tuple(dict.fromkeys(row.line for row in rows if row.cut == "lost")),
        mapping=mapping_of(source.mapping),
    )
