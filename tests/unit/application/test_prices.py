"""Reading prices: which series answers, adjusted how, in which currency and period."""

from datetime import UTC, date, datetime

import numpy as np
import pytest
from tests.unit.application.market_house import MarketHouse

from waardhaven.application.answers import InvalidRange, SeriesView
from waardhaven.application.market.read_prices import MOST_SYMBOLS, NoSuchPrices, PricesOutOfBounds
from waardhaven.application.ports.fx_rates import QuotedRates
from waardhaven.application.ports.market_data import BarColumns, MarketSetup, SourceInfo
from waardhaven.application.ports.market_facts import ActionFact, Listing
from waardhaven.domain.identity.roles import OPERATOR, PermissionDenied, Principal, Role
from waardhaven.domain.index.definition import Adjustment

NOBODY = Principal(user=None, role=Role.VIEWER, scopes=frozenset())
VIEWER = Principal(user=None, role=Role.VIEWER)
DAYS = np.array(["2024-01-30", "2024-01-31", "2024-02-01", "2024-02-02"], dtype="datetime64[D]")
RAW = [100.0, 102.0, 51.0, 52.0]
"""A 2-for-1 split on 1 February."""


def listing(symbol: str, *, mic: str = "XNYS", currency: str = "USD") -> Listing:
    return Listing(symbol=symbol, mic=mic, name=f"{symbol} plc", asset_type="equity", currency=currency)


def bars(
    one: Listing, close: list[float], *, mode: Adjustment = Adjustment.RAW, **more: object
) -> BarColumns:
    values = np.array(close)
    plain: dict[str, object] = {
        "listing": one,
        "source": "sample",
        "adjustment": mode,
        "quote_unit": one.currency,
        "day": DAYS[-len(close) :],
        "open": values - 1.0,
        "high": values + 1.0,
        "low": values - 2.0,
        "close": values,
        "volume": np.full(len(close), 100.0),
    }
    return BarColumns(**(plain | more))  # type: ignore[arg-type]


async def filled(house: MarketHouse, *parts: BarColumns) -> None:
    listings = list(dict.fromkeys(one.listing for one in parts))
    ids = await house.market.register_assets(listings)
    await house.write(parts, ids, note="a test")


async def acted(house: MarketHouse, asset: int, kind: str, day: date, **what: str) -> None:
    fact = ActionFact(
        asset=asset,
        key=f"{kind}-{day}",
        source=what.pop("source", "sample"),
        kind=kind,
        status=what.pop("status", "confirmed"),
        ex_date=day,
        **what,  # type: ignore[arg-type]
    )
    await house.market.write_actions([fact])


@pytest.fixture
async def house() -> MarketHouse:
    house = MarketHouse()
    await filled(house, bars(listing("AAA"), RAW), bars(listing("BBB"), [20.0, 21.0]))
    await acted(house, 1, "split", date(2024, 2, 1), ratio="2")
    return house


async def read(house: MarketHouse, *symbols: str, **asked: object) -> SeriesView:
    return await house.reads(VIEWER, symbols=symbols, **asked)  # type: ignore[arg-type]


def series(view: SeriesView) -> list[dict[str, object]]:
    found = view.head["series"]
    assert isinstance(found, list)
    return found


async def test_rows_are_in_the_order_of_the_symbols_then_by_day(house: MarketHouse):
    view = await read(house, "BBB", "AAA")
    assert view.columns["symbols"].tolist() == ["BBB"] * 2 + ["AAA"] * 4
    assert view.columns["dates"].tolist() == [*DAYS[-2:].tolist(), *DAYS.tolist()]
    assert view.columns["close"].tolist() == [20.0, 21.0, *RAW]
    assert view.columns["volume"].tolist() == [100.0] * 6
    assert [(one["symbol"], one["bars"], one["method"]) for one in series(view)] == [
        ("BBB", 2, "stored"),
        ("AAA", 4, "stored"),
    ]


async def test_split_adjusts_prices_and_volumes_before_it(house: MarketHouse):
    view = await read(house, "AAA", adjust="splits")
    assert view.columns["close"].tolist() == [50.0, 51.0, 51.0, 52.0]
    assert view.columns["open"].tolist() == [49.5, 50.5, 50.0, 51.0]
    assert view.columns["volume"].tolist() == [200.0, 200.0, 100.0, 100.0]
    (told,) = series(view)
    assert (told["method"], told["actions"]) == ("computed", 1)


async def test_range_that_ends_before_an_action_is_adjusted_for_it_all_the_same(house: MarketHouse):
    view = await read(house, "AAA", adjust="splits", end=date(2024, 1, 31))
    assert view.columns["close"].tolist() == [50.0, 51.0]


async def test_dividend_counts_in_a_total_return_alone(house: MarketHouse):
    await acted(house, 1, "cash_dividend", date(2024, 2, 2), amount="4", currency="USD")
    splits = await read(house, "AAA", adjust="splits")
    assert splits.columns["close"].tolist() == [50.0, 51.0, 51.0, 52.0]
    whole = await read(house, "AAA", adjust="all")
    close = whole.columns["close"]
    assert close[3] / close[2] == pytest.approx((52.0 + 4.0) / 51.0)
    assert close[3] == 52.0
    assert whole.columns["volume"].tolist() == [200.0, 200.0, 100.0, 100.0]


async def test_cancelled_action_of_people_takes_the_one_of_the_source_out(house: MarketHouse):
    await acted(house, 1, "split", date(2024, 2, 1), ratio="2", source="manual", status="cancelled")
    assert (await read(house, "AAA", adjust="splits")).columns["close"].tolist() == RAW


async def test_what_people_enter_replaces_what_the_source_says_of_that_day(house: MarketHouse):
    await acted(house, 1, "split", date(2024, 2, 1), ratio="4", source="manual")
    assert (await read(house, "AAA", adjust="splits")).columns["close"].tolist() == [25.0, 25.5, 51.0, 52.0]


async def test_dividend_in_pence_of_a_share_quoted_in_pence_is_the_same_money():
    house = MarketHouse()
    one = listing("PPP", mic="XLON", currency="GBP")
    await filled(house, bars(one, [250.0, 200.0], quote_unit="GBX"))
    await acted(house, 1, "cash_dividend", date(2024, 2, 2), amount="0.50", currency="GBP")
    whole = await read(house, "PPP", adjust="all")
    assert whole.columns["close"][1] / whole.columns["close"][0] == pytest.approx(250.0 / 250.0)
    raw = await read(house, "PPP")
    assert raw.columns["close"].tolist() == [2.5, 2.0]
    assert series(raw)[0]["currency"] == "GBP"


async def test_stored_adjusted_series_answers_where_the_source_states_no_actions():
    house = MarketHouse()
    one = listing("AAA")
    adjusted = [value / 4 for value in RAW]
    await filled(house, bars(one, RAW), bars(one, adjusted, mode=Adjustment.ALL))
    whole = await read(house, "AAA", adjust="all")
    assert whole.columns["close"].tolist() == adjusted
    assert series(whole)[0]["method"] == "stored"
    assert (await read(house, "AAA", adjust="splits")).columns["close"].tolist() == RAW
    await acted(house, 1, "split", date(2024, 2, 1), ratio="2")
    computed = await read(house, "AAA", adjust="all")
    assert computed.columns["close"].tolist() == [50.0, 51.0, 51.0, 52.0]


async def test_preferred_source_answers_and_another_when_it_is_named(house: MarketHouse):
    await filled(house, bars(listing("AAA"), [7.0, 8.0], source="other"))
    infos = tuple(SourceInfo(name=name, capabilities=frozenset()) for name in ("other", "sample"))
    house.setup = MarketSetup(sources=infos)
    assert series(await read(house, "AAA"))[0]["source"] == "other"
    assert (await read(house, "AAA", source="sample")).columns["close"].tolist() == RAW


async def rates(house: MarketHouse, days: np.ndarray, rate: list[float]) -> None:
    await house.market.write_fx(
        [QuotedRates(base="EUR", quote="USD", source="sample", fixing="ECB", day=days, rate=np.array(rate))]
    )


async def test_dividend_in_another_currency_counts_at_the_rate_of_its_day_and_not_at_all_without_one(
    house: MarketHouse,
):
    await acted(house, 1, "cash_dividend", date(2024, 2, 2), amount="4", currency="EUR")
    without = await read(house, "AAA", adjust="all")
    assert without.columns["close"].tolist() == [50.0, 51.0, 51.0, 52.0]
    await rates(house, DAYS, [1.0, 1.0, 1.0, 1.5])
    close = (await read(house, "AAA", adjust="all")).columns["close"]
    assert close[3] / close[2] == pytest.approx((52.0 + 6.0) / 51.0)


async def test_each_day_is_converted_at_its_own_rate_and_volume_is_not(house: MarketHouse):
    await rates(house, DAYS, [1.0, 2.0, 4.0, 5.0])
    view = await read(house, "AAA", currency="EUR")
    assert view.columns["close"].tolist() == [100.0, 51.0, 12.75, 10.4]
    assert view.columns["volume"].tolist() == [100.0] * 4
    assert series(view)[0]["currency"] == "EUR"


async def test_rate_is_carried_for_a_week_and_what_has_none_is_unknown_with_a_reason():
    house = MarketHouse()
    days = np.array(["2024-01-02", "2024-01-09", "2024-01-10"], dtype="datetime64[D]")
    await filled(house, bars(listing("AAA"), [10.0, 10.0, 10.0], day=days))
    await rates(house, days[:1], [2.0])
    view = await read(house, "AAA", currency="EUR")
    np.testing.assert_array_equal(view.columns["close"], [5.0, 5.0, np.nan])
    assert series(view)[0]["reason"] == "1 values have no exchange rate of their day."


async def test_currency_without_any_rate_makes_every_price_unknown(house: MarketHouse):
    view = await read(house, "AAA", currency="JPY")
    assert np.isnan(view.columns["close"]).all()
    assert series(view)[0]["reason"] == "4 values have no exchange rate of their day."


async def test_periods_are_gathered_after_adjusting(house: MarketHouse):
    view = await read(house, "AAA", adjust="splits", frequency="monthly")
    assert view.columns["dates"].astype(str).tolist() == ["2024-01-31", "2024-02-02"]
    assert view.columns["open"].tolist() == [49.5, 50.0]
    assert view.columns["high"].tolist() == [51.5, 53.0]
    assert view.columns["close"].tolist() == [51.0, 52.0]
    assert view.columns["volume"].tolist() == [400.0, 200.0]


async def test_prices_and_actions_are_those_known_then(house: MarketHouse):
    then = datetime.now(UTC)
    await acted(house, 1, "split", date(2024, 2, 1), ratio="3")
    now = (await read(house, "AAA", adjust="splits")).columns["close"][0]
    before = await read(house, "AAA", adjust="splits", as_of=then)
    assert (now, before.columns["close"][0]) == (pytest.approx(100 / 3), 50.0)


async def test_symbols_without_prices_are_named_and_the_others_answered(house: MarketHouse):
    await house.market.register_assets([listing("CCC")])
    view = await read(house, "AAA", "CCC", "NOPE", adjust="raw")
    assert [one["symbol"] for one in series(view)] == ["AAA"]
    missing = view.head["missing"]
    assert isinstance(missing, list)
    assert [(one["symbol"], one["code"]) for one in missing] == [
        ("NOPE", "unknown_asset"),
        ("CCC:XNYS", "no_prices"),
    ]


async def test_nothing_at_all_is_not_found(house: MarketHouse):
    with pytest.raises(NoSuchPrices, match="There is no asset NOPE") as refused:
        await read(house, "NOPE")
    assert refused.value.context["missing"]


@pytest.mark.parametrize(
    ("symbols", "asked", "error"),
    [
        ((), {}, PricesOutOfBounds),
        (tuple(f"S{one}" for one in range(MOST_SYMBOLS + 1)), {}, PricesOutOfBounds),
        (("AAA",), {"currency": "XXX"}, PricesOutOfBounds),
        (("AAA",), {"start": date(2024, 2, 1), "end": date(2024, 1, 1)}, InvalidRange),
    ],
)
async def test_questions_out_of_bounds_are_refused(
    house: MarketHouse, symbols: tuple[str, ...], asked: dict[str, object], error: type[Exception]
):
    with pytest.raises(error):
        await read(house, *symbols, **asked)


async def test_answer_that_would_be_too_large_is_refused_before_it_is_read(
    house: MarketHouse, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("waardhaven.application.market.read_prices.MOST_ROWS", 3)
    with pytest.raises(PricesOutOfBounds) as refused:
        await read(house, "AAA")
    assert "fewer symbols or days" in refused.value.errors[0].rule
    assert len((await read(house, "AAA", start=date(2024, 2, 1))).columns["dates"]) == 2


async def test_reading_needs_the_permission(house: MarketHouse):
    with pytest.raises(PermissionDenied):
        await house.reads(NOBODY, symbols=("AAA",))
    assert len((await house.reads(OPERATOR, symbols=("AAA",))).columns["dates"]) == 4
