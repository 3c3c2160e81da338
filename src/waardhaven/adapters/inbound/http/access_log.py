"""One line a request, written by a thread of its own."""

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from queue import Empty, SimpleQueue
from typing import TextIO

import msgspec
import structlog

PAUSE_SECONDS = 0.05
"""Lines are collected this long, so that a busy server wakes the thread twenty times a second at most."""
LONGEST_QUEUE = 20_000
LOGGER = "waardhaven.access"

Line = Mapping[str, object]
Write = Callable[[Sequence[Line]], None]


class AccessLog:
    """Takes lines without waiting and drops them (counted) when the writer can not keep up."""

    def __init__(self, write: Write | None = None) -> None:
        """Write batches of lines with ``write``, else each as the event ``request`` of the structured log."""
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
        ended = False
        while not ended:
            batch, ended = self._batch()
            self._write(batch)
            self._tell_dropped()
            if not ended:
                time.sleep(PAUSE_SECONDS)

    def _batch(self) -> tuple[list[Line], bool]:
        """Wait for a line; return it with all that are queued, and whether it was the end."""
        batch: list[Line] = []
        line = self._lines.get()
        try:
            while line is not None:
                batch.append(line)
                line = self._lines.get_nowait()
        except Empty:
            return batch, False
        return batch, True

    def _tell_dropped(self) -> None:
        if self._dropped:
            dropped, self._dropped = self._dropped, 0
            structlog.get_logger(__name__).warning("request_lines_dropped", count=dropped)


def json_lines(stream: TextIO, **standing: object) -> Write:
    """Return a writer of JSON lines, one ``write`` a batch; ``standing`` is added to every line."""
    encoder = msgspec.json.Encoder()

    def write(batch: Sequence[Line]) -> None:
        texts = [encoder.encode(_stamp(line) | standing).decode() for line in batch]
        stream.write("".join(f"{text}\n" for text in texts))
        stream.flush()

    return write


def _stamp(line: Line) -> dict[str, object]:
    stamped = dict(line)
    at = stamped.pop("at", None)
    moment = datetime.fromtimestamp(at, UTC).isoformat() if isinstance(at, float) else None
    return {"timestamp": moment, "level": "info", "logger": LOGGER, "event": "request", **stamped}


def _to_structlog(batch: Sequence[Line]) -> None:
    logger = structlog.get_logger(LOGGER)
    for line in batch:
        logger.info("request", **{name: value for name, value in line.items() if name != "at"})
