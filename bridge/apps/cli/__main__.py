"""``python -m bridge.apps.cli`` is ``astralink``, for processes that start each other."""

from bridge.apps.cli import main

if __name__ == "__main__":
    main()
