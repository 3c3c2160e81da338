"""What each type of job does, over fakes."""

import csv
import io
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from tests.fakes.archive import FakeArchive
from tests.fakes.clock import FakeClock
from tests.fakes.file_store import FakeFileStore
from tests.fakes.job_run import FakeJobRun
from tests.fakes.unit_of_work import FakeUnitOfWork
from tests.unit.application.world import ANALYST, AXIS, BASE, DEFINITION, VIEWER, WARM_UP, World, day

from waardhaven.application.indexes.queries import ReadCurrent, ReadHistory, ViewIndex
from waardhaven.application.jobs.clean_up import BATCH, CleanUp, CleanUpParams
from waardhaven.application.jobs.compute_index import ComputeIndex, ComputeParams
from waardhaven.application.jobs.write_report import ReportParams, WriteReport
from waardhaven.application.ports.archive import Archived
from waardhaven.application.ports.file_store import FilesUnavailable
from waardhaven.domain.identity.roles import OPERATOR, PermissionDenied
from waardhaven.domain.index.build_record import NothingPublished, UnknownIndex
from waardhaven.domain.index.definition import RestatementPolicy
from waardhaven.domain.types import as_date

SLUG = "an-index"


@pytest.fixture
async def world() -> World:
    world = World()
    await world.open(rows=20)
    return world


@pytest.fixture
def run() -> FakeJobRun:
    return FakeJobRun()


def compute(world: World) -> ComputeIndex:
    return ComputeIndex(
        world.update, world.verify, ViewIndex(world.indexes, world.builds), world.compare, world.update_all
    )


def report(world: World) -> WriteReport:
    history = ReadHistory(world.indexes, world.builds, world.market)
    current = ReadCurrent(world.indexes, world.builds, world.market, world.market)
    return WriteReport(history, current, world.clock)


# --- compute


async def test_compute_brings_several_indices_up_to_date_in_one_pass(world: World, run: FakeJobRun):
    for slug in ("second", "third"):
        await world.indexes.define(replace(DEFINITION, slug=slug, name=slug), by=OPERATOR)
    await world.update(OPERATOR, slug="third")
    done = await compute(world)(OPERATOR, ComputeParams(index=SLUG, also="second,third"), run)
    found = done.result["indices"]
    assert isinstance(found, list)
    assert [(one["index"], one["publication"] is not None, one["error"]) for one in found] == [
        (SLUG, True, None),
        ("second", True, None),
        ("third", False, None),
    ]
    assert [one["compared"] is not None for one in found] == [False, False, True]


async def test_compute_of_several_restates_those_whose_policy_asks_for_it(world: World, run: FakeJobRun):
    policy = replace(DEFINITION, slug="second", name="second", restatement=RestatementPolicy.RESTATE)
    await world.indexes.define(policy, by=OPERATOR)
    both = ComputeParams(index=SLUG, also="second")
    await compute(world)(OPERATOR, both, run)
    await world.write(world.series[0], AXIS[WARM_UP + 9 : WARM_UP + 10], [99.0])
    done = await compute(world)(OPERATOR, both, run)
    found = done.result["indices"]
    assert isinstance(found, list)
    kinds = [one["publication"] and one["publication"]["kind"] for one in found]
    assert kinds == [None, "restate"]


async def test_compute_of_several_says_why_one_could_not_be_computed(world: World, run: FakeJobRun):
    early = replace(DEFINITION, slug="early", name="early", base_date=as_date(AXIS[5]))
    await world.indexes.define(early, by=OPERATOR)
    done = await compute(world)(OPERATOR, ComputeParams(index="early", also=SLUG), run)
    found = done.result["indices"]
    assert isinstance(found, list)
    assert [one["publication"] is not None for one in found] == [False, True]
    assert "sessions before" in found[0]["error"]


async def test_compute_publishes_new_sessions_once(world: World, run: FakeJobRun):
    first = await compute(world)(OPERATOR, ComputeParams(index=SLUG), run)
    made = first.result["publication"]
    assert isinstance(made, dict)
    assert (made["kind"], made["from_day"], made["through_day"]) == (
        "extend",
        BASE.isoformat(),
        day(19).isoformat(),
    )
    again = await compute(world)(OPERATOR, ComputeParams(index=SLUG), run)
    same = {"decision": "same", "first_day": None, "days": 0, "largest": 0.0}
    assert again.result == {"index": SLUG, "publication": None, "compared": same}
    assert [(one.stage, one.done, one.total) for one in run.told[:2]] == [("extend", 0, 1), ("extend", 1, 1)]


async def test_restating_computes_from_the_base_date_or_the_day_asked_for(world: World, run: FakeJobRun):
    await world.published()
    whole = await compute(world)(OPERATOR, ComputeParams(index=SLUG, mode="restate"), run)
    made = whole.result["publication"]
    assert isinstance(made, dict)
    assert (made["kind"], made["from_day"]) == ("restate", BASE.isoformat())
    later = await compute(world)(
        OPERATOR, ComputeParams(index=SLUG, mode="restate", restate_from=day(10)), run
    )
    made = later.result["publication"]
    assert isinstance(made, dict)
    assert made["from_day"] == day(10).isoformat()


async def test_restating_twice_publishes_once(world: World, run: FakeJobRun):
    await world.published()
    params = ComputeParams(index=SLUG, mode="restate")
    first = await compute(world)(OPERATOR, params, run)
    assert (await compute(world)(OPERATOR, params, run)).result == first.result


async def test_verifying_compares_and_publishes_nothing(world: World, run: FakeJobRun):
    await world.published()
    before = len(world.builds.publications)
    found = (await compute(world)(OPERATOR, ComputeParams(index=SLUG, mode="verify"), run)).result
    assert found["passed"] is True
    [verdict] = found["builds"]  # type: ignore[misc]
    assert verdict["first_difference"] is None
    assert len(world.builds.publications) == before


async def test_compute_needs_the_permission_and_the_index(world: World, run: FakeJobRun):
    with pytest.raises(PermissionDenied):
        await compute(world)(VIEWER, ComputeParams(index=SLUG), run)
    with pytest.raises(UnknownIndex):
        await compute(world)(OPERATOR, ComputeParams(index="nothing"), run)


# --- report


async def test_performance_is_that_of_the_published_levels(world: World, run: FakeJobRun):
    await world.published()
    found = (await report(world)(OPERATOR, ReportParams(index=SLUG, period_days=7), run)).result
    levels = await ReadHistory(world.indexes, world.builds, world.market)(
        OPERATOR, slug=SLUG, start=day(19) - timedelta(days=7)
    )
    values = levels.columns["values"]
    assert found["period_return"] == pytest.approx(values[-1] / values[0] - 1.0, rel=1e-15)
    assert (found["start_value"], found["end_value"], found["sessions"]) == (
        values[0],
        values[-1],
        len(values),
    )
    assert (found["end_date"], found["period_days"]) == (day(19).isoformat(), 7)
    returns = values[1:] / values[:-1] - 1.0
    assert (found["best_session"], found["worst_session"]) == (max(returns), min(returns))
    media, content = run.files["report.json"]
    assert (media, json.loads(content)) == ("application/json", found)
    rows = list(csv.reader(io.StringIO(run.files["performance.csv"][1].decode())))
    assert rows[0] == ["date", "value"]
    assert [float(value) for _, value in rows[1:]] == values.tolist()


async def test_period_of_one_session_has_a_return_of_zero_and_no_best_session(world: World, run: FakeJobRun):
    await world.published(through=BASE)
    found = (await report(world)(OPERATOR, ReportParams(index=SLUG, period_days=1), run)).result
    assert (found["period_return"], found["sessions"]) == (0.0, 1)
    assert (found["best_session"], found["worst_session"]) == (None, None)


async def test_allocation_lists_every_name_and_its_weights_sum_to_one(world: World, run: FakeJobRun):
    await world.published()
    found = (await report(world)(OPERATOR, ReportParams(index=SLUG, report_type="allocation"), run)).result
    names = found["allocations"]
    assert isinstance(names, list)
    assert {one["symbol"] for one in names} == {"AAA", "BBB", "CCC"}
    assert sum(one["weight"] for one in names) == pytest.approx(1.0, abs=1e-15)
    rows = list(csv.DictReader(io.StringIO(run.files["allocation.csv"][1].decode())))
    assert [row["symbol"] for row in rows] == [one["symbol"] for one in names]


async def test_report_of_nothing_published_is_refused(world: World, run: FakeJobRun):
    with pytest.raises(NothingPublished):
        await report(world)(OPERATOR, ReportParams(index=SLUG), run)
    assert not run.files


# --- cleanup

NOW = datetime(2024, 6, 3, 12, tzinfo=UTC)


def an_archive(rows: int, *, days_old: int) -> FakeArchive:
    archive = FakeArchive(FakeClock(NOW))
    for number in range(rows):
        archive.rows[Archived.JOBS][f"{number:05}"] = (NOW - timedelta(days=days_old), number)
    return archive


async def test_old_rows_are_written_before_they_are_removed(run: FakeJobRun):
    archive, files = an_archive(3, days_old=400), FakeFileStore()
    outcome = await CleanUp(archive, files)(OPERATOR, CleanUpParams(), run)
    assert outcome.result["archived"] == {"jobs": 3, "events": 0}
    assert outcome.result["files"] == ["jobs-00000-00002-3.parquet"]
    assert list(files.files) == ["archive/jobs-00000-00002-3.parquet"]
    assert not archive.rows[Archived.JOBS]


async def test_nothing_is_removed_that_could_not_be_written(run: FakeJobRun):
    archive = an_archive(3, days_old=400)
    with pytest.raises(FilesUnavailable):
        await CleanUp(archive, FakeFileStore(failing=True))(OPERATOR, CleanUpParams(), run)
    assert len(archive.rows[Archived.JOBS]) == 3


async def test_young_rows_stay(run: FakeJobRun):
    archive = an_archive(3, days_old=200)
    outcome = await CleanUp(archive, FakeFileStore())(OPERATOR, CleanUpParams(), run)
    assert outcome.result["archived"] == {"jobs": 0, "events": 0}
    outcome = await CleanUp(archive, FakeFileStore())(OPERATOR, CleanUpParams(days_to_keep=30), run)
    assert outcome.result["archived"] == {"jobs": 3, "events": 0}


async def test_clean_up_killed_between_file_and_removal_goes_on(run: FakeJobRun):
    archive, files = an_archive(BATCH + 10, days_old=400), FakeFileStore()
    batch = await archive.batch(Archived.JOBS, older_than=timedelta(days=365), limit=BATCH)
    assert batch is not None
    await files.put(f"archive/{batch.name}", batch.content)
    outcome = await CleanUp(archive, files)(OPERATOR, CleanUpParams(), run)
    assert outcome.result["archived"] == {"jobs": BATCH + 10, "events": 0}
    assert len(files.files) == 2


async def test_clean_up_is_for_administrators_and_audited_with_its_success(run: FakeJobRun):
    with pytest.raises(PermissionDenied):
        await CleanUp(an_archive(1, days_old=400), FakeFileStore())(ANALYST, CleanUpParams(), run)
    outcome = await CleanUp(an_archive(1, days_old=400), FakeFileStore())(OPERATOR, CleanUpParams(), run)
    uow = FakeUnitOfWork()
    assert outcome.effects is not None
    async with uow() as tx:
        await outcome.effects(tx)
        await tx.commit()
    assert [action for action, _, _ in uow.audit.entries] == ["system.cleaned_up"]
