"""Bundles: there and back, merging, and what hostile ones get."""
