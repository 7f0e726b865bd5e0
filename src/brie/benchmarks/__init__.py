"""Benchmarks people know: EleutherAI's lm-eval on models that brie has loaded.

    with engine.lent(pin) as (model, encoder):
        for scored in score(loaded, model, encoder, advance):
            ...

task_files  what a task file brings and would run, read before any of it is
naming      how tasks are named
hub         which data sets a task needs from the Hub, and whether they are here
loading     from names and files to lm-eval's tasks, and what a plan seals of them
scoring     one task on one side: a result a document
side_model  lm-eval's model class around a loaded model, with brie's chat template
"""
