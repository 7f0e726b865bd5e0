"""Who sees what under which letter: every translation between letters and sides is in this file.

Orders and letters are crossed (invariant I1). A cell is an order (candidate first or second) with
a lettering (candidate A or B). With `positions = "both"` a comparison takes two complementary
cells, in one of two ways:

    "0"  {candidate first & A, candidate second & B}     the answer shown first carries A
    "1"  {candidate first & B, candidate second & A}     the answer shown first carries B

With "balanced" it takes one of four cells. Prompts of a category go in blocks, in the suite's
order, and each block is dealt by a hash of the seed and the judge, so that within every judge x
category the counts differ by at most one, whatever the number of prompts and samples. Adding
samples or judges, or appending prompts to a suite, moves nothing.

Where a plan asks for it, the order of the rubric's criteria is dealt as well (`deal_criteria`): the two
presentations of a comparison then take two orders, evenly within every judge x category x cell.

A stored verdict keeps the letter (invariant I2). `Presentation.unblind` turns it into a side on
reading, and nothing else does: `letter_of`, its inverse for votes that come as sides, and `by_side`,
for scores, ask it.
"""

from brie.blinding.columns import CELLS, Presentations, cells_of, criteria_read
from brie.blinding.dealing import (
    BALANCED,
    BOTH,
    OWN_ORDER,
    Blocks,
    Cell,
    CriteriaCodes,
    Placed,
    assign,
    codes_at,
    criteria_codes,
    deal_criteria,
    drawn,
    placed,
    presentations,
)
from brie.blinding.letters import (
    Choice,
    JudgeInput,
    Presentation,
    Weighed,
    ahead,
    by_sides,
    constant_letter,
    first_letter,
    first_side,
    judge_input,
    other,
    said_as_number,
    scored,
    towards_candidate,
    weigh,
)

__all__ = [
    "BALANCED", "BOTH", "CELLS", "OWN_ORDER", "Blocks", "Cell", "Choice", "CriteriaCodes", "JudgeInput",
    "Placed", "Presentation", "Presentations", "Weighed", "ahead", "assign", "by_sides", "cells_of",
    "codes_at", "constant_letter", "criteria_codes", "criteria_read", "deal_criteria", "drawn",
    "first_letter", "first_side", "judge_input", "other", "placed", "presentations", "said_as_number",
    "scored", "towards_candidate", "weigh",
]  # fmt: skip
