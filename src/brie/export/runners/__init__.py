"""Programs for other environments: brie never imports them, it runs them with another Python."""
