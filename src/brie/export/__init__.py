"""From a checkpoint to the file that people ship: merged, converted, checked, and how to serve it.

options.py    targets and number formats, and what each needs
convert.py    GGML's converter and quantiser, mlx-lm
modelfile.py  Ollama's own template, and the parameters
serve.py      the command that serves the result with what is installed
run.py        the flow. **Start reading here**
"""
