"""From stored prices to stored history: statements, and no more of them than are pinned."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import date, timedelta

from tests.integration.conftest import Service, same_bits

from waardhaven.application.indexes.build_index import BuildIndex
from waardhaven.application.indexes.publish_build import PublishBuild
from waardhaven.application.indexes.update_index import UpdateIndex
from waardhaven.application.ports.build_store import BuildStore
from waardhaven.application.ports.indexes import IndexStore
from waardhaven.domain.identity.roles import OPERATOR
from waardhaven.domain.index.autoindex import default_definition
from waardhaven.domain.index.publishing import official_levels

LAST = date(2022, 12, 28)
FRAME = ("BEGIN", "COMMIT")
DRIVER = ("typeinfo", "set_config('jit'")


@asynccontextmanager
async def counted(service: Service) -> AsyncIterator[list[str]]:
    """Lend a list of the statements that are run meanwhile, without transactions and the driver's own."""
    database, seen = await service.database, list[str]()
    database.observer = lambda query: seen.append(query.query)
    yield seen
    database.observer = None
    seen[:] = [one for one in seen if not one.startswith(FRAME) and not any(word in one for word in DRIVER)]


async def _twin(service: Service) -> int:
    """Define an index with the rules of the published one; return its id."""
    rules = replace(default_definition(), slug="twin", name="Twin")
    return (await (await service.get(IndexStore)).define(rules, by=OPERATOR)).id


async def test_rebuild_runs_eight_statements_and_one_day_more_as_many(published: Service):
    twin = await _twin(published)
    build, publish = await published.get(BuildIndex), await published.get(PublishBuild)
    update, builds = await published.get(UpdateIndex), await published.get(BuildStore)
    most = await build(OPERATOR, slug="twin", through=LAST - timedelta(days=1))
    await publish(OPERATOR, most, reason="all but a day")
    async with counted(published) as more:
        assert await update(OPERATOR, slug="twin") is not None
    async with counted(published) as rebuild:
        await update(OPERATOR, slug="autoindex", restate_from=default_definition().base_date)
    async with counted(published) as nothing:
        assert await update(OPERATOR, slug="twin") is None
    assert (len(rebuild), len(more), len(nothing)) == (8, 8, 5), (rebuild, more, nothing)
    original = (await (await published.get(IndexStore)).get("autoindex")).id
    one, other = [
        official_levels([one.segment for one in await builds.published(index)]) for index in (twin, original)
    ]
    assert same_bits(one.day, other.day)
    assert same_bits(one.level, other.level)
