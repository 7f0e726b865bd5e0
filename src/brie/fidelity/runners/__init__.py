"""Programs for other environments: brie never imports them, it runs them with another Python.

Each is called with the model, a JSON file of what to read, and where to write: an array file of logits
and a JSON file of token ids.
"""
