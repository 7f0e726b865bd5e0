"""What the Hub refuses: one sentence for each cause, the same for models and datasets."""

from __future__ import annotations

import pytest
from huggingface_hub.errors import (
    GatedRepoError,
    HfHubHTTPError,
    LocalEntryNotFoundError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

from brie.pin.hub import hub_refusal


def raised(kind: type[HfHubHTTPError]) -> HfHubHTTPError:
    """An error of a kind; its class is all that counts, not the reply it came with."""
    return kind.__new__(kind, "refused")


@pytest.mark.parametrize(
    ("kind", "model", "dataset"),
    [
        (
            GatedRepoError,
            "org/name is gated: accept its terms on its Hub page, then run: hf auth login",
            "dataset org/name is gated: accept its terms on its Hub page, then run: hf auth login",
        ),
        (
            RevisionNotFoundError,
            "org/name has no revision v9 on the Hub.",
            "dataset org/name has no revision v9 on the Hub.",
        ),
        (
            RepositoryNotFoundError,
            "there is no model 'org/name' on the Hub that you may read.",
            "there is no dataset 'org/name' on the Hub that you may read.",
        ),
    ],
)
def test_each_refusal_is_a_sentence_that_says_what_was_asked_for(
    kind: type[HfHubHTTPError], model: str, dataset: str
) -> None:
    error = raised(kind)
    assert str(hub_refusal(error, "org/name", kind="model", revision="v9")) == model
    assert str(hub_refusal(error, "org/name", kind="dataset", revision="v9")) == dataset


@pytest.mark.parametrize("error", [LocalEntryNotFoundError("not here"), TimeoutError("too slow")])
def test_a_hub_that_was_not_reached_refused_nothing(error: Exception) -> None:
    assert hub_refusal(error, "org/name", kind="model", revision=None) is None
