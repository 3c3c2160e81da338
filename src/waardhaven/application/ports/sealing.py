"""Values that leave the house and come back unread and unchanged."""

from abc import abstractmethod
from datetime import timedelta
from typing import Protocol

from waardhaven.domain.errors import Unauthenticated


class BrokenSeal(Unauthenticated):
    """What came back was changed, is too old, was sealed for something else, or never was ours."""


class Sealing(Protocol):
    """Authenticated encryption under keys of ours, one a purpose.

    A former key opens what it sealed as long as it is configured; new seals use the present one.
    """

    @abstractmethod
    def seal(self, purpose: str, value: bytes, *, lifetime: timedelta) -> str:
        """Return text of letters, digits, ``-`` and ``_`` that only ``open`` can read.

        A third longer than the value and 60 characters more; the same value is never sealed alike twice. It
        can be opened until ``lifetime`` (positive, whole seconds) has passed.
        """

    @abstractmethod
    def open(self, purpose: str, sealed: str) -> bytes:
        """Return the value; raise BrokenSeal for another purpose, after its time, or after any change."""
