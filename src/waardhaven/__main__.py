"""``python -m waardhaven`` and the ``waardhaven`` command."""

import sys


def main() -> int:
    """Check the interpreter before anything that needs a newer one is imported."""
    if sys.version_info < (3, 11):  # noqa: UP036 (a checkout can be run by any interpreter)
        sys.stderr.write("waardhaven: Python 3.11 or newer is needed.\n")
        return 1
    from waardhaven.bootstrap.cli import main as run

    return run()


if __name__ == "__main__":
    sys.exit(main())
