"""From an empty database to a published index: each step is skipped when it is done already."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

from dishka import AsyncContainer

from waardhaven.adapters.outbound.postgres.engine import Database
from waardhaven.adapters.outbound.postgres.migrations import migrate
from waardhaven.application.identity.ensure_administrator import EnsureAdministrator
from waardhaven.application.identity.views import NewAdministrator
from waardhaven.application.indexes import DEFAULT_SLUG
from waardhaven.application.indexes.define_index import DefineIndex
from waardhaven.application.indexes.queries import ViewIndex
from waardhaven.application.indexes.update_index import UpdateIndex
from waardhaven.application.jobs.names import JobName
from waardhaven.application.jobs.submit_job import SubmitJob
from waardhaven.application.market.check_quality import CheckQuality
from waardhaven.application.market.load_market import LoadMarket
from waardhaven.application.ports.market_data import MarketSetup
from waardhaven.bootstrap.reach import reach_database, while_connected
from waardhaven.domain.errors import Unavailable
from waardhaven.domain.identity.roles import OPERATOR
from waardhaven.domain.index.autoindex import default_definition
from waardhaven.domain.index.build_record import UnknownIndex

Progress = Callable[[str, int, int], None]
RUNS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """What a person is told: where the index stands, and a new administrator's password, once."""

    last_day: date | None
    level: float | None
    administrator: NewAdministrator | None


async def prepare(container: AsyncContainer, *, tries: int, sample: bool, progress: Progress) -> Prepared:
    """Migrate, load the sample market, build and publish the default index, make an administrator.

    Safe to run twice and to be killed in the middle: the next run continues. A database that is lost
    on the way is waited for, and the run begins again, at most ``RUNS`` times in all.
    """
    database = await container.get(Database)
    for run in range(1, RUNS + 1):
        progress("database", 0, 1)
        await reach_database(database, tries=tries, tell=lambda line: progress(line, 0, 1))
        try:
            work = _run(container, database, sample=sample, progress=progress)
            return await while_connected(database, work)
        except Unavailable as error:
            if run == RUNS:
                raise
            progress(f"once more: {error.message}", 0, 1)
    raise AssertionError("RUNS is positive")


async def _run(
    container: AsyncContainer, database: Database, *, sample: bool, progress: Progress
) -> Prepared:
    progress("schema", 0, 1)
    await migrate(database)
    async with container() as scope:
        if sample and not await _is_published(scope):
            loaded = await (await scope.get(LoadMarket))(OPERATOR, progress=progress)
            progress("quality", 0, 1)
            await (await scope.get(CheckQuality))(OPERATOR, assets=loaded.known)
            progress("index", 0, 1)
            await (await scope.get(DefineIndex))(OPERATOR, default_definition())
            await (await scope.get(UpdateIndex))(OPERATOR, slug=DEFAULT_SLUG, reason="first build")
        progress("administrator", 0, 1)
        administrator = await (await scope.get(EnsureAdministrator))(OPERATOR)
        return await _summary(scope, administrator)


async def _is_published(scope: AsyncContainer) -> bool:
    try:
        view = await (await scope.get(ViewIndex))(OPERATOR, slug=DEFAULT_SLUG)
    except UnknownIndex:
        return False
    return view.last_day is not None


async def _summary(scope: AsyncContainer, administrator: NewAdministrator | None) -> Prepared:
    if not await _is_published(scope):
        return Prepared(last_day=None, level=None, administrator=administrator)
    view = await (await scope.get(ViewIndex))(OPERATOR, slug=DEFAULT_SLUG)
    return Prepared(last_day=view.last_day, level=view.level, administrator=administrator)


async def begin_refresh(container: AsyncContainer) -> bool:
    """Queue a refresh when a provider is set up, and tell whether it was; nothing waits for it."""
    if not (await container.get(MarketSetup)).keyed:
        return False
    async with container() as scope:
        submit = await scope.get(SubmitJob)
        await submit(OPERATOR, job_type=str(JobName.REFRESH), params={})
    return True
