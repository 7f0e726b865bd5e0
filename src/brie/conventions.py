"""Limits that numbers and sentences share, each with its reason in `docs/statistics.md`."""

from __future__ import annotations

from typing import Final

FEWEST_PROMPTS: Final = 8
"""Below this many prompts no bootstrap interval holds its level."""
WIDER: Final = 1.3
"""From this ratio of widths on, the interval for new sources shares the headline."""
FEWEST_SOURCES: Final = 8
"""Below this many sources nothing is said of new ones: with 4 no interval can exclude one half."""
MARGIN: Final = 0.05
"""Half-width of "equivalent", in units of the win rate; what "not worse" may lack of an even one."""
CONTROLS: Final = 24
"""Prompts with a known answer unless asked otherwise: 12 cannot tell judges that recognise damage in
60 % from blind ones."""
ANCHORED: Final = "ppi++, two imagined"
"""Method of a rate that people's votes decide (docs/statistics.md 9)."""
E_PROCESS: Final = "e-process"
"""Method of a rate whose evaluation may stop early."""
