"""What subscribers are sent: encoded once, shared by all."""

from dataclasses import dataclass
from typing import Final

import msgspec

from waardhaven.adapters.inbound.http.live.mark import Mark
from waardhaven.adapters.inbound.http.sse import frame, with_id
from waardhaven.application.ports.event_log import LoggedEvent
from waardhaven.application.ports.progress import ProgressUpdate
from waardhaven.domain.events import JobChanged
from waardhaven.domain.identity.access import Access, Visibility
from waardhaven.domain.jobs.job import JobState

PROGRESS: Final = "progress"
encode = msgspec.json.Encoder(enc_hook=str).encode


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One event or update of progress. ``mark``: how far whoever received it is.

    ``is_last``: nothing more happens to the job unless somebody requeues it.
    """

    kind: str
    access: Access
    mark: Mark
    framed: bytes
    wire: bytes
    job: str | None = None
    is_last: bool = False

    @property
    def is_progress(self) -> bool:
        """Whether it comes from the stream of progress, and so has its place by the cursor."""
        return self.kind == PROGRESS

    def told_from(self, mark: Mark) -> bytes:
        """Return the bytes for a listener who is at ``mark`` once told."""
        return self.wire if mark == self.mark else with_id(str(mark), self.framed)


def of_event(event: LoggedEvent, cursor: str) -> Message:
    """Return the message of an event, for listeners who know progress up to ``cursor``."""
    payload = event.payload
    framed = frame(event.kind, encode({"kind": event.kind, "at": event.at, **payload}))
    mark = Mark(event.position, cursor)
    is_job = event.kind == JobChanged.kind
    return Message(
        kind=event.kind,
        access=event.access,
        mark=mark,
        framed=framed,
        wire=with_id(str(mark), framed),
        job=str(payload.get("job")) if is_job else None,
        is_last=is_job and JobState(str(payload.get("state"))).is_terminal,
    )


def of_update(update: ProgressUpdate, position: int) -> Message:
    """Return the message of an update of progress, for listeners who know events up to ``position``."""
    document = {
        "kind": PROGRESS,
        "at": update.at,
        "job": update.job,
        "type": update.type,
        "stage": update.progress.stage,
        "done": update.progress.done,
        "total": update.progress.total,
        "message": update.progress.message,
    }
    framed = frame(PROGRESS, encode(document))
    mark = Mark(position, update.cursor)
    return Message(
        kind=PROGRESS,
        access=Access(owner=update.owner, visibility=Visibility.PRIVATE),
        mark=mark,
        framed=framed,
        wire=with_id(str(mark), framed),
        job=str(update.job),
    )
