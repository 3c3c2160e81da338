"""A representation of an answer and the bytes in which caches keep it."""

import gzip
import hashlib
import zlib
from dataclasses import dataclass
from struct import Struct

import brotli  # type: ignore[import-untyped]

from waardhaven.adapters.inbound.http.negotiation import IDENTITY

GZIP_LEVEL = 6
BROTLI_QUALITY = 5
_MAGIC = b"WH1"
_HEAD = Struct("<3sBI16s")
_NAMES = (IDENTITY, "gzip", "br")


@dataclass(frozen=True, slots=True)
class Packed:
    """Bytes in one encoding. ``digest`` (16 bytes) is of the plain bytes, whatever the encoding."""

    body: bytes
    encoding: str
    digest: bytes

    @property
    def etag(self) -> str:
        """The strong entity tag: the digest, and the encoding unless it is the plain one."""
        suffix = "" if self.encoding == IDENTITY else f"-{self.encoding}"
        return f'"{self.digest.hex()}{suffix}"'

    def to_bytes(self) -> bytes:
        """Return the bytes a cache keeps: a check sum, the encoding, the digest, the body."""
        return _HEAD.pack(_MAGIC, _NAMES.index(self.encoding), zlib.crc32(self.body), self.digest) + self.body


def plain(body: bytes) -> Packed:
    """Return the plain representation of bytes."""
    return Packed(body, IDENTITY, hashlib.blake2b(body, digest_size=16).digest())


def compressed(source: Packed, encoding: str) -> Packed:
    """Return the same content in another encoding; equal input gives equal bytes."""
    if encoding == "br":
        body = brotli.compress(source.body, quality=BROTLI_QUALITY)
    else:
        body = gzip.compress(source.body, GZIP_LEVEL, mtime=0)
    return Packed(body, encoding, source.digest)


def unpacked(kept: bytes) -> Packed | None:
    """Return what ``to_bytes`` made, None for anything else (also when damaged)."""
    if len(kept) < _HEAD.size:
        return None
    magic, name, checksum, digest = _HEAD.unpack_from(kept)
    body = kept[_HEAD.size :]
    if magic != _MAGIC or name >= len(_NAMES) or zlib.crc32(body) != checksum:
        return None
    return Packed(body, _NAMES[name], digest)
