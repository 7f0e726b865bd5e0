"""Reports: one page for people, Markdown for pull requests, figures and tables for the rest."""

from brie.report.build import build_report
from brie.report.clean import cell, clean
from brie.report.sentence import verdict_sentence, verdict_word

__all__ = ["build_report", "cell", "clean", "verdict_sentence", "verdict_word"]
