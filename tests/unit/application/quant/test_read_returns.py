"""ReadReturns: which returns follow from stored symbols, and what is refused, over fakes."""

from dataclasses import replace
from datetime import date
from typing import Any

import numpy as np
import pytest
from tests.unit.application.bench import DAYS, Bench
from tests.unit.application.world import World

from waardhaven.application.ports.market_data import MarketSetup, SourceInfo
from waardhaven.application.pricing.adjusting import ReadActions
from waardhaven.application.pricing.read_closes import ReadCloses, TooManyCloses
from waardhaven.application.quant import read_returns
from waardhaven.application.quant.read_returns import (
    MOST_SYMBOLS,
    ReadReturns,
    ReturnsOrder,
    StoredReturns,
    UnusableSymbols,
)
from waardhaven.domain.index.definition import Adjustment
from waardhaven.domain.market.calendar import Frequency
from waardhaven.domain.types import as_date

RISING = np.linspace(50.0, 60.0, len(DAYS))
FALLING = np.linspace(90.0, 70.0, len(DAYS)) + np.sin(np.arange(len(DAYS)))


@pytest.fixture
async def bench(world: World) -> Bench:
    bench = Bench(world)
    await bench.open()
    return bench


async def ask(bench: Bench, *symbols: str, **changes: Any) -> StoredReturns:
    market = bench.world.market
    setup = MarketSetup(sources=(SourceInfo(name="sample", capabilities=frozenset()),))
    closes = ReadCloses(market, market, ReadActions(market), setup)
    read = ReadReturns(market, closes, bench.world.pool)
    return await read(replace(ReturnsOrder(symbols=symbols), **changes))


async def broken(bench: Bench, *symbols: str, **changes: Any) -> dict[str, str]:
    with pytest.raises(UnusableSymbols) as caught:
        await ask(bench, *symbols, **changes)
    return {one.field: one.rule for one in caught.value.errors}


# --- what is read


async def test_returns_are_those_of_closes_in_the_order_of_the_symbols(bench: Bench) -> None:
    await bench.add("UP", RISING)
    await bench.add("DOWN", FALLING)
    found = await ask(bench, "down", "UP:XNYS")
    assert found.names == ("down", "UP:XNYS")
    np.testing.assert_array_equal(found.values[:, 0], FALLING[1:] / FALLING[:-1] - 1.0)
    np.testing.assert_array_equal(found.values[:, 1], RISING[1:] / RISING[:-1] - 1.0)
    np.testing.assert_array_equal(found.days, DAYS[1:])
    assert (found.first, found.last) == (as_date(DAYS[0]), as_date(DAYS[-1]))
    assert (found.periods_per_year, found.left_out, found.notes) == (252.0, 0, ())
    assert [(one.symbol, one.mic, one.adjust) for one in found.sources] == [
        ("DOWN", "XNYS", "all"),
        ("UP", "XNYS", "all"),
    ]


async def test_a_day_that_one_name_lacks_is_left_out_for_all(bench: Bench) -> None:
    await bench.add("UP", RISING)
    kept = np.delete(np.arange(len(DAYS)), [5, 6])
    await bench.add("GAPS", FALLING[kept], axis=DAYS[kept])
    found = await ask(bench, "UP", "GAPS")
    assert found.left_out == 2
    assert len(found.values) == len(DAYS) - 3
    assert found.values[4, 0] == RISING[7] / RISING[4] - 1.0


async def test_raw_closes_are_adjusted_for_splits_and_distributions_of_many_at_once(bench: Bench) -> None:
    halved = np.where(np.arange(len(DAYS)) < 10, 100.0, 50.0)
    paid = np.where(np.arange(len(DAYS)) < 20, 100.0, 99.0)
    first, _ = await bench.add("SPLIT", halved, adjustment=Adjustment.RAW)
    second, _ = await bench.add("PAYS", paid, adjustment=Adjustment.RAW)
    await bench.acted(first, "split", as_date(DAYS[10]), ratio="2")
    await bench.acted(second, "cash_dividend", as_date(DAYS[20]), amount="1", currency="USD")
    found = await ask(bench, "SPLIT", "PAYS")
    np.testing.assert_allclose(found.values, 0.0, atol=1e-15)


async def test_closes_that_count_no_distributions_are_told(bench: Bench) -> None:
    await bench.add("UP", RISING, adjustment=Adjustment.SPLITS)
    found = await ask(bench, "UP")
    assert found.sources[0].adjust == "splits"
    assert "Without distributions, as no closes here count them: UP." in found.notes


async def test_the_range_bounds_the_closes(bench: Bench) -> None:
    await bench.add("UP", RISING)
    found = await ask(bench, "UP", start=as_date(DAYS[10]), end=as_date(DAYS[20]))
    assert (found.first, found.last) == (as_date(DAYS[10]), as_date(DAYS[20]))
    np.testing.assert_array_equal(found.values[:, 0], RISING[11:21] / RISING[10:20] - 1.0)


async def test_weeks_reach_from_their_last_day_to_the_next_and_the_last_must_be_over(bench: Bench) -> None:
    await bench.add("UP", RISING)
    fridays = np.flatnonzero(np.is_busday(DAYS, weekmask="Fri"))
    through_wednesday = as_date(DAYS[fridays[4] + 3])
    found = await ask(bench, "UP", end=through_wednesday, frequency=Frequency.WEEKLY)
    assert found.periods_per_year == 52.0
    assert found.last == as_date(DAYS[fridays[4]])
    np.testing.assert_array_equal(found.days, DAYS[fridays[1:5]])
    np.testing.assert_array_equal(found.values[:, 0], RISING[fridays[1:5]] / RISING[fridays[:4]] - 1.0)


async def test_returns_of_other_currencies_are_converted_when_one_is_named_and_noted_else(
    bench: Bench,
) -> None:
    await bench.add("EURO", RISING, unit="EUR", currency="EUR")
    await bench.add("UP", RISING)
    own = await ask(bench, "EURO", "UP")
    assert own.notes == ("Returns are each in its own currency (EUR, USD); name a currency for one.",)
    found = await ask(bench, "EURO", "UP", currency="USD")
    half = len(DAYS) // 2
    assert found.values[half - 1, 0] == pytest.approx(RISING[half] * 1.5 / (RISING[half - 1] * 1.25) - 1.0)
    assert found.values[half - 1, 1] == pytest.approx(RISING[half] / RISING[half - 1] - 1.0)
    assert (found.notes, found.currency) == ((), "USD")


async def test_pence_and_pounds_need_no_rates(bench: Bench) -> None:
    await bench.add("PENCE", RISING, unit="GBX", currency="GBP")
    found = await ask(bench, "PENCE", currency="GBP")
    np.testing.assert_array_equal(found.values[:, 0], RISING[1:] / RISING[:-1] - 1.0)


# --- what is refused


async def test_a_currency_without_rates_is_refused_by_its_field(bench: Bench) -> None:
    await bench.add("UP", RISING)
    rules = await broken(bench, "UP", currency="CHF")
    assert "There are no rates for CHF" in rules["currency"]


async def test_every_symbol_that_can_not_be_used_is_named(bench: Bench) -> None:
    await bench.add("UP", RISING)
    await bench.add("TWO", RISING)
    await bench.add("TWO", RISING, mic="XNAS")
    rules = await broken(bench, "UP", "nobody", "no good", "TWO", "UP:XNYS")
    assert list(rules) == ["symbols.1", "symbols.2", "symbols.3", "symbols.4"]
    assert rules["symbols.1"] == "There is no asset NOBODY."
    assert rules["symbols.2"].startswith("A symbol is SYM")
    assert "several exchanges" in rules["symbols.3"]
    assert rules["symbols.4"] == "UP:XNYS is there already: UP:XNYS"


async def test_a_symbol_without_closes_is_named_with_the_range(bench: Bench) -> None:
    await bench.add("UP", RISING)
    await bench.add("NEW", [], axis=DAYS[:0])
    assert await broken(bench, "UP", "NEW") == {"symbols.1": "NEW has no closes here"}
    rules = await broken(bench, "UP", start=date(2001, 1, 1), end=date(2001, 2, 1))
    assert rules == {"symbols.0": "UP has no closes here from 2001-01-01 to 2001-02-01"}


async def test_the_symbol_with_the_shortest_history_is_named(bench: Bench) -> None:
    await bench.add("UP", RISING)
    await bench.add("NEW", RISING[-2:], axis=DAYS[-2:])
    rules = await broken(bench, "UP", "NEW")
    assert rules["symbols.1"].startswith("NEW has 2 closes, ")
    assert rules["symbols.1"].endswith("and all symbols 2 days in common; at least 3")
    weekly = await broken(bench, "UP", end=as_date(DAYS[9]), frequency=Frequency.MONTHLY)
    assert "ends of monthly periods in common" in weekly["symbols.0"]


async def test_days_without_any_in_common_are_refused(bench: Bench) -> None:
    await bench.add("OLD", RISING[:20], axis=DAYS[:20])
    await bench.add("NEW", RISING[30:], axis=DAYS[30:])
    for frequency in (Frequency.DAILY, Frequency.WEEKLY):
        assert "0 " in (await broken(bench, "OLD", "NEW", frequency=frequency))["symbols.0"]


async def test_an_order_out_of_bounds_is_refused_with_every_field(bench: Bench) -> None:
    rules = await broken(
        bench, start=date(2020, 1, 2), end=date(2020, 1, 2), frequency=Frequency.YEARLY, currency="XXX"
    )
    assert set(rules) == {"symbols", "frequency", "end", "currency"}
    assert rules["symbols"] == f"must be 1 to {MOST_SYMBOLS}, not 0"
    assert set(await broken(bench, *["UP"] * (MOST_SYMBOLS + 1))) == {"symbols"}


async def test_more_closes_than_are_read_at_once_are_refused(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    await bench.add("UP", RISING)
    monkeypatch.setattr(read_returns, "MOST_CLOSES", len(DAYS) - 1)
    with pytest.raises(TooManyCloses, match="at most 59"):
        await ask(bench, "UP")
    assert len((await ask(bench, "UP", end=as_date(DAYS[20]))).values) == 20


async def test_a_store_without_a_fact_has_no_returns(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    async def nothing() -> None:
        return None

    await bench.add("UP", RISING)
    monkeypatch.setattr(bench.world.market, "latest_vintage", nothing)
    assert await broken(bench, "UP") == {"symbols": "must have closes here: the store is empty"}
