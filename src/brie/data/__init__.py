"""Training data: load, check, split, preview, and the tokens the loss covers."""
