"""Auditing what other tools judged: their files in, brie's analysis out."""

from brie.audit.read import FORMATS, Judgments, Wishes, read_files

__all__ = ["FORMATS", "Judgments", "Wishes", "read_files"]
