"""UUID version 7: ids that are ordered by the time of their making."""

from datetime import datetime
from uuid import UUID

RANDOM_BYTES = 10


def ordered_id(at: datetime, randomness: bytes) -> UUID:
    """Return the UUIDv7 of an instant and 10 random bytes (RFC 9562, section 5.7).

    48 bits of Unix milliseconds, the version, 12 random bits, the variant, 62 random bits.
    """
    if len(randomness) != RANDOM_BYTES:
        raise ValueError(f"An ordered id takes {RANDOM_BYTES} random bytes.")
    milliseconds = int(at.timestamp() * 1000)
    head = int.from_bytes(randomness[:2]) & 0x0FFF
    tail = int.from_bytes(randomness[2:]) & 0x3FFF_FFFF_FFFF_FFFF
    return UUID(int=milliseconds << 80 | 0x7 << 76 | head << 64 | 0x2 << 62 | tail)
