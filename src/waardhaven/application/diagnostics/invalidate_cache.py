"""End cached answers."""

from dataclasses import dataclass
from enum import StrEnum

from waardhaven.application.ports.generation import Generation
from waardhaven.application.ports.unit_of_work import UnitOfWork
from waardhaven.domain.identity.roles import Permission, Principal


class CacheScope(StrEnum):
    """Which answers. All of them belong to one generation of the data today, so each scope ends all."""

    ALL = "all"
    INDEX = "index"
    MARKET = "market"


@dataclass(frozen=True, slots=True, kw_only=True)
class InvalidationView:
    """Answers of generations before ``generation`` are never given again, by no process."""

    scope: CacheScope
    generation: int
    message: str


@dataclass(frozen=True, slots=True)
class InvalidateCache:
    """End the cached answers of every process, in memory and in Valkey, by beginning a new generation.

    Nothing is searched for or deleted: keys hold their generation, and old ones fall out by age.
    """

    generation: Generation
    uow: UnitOfWork

    async def __call__(self, by: Principal, *, scope: CacheScope) -> InvalidationView:
        """Return the generation that begins."""
        by.require(Permission.OPERATE)
        async with self.uow() as tx:
            await tx.audit.record("cache.invalidated", by=by, target="cache", detail={"scope": str(scope)})
            await tx.commit()
        begun = await self.generation.advance()
        return InvalidationView(scope=scope, generation=begun, message="Cached answers are made anew.")
