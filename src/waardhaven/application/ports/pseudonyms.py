"""Keyed digests: tell two things apart or alike without saying what they are."""

from abc import abstractmethod
from collections.abc import Mapping
from typing import Protocol


class Pseudonyms(Protocol):
    """HMAC-SHA-256 under a key of ours, so that nobody can try names until one fits."""

    @abstractmethod
    def of_text(self, text: str) -> str:
        """Return 32 hexadecimal digits for an address or a name."""

    @abstractmethod
    def of_state(self, state: Mapping[str, object]) -> bytes:
        """Return 32 bytes for the state of a thing; equal states give equal digests."""
