"""Stops servers that a killed supervisor left running."""

import asyncio
import os
import signal
from contextlib import suppress

import psutil

from waardhaven.adapters.outbound.embedded.account import Account

SERVER_PROGRAMS = frozenset({"initdb", "postgres", "valkey-server"})
PATIENCE_SECONDS = 5.0
PAUSE_SECONDS = 0.02


def tagged_processes(
    tag: str, account: Account | None, programs: frozenset[str] = SERVER_PROGRAMS
) -> list[psutil.Process]:
    """Return the living processes that are ours beyond doubt.

    Ours: one of `programs`, run by us or by `account`, with `tag` (see `process_tag`) in its
    command line. No number read from a pid file plays a part. Command lines are readable where a
    container denies root the right to look at another user's working directory.
    """
    users = {os.geteuid(), account.uid if account else os.geteuid()}
    return [process for process in psutil.process_iter() if _is_ours(process, tag, users, programs)]


def _is_ours(process: psutil.Process, tag: str, users: set[int], programs: frozenset[str]) -> bool:
    try:
        return (
            process.name() in programs
            and process.uids().real in users
            and any(tag in word for word in process.cmdline())
        )
    except psutil.Error:  # it has gone, is a zombie, or is not ours to look at
        return False


async def stop_tagged(tag: str, account: Account | None, programs: frozenset[str] = SERVER_PROGRAMS) -> int:
    """Stop such processes, by force after a while; return how many there were at first."""
    found = tagged_processes(tag, account, programs)
    leaders = {process.pid for process in found}
    for process in found:
        with suppress(psutil.Error):
            if process.ppid() not in leaders:
                process.send_signal(_stop_signal(process))
    if not await _all_gone(tag, account, programs):
        for process in tagged_processes(tag, account, programs):
            with suppress(psutil.Error):
                process.kill()
        await _all_gone(tag, account, programs)
    return len(found)


def _stop_signal(process: psutil.Process) -> signal.Signals:
    return signal.SIGINT if process.name() == "postgres" else signal.SIGTERM


async def _all_gone(tag: str, account: Account | None, programs: frozenset[str]) -> bool:
    deadline = asyncio.get_running_loop().time() + PATIENCE_SECONDS
    while tagged_processes(tag, account, programs):
        if asyncio.get_running_loop().time() > deadline:
            return False
        await asyncio.sleep(PAUSE_SECONDS)
    return True
