"""What became of files of prices."""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from waardhaven.domain.errors import Conflict, NotFound
from waardhaven.domain.identity.roles import Principal
from waardhaven.domain.market.imports import FileMapping, ImportState
from waardhaven.domain.types import ImportId, UserId, Vintage


class UnknownImport(NotFound):
    """There is no such import."""


class ImportNotReady(Conflict):
    """The import is not in the state that this needs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceImport:
    """One file. ``digest`` is its SHA-256; ``report`` what the check found, JSON; ``vintage`` of its commit.

    ``undone_vintage``: at which the bars before were restored.
    """

    id: ImportId
    state: ImportState
    name: str
    digest: str
    size: int
    mapping: FileMapping
    owner: UserId | None
    created_at: datetime
    report: Mapping[str, object] | None = None
    vintage: Vintage | None = None
    undone_vintage: Vintage | None = None


class PriceImports(Protocol):
    """The record of imports; the state moves uploaded -> checked|refused -> committed -> undone.

    PriceStore itself moves an import to ``committed`` and ``undone``, in the transaction of the bars.
    """

    @abstractmethod
    async def add(self, record: PriceImport, *, by: Principal) -> None:
        """Record an upload, and an audit entry."""

    @abstractmethod
    async def get(self, id_: ImportId) -> PriceImport:
        """Return an import; raise UnknownImport."""

    @abstractmethod
    async def page(self, *, limit: int, before: ImportId | None = None) -> Sequence[PriceImport]:
        """Return imports, newest first (ids grow with time)."""

    @abstractmethod
    async def checked(self, id_: ImportId, *, mapping: FileMapping, report: Mapping[str, object]) -> None:
        """Record a good check and the mapping completed; another replaces it; raise ImportNotReady."""

    @abstractmethod
    async def refused(self, id_: ImportId, *, report: Mapping[str, object]) -> None:
        """Record why the file can not be taken; raise ImportNotReady once it is committed."""
