"""The words of the report, for readers who meet them here."""

from __future__ import annotations

GLOSSARY: tuple[tuple[str, str], ...] = (
    (
        "Win rate",
        "How often the candidate was chosen over the baseline. A tie counts half. It is averaged "
        "within each prompt first (over both orders, samples and judges), then over prompts, so that "
        "every prompt weighs the same.",
    ),
    (
        "95 % interval",
        "The range of win rates the data leave plausible for new prompts like these. An interval made "
        "this way contains the true win rate in about 95 of 100 evaluations.",
    ),
    ("Candidate, baseline", "The two sides: usually a fine-tune, and the model it was tuned from."),
    (
        "Comparison, shown pair",
        "A comparison is one answer of each side to the same prompt. It is shown in both orders, and "
        "the letters A and B are exchanged too: two shown pairs.",
    ),
    (
        "Blind",
        "A judge sees two answers called A and B, and nothing that says which model wrote which.",
    ),
    (
        "Half-judged comparison",
        "One of its two orders has no usable verdict. It leaves the win rate: averaging what happens "
        "to be there would favour the side that one order favours.",
    ),
    (
        "Better, worse",
        "The sign-flip p-value is below .05 and the 95 % interval lies on one side of 50.",
    ),
    (
        "Equivalent",
        "The 90 % interval lies within 5 points of 50, and the judges were shown able to tell a "
        "damaged answer from a sound one.",
    ),
    ("Undecided", "Neither: more prompts could turn it into any of the three."),
    (
        "Sign-flip p-value",
        "How often a difference as large as this would appear if the two sides were exchangeable.",
    ),
    (
        "Source",
        "How or by which recipe a prompt came to be. Prompts of one source resemble each other, so "
        "the interval for prompts from new sources is wider.",
    ),
    (
        "Effective n",
        "The number of independent verdicts that would give an interval of this width.",
    ),
    (
        "Rule",
        "A judge that is a small program: it compares answers with a reference, counts words or takes "
        "the first. It shows what such a habit alone would have said.",
    ),
    (
        "Instrument",
        "A judge that stands beside the win rate and is not part of it, to show what a simple habit, "
        "such as taking the longer answer, would have said.",
    ),
    (
        "Cohen's kappa",
        "Agreement between two judges beyond what their habits alone would produce: 0 none, 1 full.",
    ),
    (
        "Krippendorff's alpha",
        "The same idea for any number of judges. Agreement is not validity: judges can share an error.",
    ),
    (
        "Length-controlled win rate",
        "What the win rate would be for answers of equal length, if length acted alike everywhere. A "
        "figure beside the win rate, never instead of it.",
    ),
    (
        "Macro-F1",
        "F1 of a label is high where answers that say it are right (precision) and its prompts' answers "
        "say it (recall). Macro-F1 is the mean over labels, so that a rare label counts as much as a "
        "common one.",
    ),
    (
        "Fingerprint of the plan",
        "A digest over everything that decides the numbers: prompts, models, judges, seeds. It was "
        "fixed before the first verdict, and any change to the plan changes it.",
    ),
    ("Pin", "A model named by a digest over its weights and settings, not by a path."),
)


def used(text: str) -> list[tuple[str, str]]:
    """The entries whose word occurs in a page's text, and those every page needs."""
    lower = text.lower()
    always = {"Win rate", "95 % interval", "Candidate, baseline", "Fingerprint of the plan", "Pin"}
    return [
        (word, meaning)
        for word, meaning in GLOSSARY
        if word in always or any(part.strip().lower() in lower for part in word.split(","))
    ]
