"""Several values of a setting: `--set r=8,16 --set data_share=.25,.5,1` as the settings of a sweep."""

from __future__ import annotations

from itertools import product

from brie.errors import UsageError
from brie.project import Project
from brie.train.config import TrainRequest
from brie.train.recipes import ALL_LINEAR
from brie.train.sweep_files import is_sweep

AS_IT_IS = "recipe"
"""The setting of a sweep that varies nothing but seeds."""
_CLOSES = {"[": "]", '"': '"', "'": "'"}
_LISTS = frozenset({"target_modules", "modules_to_save", "betas", "report_to"})
"""Keys whose one value is a list already."""


def asks_for_several(request: TrainRequest, project: Project) -> bool:
    """Whether a request is a sweep's: several values, seeds, or a sweep to go on with."""
    if request.resume is not None:
        return is_sweep(request.resume, project)
    return request.seeds is not None or any(len(values_of(s)) > 1 for s in request.settings)


def values_of(setting: str) -> tuple[str, ...]:
    """The values of `key=value,value`: commas inside brackets and quotes part nothing."""
    _, _, text = setting.partition("=")
    parts, closing = [""], ""
    for character in text:
        if not closing and character == ",":
            parts.append("")
            continue
        parts[-1] += character
        if not closing:
            closing = _CLOSES.get(character, "")
        elif character == closing:
            closing = ""
    return tuple(part.strip() for part in parts)


def settings_of(request: TrainRequest) -> dict[str, tuple[str, ...]]:
    """Name -> the `key=value` of a setting: every combination of the values that were given.

    Raises:
        UsageError: a value is missing, or a list is written without brackets.
    """
    fixed = tuple(s for s in request.settings if len(values_of(s)) == 1)
    varied: list[list[str]] = []
    for setting in request.settings:
        key, values = setting.partition("=")[0], values_of(setting)
        if len(values) == 1:
            continue
        if key == "seed":
            raise UsageError("--set seed takes one value, the first seed; how many follow: --seeds N")
        if not all(values):
            raise UsageError(f"--set {setting}: a value is missing between two commas.")
        if key in _LISTS and not all(v.startswith("[") or v == ALL_LINEAR for v in values):
            raise UsageError(f"--set {setting}: write each list with brackets: {key}=[…],[…]")
        varied.append([f"{key}={value}" for value in values])
    if not varied:
        return {AS_IT_IS: fixed}
    return {",".join(chosen): (*fixed, *chosen) for chosen in product(*varied)}
