"""Becomes another program: drops privileges, ties its life to the parent's, then execs.

Run as a script (`python -I -S launch.py PARENT UID GID SIGNAL PROGRAM ARG...`), never imported by
the supervisor. It exists because the same steps in `preexec_fn` would run Python code between
fork and exec of a process that may have threads, which can deadlock. It starts as the parent's
user, so an interpreter below an untraversable home is no obstacle, and it costs about 15 ms.

UID, GID and SIGNAL are -1, -1 and 0 for "leave as it is".
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1
CANNOT_EXEC = 127


def drop_to(uid: int, gid: int) -> None:
    """Give up every group and then the user, in the only order that works."""
    os.setgroups([])
    os.setgid(gid)
    os.setuid(uid)


def die_with_parent(parent: int, death_signal: int) -> None:
    """Ask the kernel for `death_signal` when the parent dies; leave at once if it already has.

    Must follow `drop_to`: a change of credentials clears the request.
    """
    if sys.platform == "linux":
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.prctl(PR_SET_PDEATHSIG, death_signal, 0, 0, 0) != 0:
            raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG)")
    if os.getppid() != parent:
        sys.exit("the parent has gone")


def default_signals() -> None:
    """Undo what a shell's `&`, nohup or the parent ignored or blocked."""
    signal.pthread_sigmask(signal.SIG_SETMASK, [])
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)


def main() -> None:
    """Do the steps in order; on failure leave one line on stderr and exit with 127."""
    parent, uid, gid, death_signal = map(int, sys.argv[1:5])
    program = sys.argv[5:]
    try:
        default_signals()
        if uid != -1:
            drop_to(uid, gid)
        if death_signal:
            die_with_parent(parent, death_signal)
        os.execv(program[0], program)  # noqa: S606 - no shell is the point
    except OSError as error:
        sys.stderr.write(f"cannot start {program[0]}: {error}\n")
        sys.exit(CANNOT_EXEC)


if __name__ == "__main__":
    main()
