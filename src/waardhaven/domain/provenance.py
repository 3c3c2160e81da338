"""What a figure was made from."""

import json
from dataclasses import Field, dataclass, fields, is_dataclass
from datetime import date, datetime
from hashlib import sha256
from typing import Any

import numpy as np
import numpy.typing as npt

from waardhaven.domain.types import Vintage

BLOCK = 1 << 17
"""Values of an array that are brought to their canonical form at a time: a megabyte stays in the cache."""
LATER = "later"
"""Key of the metadata of a field that records had not from the beginning."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeVersion:
    """The code that computed a figure.

    ``package``: released version; ``digest``: SHA-256 (hex) over the domain sources, so that two
    checkouts with one version number are told apart; ``fingerprint``: SHA-256 (hex) of what this
    machine's numeric kernels answer to a fixed probe; equal fingerprints promise equal bits.
    """

    package: str
    digest: str
    fingerprint: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """Everything needed to compute a build again and get the same numbers."""

    definition_version: int
    vintage: Vintage
    vintage_at: datetime
    code: CodeVersion
    input_hash: str


class ColumnDigest:
    """A SHA-256 over named columns and records that no platform or memory layout changes.

    Each part is its name, kind, shape and bytes, every one with its length in front, so that no two
    different sequences of parts hash the same bytes.
    """

    def __init__(self) -> None:
        """Begin with no parts."""
        self._hash = sha256()

    def column(self, name: str, values: npt.NDArray[Any]) -> None:
        """Add an array of floats, integers, flags or days: C order, little-endian, one kind of NaN."""
        rows = values.reshape(1) if values.ndim == 0 else values
        canonical = _canonical(rows[:0]).dtype
        self._head(name, f"{canonical.str}{list(values.shape)}", values.size * canonical.itemsize)
        step = max(BLOCK * len(rows) // max(values.size, 1), 1)
        for first in range(0, len(rows), step):
            block = np.ascontiguousarray(_canonical(rows[first : first + step]))
            self._hash.update(block.reshape(-1).data)

    def record(self, name: str, value: object) -> None:
        """Add a JSON-like value or dataclass as canonical JSON: sorted keys, shortest exact floats."""
        text = json.dumps(value, default=_jsonable, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
        data = text.encode()
        self._head(name, "json", len(data))
        self._hash.update(data)

    def hexdigest(self) -> str:
        """Return the digest of all parts so far, 64 hexadecimal digits."""
        return self._hash.hexdigest()

    def _head(self, name: str, kind: str, size: int) -> None:
        """Add what goes before the ``size`` bytes of a part."""
        for piece in (name.encode(), kind.encode()):
            self._hash.update(len(piece).to_bytes(8, "little"))
            self._hash.update(piece)
        self._hash.update(size.to_bytes(8, "little"))


def _canonical(values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    if values.dtype.kind == "f":
        floats = values.astype("<f8", copy=False)
        missing = np.isnan(floats)
        return np.where(missing, np.nan, floats) if missing.any() else floats
    if values.dtype.kind == "M":
        return values.astype("datetime64[D]").astype("<i8")
    return values.astype("|i1" if values.dtype.kind == "b" else "<i8")


def _counts(field: Field[Any], value: object) -> bool:
    """Tell whether a field is part of a record: one that came later is where it is not its default.

    So a record written before the field was there keeps its digest.
    """
    return not field.metadata.get(LATER) or getattr(value, field.name) != field.default


def _jsonable(value: object) -> object:
    if is_dataclass(value) and not isinstance(value, type):
        return {one.name: getattr(value, one.name) for one in fields(value) if _counts(one, value)}
    if isinstance(value, date):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} has no canonical form.")
