"""Who can answer for a judge: the one table of providers.

Adding a provider is one new file in `judge/providers/` and, here, one member and one entry:

    GEMINI = "gemini"
    ...
    Provider.GEMINI: ProviderInfo(open="brie.judge.providers.gemini:open_judge"),

Every default is the careful one. What is not said to be local is remote and paid: its calls are
quoted, agreed to and capped, and the quote names the host that receives prompts and answers.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

Kind = Literal["model", "rule", "person"]
"""Who gives the verdicts."""


class Provider(StrEnum):
    """Who answers for a judge."""

    ANTHROPIC = "anthropic"
    OPENAI = "openai"
    OPENAI_COMPATIBLE = "openai-compatible"
    OPENAI_RESPONSES = "openai-responses"
    AZURE_OPENAI = "azure-openai"
    TRANSFORMERS = "transformers"
    REWARD = "reward"
    RULES = "rules"
    HUMAN = "human"


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchLimits:
    """What a provider takes as one batch, and what it costs."""

    requests: int
    size: int
    """UTF-8 bytes of all its requests, with what stands around them."""
    share: float
    """Part of the full price that is charged."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderInfo:
    """What has to be known of a provider before anything is sent."""

    open: str | None
    """"MODULE:FUNCTION" that opens a judge, loaded on first use; None: nobody can be asked here."""
    kind: Kind = "model"
    """A model reads a rubric; rules and people read none."""
    remote: bool = True
    """Prompts and answers are sent away; False only where they are known to stay in this process."""
    free_here: bool = False
    """Nobody charges for a server of this protocol in its own network, unless the judge's file does."""
    address: str | None = None
    """Where its judges are asked; None: each judge's file says so with `base_url`."""
    hosts: tuple[str, ...] = ()
    """The vendor's own hosts, with all below them: the key of `key_variable` goes nowhere else."""
    key_variable: str | None = None
    """The variable that holds the vendor's key; a judge asked elsewhere names its own."""
    batches: BatchLimits | None = None
    """None: it has no batches."""
    scores: bool = False
    """It scores one answer at a time: no rubric, no letters, no order."""
    logprobs: bool = False
    """A request can ask for the log-probabilities of the first token."""
    weights: bool = False
    """`model` is a folder or repository of weights, which are found on this machine and pinned."""


PROVIDERS: dict[Provider, ProviderInfo] = {
    Provider.ANTHROPIC: ProviderInfo(
        open="brie.judge.providers.anthropic:open_judge",
        address="https://api.anthropic.com",
        hosts=("api.anthropic.com",),
        key_variable="ANTHROPIC_API_KEY",
        batches=BatchLimits(requests=100_000, size=256_000_000, share=0.5),
    ),
    Provider.OPENAI: ProviderInfo(
        open="brie.judge.providers.openai:open_judge",
        address="https://api.openai.com/v1",
        hosts=("api.openai.com",),
        key_variable="OPENAI_API_KEY",
        logprobs=True,
        batches=BatchLimits(requests=50_000, size=200_000_000, share=0.5),
    ),
    Provider.OPENAI_COMPATIBLE: ProviderInfo(
        open="brie.judge.providers.openai:open_judge", free_here=True, logprobs=True
    ),
    Provider.OPENAI_RESPONSES: ProviderInfo(
        open="brie.judge.providers.responses:open_judge",
        address="https://api.openai.com/v1",
        hosts=("api.openai.com",),
        key_variable="OPENAI_API_KEY",
    ),
    Provider.AZURE_OPENAI: ProviderInfo(
        open="brie.judge.providers.azure:open_judge",
        hosts=(
            "openai.azure.com",
            "cognitiveservices.azure.com",
            "services.ai.azure.com",
            "openai.azure.us",
            "cognitiveservices.azure.us",
            "openai.azure.cn",
        ),
        key_variable="AZURE_OPENAI_API_KEY",
    ),
    Provider.RULES: ProviderInfo(
        open="brie.judge.providers.rules:open_judge", kind="rule", remote=False
    ),
    Provider.TRANSFORMERS: ProviderInfo(
        open="brie.judge.providers.transformers:open_judge", remote=False, weights=True
    ),
    Provider.REWARD: ProviderInfo(
        open="brie.judge.providers.reward:open_judge", remote=False, weights=True, scores=True
    ),
    Provider.HUMAN: ProviderInfo(open=None, kind="person", remote=False),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalServer:
    """A program that serves models on the machine it runs on."""

    label: str
    """How its judges are named: LABEL:MODEL."""
    name: str
    port: int
    """Where it listens unless it is told otherwise."""
    concurrency: int = 4
    """Requests in flight at most."""

    @property
    def address(self) -> str:
        """Where its protocol is spoken."""
        return f"http://localhost:{self.port}/v1"


LOCAL_SERVERS: tuple[LocalServer, ...] = (
    LocalServer(label="ollama", name="Ollama", port=11434, concurrency=2),
    LocalServer(label="lmstudio", name="LM Studio", port=1234),
    LocalServer(label="vllm", name="vLLM", port=8000, concurrency=32),
    LocalServer(label="llamacpp", name="llama.cpp", port=8080),
    LocalServer(label="sglang", name="SGLang", port=30000, concurrency=32),
    LocalServer(label="jan", name="Jan", port=1337),
    LocalServer(label="koboldcpp", name="KoboldCpp", port=5001),
    LocalServer(label="textgen", name="text-generation-webui", port=5000),
)


def kind_of(provider: str | None) -> Kind:
    """Who gives a provider's verdicts; a provider that is not known is taken for a model."""
    known = {str(name): info.kind for name, info in PROVIDERS.items()}
    return known.get(provider or "", "model")
