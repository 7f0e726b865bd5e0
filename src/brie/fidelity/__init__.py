"""Does a shipped file behave like the checkpoint it was made from? Measured without a judge.

reference.py   the checkpoint: its answers, its logits, its numbers, kept on disk
structure.py   tokens, template, end tokens and configuration
tensors.py     the numbers, tensor by tensor: what was merged, zeroed, scaled or rounded away
engines.py     programs that read the file: transformers here, others in environments of their own
figures.py     divergence, logit differences, equal first choices, identical answers
served.py      the same through a server, which shows its answers alone
explained.py   what a number format does to the figures by itself
verdict.py     tolerances, and what all of it comes to
check.py       the flow. **Start reading here**
"""
