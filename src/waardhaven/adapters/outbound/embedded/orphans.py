"""The duty of process 1 in a container: reap orphans that the kernel hands to it."""

import asyncio
import os
from contextlib import suppress

import psutil

SCAN_SECONDS = 1.0


async def reap_orphans(pause: float = SCAN_SECONDS) -> None:
    """Reap, for ever, children that nobody here waits for. Returns at once unless we are process 1.

    A zombie is taken for an orphan when it is still there one scan later: whoever started a
    process from here collects it much sooner, and is not robbed of its exit status.
    """
    if os.getpid() != 1:
        return
    seen: set[int] = set()
    while True:
        zombies = _zombie_children()
        _reap(zombies & seen)
        seen = zombies
        await asyncio.sleep(pause)


def _reap(pids: set[int]) -> None:
    for pid in pids:
        with suppress(ChildProcessError):
            os.waitpid(pid, os.WNOHANG)


def _zombie_children() -> set[int]:
    found = set()
    for child in psutil.Process().children():
        with suppress(psutil.Error):
            if child.status() == psutil.STATUS_ZOMBIE:
                found.add(child.pid)
    return found
