"""What brie asks of a tokenizer, and loading one without loading a model."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from brie.errors import PinError, UsageError
from brie.pin.bases import PACKAGED_PREFIX, download, packaged_base
from brie.pin.folders import SPECIAL_TOKENS, json_or_empty
from brie.pin.weights import load_tokenizer_of

if TYPE_CHECKING:
    from tokenizers import AddedToken
    from transformers import BatchEncoding


class Tokenizer(Protocol):
    """The part of a fast transformers tokenizer that brie uses."""

    chat_template: str | None
    eos_token: str | None
    eos_token_id: int | None
    pad_token: str | None
    all_special_tokens: list[str]
    added_tokens_decoder: dict[int, AddedToken]

    def __call__(
        self,
        text: str,
        *,
        add_special_tokens: bool,
        return_offsets_mapping: bool = False,
        verbose: bool = True,
    ) -> BatchEncoding:
        """Token ids; where it is asked for, with where each token stands in the text."""

    def decode(
        self,
        ids: list[int],
        *,
        skip_special_tokens: bool = False,
        clean_up_tokenization_spaces: bool | None = None,
    ) -> str:
        """Text of tokens."""

    def get_added_vocab(self) -> dict[str, int]:
        """Tokens that are no product of merges: end of turn, padding, …"""

    def save_pretrained(self, folder: str) -> tuple[str, ...]:
        """Write the tokenizer's files."""


def load_tokenizer(folder: Path) -> Tokenizer:
    """The tokenizer of a model folder, with or without a chat template; nothing is fetched.

    Raises:
        UsageError: the folder holds no fast tokenizer.
    """
    tokenizer = load_tokenizer_of(folder)
    if not tokenizer.is_fast:
        raise UsageError(f"{folder} has only a slow tokenizer, which cannot say where answers begin.")
    if isinstance(tokenizer.chat_template, dict):  # several, by name
        tokenizer.chat_template = tokenizer.chat_template.get("default")
    # Rows are cut at the run's own `max_length`, and said to be; the library would warn as well.
    tokenizer.deprecation_warnings["sequence-length-is-longer-than-the-specified-maximum"] = True
    return tokenizer  # type: ignore[no-any-return]


def find_tokenizer(reference: str) -> Tokenizer:
    """The tokenizer of a base named by a person; of a Hub model only small files are fetched.

    Args:
        reference: `tiny`, `ORG/NAME[@REVISION]`, or a local folder.

    Raises:
        UsageError: there is none, or it cannot be fetched.
    """
    folder = Path(reference)
    if (folder / "tokenizer_config.json").is_file():
        return load_tokenizer(folder)
    repo, _, revision = reference.partition("@")
    name = repo.removeprefix(PACKAGED_PREFIX)
    if "/" not in name:
        return load_tokenizer(packaged_base(name))
    return load_tokenizer(download(repo, revision or None, weights=False))


def special_tokens(tokenizer: Tokenizer) -> dict[str, str]:
    """Special tokens by name, as chat templates see them."""
    tokens = {name: getattr(tokenizer, name, None) for name in SPECIAL_TOKENS}
    return {name: str(token) for name, token in tokens.items() if token}


def eos_ids(folder: Path) -> list[int]:
    """Tokens that end an answer by a model folder's generation config, or by its config without one.

    Raises:
        PinError: what stands there is no number of a token.
    """
    named = next((n for n in ("generation_config.json", "config.json") if (folder / n).is_file()), "")
    ids = json_or_empty(folder / named).get("eos_token_id") if named else None
    listed = ids if isinstance(ids, list) else [] if ids is None else [ids]
    if any(type(number) is not int for number in listed):
        raise PinError(
            f"{folder / named}: eos_token_id is {ids!r}; it must be a token's number, or a list."
        )
    return [number for number in listed if isinstance(number, int) and number >= 0]
