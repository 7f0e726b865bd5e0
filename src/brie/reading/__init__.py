"""Files that people bring: rows of any size and kind out of them, and what their keys are called."""
