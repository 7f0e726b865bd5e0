"""Questions that span evaluations: how judges agree, which checkpoint, what a suite can detect."""

from brie.studies.across import compare_evaluations
from brie.studies.agree import agreement, disagreement_views
from brie.studies.checkpoints import curve, selected
from brie.studies.planning import design

__all__ = ["agreement", "compare_evaluations", "curve", "design", "disagreement_views", "selected"]
