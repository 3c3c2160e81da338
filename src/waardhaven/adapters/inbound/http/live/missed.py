"""What a listener missed since the id it resumes from."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Final

from waardhaven.adapters.inbound.http.live.mark import UNKNOWN, Mark, order
from waardhaven.adapters.inbound.http.live.message import Message, of_event, of_update
from waardhaven.adapters.inbound.http.services import Services
from waardhaven.application.ports.progress import ProgressUnavailable

PAGE: Final = 200
MOST_MISSED: Final = 10_000
"""Events that are told again; whoever missed more reads anew what it shows."""


@dataclass(frozen=True, slots=True)
class Beginning:
    """Where telling begins. ``is_whole`` False: something may have been missed that can not be told."""

    mark: Mark
    is_whole: bool


async def beginning(services: Services, asked: Mark) -> Beginning:
    """Return where a listener who was told up to ``asked`` goes on."""
    cursor = await _known_cursor(services, asked.cursor)
    events = await services.events()
    head = await events.head()
    if asked.position > head:
        return Beginning(Mark(head, cursor), is_whole=False)
    if head - asked.position > MOST_MISSED:
        return Beginning(Mark(head - MOST_MISSED, cursor), is_whole=False)
    found = await events.since(asked.position, limit=1)
    is_kept = asked.position == head or bool(found and found[0].position == asked.position + 1)
    return Beginning(Mark(asked.position, cursor), is_whole=is_kept)


async def _known_cursor(services: Services, cursor: str) -> str:
    """Return the cursor, or the newest one when the stream is not that far: it lost everything."""
    if cursor == UNKNOWN:
        return UNKNOWN
    try:
        newest = await (await services.progress()).newest()
    except ProgressUnavailable:
        return cursor
    return min(cursor, newest, key=order)


async def missed(services: Services, mark: Mark, *, job: str | None) -> AsyncIterator[Message]:
    """Yield everything after ``mark``, events before progress; without Valkey the events alone."""
    position = mark.position
    async for message in _missed_events(services, mark, job):
        position = message.mark.position
        yield message
    if mark.cursor != UNKNOWN:
        async for message in _missed_progress(services, Mark(position, mark.cursor)):
            yield message


async def _missed_events(services: Services, mark: Mark, job: str | None) -> AsyncIterator[Message]:
    events = await services.events()
    await events.head()
    position = mark.position
    while page := await events.since(position, limit=PAGE, job=job):
        position = page[-1].position
        for event in page:
            yield of_event(event, mark.cursor)
        if len(page) < PAGE:
            return


async def _missed_progress(services: Services, mark: Mark) -> AsyncIterator[Message]:
    stream = await services.progress()
    cursor = mark.cursor
    try:
        while page := await stream.since(cursor, limit=PAGE):
            cursor = page[-1].cursor
            for update in page:
                yield of_update(update, mark.position)
            if len(page) < PAGE:
                return
    except ProgressUnavailable:
        return
