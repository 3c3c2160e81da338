"""Messages as files for the operator: what a service does that has no mail server."""

import asyncio
import os
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import structlog

from waardhaven.adapters.outbound.notify.mime import mime
from waardhaven.application.ports.clock import Clock
from waardhaven.application.ports.notifier import Message, NotDelivered, Notifier

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class FileNotifier(Notifier):
    """One ``.eml`` file a message, readable by its owner alone; the log says where, never what."""

    folder: Path
    sender: str
    clock: Clock

    async def send(self, message: Message) -> None:
        """See Notifier."""
        name = f"{self.clock.now():%Y%m%dT%H%M%S}-{uuid4().hex[:8]}.eml"
        content = bytes(mime(message, self.sender, self.clock.now()))
        try:
            await asyncio.to_thread(_write, self.folder, name, content)
        except OSError as error:
            raise NotDelivered(f"The message could not be written ({type(error).__name__}).") from error
        log.info("mail_written", file=str(self.folder / name))


def _write(folder: Path, name: str, content: bytes) -> None:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    partial = folder / f".{name}"
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    partial.rename(folder / name)
