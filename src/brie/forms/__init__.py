"""Forms in which models are shipped: told apart, read without running anything, opened as folders.

Every form becomes a folder of safetensors that transformers loads: a GGUF file and an MLX folder in few
bits are unpacked into numbers, an MLX adapter is renamed, an adapter is merged. What comes from the
world is hostile until its sizes have been added up.
"""
