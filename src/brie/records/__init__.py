"""Every record that crosses from one stage to another.

Frozen, closed (`extra="forbid"`), JSON in and out. The letters A and B occur in one class
only, `Presentation`, and one method turns them back into sides: `Presentation.unblind`.
"""

from brie.records.asked import (
    Conversation,
    JudgeSpec,
    MachineCheck,
    Message,
    Price,
    Prompt,
    Rubric,
    Sampling,
    Seat,
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
    Amendment,
    AmendmentKind,
    Check,
    Controls,
    Made,
    Manifest,
    Plan,
    Stopping,
)
from brie.records.providers import PROVIDERS, BatchLimits, Provider, ProviderInfo, kind_of
from brie.records.verdicts import Kept, Presentation, Status, Usage, Verdict

__all__ = [
    "PROVIDERS",
    "SCORE",
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
    "JudgeSpec",
    "Kept",
    "Letter",
    "LoraSummary",
    "MachineCheck",
    "Made",
    "Manifest",
    "Message",
    "Order",
    "Pin",
    "Plan",
    "Positions",
    "Presentation",
    "Price",
    "Prompt",
    "Provider",
    "ProviderInfo",
    "Record",
    "Rubric",
    "Sampling",
    "Seat",
    "Side",
    "Status",
    "Stopping",
    "Suite",
    "Usage",
    "Verdict",
    "Winner",
    "kind_of",
    "later",
    "schema_field",
]
