"""`python -m brie`, which is what `torchrun -m brie train …` needs."""

from brie.cli import main

if __name__ == "__main__":
    main()
