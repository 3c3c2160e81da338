"""A trail of who did what."""

from abc import abstractmethod
from collections.abc import Mapping
from typing import Protocol

from waardhaven.domain.identity.roles import Principal


class AuditLog(Protocol):
    """Append-only, written in the transaction of the act. Holds ids and keyed digests, never a name."""

    @abstractmethod
    async def record(
        self,
        action: str,
        *,
        by: Principal,
        target: str,
        before: Mapping[str, object] | None = None,
        after: Mapping[str, object] | None = None,
        detail: Mapping[str, object] | None = None,
        occurrences: int = 1,
    ) -> None:
        """Append an entry.

        ``action`` is a name such as ``user.registered``, ``target`` such as ``user:<id>``. Of the states
        ``before`` and ``after`` only keyed digests are kept. ``detail`` is kept as it is: it never holds a
        secret, an address or a name of a person. ``occurrences`` counts like acts told in one entry.
        """
