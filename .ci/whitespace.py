"""Take spaces from line ends, Windows line ends, and empty lines at the end, off the files named.

    python .ci/whitespace.py FILE...

Exit code 1, with their names, where files were changed.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path


def tidy(text: bytes) -> bytes:
    """The text with bare line ends, and exactly one at its end; an empty file stays empty."""
    stripped = re.sub(rb"[ \t\r]+$", b"", text, flags=re.MULTILINE).rstrip(b"\n")
    return stripped + b"\n" if stripped else b""


def main(names: list[str]) -> int:
    """Tidy files in place; 1 if any was changed."""
    changed = 0
    for path in map(Path, names):
        text = path.read_bytes()
        if (tidied := tidy(text)) != text:
            path.write_bytes(tidied)
            print(f"tidied {path}")
            changed = 1
    return changed


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
