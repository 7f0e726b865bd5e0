"""What a pipeline calls, answered by an exit code: a gate, cited numbers, and whether all holds."""
