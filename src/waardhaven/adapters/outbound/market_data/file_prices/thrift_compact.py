"""Reads Thrift's compact encoding, as Parquet writes its metadata: into dicts of field number -> value."""

from collections.abc import Callable

DEEPEST = 16
_TRUE, _FALSE = 1, 2
_DOUBLE_BYTES = 8


class MalformedThrift(ValueError):
    """The bytes are no compact Thrift, or nest deeper, or are more, than metadata has reason to."""


class CompactReader:
    """Reads values one after another from ``at`` on; ``most`` values at most."""

    def __init__(self, data: bytes | memoryview, *, at: int = 0, most: int = 2_000_000) -> None:
        self._data = data
        self.at = at
        self._left = most

    def struct(self, depth: int = 0) -> dict[int, object]:
        """Return the fields of a structure by their numbers; raise MalformedThrift."""
        if depth > DEEPEST:
            raise MalformedThrift("too deep")
        fields: dict[int, object] = {}
        number = 0
        while (head := self._byte()) & 0x0F:
            step = head >> 4
            number = number + step if step else self._signed()
            fields[number] = self._value(head & 0x0F, depth)
        return fields

    def _byte(self) -> int:
        if self.at >= len(self._data):
            raise MalformedThrift("ends too early")
        self.at += 1
        return self._data[self.at - 1]

    def _unsigned(self) -> int:
        value = shift = 0
        while True:
            byte = self._byte()
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value
            shift += 7
            if shift > 63:
                raise MalformedThrift("a number without end")

    def _signed(self) -> int:
        value = self._unsigned()
        return (value >> 1) ^ -(value & 1)

    def _bytes(self, size: int) -> bytes:
        if size > len(self._data) - self.at:
            raise MalformedThrift("ends too early")
        self.at += size
        return bytes(self._data[self.at - size : self.at])

    def _value(self, kind: int, depth: int) -> object:
        self._left -= 1
        if self._left < 0:
            raise MalformedThrift("too many values")
        if kind in {_TRUE, _FALSE}:
            return kind == _TRUE
        readers: dict[int, Callable[[], object]] = {
            3: self._byte,
            4: self._signed,
            5: self._signed,
            6: self._signed,
            7: lambda: self._bytes(_DOUBLE_BYTES),
            8: lambda: self._bytes(self._unsigned()),
            9: lambda: self._list(depth),
            10: lambda: self._list(depth),
            12: lambda: self.struct(depth + 1),
        }
        if kind not in readers:
            raise MalformedThrift("a kind that Parquet does not use")
        return readers[kind]()

    def _list(self, depth: int) -> list[object]:
        head = self._byte()
        size = head >> 4 if head >> 4 != 0x0F else self._unsigned()
        if size > len(self._data) - self.at:
            raise MalformedThrift("ends too early")
        kind = head & 0x0F
        if kind in {_TRUE, _FALSE}:
            return [self._byte() == _TRUE for _ in range(size)]
        return [self._value(kind, depth + 1) for _ in range(size)]
