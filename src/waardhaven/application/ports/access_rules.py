"""Who may see and change things, inside a unit of work: one mechanism for every kind of thing."""

from abc import abstractmethod
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from waardhaven.domain.identity.access import Access
from waardhaven.domain.types import UserId


class Kind(StrEnum):
    """The kinds of things that have an owner."""

    INDEX = "index"


@dataclass(frozen=True, slots=True, kw_only=True)
class Governed:
    """A thing with its access rules; ``id`` is the thing's id as text."""

    id: str
    access: Access


class AccessRules(Protocol):
    """The access rules of things by kind and name."""

    @abstractmethod
    async def find(self, kind: Kind, name: str) -> Governed | None:
        """Return a thing with its rules, locked against others until the transaction ends, or None."""

    @abstractmethod
    async def change(self, kind: Kind, thing: str, access: Access, *, by: UserId | None) -> None:
        """Replace the visibility of a thing and whom it is shared with; its owner stays."""
