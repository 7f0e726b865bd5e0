"""A training request as the words that ask for it: the inverse of what `brie train` reads."""

from __future__ import annotations

from brie.train.config import TrainRequest

_OPTIONS: dict[str, str] = {
    "size": "--size",
    "recipe": "--recipe",
    "base": "--base",
    "data": "--data",
    "val": "--val",
    "hold_out_source": "--hold-out-source",
    "balance": "--balance",
    "method": "--method",
    "prefs": "--prefs",
    "start": "--from",
    "settings": "--set",
    "seeds": "--seeds",
    "mapping": "--map",
    "chat_template": "--chat-template",
    "system": "--system",
    "name": "--name",
    "device": "--device",
    "resume": "--resume",
    "processes": "--processes",
}
"""Field -> option, in the order of the help."""


def arguments_of(request: TrainRequest) -> tuple[str, ...]:
    """The words after `brie` that ask for a request; what is at its default is left out."""
    words = ["train"]
    default = TrainRequest()
    for field, option in _OPTIONS.items():
        value = getattr(request, field)
        if value == getattr(default, field):
            continue
        each = value if isinstance(value, tuple) else (value,)
        words += [word for item in each for word in (option, str(item))]
    return tuple(words)
