"""One reader a format: what its rows look like, and what its design leaves unidentified."""
