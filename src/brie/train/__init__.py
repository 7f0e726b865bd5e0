"""Training: recipes, devices, the run itself, its manifest. The only room that imports trl."""
