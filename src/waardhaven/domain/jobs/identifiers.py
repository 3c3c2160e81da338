"""Job ids: UUID version 7, ordered by the time of their making."""

from datetime import datetime
from uuid import UUID

from waardhaven.domain.types import JobId

RANDOM_BYTES = 10


def job_id(at: datetime, randomness: bytes) -> JobId:
    """Return the UUIDv7 of an instant and 10 random bytes (RFC 9562, section 5.7).

    48 bits of Unix milliseconds, the version, 12 random bits, the variant, 62 random bits.
    """
    if len(randomness) != RANDOM_BYTES:
        raise ValueError(f"A job id takes {RANDOM_BYTES} random bytes.")
    milliseconds = int(at.timestamp() * 1000)
    head = int.from_bytes(randomness[:2]) & 0x0FFF
    tail = int.from_bytes(randomness[2:]) & 0x3FFF_FFFF_FFFF_FFFF
    return JobId(UUID(int=milliseconds << 80 | 0x7 << 76 | head << 64 | 0x2 << 62 | tail))
