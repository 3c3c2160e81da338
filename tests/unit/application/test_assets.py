"""Assets: registered, renamed, archived, and what people enter of them."""

from datetime import date

import numpy as np
import pytest
from tests.fakes.unit_of_work import FakeUnitOfWork
from tests.unit.application.market_house import MarketHouse
from tests.unit.application.test_prices import bars, filled, listing

from waardhaven.application.answers import InvalidCursor
from waardhaven.application.market.assets import ListActions, ListAssets, ListSymbols, ViewAsset
from waardhaven.application.market.enter_action import ActionDraft, EnterAction
from waardhaven.application.market.manage_assets import (
    ArchiveAsset,
    AssetExists,
    ChangeAsset,
    CreateAsset,
    InvalidAsset,
)
from waardhaven.application.ports.market_facts import Listing, SessionColumns, SymbolTaken
from waardhaven.domain.identity.roles import OPERATOR, PermissionDenied, Principal, Role
from waardhaven.domain.market.actions import MalformedAction
from waardhaven.domain.market.asset import UnknownAsset

ANALYST = Principal(user=None, role=Role.ANALYST)
DAY = np.array(["2024-01-02"], dtype="datetime64[D]")
HOURS = {"day": DAY, "open_at": DAY.astype("datetime64[s]"), "close_at": DAY.astype("datetime64[s]") + 60}


@pytest.fixture
async def house() -> MarketHouse:
    house = MarketHouse()
    await filled(house, bars(listing("AAA"), [1.0, 2.0]), bars(listing("BBB"), [3.0]))
    house.calendars.known = [SessionColumns(mic="XLON", **HOURS)]
    return house


@pytest.fixture
def uow() -> FakeUnitOfWork:
    return FakeUnitOfWork()


def creating(house: MarketHouse, uow: FakeUnitOfWork) -> CreateAsset:
    return CreateAsset(house.market, house.market, house.calendars, uow)


def changing(house: MarketHouse, uow: FakeUnitOfWork) -> ChangeAsset:
    return ChangeAsset(house.market, house.market, house.calendars, uow)


def entering(house: MarketHouse, uow: FakeUnitOfWork) -> EnterAction:
    return EnterAction(house.market, house.market, uow)


async def test_new_asset_is_registered_with_the_sessions_of_its_exchange(
    house: MarketHouse, uow: FakeUnitOfWork
):
    made = await creating(house, uow)(OPERATOR, listing("CCC", mic="XLON", currency="GBP"))
    assert (made.symbol, made.mic, made.currency, made.series, made.archived) == (
        "CCC",
        "XLON",
        "GBP",
        (),
        False,
    )
    assert (await house.market.sessions("XLON")).tolist() == DAY.tolist()
    assert [one[0] for one in uow.audit.entries] == ["asset.created"]
    with pytest.raises(AssetExists, match=f"asset {made.id} already"):
        await creating(house, uow)(OPERATOR, listing("CCC", mic="XLON", currency="GBP"))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("symbol", "a b"),
        ("symbol", ""),
        ("mic", "NYSE2"),
        ("name", " "),
        ("name", "x" * 201),
        ("asset_type", "nft"),
        ("currency", "usd"),
        ("country", "USA"),
        ("sector", ""),
    ],
)
async def test_asset_that_breaks_a_rule_is_refused_by_field(
    house: MarketHouse, uow: FakeUnitOfWork, field: str, value: str
):
    plain = {"symbol": "CCC", "mic": "XNYS", "name": "C", "asset_type": "equity", "currency": "USD"}
    with pytest.raises(InvalidAsset) as refused:
        await creating(house, uow)(OPERATOR, Listing(**(plain | {field: value})))
    assert [one.field for one in refused.value.errors] == [field]
    with pytest.raises(UnknownAsset):
        await ViewAsset(house.market)(OPERATOR, symbol="CCC")


async def test_renamed_asset_keeps_its_id_its_prices_and_its_former_name(
    house: MarketHouse, uow: FakeUnitOfWork
):
    before = await ViewAsset(house.market)(OPERATOR, symbol="AAA")
    after = await changing(house, uow)(
        OPERATOR, symbol="AAA", changes={"symbol": "NEW", "name": "New plc"}, since=date(2024, 3, 1)
    )
    assert (after.id, after.symbol, after.name, after.series) == (before.id, "NEW", "New plc", before.series)
    assert [(one.symbol, one.until) for one in after.names] == [("AAA", date(2024, 3, 1)), ("NEW", None)]
    assert (await ViewAsset(house.market)(OPERATOR, symbol="AAA")).id == before.id
    assert (await ViewAsset(house.market)(OPERATOR, symbol="NEW")).id == before.id


async def test_change_of_the_symbol_needs_its_day_and_a_name_that_is_free(
    house: MarketHouse, uow: FakeUnitOfWork
):
    with pytest.raises(InvalidAsset) as refused:
        await changing(house, uow)(OPERATOR, symbol="AAA", changes={"symbol": "NEW"})
    assert [one.field for one in refused.value.errors] == ["since"]
    with pytest.raises(SymbolTaken):
        await changing(house, uow)(OPERATOR, symbol="AAA", changes={"symbol": "BBB"}, since=date(2024, 3, 1))


async def test_sector_changes_without_a_day_and_nothing_else_does(house: MarketHouse, uow: FakeUnitOfWork):
    after = await changing(house, uow)(OPERATOR, symbol="AAA", changes={"sector": "Energy"})
    assert (after.sector, after.name) == ("Energy", "AAA plc")
    assert [one[0] for one in uow.audit.entries] == ["asset.changed"]


async def test_archived_asset_leaves_the_lists_and_comes_back(house: MarketHouse):
    archive, lists = ArchiveAsset(house.market, house.market), ListAssets(house.market)
    assert (await archive(OPERATOR, symbol="AAA")).archived
    assert [one.symbol for one in (await lists(OPERATOR)).items] == ["BBB"]
    assert [one.symbol for one in (await lists(OPERATOR, archived=True)).items] == ["AAA"]
    assert (await ViewAsset(house.market)(OPERATOR, symbol="AAA")).archived
    assert not (await archive(OPERATOR, symbol="AAA", archived=False)).archived
    assert len((await lists(OPERATOR, archived=None)).items) == 2


async def test_lists_are_paged_and_symbols_tell_the_days_there_are_prices_of(house: MarketHouse):
    first = await ListSymbols(house.market)(OPERATOR, limit=1)
    assert [(one.symbol, one.bars, one.sources) for one in first.items] == [("AAA", 2, ("sample",))]
    assert (first.items[0].first, first.items[0].last) == (date(2024, 2, 1), date(2024, 2, 2))
    second = await ListSymbols(house.market)(OPERATOR, limit=1, cursor=first.next_cursor)
    assert [one.symbol for one in second.items] == ["BBB"]
    assert second.next_cursor is None
    for wrong in ("abc", "0", "-1", str(2**63)):
        with pytest.raises(InvalidCursor):
            await ListAssets(house.market)(OPERATOR, cursor=wrong)


async def test_entered_action_is_shown_beside_those_of_sources_and_superseded_by_the_next(
    house: MarketHouse, uow: FakeUnitOfWork
):
    enter = entering(house, uow)
    await enter(OPERATOR, symbol="AAA", draft=ActionDraft(kind="split", ex_date=date(2024, 2, 2), ratio="2"))
    await enter(
        OPERATOR, symbol="AAA", draft=ActionDraft(kind="split", ex_date=date(2024, 2, 2), ratio="2.50")
    )
    (known,) = await ListActions(house.market)(OPERATOR, symbol="AAA")
    assert (known.source, known.key, known.ratio) == ("manual", "split-2024-02-02", "2.5")
    spin = ActionDraft(kind="spin_off", ex_date=date(2024, 2, 2), other="BBB")
    told = await enter(OPERATOR, symbol="AAA", draft=spin)
    assert [one.other_asset for one in told if one.kind == "spin_off"] == [2]


@pytest.mark.parametrize(
    ("draft", "fields"),
    [
        (ActionDraft(kind="gift", ex_date=date(2024, 1, 1), status="maybe"), ["kind", "status"]),
        (ActionDraft(kind="split", ex_date=date(2024, 1, 1)), ["ratio"]),
        (ActionDraft(kind="split", ex_date=date(2024, 1, 1), ratio="two"), ["ratio"]),
        (ActionDraft(kind="split", ex_date=date(2024, 1, 1), ratio="-2"), ["ratio"]),
        (ActionDraft(kind="cash_dividend", ex_date=date(2024, 1, 1)), ["amount"]),
        (ActionDraft(kind="cash_dividend", ex_date=date(2024, 1, 1), amount="NaN"), ["amount"]),
        (
            ActionDraft(kind="cash_dividend", ex_date=date(2024, 1, 1), amount="1", currency="usd"),
            ["currency"],
        ),
        (ActionDraft(kind="cash_dividend", ex_date=date(2024, 1, 1), amount="1"), ["currency"]),
        (
            ActionDraft(
                kind="cash_dividend",
                ex_date=date(2024, 1, 2),
                pay_date=date(2024, 1, 1),
                amount="1",
                currency="USD",
            ),
            ["pay_date"],
        ),
    ],
)
async def test_action_that_contradicts_itself_is_refused_by_field(
    house: MarketHouse, uow: FakeUnitOfWork, draft: ActionDraft, fields: list[str]
):
    with pytest.raises(MalformedAction) as refused:
        await entering(house, uow)(OPERATOR, symbol="AAA", draft=draft)
    assert [one.field for one in refused.value.errors] == fields
    assert await ListActions(house.market)(OPERATOR, symbol="AAA") == ()


async def test_analysts_read_and_change_nothing(house: MarketHouse, uow: FakeUnitOfWork):
    assert len((await ListAssets(house.market)(ANALYST)).items) == 2
    draft = ActionDraft(kind="split", ex_date=date(2024, 1, 1), ratio="2")
    for act in (
        creating(house, uow)(ANALYST, listing("CCC")),
        changing(house, uow)(ANALYST, symbol="AAA", changes={}),
        ArchiveAsset(house.market, house.market)(ANALYST, symbol="AAA"),
        entering(house, uow)(ANALYST, symbol="AAA", draft=draft),
    ):
        with pytest.raises(PermissionDenied):
            await act
