"""Files of prices: uploaded, checked, committed, undone, over a reader that knows plain CSV."""

from dataclasses import replace
from uuid import UUID

import numpy as np
import pytest
from tests.fakes.file_store import FakeFileStore
from tests.fakes.job_run import FakeJobRun
from tests.unit.application.market_house import MarketHouse
from tests.unit.application.test_prices import bars, filled, listing

from waardhaven.application.jobs.import_prices import ImportParams, ImportPrices, NoImportNamed
from waardhaven.application.market.check_quality import CheckQuality
from waardhaven.application.market.import_prices import (
    CheckImport,
    CommitImport,
    InvalidUpload,
    ListImports,
    ReadImport,
    UndoImport,
    UploadPrices,
)
from waardhaven.application.market.match_listings import MatchListings
from waardhaven.application.ports.market_facts import SessionColumns
from waardhaven.application.ports.price_imports import ImportNotReady, PriceImport, UnknownImport
from waardhaven.application.ports.price_store import ChangedSince
from waardhaven.domain.identity.roles import OPERATOR, PermissionDenied, Principal, Role
from waardhaven.domain.market.imports import FileMapping, ImportState
from waardhaven.domain.market.quality import FindingKind
from waardhaven.domain.types import ImportId

GOOD = b"date,symbol,close\n2024-02-01,AAA,5\n2024-02-05,AAA,6\n2024-02-05,CCC,9\n"
MAPPING = FileMapping(mic="XNYS")
DAY = np.array(["2024-01-02"], dtype="datetime64[D]")


class Office:
    """The use cases over one house."""

    def __init__(self, house: MarketHouse) -> None:
        self.files = FakeFileStore()
        imports, match = house.market.imports, MatchListings(house.market, house.calendars)
        self.upload = UploadPrices(imports, self.files, house.clock)
        self.check = CheckImport(imports, self.files, house.files, match, house.market)
        self.commit = CommitImport(
            imports, self.files, house.files, match, house.market, house.calendars, house.write
        )
        self.undo = UndoImport(imports, house.market)
        self.read = ReadImport(imports)
        self.job = ImportPrices(self.check, self.commit, house.check)

    async def checked(self, content: bytes = GOOD, mapping: FileMapping = MAPPING) -> PriceImport:
        record = await self.upload(OPERATOR, name="file.csv", content=content, mapping=mapping)
        return await self.check(OPERATOR, id_=record.id)


@pytest.fixture
async def house() -> MarketHouse:
    house = MarketHouse()
    await filled(house, bars(listing("AAA"), [4.0, 5.0], source="file"))
    hours = {"open_at": DAY.astype("datetime64[s]"), "close_at": DAY.astype("datetime64[s]") + 60}
    house.calendars.known = [SessionColumns(mic="XNYS", day=DAY, **hours)]
    return house


@pytest.fixture
def office(house: MarketHouse) -> Office:
    return Office(house)


async def closes(house: MarketHouse, asset: int = 1) -> dict[str, float]:
    (series,) = [one for one in await house.market.coverage([asset]) if one.source == "file"]
    found = await house.market.closes([series.id])
    return dict(zip(found.day.astype(str).tolist(), found.close.tolist(), strict=True))


async def test_check_says_what_a_commit_would_do_and_changes_no_price(house: MarketHouse, office: Office):
    before, vintages = await closes(house), len(house.market.vintages)
    record = await office.checked()
    assert (record.state, record.name, record.size) == (ImportState.CHECKED, "file.csv", len(GOOD))
    report = record.report
    assert report is not None
    assert report["would"] == {"inserted": 2, "changed": 1, "unchanged": 0}
    assert [(one["symbol"], one["asset"], one["bars"]) for one in report["symbols"]] == [
        ("AAA", 1, 2),
        ("CCC", None, 1),
    ]
    assert (report["rows"], report["issue_count"], report["issues"]) == (3, 0, [])
    assert (await closes(house), len(house.market.vintages)) == (before, vintages)


async def test_commit_writes_all_and_registers_what_is_new(house: MarketHouse, office: Office):
    record = await office.checked()
    done = await office.commit(OPERATOR, id_=record.id)
    report = done.report
    assert report is not None
    assert done.assets == (1, 2)
    assert (report.inserted, report.changed) == (2, 1)
    assert await closes(house) == {"2024-02-01": 5.0, "2024-02-02": 5.0, "2024-02-05": 6.0}
    assert await closes(house, 2) == {"2024-02-05": 9.0}
    shown = await office.read(OPERATOR, id_=record.id)
    assert (shown.state, shown.vintage) == (ImportState.COMMITTED, report.vintage)
    vintages = len(house.market.vintages)
    again = await office.commit(OPERATOR, id_=record.id)
    assert (again.report, again.assets, len(house.market.vintages)) == (None, (1, 2), vintages)


async def test_commit_interrupted_before_the_quality_was_judged_is_judged_when_it_runs_again(
    house: MarketHouse, office: Office, monkeypatch: pytest.MonkeyPatch
):
    content = b"date,symbol,close\n" + b"".join(f"2024-02-{day:02},CCC,9\n".encode() for day in range(1, 15))
    params = ImportParams(import_id=str((await office.checked(content)).id), act="commit")

    async def killed(*_: object, **__: object) -> int:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(CheckQuality, "__call__", killed)
        with pytest.raises(KeyboardInterrupt):
            await office.job(OPERATOR, params, FakeJobRun())
    assert not house.flags.rows.at(None)
    again = await office.job(OPERATOR, params, FakeJobRun())
    assert again.result["findings"]
    assert FindingKind.STALE in {one.kind for one in house.flags.rows.at(None).values()}


async def test_undo_restores_what_was_there_and_both_stay_readable(house: MarketHouse, office: Office):
    before = await closes(house)
    record = await office.checked()
    done = await office.commit(OPERATOR, id_=record.id)
    undone = await office.undo(OPERATOR, id_=record.id, reason="wrong year")
    assert undone.state is ImportState.UNDONE
    assert await closes(house) == before
    assert done is not None
    then = await house.market.closes([1], vintage=done.report.vintage)
    assert then.close.tolist() == [5.0, 5.0, 6.0]
    with pytest.raises(ImportNotReady):
        await office.undo(OPERATOR, id_=record.id, reason="again")
    with pytest.raises(ImportNotReady):
        await office.commit(OPERATOR, id_=record.id)


async def test_undo_is_refused_when_somebody_wrote_the_bars_again(house: MarketHouse, office: Office):
    record = await office.checked()
    await office.commit(OPERATOR, id_=record.id)
    await filled(house, bars(listing("AAA"), [7.0, 5.0], source="file"))
    with pytest.raises(ChangedSince):
        await office.undo(OPERATOR, id_=record.id, reason="too late")
    assert (await office.read(OPERATOR, id_=record.id)).state is ImportState.COMMITTED


@pytest.mark.parametrize(
    ("content", "mapping", "reason"),
    [
        (b"date,symbol,close\n2024-02-01,AAA,-5\n", MAPPING, None),
        (GOOD, replace(MAPPING, currency="EUR"), "It trades in USD, the file says EUR."),
        (
            GOOD,
            FileMapping(),
            "No asset has this symbol, and without an exchange (mic) none can be made.",
        ),
        (GOOD, FileMapping(mic="ZZZZ"), "No exchange with a calendar has the code ZZZZ."),
    ],
    ids=["bad-line", "currency", "no-exchange", "unknown-exchange"],
)
async def test_file_with_one_problem_is_refused_whole_and_the_problem_named(
    house: MarketHouse, office: Office, content: bytes, mapping: FileMapping, reason: str | None
):
    before = await closes(house)
    record = await office.checked(content, mapping)
    assert record.state is ImportState.REFUSED
    assert record.report is not None
    assert record.report["issue_count"] >= 1
    if reason is not None:
        assert reason in {one["reason"] for one in record.report["issues"]}
    with pytest.raises(ImportNotReady):
        await office.commit(OPERATOR, id_=record.id)
    assert await closes(house) == before


async def test_unreadable_file_is_refused_with_the_reason(office: Office):
    record = await office.checked(b"date,symbol,close\n")
    assert (record.state, record.report) == (
        ImportState.REFUSED,
        {"detail": "The file has a header and no rows.", "errors": []},
    )


async def test_refused_file_is_checked_again_once_its_exchange_is_known(house: MarketHouse, office: Office):
    record = await office.checked(mapping=FileMapping(mic="XLON"))
    assert record.state is ImportState.REFUSED
    (known,) = house.calendars.known
    house.calendars.known = [known, replace(known, mic="XLON")]
    assert (await office.check(OPERATOR, id_=record.id)).state is ImportState.CHECKED


async def test_symbol_without_an_exchange_is_the_only_asset_of_that_name(house: MarketHouse, office: Office):
    record = await office.checked(b"date,symbol,close\n2024-02-05,AAA,6\n", FileMapping())
    assert record.state is ImportState.CHECKED
    await house.market.register_assets([listing("AAA", mic="XLON", currency="GBP")])
    assert (await office.check(OPERATOR, id_=record.id)).state is ImportState.REFUSED


@pytest.mark.parametrize("content", [b"", b"x" * 11], ids=["empty", "too-large"])
async def test_upload_out_of_bounds_is_refused(
    office: Office, content: bytes, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("waardhaven.application.market.import_prices.LARGEST_FILE", 10)
    with pytest.raises(InvalidUpload) as refused:
        await office.upload(OPERATOR, name="x", content=content, mapping=MAPPING)
    assert [one.field for one in refused.value.errors] == ["file"]


async def test_imports_are_listed_newest_first(house: MarketHouse, office: Office):
    first, second = await office.checked(), await office.checked()
    listed = ListImports(house.market.imports)
    newest = await listed(OPERATOR, limit=1)
    assert {one.id for one in await listed(OPERATOR, limit=5)} == {first.id, second.id}
    (other,) = await listed(OPERATOR, limit=5, before=newest[0].id)
    assert {newest[0].id, other.id} == {first.id, second.id}


async def test_job_checks_then_commits_and_looks_at_the_quality_of_what_came(
    house: MarketHouse, office: Office
):
    record = await office.upload(OPERATOR, name="x", content=GOOD, mapping=MAPPING)
    checked = await office.job(OPERATOR, ImportParams(import_id=str(record.id)), FakeJobRun())
    assert checked.result == {"import": str(record.id), "state": "checked"}
    params = ImportParams(import_id=str(record.id), act="commit")
    done = await office.job(OPERATOR, params, FakeJobRun())
    assert done.result == {
        "import": str(record.id),
        "state": "committed",
        "inserted": 2,
        "changed": 1,
        "findings": done.result["findings"],
    }
    again = await office.job(OPERATOR, params, FakeJobRun())
    assert again.result == {
        "import": str(record.id),
        "state": "committed",
        "findings": done.result["findings"],
    }
    with pytest.raises(NoImportNamed):
        await office.job(OPERATOR, ImportParams(), FakeJobRun())


async def test_only_operators_import(house: MarketHouse, office: Office):
    by = Principal(user=None, role=Role.ANALYST)
    nothing = ImportId(UUID(int=1))
    for act in (
        office.upload(by, name="x", content=GOOD, mapping=MAPPING),
        office.check(by, id_=nothing),
        office.commit(by, id_=nothing),
        office.undo(by, id_=nothing, reason="x"),
        office.read(by, id_=nothing),
        office.job(by, ImportParams(), FakeJobRun()),
    ):
        with pytest.raises(PermissionDenied):
            await act
    with pytest.raises(UnknownImport):
        await office.read(OPERATOR, id_=nothing)
