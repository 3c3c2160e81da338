"""``python -m waardhaven`` and the ``waardhaven`` command."""

import os
import sys

BLAS_THREADS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")


def main() -> int:
    """Check the interpreter before anything that needs a newer one is imported.

    Linear algebra runs in one thread: small matrices are slower in several, and with the number of threads
    the last bits of optimised weights could change from machine to machine.
    """
    for name in BLAS_THREADS:
        os.environ[name] = "1"
    if sys.version_info < (3, 11):  # noqa: UP036 (a checkout can be run by any interpreter)
        sys.stderr.write("waardhaven: Python 3.11 or newer is needed.\n")
        return 1
    from waardhaven.bootstrap.cli import main as run

    return run()


if __name__ == "__main__":
    sys.exit(main())
