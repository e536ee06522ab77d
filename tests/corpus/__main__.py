"""Print the scores: ``python -m tests.corpus``."""

from tests.corpus.command import main

if __name__ == "__main__":
    raise SystemExit(main())
