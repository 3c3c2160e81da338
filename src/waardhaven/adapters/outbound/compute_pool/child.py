"""What runs in the process that computes: bounds first, then the function."""

import ctypes
import os
import resource
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")
WATCH_SECONDS = 0.5
NICENESS = 10
M_ARENA_MAX, ARENAS = -8, 2
_watched: list[int] = []
"""The parent that is being watched: none before the first call."""


def bounded(
    parent: int, memory: int, seconds: float, function: Callable[..., T], args: tuple[object, ...]
) -> T:
    """Return ``function(*args)`` within ``memory`` more bytes and ``seconds`` of processor time.

    The bound of the processor only ends what nobody waits for any more: whoever waits gives up earlier.
    """
    if not _watched:
        _settle_in(parent)
    _limit(resource.RLIMIT_AS, _present_size() + memory)
    _limit(resource.RLIMIT_CPU, int(time.process_time() + seconds) + 1)
    try:
        return function(*args)
    except MemoryError as error:
        raise MemoryError(str(error)) from None  # NumPy's own kind keeps what it could not make
    except Exception:
        raise
    except BaseException as error:  # noqa: BLE001 (raised in the parent it would end that)
        raise RuntimeError(f"The computation ended by {type(error).__name__}.") from None


def _settle_in(parent: int) -> None:
    """Be polite, leave Ctrl-C to the parent, and do not outlive it."""
    _watched.append(parent)
    _keep_arenas_few()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.nice(NICENESS)
    threading.Thread(target=_leave_with, args=(parent,), daemon=True).start()


def _keep_arenas_few() -> None:
    """Keep glibc from reserving 64 MiB for each thread: the bound of memory counts what is never touched."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(M_ARENA_MAX, ARENAS)


def _leave_with(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(WATCH_SECONDS)
    os._exit(1)


def _limit(which: int, soft: int) -> None:
    _, hard = resource.getrlimit(which)
    resource.setrlimit(which, (soft if hard == resource.RLIM_INFINITY else min(soft, hard), hard))


def _present_size() -> int:
    """Return the bytes of address space in use; 0 where the system does not tell."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    except (OSError, ValueError):
        return 0
    return pages * resource.getpagesize()
