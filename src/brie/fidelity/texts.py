"""Texts that every file is read with besides the suite: what tokenizers stumble over."""

FIXED_TEXTS: tuple[str, ...] = (
    "The river rises in the hills, runs past two mills and a chapel, and is lost before the sea.",
    "In 1969, 3.14159 and 2,000,000 were numbers; so were -17, 6e-4, 10 % and 1/3.",
    "def mean(values: list[float]) -> float:\n    total = 0.0\n\tfor v in values:\n        total += v\n"
    "    return total / len(values)  # not empty\n",
    "Größe, naïve, Ελλάδα, здравствуй, 你好，世界, こんにちは, مرحبا, नमस्ते.",
    "Smile 🙂, family 👨‍👩‍👧, flag 🇨🇭; it's, I'VE, don't -- \"quoted\" `code` "
    "<tag attr='x'/> &amp; \\n.",
    "  two spaces\n\n\nthree newlines\t\ttabs   \n- a list\n- of two\n\n1. first\n2. second\n",
)
"""In the order they are read; a changed text is a new suite of texts, and figures then compare anew."""
