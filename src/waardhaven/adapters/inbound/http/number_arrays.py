"""Long arrays of numbers taken out of a JSON body before it is decoded, so that no step takes long.

A decoder lets nothing else run until it is through with the whole body, long arrays included. So arrays are
found by their brackets, a text nobody can foresee is put in the place of each, and they are decoded one by
one. What looks like an array within a text is one of more characters than any text of a body may have: the
quotes of its replacement then make the body malformed, never another body.
"""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Self

import msgspec
import numpy as np
from litestar.exceptions import ClientException

from waardhaven.adapters.inbound.http.analytics_bodies import Numbers
from waardhaven.application.answers import Sent
from waardhaven.application.rule_texts import told
from waardhaven.domain.errors import FieldError
from waardhaven.domain.metrics.sample import UnusableSample
from waardhaven.domain.types import Floats

LONG: Final = 4096
"""Characters of an array that is taken out."""
OF_NUMBERS: Final = b"0123456789+-.eE, \t\r\nnul"
_NUMBERS: Final = msgspec.json.Decoder(Numbers)


@dataclass(frozen=True, slots=True)
class ShortBody:
    """A body, ``text``, whose long arrays are elsewhere: ``arrays``, by what stands in their places."""

    text: Sent
    arrays: Mapping[bytes, memoryview] = field(default_factory=dict)

    @classmethod
    def of(cls, content: Sent) -> Self:
        """Take out every long array of numbers."""
        view, mark = memoryview(content), secrets.token_hex(16)
        kept: list[bytes | memoryview] = []
        arrays: dict[bytes, memoryview] = {}
        done = at = end = 0
        while (start := content.find(b"[", at)) >= 0:
            end = end if end > start else content.find(b"]", start) + 1
            if not end:
                break
            if end - start < LONG or content.find(b"[", start + 1, end) >= 0:
                at = start + 1
                continue
            at = end
            if _is_of_numbers(view[start:end]):
                place = f'"{mark}{len(arrays)}"'.encode()
                arrays[place] = view[start:end]
                kept += [view[done:start], place]
                done = end
        return cls(b"".join([*kept, view[done:]]), arrays)

    def is_array(self, text: msgspec.Raw) -> bool:
        """Whether an array stands there, or what was put in the place of one."""
        return bytes(memoryview(text)[:1]) == b"[" or bytes(memoryview(text)) in self.arrays

    def numbers(
        self, field: str, text: msgspec.Raw, decoder: msgspec.json.Decoder[Numbers] = _NUMBERS
    ) -> Floats:
        """Return the array (n,) that stands at ``field``, null as NaN; raise UnusableSample.

        ``decoder`` says how many numbers there may be, and within which bounds.
        """
        try:
            values = decoder.decode(self.arrays.get(bytes(text), text))
        except msgspec.ValidationError as error:
            path, rule = told(str(error))
            errors = [FieldError(field=f"{field}{path}", rule=rule)]
            raise UnusableSample("The series can not be measured.", errors=errors) from None
        except msgspec.DecodeError:
            raise ClientException("The body is not well-formed JSON.") from None
        return np.array(values, dtype=np.float64)


def _is_of_numbers(array: memoryview) -> bool:
    return not bytes(array[1:-1]).translate(None, OF_NUMBERS)
