"""The composed service over real servers, without HTTP."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import pytest
from dishka import AsyncContainer

from waardhaven.adapters.outbound.postgres.engine import Database
from waardhaven.bootstrap.container import make_container
from waardhaven.bootstrap.settings import Settings

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Service:
    """A container and its request scope."""

    container: AsyncContainer
    scope: AsyncContainer

    async def get(self, kind: type[T]) -> T:
        return await self.scope.get(kind)

    @property
    async def database(self) -> Database:
        return await self.container.get(Database)


@pytest.fixture
async def published(published_url: str, settings_for: Callable[..., Settings]) -> AsyncIterator[Service]:
    """The service over a database with the published sample index."""
    container = make_container(settings_for(published_url))
    async with container() as scope:
        yield Service(container, scope)
    await container.close()


@pytest.fixture
async def empty(database_url: str, settings_for: Callable[..., Settings]) -> AsyncIterator[Service]:
    """The service over a database with the schema and nothing else."""
    container = make_container(settings_for(database_url))
    async with container() as scope:
        yield Service(container, scope)
    await container.close()


def same_bits(one: Any, other: Any) -> bool:
    """Tell whether two arrays have the same type and bytes."""
    return bool(one.dtype == other.dtype and one.tobytes() == other.tobytes())
