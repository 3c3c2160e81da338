"""Last prices: a provider's, else the last stored close, each in the currency asked for."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from tests.unit.application.market_house import MarketHouse
from tests.unit.application.test_prices import bars, filled, listing

from waardhaven.application.market.live_quotes import MOST, LiveQuoteView, ReadLiveQuotes, TooManyQuotes
from waardhaven.application.market.quotes import ReadQuotes
from waardhaven.application.ports.fx_rates import FxSources, QuotedRates, SpotRate
from waardhaven.application.ports.market_data import Capability, Quote
from waardhaven.domain.identity.roles import PermissionDenied, Principal, Role
from waardhaven.domain.market.asset import UnknownAsset

VIEWER = Principal(user=None, role=Role.VIEWER)
NOW = datetime(2024, 2, 5, 12, tzinfo=UTC)
PENCE = listing("PPP", mic="XLON", currency="GBP")


@pytest.fixture
async def house() -> MarketHouse:
    house = MarketHouse()
    house.clock.instant = NOW
    await filled(house, bars(listing("AAA"), [50.0, 52.0]), bars(PENCE, [250.0], quote_unit="GBX"))
    at = NOW - timedelta(minutes=2)
    house.source.last = [
        Quote(listing=listing("AAA"), source="sample", price=55.0, quote_unit="USD", at=at),
        Quote(listing=PENCE, source="sample", price=260.0, quote_unit="GBX", at=None, previous_close=250.0),
    ]
    return house


async def asked(house: MarketHouse, *symbols: str, currency: str | None = None) -> list[LiveQuoteView]:
    read = ReadLiveQuotes(
        house.market, house.source, ReadQuotes(house.market, house.clock), FxSources((house.fx,)), house.clock
    )
    return list(await read(VIEWER, symbols=symbols, currency=currency))


async def rates(house: MarketHouse, *days: str, usd: float = 1.25) -> None:
    axis = np.array(days, dtype="datetime64[D]")
    await house.market.write_fx(
        [
            QuotedRates(
                base="EUR", quote=quote, source="s", fixing="ECB", day=axis, rate=np.full(len(axis), rate)
            )
            for quote, rate in (("USD", usd), ("GBP", 0.8))
        ]
    )


async def test_quote_of_a_provider_tells_its_age_and_pence_are_pounds(house: MarketHouse):
    first, second = await asked(house, "AAA", "PPP")
    assert (first.price, first.currency, first.live, first.age_seconds) == (55.0, "USD", True, 120.0)
    assert (second.price, second.previous_close, second.currency, second.at) == (2.6, 2.5, "GBP", None)
    assert house.source.asked == ["quotes"]


async def test_stored_close_answers_with_the_reason_where_no_provider_does(house: MarketHouse):
    house.source.capabilities = frozenset({Capability.BARS})
    (one,) = await asked(house, "AAA")
    assert (one.price, one.live, one.reason) == (52.0, False, "No source of quotes is set up.")
    assert one.age_seconds is not None


async def test_asset_without_any_price_has_none_and_says_why(house: MarketHouse):
    await house.market.register_assets([listing("NEW")])
    house.source.last = []
    (one,) = await asked(house, "NEW", currency="EUR")
    assert (one.price, one.reason) == (None, "There are no prices of this asset yet.")


async def test_live_price_is_converted_at_the_present_rate_of_a_source(house: MarketHouse):
    house.fx.spots = {("USD", "EUR"): SpotRate(base="USD", quote="EUR", source="s", rate=0.9, at=NOW)}
    await rates(house, "2024-02-05")
    first, second = await asked(house, "AAA", "PPP", currency="EUR")
    assert first.price == pytest.approx(55.0 * 0.9)
    assert second.price == pytest.approx(2.6 / 0.8)
    assert second.previous_close == pytest.approx(2.5 / 0.8)
    (own,) = await asked(house, "AAA", currency="USD")
    assert own.price == 55.0


async def test_stored_close_is_converted_at_the_rate_of_its_day(house: MarketHouse):
    house.source.last = []
    house.fx.spots = {("USD", "EUR"): SpotRate(base="USD", quote="EUR", source="s", rate=0.9, at=NOW)}
    await rates(house, "2024-02-02")
    await rates(house, "2024-02-05", usd=2.0)
    (one,) = await asked(house, "AAA", currency="EUR")
    assert one.price == pytest.approx(52.0 / 1.25)


async def test_price_without_a_rate_is_unknown_with_the_reason(house: MarketHouse):
    (none,) = await asked(house, "AAA", currency="EUR")
    assert (none.price, none.reason) == (None, "There is no exchange rate from USD to EUR.")
    await rates(house, "2024-01-20")
    (old,) = await asked(house, "AAA", currency="EUR")
    assert old.price is None


@pytest.mark.parametrize(
    ("symbols", "currency", "fields"),
    [
        ((), None, ["symbols"]),
        (tuple(f"S{n}" for n in range(MOST + 1)), None, ["symbols"]),
        (("AAA",), "XXX", ["currency"]),
    ],
)
async def test_questions_out_of_bounds_are_refused_by_field(
    house: MarketHouse, symbols: tuple[str, ...], currency: str | None, fields: list[str]
):
    with pytest.raises(TooManyQuotes) as refused:
        await asked(house, *symbols, currency=currency)
    assert [one.field for one in refused.value.errors] == fields


async def test_unknown_symbols_and_callers_without_the_permission_are_refused(house: MarketHouse):
    with pytest.raises(UnknownAsset):
        await asked(house, "NOPE")
    read = ReadLiveQuotes(
        house.market, house.source, ReadQuotes(house.market, house.clock), FxSources(), house.clock
    )
    with pytest.raises(PermissionDenied):
        await read(Principal(user=None, role=Role.VIEWER, scopes=frozenset()), symbols=("AAA",))
