"""An evaluation: what was asked, its sealed plan, the work that is missing, and what came of it.

    ask -> sides -> plan -> answering, judging -> facts -> evidence -> assemble

`brie.evaluation.run` runs them in order; `folders` finds evaluations on disk again.
"""
