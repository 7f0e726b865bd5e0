"""Every record that crosses from one stage to another.

Frozen, closed (`extra="forbid"`), JSON in and out. A verdict keeps the letter it gave; which side
carried that letter is known to `brie.blinding` alone.
"""

from brie.records.asked import (
    Conversation,
    JudgeSpec,
    MachineCheck,
    Message,
    PanelJudge,
    Price,
    Prompt,
    Rubric,
    Sampling,
    Suite,
)
from brie.records.base import (
    SCORE,
    Digest,
    Document,
    FinishReason,
    Letter,
    Order,
    Positions,
    Record,
    Side,
    Winner,
    later,
    schema_field,
)
from brie.records.models import BaseModelRef, Completion, Environment, LoraSummary, Pin
from brie.records.plan import (
    WORST_FIRST,
    Amendment,
    AmendmentKind,
    Check,
    Controls,
    GenerationNotes,
    Manifest,
    Plan,
    Stopping,
)
from brie.records.providers import PROVIDERS, BatchLimits, Provider, ProviderInfo, kind_of
from brie.records.verdicts import Status, Usage, Verdict, VerdictLite

__all__ = [
    "PROVIDERS",
    "SCORE",
    "WORST_FIRST",
    "Amendment",
    "AmendmentKind",
    "BaseModelRef",
    "BatchLimits",
    "Check",
    "Completion",
    "Controls",
    "Conversation",
    "Digest",
    "Document",
    "Environment",
    "FinishReason",
    "GenerationNotes",
    "JudgeSpec",
    "Letter",
    "LoraSummary",
    "MachineCheck",
    "Manifest",
    "Message",
    "Order",
    "PanelJudge",
    "Pin",
    "Plan",
    "Positions",
    "Price",
    "Prompt",
    "Provider",
    "ProviderInfo",
    "Record",
    "Rubric",
    "Sampling",
    "Side",
    "Status",
    "Stopping",
    "Suite",
    "Usage",
    "Verdict",
    "VerdictLite",
    "Winner",
    "kind_of",
    "later",
    "schema_field",
]
