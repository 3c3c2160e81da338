"""ValkeyProgressStream: how far jobs are, as entries of one bounded stream."""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec
from redis.asyncio import Redis
from redis.exceptions import RedisError

from waardhaven.application.ports.progress import ProgressStream, ProgressUnavailable, ProgressUpdate
from waardhaven.domain.jobs.job import Progress
from waardhaven.domain.types import JobId, UserId

STREAM = "waardhaven:progress"
LENGTH = 10_000
FIELD = b"update"


class _Entry(msgspec.Struct, frozen=True):
    """An update as it is stored."""

    job: UUID
    type: str
    owner: UUID | None
    stage: str
    done: int
    total: int | None
    message: str
    at: datetime


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(_Entry).decode


class ValkeyProgressStream(ProgressStream):
    """One entry an update.

    Waiting blocks a connection, and longer than the common client lets anything take: it has a client of
    its own.
    """

    def __init__(self, client: Redis, waiting: Redis, *, timeout_seconds: float) -> None:
        """Write and look through ``client``; wait through ``waiting``, whose sockets have no time limit."""
        self._client = client
        self._waiting = waiting
        self._timeout = timeout_seconds

    async def publish(self, update: ProgressUpdate) -> None:
        """See ProgressStream."""
        try:
            await self._client.xadd(STREAM, {FIELD: _packed(update)}, maxlen=LENGTH, approximate=True)
        except (RedisError, OSError, TimeoutError) as error:
            raise _unavailable() from error

    async def newest(self) -> str:
        """See ProgressStream."""
        try:
            entries = await self._client.xrevrange(STREAM, count=1)
        except (RedisError, OSError, TimeoutError) as error:
            raise _unavailable() from error
        return entries[0][0].decode() if entries else "0-0"

    async def since(self, cursor: str, *, limit: int, wait_seconds: float = 0.0) -> Sequence[ProgressUpdate]:
        """See ProgressStream."""
        wait = max(1, round(wait_seconds * 1000)) if wait_seconds > 0 else None
        client = self._client if wait is None else self._waiting
        try:
            async with asyncio.timeout(self._timeout + wait_seconds):
                found = await client.xread({STREAM: cursor}, count=limit, block=wait)
        except (RedisError, OSError, TimeoutError) as error:
            raise _unavailable() from error
        return [_unpacked(entry, fields) for _, entries in found for entry, fields in entries]


def _unavailable() -> ProgressUnavailable:
    return ProgressUnavailable("Valkey does not tell or hear of progress at this moment.")


def _packed(update: ProgressUpdate) -> bytes:
    one = update.progress
    entry = _Entry(
        job=update.job,
        type=update.type,
        owner=update.owner,
        stage=one.stage,
        done=one.done,
        total=one.total,
        message=one.message,
        at=update.at,
    )
    return _encode(entry)


def _unpacked(cursor: bytes, fields: dict[bytes, bytes]) -> ProgressUpdate:
    entry = _decode(fields[FIELD])
    return ProgressUpdate(
        job=JobId(entry.job),
        type=entry.type,
        owner=None if entry.owner is None else UserId(entry.owner),
        progress=Progress(stage=entry.stage, done=entry.done, total=entry.total, message=entry.message),
        at=entry.at,
        cursor=cursor.decode(),
    )
