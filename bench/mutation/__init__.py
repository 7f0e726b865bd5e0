"""Mutation testing in four steps, one a module: `sites`, `reach`, `trees`, `forks`."""
