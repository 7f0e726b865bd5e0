"""The answers of a sealed evaluation, to be made elsewhere: its plan travels, and its models."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from brie.bundle import pack_evaluation
from brie.errors import UsageError
from brie.evaluation.folders import Evaluation
from brie.generate.environment import environment_elsewhere
from brie.pin import Resolved
from brie.pin.bases import PACKAGED_PREFIX
from brie.project import Project
from brie.records import Environment, Plan
from brie.remote.errand import Errand, bytes_of
from brie.remote.files import adapter_files
from brie.remote.jobs import Asked, Load
from brie.remote.launcher import Offer
from brie.remote.work import BUNDLES


def answering_errand(sides: Sequence[Resolved], name: str, project: Project) -> Errand:
    """What has to be sent for an evaluation's answers, but for the evaluation itself.

    Args:
        sides: both models, as they are here.
        name: the evaluation's id.
        project: where its models are.

    Raises:
        UsageError: a side is no adapter of this project and no base, so that it cannot be sent.
    """
    members: dict[str, bytes | Path] = {}
    for side in sides:
        if not side.here:
            raise UsageError(f"{side.name} is no model that --on could load elsewhere; leave out --on.")
        if not side.reference.startswith("hf:"):
            members |= adapter_files(side, project)
    bases = [base for side in sides if (base := _fetched(side)) is not None]
    return Errand(
        kind="generate",
        subject=f"the answers of {name}",
        arguments=("generate", name, "--yes"),
        members=members,
        asked=Asked(evaluation=name),
        load=Load(kind="generate", sent_bytes=bytes_of(members), base=next(iter(bases), None)),
    )


def _fetched(side: Resolved) -> str | None:
    """The name on the Hub of a side's base, or of the model itself; None for one that brie ships.

    Raises:
        UsageError: it is a folder of this machine.
    """
    base = side.base.base
    if side.pin.base_location is not None or "/" not in base.repo:
        raise UsageError(
            f"the base {base.repo} is a folder of this machine, and bases are not sent; leave out --on."
        )
    if base.repo.startswith(PACKAGED_PREFIX):
        return None
    return f"{base.repo}@{base.revision}" if base.revision else base.repo


def with_plan(errand: Errand, evaluation: Evaluation, project: Project) -> Errand:
    """The errand with the sealed evaluation, and the answers that are there already."""
    with TemporaryDirectory(prefix="brie-bundle-") as folder:
        file = pack_evaluation(evaluation, project, Path(folder) / "evaluation.zip")
        packed = file.read_bytes()
    members = {**errand.members, f"{BUNDLES}{evaluation.manifest.id}.zip": packed}
    return replace(errand, members=members)


def environment_of(
    offer: Offer, on: str, *, device: str | None, dtype: str | None
) -> tuple[Environment, str]:
    """Where answers are made, as the machine there would decide it, with the reason.

    Args:
        offer: what is there.
        on: where that is.
        device: the device that was asked for; None: the fastest there.
        dtype: the number format that was asked for.

    Raises:
        UsageError: the device is not there, or not known.
    """
    if offer.device is None and device is None:
        raise UsageError(f"what {on} computes on is not known; name it: --device cuda")
    if device not in (None, "cpu", offer.device) and offer.device is not None:
        raise UsageError(f"{on} has no device {device!r}; it has {offer.device}.")
    chosen = device or str(offer.device)
    environment = environment_elsewhere(chosen, native_bfloat16=offer.native_bfloat16, dtype=dtype)
    return environment, f"{chosen} in {environment.dtype}, as {on} has it"


def refuse_tasks(plan: Plan) -> None:
    """Tasks of other tools are not part of what can be done elsewhere.

    Raises:
        UsageError: the plan has some.
    """
    if plan.tasks:
        raise UsageError("tasks are run on the machine that has their packages; leave out --on.")


def refuse_another(sealed: Environment, offer: Offer, on: str) -> None:
    """Whether answers that are sealed for one kind of machine can be made there.

    Raises:
        UsageError: it computes on something else; names both.
    """
    there, _ = environment_of(offer, on, device=sealed.device, dtype=sealed.dtype)
    if (there.device, there.dtype) != (sealed.device, sealed.dtype):
        raise UsageError(
            f"the plan was sealed for {sealed.dtype} on {sealed.device}; {on} has {there.device}."
        )
