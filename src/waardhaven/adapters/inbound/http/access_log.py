"""One line a request, written by a thread of its own."""

import threading
import time
from collections.abc import Callable, Mapping
from queue import Empty, SimpleQueue

import structlog

PAUSE_SECONDS = 0.05
"""Lines are collected this long, so that a busy server wakes the thread twenty times a second at most."""
LONGEST_QUEUE = 20_000

Line = Mapping[str, object]


class AccessLog:
    """Takes lines without waiting and drops them (counted) when the writer can not keep up."""

    def __init__(self, write: Callable[[Line], None] | None = None) -> None:
        """Write lines with ``write``, else as the event ``request`` of the structured log."""
        self._write = write or _to_structlog
        self._lines: SimpleQueue[Line | None] = SimpleQueue()
        self._thread: threading.Thread | None = None
        self._dropped = 0

    def record(self, line: Line) -> None:
        """Queue a line; never waits."""
        if self._lines.qsize() >= LONGEST_QUEUE:
            self._dropped += 1
            return
        self._lines.put(line)
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="access-log", daemon=True)
            self._thread.start()

    def close(self) -> None:
        """Write what is queued and end the thread; it starts again with the next line."""
        if self._thread is not None:
            self._lines.put(None)
            self._thread.join(timeout=5)
            self._thread = None

    def _run(self) -> None:
        while (line := self._lines.get()) is not None:
            self._write(line)
            if not self._drain():
                return
            time.sleep(PAUSE_SECONDS)

    def _drain(self) -> bool:
        try:
            while (line := self._lines.get_nowait()) is not None:
                self._write(line)
        except Empty:
            self._tell_dropped()
            return True
        return False

    def _tell_dropped(self) -> None:
        if self._dropped:
            dropped, self._dropped = self._dropped, 0
            structlog.get_logger(__name__).warning("request_lines_dropped", count=dropped)


def _to_structlog(line: Line) -> None:
    structlog.get_logger("waardhaven.access").info("request", **line)
