"""Texts that a model might write and a report must survive."""

from __future__ import annotations

HOSTILE: dict[str, str] = {
    "script": "<script>document.title='owned'</script>",
    "event": "<img src=x onerror=\"document.title='owned'\">",
    "attribute": '" onmouseover="alert(1)" x=\'',
    "textarea": "</textarea></pre></code></div></style></title><h1>gone</h1>",
    "style": "</style><style>body{display:none}</style>",
    "link": "[click](javascript:alert(1)) <a href='javascript:alert(1)'>x</a> javascript:alert(1)",
    "image": "![x](http://tracker.example/pixel.png) http://tracker.example/y www.tracker.example",
    "template": "{{ 7 * 7 }} {% for x in ().__class__.__mro__ %}{% endfor %}",
    "ansi": "\x1b[2J\x1b[31mred\x1b]0;title\x07 \x9b31m",
    "bidi": "user \u202e nimda \u2066 x \u2069 \u200f y",
    "invisible": "a\u200bb\ufeffc\u00add\U000e0041",
    "surrogate": "lone \ud800 half",
    "nul": "a\x00b\x08c\x7f",
    "fence": "```\n</details>\n# heading\n````\n~~~\n",
    "table": "a | b\n| --- | --- |\n| x | y |",
    "mention": "@everyone #1 owner/repo#2 &lt; <!-- comment -->",
    "formula": '=HYPERLINK("http://x.example","x")',
    "persian": "سلام، می\u200cخواهم بدانم",
    "emoji": "👩\u200d🚀 ok ✈\ufe0f",
    "latex": r"$\frac{a}{b}$ \(x\) \[y\]",
    "empty": "",
    "spaces": " \n\t ",
}
