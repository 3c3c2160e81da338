"""PriceImports, and what PriceStore does for an import: what every implementation must do."""

import secrets
from dataclasses import replace
from datetime import UTC, date, datetime
from itertools import pairwise

import pytest
from tests.contract.conftest import Stores
from tests.contract.market import bars, same, some_series

from waardhaven.application.ports.price_imports import ImportNotReady, PriceImport, UnknownImport
from waardhaven.application.ports.price_store import ChangedSince, UnknownSeries, WriteReport
from waardhaven.domain.errors import Invalid
from waardhaven.domain.identifiers import ordered_id
from waardhaven.domain.identity.roles import OPERATOR
from waardhaven.domain.market.imports import FileMapping, ImportState, Layout, NumberForm
from waardhaven.domain.types import ImportId

MAPPING = FileMapping(layout=Layout.WIDE, numbers=NumberForm.EUROPEAN, columns={"date": "Datum"}, mic="XAMS")
REPORT = {"rows": 3, "issues": [{"line": 2, "reason": "no date"}]}
TURN = ["2019-12-30", "2019-12-31", "2020-01-02", "2020-01-03"]
NOTHING = WriteReport(inserted=0, changed=0, unchanged=0, vintage=None)


def an_import(**changes: object) -> PriceImport:
    plain = PriceImport(
        id=ImportId(ordered_id(datetime.now(UTC), secrets.token_bytes(10))),
        state=ImportState.UPLOADED,
        name="prices.csv",
        digest="ab" * 32,
        size=100,
        mapping=MAPPING,
        owner=None,
        created_at=datetime(2020, 1, 2, 3, 4, 5, tzinfo=UTC),
    )
    return replace(plain, **changes)


async def uploaded(stores: Stores) -> ImportId:
    record = an_import()
    await stores.imports.add(record, by=OPERATOR)
    return record.id


async def checked(stores: Stores) -> ImportId:
    id_ = await uploaded(stores)
    await stores.imports.checked(id_, mapping=MAPPING, report=REPORT)
    return id_


async def state(stores: Stores, id_: ImportId) -> ImportState:
    return (await stores.imports.get(id_)).state


# --- the record


async def test_upload_comes_back_as_it_was_recorded_and_is_in_the_trail(stores: Stores):
    record = an_import()
    await stores.imports.add(record, by=OPERATOR)
    assert await stores.imports.get(record.id) == record
    (entry,) = await stores.recorded("import.uploaded")
    assert (entry.target, entry.credential) == (f"import:{record.id}", "operator")
    assert entry.detail == {"name": "prices.csv", "digest": record.digest, "size": 100}


async def test_import_nobody_made_is_unknown(stores: Stores):
    nobody = an_import().id
    works = (
        stores.imports.get(nobody),
        stores.imports.checked(nobody, mapping=MAPPING, report={}),
        stores.imports.refused(nobody, report={}),
        stores.prices.undo(nobody, reason="a test"),
        stores.prices.write(bars(1, [], []), for_import=nobody),
    )
    for work in works:
        with pytest.raises(UnknownImport):
            await work


@pytest.mark.parametrize("change", [{"digest": "ab"}, {"state": ImportState.COMMITTED}])
async def test_bad_record_is_refused(stores: Stores, change: dict[str, object]):
    with pytest.raises(Invalid):
        await stores.imports.add(an_import(**change), by=OPERATOR)
    assert await stores.imports.page(limit=9) == []


async def test_imports_come_newest_first_and_in_pages(stores: Stores):
    ids = [await uploaded(stores) for _ in range(3)]
    assert sorted(ids) == sorted(ids, key=lambda one: one.int)
    newest = sorted(ids, reverse=True)
    assert [one.id for one in await stores.imports.page(limit=2)] == newest[:2]
    assert [one.id for one in await stores.imports.page(limit=2, before=newest[1])] == newest[2:]
    assert await stores.imports.page(limit=2, before=newest[2]) == []


async def test_check_completes_the_mapping_and_may_be_repeated_refused_and_repeated_again(stores: Stores):
    id_ = await uploaded(stores)
    await stores.imports.checked(id_, mapping=MAPPING, report=REPORT)
    found = await stores.imports.get(id_)
    assert (found.state, found.mapping, found.report) == (ImportState.CHECKED, MAPPING, REPORT)
    other = replace(MAPPING, mic="XLON")
    await stores.imports.checked(id_, mapping=other, report={"rows": 2})
    found = await stores.imports.get(id_)
    assert (found.mapping, found.report) == (other, {"rows": 2})
    for reason in ("no dates", "no numbers"):
        await stores.imports.refused(id_, report={"reason": reason})
        found = await stores.imports.get(id_)
        assert (found.state, found.mapping, found.report) == (ImportState.REFUSED, other, {"reason": reason})
    await stores.imports.checked(id_, mapping=MAPPING, report=REPORT)
    assert await state(stores, id_) is ImportState.CHECKED


# --- committing


async def test_bars_of_an_import_commit_it_under_their_vintage(stores: Stores):
    (series,) = await some_series(stores)
    id_ = await checked(stores)
    report = await stores.prices.write(bars(series, TURN, [1.0] * 4), for_import=id_)
    found = await stores.imports.get(id_)
    assert (found.state, found.vintage, found.undone_vintage) == (
        ImportState.COMMITTED,
        report.vintage,
        None,
    )
    assert found.report == REPORT


@pytest.mark.parametrize("close", [[1.0, 2.0], []], ids=["all_there_already", "no_bars"])
async def test_import_that_changes_nothing_is_committed_without_a_vintage(stores: Stores, close: list[float]):
    (series,) = await some_series(stores)
    offered = bars(series, TURN[: len(close)], close)
    await stores.prices.write(offered)
    before, events = await stores.vintage(), len(await stores.kinds())
    id_ = await checked(stores)
    report = await stores.prices.write(offered, for_import=id_)
    assert report == replace(NOTHING, unchanged=len(close))
    assert (await stores.vintage(), len(await stores.kinds())) == (before, events)
    found = await stores.imports.get(id_)
    assert (found.state, found.vintage) == (ImportState.COMMITTED, None)
    assert await stores.prices.undo(id_, reason="a test") == NOTHING
    assert await state(stores, id_) is ImportState.UNDONE
    assert (await stores.vintage(), len(await stores.kinds())) == (before, events)


async def test_import_that_is_not_checked_or_committed_already_takes_no_bars(stores: Stores):
    (series,) = await some_series(stores)
    fresh, refused, done = await uploaded(stores), await uploaded(stores), await checked(stores)
    await stores.imports.refused(refused, report={})
    await stores.prices.write(bars(series, TURN[:1], [1.0]), for_import=done)
    before = await stores.vintage()
    for id_ in (fresh, refused, done):
        present = await state(stores, id_)
        with pytest.raises(ImportNotReady):
            await stores.prices.write(bars(series, TURN[1:], [1.0] * 3), for_import=id_)
        assert await state(stores, id_) is present
    assert len(await stores.prices.bars([series])) == 1
    assert await stores.vintage() == before


async def test_import_whose_bars_are_refused_stays_checked(stores: Stores):
    id_ = await checked(stores)
    with pytest.raises(UnknownSeries):
        await stores.prices.write(bars(77, TURN, [1.0] * 4), for_import=id_)
    assert await state(stores, id_) is ImportState.CHECKED


async def test_committed_import_is_not_checked_or_refused_again(stores: Stores):
    (series,) = await some_series(stores)
    id_ = await checked(stores)
    await stores.prices.write(bars(series, TURN, [1.0] * 4), for_import=id_)
    for after in (False, True):
        if after:
            await stores.prices.undo(id_, reason="a test")
        with pytest.raises(ImportNotReady):
            await stores.imports.checked(id_, mapping=MAPPING, report={})
        with pytest.raises(ImportNotReady):
            await stores.imports.refused(id_, report={})


# --- undoing


async def test_undo_restores_changed_bars_and_withdraws_added_ones_bit_for_bit(stores: Stores):
    one, other = await some_series(stores, 2)
    await stores.prices.write(bars([one, one, other], TURN[:3], [0.1, 1 / 3, 2.0], open=0.3, volume=5.0))
    before = await stores.prices.bars([one, other])
    id_ = await checked(stores)
    offered = bars([one] * 4 + [other], [*TURN, TURN[2]], [0.1, 0.5, 7.0, 8.0, 2.0], open=0.4, high=9.0)
    written = await stores.prices.write(offered, for_import=id_)
    after, events = await stores.prices.bars([one, other]), len(await stores.kinds())
    report = await stores.prices.undo(id_, reason="another share class")
    at, touched = written.vintage + 1, frozenset([one, other])
    assert report == WriteReport(inserted=0, changed=5, unchanged=0, vintage=at, touched=touched)
    assert (await stores.kinds())[events:] == ["market.prices_committed"]
    assert same(await stores.prices.bars([one, other]), before)
    assert (await stores.prices.closes([one, other])).close.tobytes() == before.close.tobytes()
    found = await stores.imports.get(id_)
    assert (found.state, found.undone_vintage) == (ImportState.UNDONE, report.vintage)
    for vintage, then in ((written.vintage - 1, before), (written.vintage, after), (report.vintage, before)):
        assert same(await stores.prices.bars([one, other], vintage=vintage), then)
        closes = await stores.prices.closes([one, other], vintage=vintage)
        assert closes.close.tobytes() == then.close.tobytes()


async def test_undo_of_an_import_that_only_added_leaves_nothing_of_it(stores: Stores):
    (series,) = await some_series(stores)
    id_ = await checked(stores)
    await stores.prices.write(bars(series, TURN, [1.0] * 4), for_import=id_)
    await stores.prices.undo(id_, reason="a test")
    for read in (stores.prices.bars, stores.prices.closes):
        assert len(await read([series])) == 0
    assert (await stores.prices.write(bars(series, TURN, [2.0] * 4))).inserted == 4


async def test_undo_leaves_what_other_writes_did_to_other_bars(stores: Stores):
    one, other = await some_series(stores, 2)
    await stores.prices.write(bars(one, TURN[:1], [1.0]))
    first, second = await checked(stores), await checked(stores)
    await stores.prices.write(bars(one, TURN[:2], [1.5, 2.0]), for_import=first)
    await stores.prices.write(bars([one, other], TURN[2:], [3.0, 4.0]), for_import=second)
    await stores.prices.withdraw(other, [date(2020, 1, 3)], reason="a test")
    await stores.prices.write(bars(other, TURN[:1], [9.0]))
    await stores.prices.undo(first, reason="a test")
    found = await stores.prices.bars([one, other])
    assert found.close.tolist() == [1.0, 3.0, 9.0]
    assert (await stores.prices.closes([one, other])).close.tolist() == [1.0, 3.0, 9.0]


@pytest.mark.parametrize("how", ["other_value", "withdrawn"])
async def test_undo_is_refused_when_a_bar_was_written_again(stores: Stores, how: str):
    (series,) = await some_series(stores)
    id_ = await checked(stores)
    await stores.prices.write(bars(series, TURN, [1.0] * 4), for_import=id_)
    if how == "withdrawn":
        await stores.prices.withdraw(series, [date(2020, 1, 2)], reason="a test")
    else:
        await stores.prices.write(bars(series, [TURN[2]], [1.0], volume=5.0))
    before, then = await stores.vintage(), await stores.prices.bars([series])
    with pytest.raises(ChangedSince):
        await stores.prices.undo(id_, reason="a test")
    assert await stores.vintage() == before
    assert same(await stores.prices.bars([series]), then)
    assert await state(stores, id_) is ImportState.COMMITTED


async def test_imports_over_the_same_bars_are_undone_the_last_one_first(stores: Stores):
    (series,) = await some_series(stores)
    kept = [await stores.prices.bars([series])]
    done = []
    for close in (1.0, 2.0, 3.0):
        done.append(await checked(stores))
        await stores.prices.write(bars(series, TURN[:2], [close, 5.0]), for_import=done[-1])
        kept.append(await stores.prices.bars([series]))
    for earlier in done[:2]:
        with pytest.raises(ChangedSince):
            await stores.prices.undo(earlier, reason="a test")
    for id_, then in zip(done[::-1], kept[-2::-1], strict=True):
        await stores.prices.undo(id_, reason="a test")
        assert same(await stores.prices.bars([series]), then)
        assert (await stores.prices.closes([series])).close.tobytes() == then.close.tobytes()


async def test_import_is_undone_once_and_only_after_its_commit(stores: Stores):
    (series,) = await some_series(stores)
    id_ = await checked(stores)
    with pytest.raises(ImportNotReady):
        await stores.prices.undo(id_, reason="too early")
    await stores.prices.write(bars(series, TURN, [1.0] * 4), for_import=id_)
    with pytest.raises(Invalid):
        await stores.prices.undo(id_, reason="")
    await stores.prices.undo(id_, reason="a test")
    before = await stores.vintage()
    with pytest.raises(ImportNotReady):
        await stores.prices.undo(id_, reason="again")
    assert await stores.vintage() == before


async def test_vintages_grow_from_commit_to_undo(stores: Stores):
    (series,) = await some_series(stores)
    ids = [await checked(stores) for _ in range(3)]
    for place, id_ in enumerate(ids):
        await stores.prices.write(bars(series, [TURN[place]], [1.0]), for_import=id_)
        await stores.prices.undo(id_, reason="a test")
    found = [await stores.imports.get(one) for one in ids]
    steps = [step for one in found for step in (one.vintage, one.undone_vintage)]
    assert all(one < other for one, other in pairwise(steps))
