"""From stored prices to stored history over a real PostgreSQL: time, statements, and one day more.

    python -m benchmarks rebuild

The rules of the default index (the blend, weekly) over a seeded factor model. Rebuild: the use case behind
`waardhaven build` on an index that has nothing published, from the first statement to the commit of the
publication. One day more: prices of one session are stored, then the same use case publishes it; its
levels must equal those of a full rebuild bit for bit. Many: a hundred indices over one universe, read
once, beside a hundred single builds. Wall medians; the server is a process of its own on the same machine.
"""

import asyncio
import statistics
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from dishka import AsyncContainer
from tests.factories import autoindex, sessions

from benchmarks.peers import Board, factor_returns
from waardhaven.adapters.outbound.embedded import EmbeddedServers
from waardhaven.adapters.outbound.postgres.engine import Database
from waardhaven.adapters.outbound.postgres.migrations import migrate
from waardhaven.application.indexes.queries import ReadHistory
from waardhaven.application.indexes.update_index import UpdateIndex, UpdateIndices
from waardhaven.application.ports.indexes import IndexStore
from waardhaven.application.ports.market_facts import (
    Listing,
    MarketFacts,
    SeriesKey,
    SessionColumns,
    SharesFact,
)
from waardhaven.application.ports.price_store import PriceStore
from waardhaven.bootstrap.container import make_container
from waardhaven.bootstrap.settings import Settings
from waardhaven.domain.identity.roles import OPERATOR
from waardhaven.domain.index.build import warm_up_sessions
from waardhaven.domain.index.build_record import Publication
from waardhaven.domain.index.definition import Adjustment, IndexDefinition, SeriesPolicy, StrategySpec
from waardhaven.domain.market.prices import PriceColumns
from waardhaven.domain.types import Days, Floats, SeriesId, as_date

SECRET = "a secret key for benchmarks, 32 chars"
ROUNDS, MORE_DAYS, STATEMENTS = 5, 5, 12
SIZES = ((20, 10, 60.0), (100, 10, 120.0), (500, 20, 400.0))
"""Assets, years, target in milliseconds."""
MANY = 100
"""Indices over one universe, and the size of the market they are computed over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Market:
    """A made-up market of one size in a database; ``close`` (n, k), its last MORE_DAYS rows come later."""

    container: AsyncContainer
    name: str
    axis: Days
    close: Floats
    series: list[SeriesId]

    def definition(self, slug: str) -> IndexDefinition:
        """Return the default rules over this market, from the first session after the warm-up."""
        rules = replace(
            autoindex(),
            universe=self.name,
            calendar="XNYS",
            series=SeriesPolicy(source=self.name, adjustment=Adjustment.ALL),
        )
        base = as_date(self.axis[warm_up_sessions(rules)])
        return replace(rules, slug=slug, name=slug, base_date=base)

    async def write(self, rows: slice) -> None:
        """Store the bars of some sessions."""
        days, close = self.axis[rows], self.close[rows]
        unknown = np.full(close.size, np.nan)
        prices = PriceColumns(
            series=np.repeat(np.array(self.series, dtype=np.int64), len(days)),
            day=np.tile(days, len(self.series)),
            close=np.ascontiguousarray(close.T).ravel(),
            **dict.fromkeys(("open", "high", "low", "volume"), unknown),
        )
        await (await self.container.get(PriceStore)).write(prices)

    async def update(self, slug: str) -> float:
        """Bring an index up to date; return the milliseconds."""
        async with self.container() as scope:
            update = await scope.get(UpdateIndex)
            began = time.perf_counter()
            made = await update(OPERATOR, slug=slug)
            took = time.perf_counter() - began
        assert made is not None
        return took * 1e3

    async def define(self, slug: str) -> None:
        await (await self.container.get(IndexStore)).define(self.definition(slug), by=OPERATOR)

    async def levels(self, slug: str) -> bytes:
        """Return the bits of the official levels."""
        async with self.container() as scope:
            found = await (await scope.get(ReadHistory))(OPERATOR, slug=slug)
        return bytes(found.columns["values"].tobytes())


async def market(container: AsyncContainer, assets: int, years: int) -> Market:
    """Store a market: assets, calendar, shares, a universe, prices of all but the last days."""
    facts, name = await container.get(MarketFacts), f"bench{assets}"
    axis = sessions(years * 252 + 80 + MORE_DAYS, "2000-01-03")
    close = np.round(50.0 * np.exp(np.add.accumulate(factor_returns(assets, len(axis)), axis=0)), 4)
    listings = [
        Listing(symbol=f"{name.upper()}.{i}", mic="XNYS", name=f"{i}", asset_type="equity", currency="USD")
        for i in range(assets)
    ]
    ids = list((await facts.register_assets(listings)).values())
    keys = [
        SeriesKey(asset=one, source=name, adjustment=Adjustment.ALL, currency="USD", quote_unit="USD")
        for one in ids
    ]
    known = await facts.register_series(keys)
    first = as_date(axis[0])
    await facts.write_shares(
        [SharesFact(asset=one, day=first, shares=1e6, status="reported", source=name) for one in ids]
    )
    await facts.write_universe(name, name, dict.fromkeys(ids, (first, None)))
    made = Market(container=container, name=name, axis=axis, close=close, series=[known[one] for one in keys])
    await made.write(slice(0, -MORE_DAYS))
    return made


async def calendar(container: AsyncContainer) -> None:
    """Store the sessions that every market here follows."""
    axis = sessions(20 * 252 + 80 + MORE_DAYS, "2000-01-03")
    opens = axis.astype("datetime64[s]") + np.timedelta64(52_200, "s")
    times = SessionColumns(mic="XNYS", day=axis, open_at=opens, close_at=opens + np.timedelta64(6, "h"))
    await (await container.get(MarketFacts)).write_sessions(times)


@asynccontextmanager
async def serving() -> AsyncIterator[AsyncContainer]:
    """Run a private server with the schema and lend the container over it."""
    with tempfile.TemporaryDirectory(prefix="wh-bench-") as folder:
        async with EmbeddedServers(Path(folder, "data"), valkey=False) as endpoints:
            settings = Settings(
                database_url=endpoints.database_url, secret_key=SECRET, data_dir=Path(folder, "files")
            )
            container = make_container(settings)
            await migrate(await container.get(Database))
            await calendar(container)
            yield container
            await container.close()


async def rebuilds(made: Market, target: float) -> float:
    """Print the median rebuild and its statements; return the milliseconds."""
    database = await made.container.get(Database)
    slugs = [f"{made.name}-{n}" for n in range(ROUNDS + 1)]
    for slug in slugs:
        await made.define(slug)
    seen: list[str] = []
    await made.update(slugs[0])
    took = [await made.update(slug) for slug in slugs[1:]]
    await made.define(f"{made.name}-counted")
    database.observer = lambda query: seen.append(query.query)
    await made.update(f"{made.name}-counted")
    database.observer = None
    middle = statistics.median(took)
    work = [one for one in seen if not _is_frame(one)]
    verdict = "met" if middle <= target else "missed"
    print(
        f"{made.name}: {len(made.axis)} sessions   rebuild {middle:7.1f} ms (least {min(took):.1f})   "
        f"target {target:g} ms {verdict}"
    )
    enough = "met" if len(work) <= STATEMENTS else "missed"
    print(f"{made.name}: {len(work)} statements a rebuild, COPY apart   target {STATEMENTS} {enough}")
    return middle


def _is_frame(statement: str) -> bool:
    """Tell begin and commit, and what the driver asks for itself, from statements of ours."""
    words = ("BEGIN", "COMMIT", "SAVEPOINT", "RELEASE", "SELECT pg_advisory", ";")
    return "typeinfo" in statement or "set_config('jit'" in statement or statement.startswith(words)


async def days(board: Board, made: Market, full: float) -> None:
    """Print what one day more takes, day after day, and compare with a rebuild of everything."""
    slug, took = f"{made.name}-1", list[float]()
    for n in range(MORE_DAYS, 0, -1):
        await made.write(slice(len(made.axis) - n, len(made.axis) - n + 1))
        took.append(await made.update(slug))
    middle = statistics.median(took)
    ratio = full / middle
    verdict = "met" if ratio >= 20 else "missed"
    print(
        f"{made.name}: one day more {middle:7.1f} ms   1/{ratio:.0f} of the rebuild   target 1/20 {verdict}"
    )
    await made.define(f"{made.name}-whole")
    await made.update(f"{made.name}-whole")
    same = await made.levels(slug) == await made.levels(f"{made.name}-whole")
    board.bound(f"{made.name}: days added one by one differ from a rebuild", float(not same), 0.0)


async def many(board: Board, made: Market) -> None:
    """Print a hundred indices over one universe in one pass beside a hundred single builds."""
    names = [f"{made.name}-many-{n}" for n in range(MANY)]
    twins = [f"{made.name}-alone-{n}" for n in range(MANY)]
    store = await made.container.get(IndexStore)
    for n in range(MANY):
        rules = replace(
            made.definition(""), strategy=StrategySpec(name="momentum", params={"lookback": 10 + n})
        )
        base = as_date(made.axis[warm_up_sessions(rules) + n])
        for slug in (names[n], twins[n]):
            await store.define(replace(rules, slug=slug, name=slug, base_date=base), by=OPERATOR)
    async with made.container() as scope:
        update = await scope.get(UpdateIndices)
        began = time.perf_counter()
        found = await update(OPERATOR, slugs=names)
        together = (time.perf_counter() - began) * 1e3
    assert all(isinstance(one, Publication) for one in found.values())
    alone = sum([await made.update(slug) for slug in twins])
    print(
        f"{made.name}: {MANY} indices in one pass {together:7.0f} ms   alone {alone:7.0f} ms   "
        f"{alone / together:.2f} x"
    )
    pairs = zip(names, twins, strict=True)
    same = [await made.levels(one) == await made.levels(other) for one, other in pairs]
    board.bound(f"{made.name}: indices of one pass that differ from single builds", same.count(False), 0.0)


async def measure() -> None:
    """Print every figure; raise SystemExit when a bound is passed."""
    board = Board()
    async with serving() as container:
        for assets, years, target in SIZES:
            made = await market(container, assets, years)
            full = await rebuilds(made, target)
            await days(board, made, full)
            if assets == MANY:
                await many(board, made)
    board.close()


def main(_: list[str]) -> None:
    """Run everything."""
    asyncio.run(measure())


if __name__ == "__main__":
    main([])
