"""Benchmarks beside an index over fakes: which closes answer, in which currency, on which days."""

from dataclasses import replace
from datetime import date
from typing import Any
from uuid import UUID

import numpy as np
import pytest
from tests.unit.application.bench import DAYS, LONG_AGO, ROWS, Bench, an_order
from tests.unit.application.world import AXIS, CLOSES, DEFINITION, VIEWER, WARM_UP, World, day

from waardhaven.application.answers import InvalidRange, SeriesView
from waardhaven.application.indexes.benchmark_names import InvalidBenchmark, parse_benchmark
from waardhaven.application.indexes.compare_benchmark import CompareBenchmark, ReadBenchmark
from waardhaven.application.indexes.conversion import UnknownTarget
from waardhaven.application.indexes.metric_views import BenchmarkView
from waardhaven.application.indexes.queries import UnknownVariant
from waardhaven.application.indexes.read_benchmark_levels import (
    BenchmarkNotStored,
)
from waardhaven.application.indexes.risk_metrics import ReadRiskMetrics
from waardhaven.application.indexes.risk_windows import RiskOrder
from waardhaven.domain.errors import Forbidden
from waardhaven.domain.identity.access import Access, Visibility
from waardhaven.domain.identity.roles import ANONYMOUS, OPERATOR
from waardhaven.domain.index.build_record import NothingPublished, UnknownIndex
from waardhaven.domain.index.definition import Adjustment, Variant
from waardhaven.domain.market.asset import AmbiguousSymbol, UnknownAsset
from waardhaven.domain.metrics import METRICS
from waardhaven.domain.types import UserId


def shown(view: SeriesView) -> BenchmarkView:
    found = view.head["benchmark"]
    assert isinstance(found, BenchmarkView)
    return found


@pytest.fixture
async def bench(world: World) -> Bench:
    bench = Bench(world)
    await bench.open()
    return bench


# --- names


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("spx", [("SPX", 1.0)]),
        ("SPX:XNYS", [("SPX:XNYS", 1.0)]),
        ("17", [("17", 1.0)]),
        ("index:mine", [("index:mine", 1.0)]),
        ("aaa:0.6, index:mine:0.4", [("AAA", 0.6), ("index:mine", 0.4)]),
        ("A:XNYS:0.25,B:0.75", [("A:XNYS", 0.25), ("B", 0.75)]),
    ],
)
def test_a_benchmark_is_a_symbol_an_index_or_a_blend(text: str, parts: list[tuple[str, float]]):
    found = parse_benchmark(text)
    assert [(one.name, pytest.approx(one.weight)) for one in found] == parts
    assert [one.slug for one in found] == [
        name.removeprefix("index:") if name.startswith("index:") else None for name, _ in parts
    ]


def test_thirds_are_weights_that_add_up_to_one():
    found = parse_benchmark("A:0.3333333,B:0.3333333,C:0.3333333")
    assert sum(one.weight for one in found) == pytest.approx(1.0, abs=1e-15)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "SYM"),
        ("a b", "SYM"),
        ("index:", "index:slug"),
        ("index:Mine", "index:slug"),
        ("A,B", "weight"),
        ("A:0.5,B", "weight"),
        ("A:1.5,B:-0.5", "weight"),
        ("A:nan,B:0.5", "weight"),
        ("A:1e-1,B:0.9", "weight"),
        ("A:0_5,B:0.5", "weight"),
        ("A:0,B:1", "weight"),
        (":0.5,B:0.5", "weight"),
        ("A:0.5,a:0.5", "once"),
        ("A:0.5,B:0.6", "'A:0.454545,B:0.545455'"),
        (",".join(f"A{one}:0.04" for one in range(25)), "at most 20"),
    ],
)
def test_what_is_no_benchmark_is_told_with_what_is(text: str, told: str):
    with pytest.raises(InvalidBenchmark) as caught:
        parse_benchmark(text)
    (broken,) = caught.value.errors
    assert broken.field == "benchmark"
    assert told in broken.rule


# --- levels beside each other


async def test_both_begin_at_a_hundred_on_the_first_common_day(bench: Bench):
    found = await bench.read()
    columns = found.columns
    assert columns["dates"].tolist() == DAYS.tolist()
    close = CLOSES[WARM_UP : WARM_UP + ROWS, 1]
    np.testing.assert_allclose(columns["values"], 100 * close / close[0], rtol=1e-14)
    (build,) = bench.world.builds.builds.values()
    level = build.result.levels.level
    np.testing.assert_allclose(columns["index_values"], 100 * level / level[0], rtol=1e-14)
    np.testing.assert_allclose(columns["relative"], columns["index_values"] / columns["values"], rtol=1e-14)
    assert shown(found).name == "BBB:XNYS"
    assert (found.head["currency"], found.head["left_out"], found.head["notes"]) == ("USD", 0, ())
    assert bench.world.pool.computed[-1] == "compared"  # type: ignore[attr-defined]


async def test_rolling_figures_reach_back_before_the_range_and_are_unknown_before_a_window(bench: Bench):
    whole, part = await bench.read(), await bench.read(start=day(5), end=day(30))
    for name in ("beta", "alpha", "tracking_error"):
        assert np.isnan(whole.columns[name][:10]).all()
        assert np.isfinite(whole.columns[name][10:]).all()
        np.testing.assert_array_equal(part.columns[name], whole.columns[name][5:31])
    assert part.columns["values"][0] == part.columns["index_values"][0] == 100.0
    late = await bench.read(start=day(30))
    np.testing.assert_array_equal(late.columns["beta"], whole.columns["beta"][30:])


async def test_a_window_longer_than_the_history_leaves_rolling_figures_unknown(bench: Bench):
    found = await bench.read(window=ROWS)
    assert np.isnan(found.columns["beta"]).all()


async def test_days_that_one_lacks_are_left_out_for_both(bench: Bench):
    kept = np.delete(np.arange(5, ROWS), [3, 17])
    await bench.add("LSE", 3.0 * CLOSES[WARM_UP + kept, 1], axis=DAYS[kept])
    found = await bench.read("LSE")
    assert found.columns["dates"].tolist() == DAYS[kept].tolist()
    assert found.head["left_out"] == 2
    close = CLOSES[WARM_UP + kept, 1]
    np.testing.assert_allclose(found.columns["values"], 100 * close / close[0], rtol=1e-14)


@pytest.mark.parametrize("changes", [{"start": day(59)}, {"end": date(2001, 1, 1)}])
async def test_less_than_two_common_days_are_an_error_that_says_what_there_is(
    bench: Bench, changes: dict[str, date]
):
    with pytest.raises(InvalidBenchmark) as caught:
        await bench.read(**changes)
    (broken,) = caught.value.errors
    assert f"the index has {DAYS[0]} to {DAYS[-1]}, BBB:XNYS {AXIS[0]} to {DAYS[-1]}" in broken.rule


async def test_a_benchmark_without_a_rate_of_exchange_has_no_day_at_all(bench: Bench):
    await bench.add(
        "OLD", [1.0, 2.0], axis=np.array(["1999-01-04", "1999-01-05"], "M8[D]"), currency="EUR", unit="EUR"
    )
    with pytest.raises(InvalidBenchmark, match="can not be compared") as caught:
        await bench.read("OLD")
    assert "OLD:XNYS none" in caught.value.errors[0].rule


async def test_a_reversed_range_is_refused(bench: Bench):
    for asked in (bench.read, bench.compare):
        with pytest.raises(InvalidRange):
            await asked("BBB", start=day(5), end=day(4))
    with pytest.raises(InvalidRange):
        await bench.measure(start=day(5), end=day(4))


async def test_only_who_may_read_indices_compares(bench: Bench):
    parts = (bench.levels, bench.benchmark, bench.world.pool)
    for use_case in (ReadBenchmark(*parts), CompareBenchmark(*parts)):
        with pytest.raises(Forbidden):
            await use_case(ANONYMOUS, benchmark="BBB", order=an_order())
    with pytest.raises(Forbidden):
        await ReadRiskMetrics(bench.measurable, bench.world.pool)(ANONYMOUS, order=RiskOrder(slug="an-index"))


# --- currencies


async def test_both_are_read_in_one_currency_at_the_rate_of_each_day(bench: Bench):
    await bench.add("GIL", 100.0 * CLOSES[WARM_UP : WARM_UP + ROWS, 1], currency="GBP", unit="GBX")
    await bench.world.add_rates("GBP", {day(one): 0.5 if one < 20 else 0.8 for one in range(-90, ROWS)})
    dollars, euros = await bench.read(), await bench.read(currency="eur")
    gain = (1 / np.array([1.25] * 30 + [1.5] * 30)) / (1 / 1.25)
    np.testing.assert_allclose(euros.columns["values"], dollars.columns["values"] * gain, rtol=1e-12)
    np.testing.assert_allclose(euros.columns["relative"], dollars.columns["relative"], rtol=1e-12)
    pence = await bench.read("GIL")
    rate = np.array([1.25] * 30 + [1.5] * 30) / np.array([0.5] * 20 + [0.8] * 40)
    np.testing.assert_allclose(
        pence.columns["values"], dollars.columns["values"] * rate / rate[0], rtol=1e-12
    )


async def test_a_currency_without_rates_is_refused(bench: Bench):
    with pytest.raises(UnknownTarget):
        await bench.read(currency="JPY")


# --- which closes


async def test_an_index_that_reinvests_is_compared_with_closes_that_do(bench: Bench):
    """Raw prices and stated actions make the total return where there are no adjusted closes."""
    asset, _ = await bench.add("RAW", [100.0, 102.0, 50.0, 51.0], adjustment=Adjustment.RAW, axis=DAYS[:4])
    await bench.acted(asset, "split", day(2), ratio="2")
    await bench.acted(asset, "cash_dividend", day(3), amount="4", currency="USD")
    found = await bench.read("RAW")
    moves = found.columns["values"][1:] / found.columns["values"][:-1] - 1
    np.testing.assert_allclose(moves, [0.02, 100 / 102 - 1, 55 / 50 - 1], rtol=1e-12)
    (part,) = shown(found).parts
    assert (part.kind, part.source, part.adjust, part.variant) == ("asset", "sample", "all", None)


async def test_closes_that_lack_distributions_are_used_with_a_note(bench: Bench):
    await bench.add("SPL", np.arange(1.0, 61.0), adjustment=Adjustment.SPLITS)
    found = await bench.read("SPL")
    assert shown(found).parts[0].adjust == "splits"
    (note,) = found.head["notes"]  # type: ignore[misc]
    assert note == "The closes of SPL that are stored leave out distributions; the index reinvests them."


async def test_the_level_of_an_index_counts_what_its_publisher_does_and_a_note_says_so(bench: Bench):
    await bench.add("SPX", np.arange(1.0, 61.0), asset_type="index")
    (note,) = (await bench.read("SPX")).head["notes"]  # type: ignore[misc]
    assert note.startswith("SPX is an index and counts distributions only if its publisher does")


async def test_an_index_of_prices_alone_is_compared_with_prices_alone(bench: Bench):
    levels = await bench.levels(VIEWER, slug="an-index", variant=None, currency=None, as_of=None)
    price = replace(levels, reinvests=False)
    asset, _ = await bench.add("RAW", [100.0, 102.0, 50.0, 51.0], adjustment=Adjustment.RAW, axis=DAYS[:4])
    await bench.acted(asset, "split", day(2), ratio="2")
    await bench.acted(asset, "cash_dividend", day(3), amount="4", currency="USD")
    found = await bench.benchmark(VIEWER, name="RAW", beside=price, as_of=None)
    assert found.levels.level.tolist() == [50.0, 51.0, 50.0, 51.0]
    adjusted = await bench.benchmark(VIEWER, name="BBB", beside=price, as_of=None)
    assert adjusted.notes == (
        "The closes of BBB that are stored hold distributions; the index leaves out them.",
    )
    other = await bench.benchmark(VIEWER, name="index:an-index", beside=price, as_of=None)
    assert other.notes == ("index:an-index reinvests distributions; the index leaves out them.",)


async def test_what_is_not_known_is_told_as_such(bench: Bench):
    with pytest.raises(UnknownAsset):
        await bench.read("NOPE")
    with pytest.raises(UnknownIndex):
        await bench.read("index:nope")
    with pytest.raises(UnknownVariant):
        await bench.read(variant=Variant.GROSS)
    await bench.add("EMPTY", [], axis=DAYS[:0])
    with pytest.raises(BenchmarkNotStored, match=r"EMPTY:XNYS.*POST /imports/prices"):
        await bench.read("EMPTY")
    await bench.add("BBB", [1.0, 2.0], axis=DAYS[:2], mic="XLON")
    with pytest.raises(AmbiguousSymbol):
        await bench.read("BBB")


async def test_the_private_index_of_somebody_else_is_not_there(bench: Bench):
    access = Access(owner=UserId(UUID(int=9)), visibility=Visibility.PRIVATE)
    await bench.world.indexes.define(replace(DEFINITION, slug="mine"), by=OPERATOR)
    bench.world.indexes.change_access("mine", access)
    with pytest.raises(UnknownIndex):
        await bench.read("index:mine")
    for asked in (bench.read, bench.compare):
        with pytest.raises(UnknownIndex):
            await asked("BBB", slug="mine")
    with pytest.raises(UnknownIndex):
        await bench.measure(slug="mine")


async def test_an_index_that_is_not_published_has_nothing_to_compare(world: World):
    await world.open()
    with pytest.raises(NothingPublished):
        await Bench(world).read()


async def test_closes_of_later_than_the_instant_asked_for_are_not_known(bench: Bench):
    before = bench.world.market.vintages[-1].at
    await bench.add("NEW", [1.0, 2.0], axis=DAYS[:2])
    levels = await bench.levels(VIEWER, slug="an-index", variant=None, currency=None, as_of=None)
    with pytest.raises(BenchmarkNotStored):
        await bench.benchmark(VIEWER, name="NEW", beside=levels, as_of=before)
    first = bench.world.market.vintages[0].at
    with pytest.raises(BenchmarkNotStored):
        await bench.benchmark(VIEWER, name="NEW", beside=levels, as_of=first.replace(year=2000))


# --- the S&P 500


async def test_the_sp500_is_the_first_of_its_names_with_closes(bench: Bench):
    await bench.add("^GSPC", [], axis=DAYS[:0])
    await bench.add("SPY", np.arange(1.0, 61.0))
    assert shown(await bench.read(None)).name == "SPY:XNYS"
    await bench.add("SPX", np.arange(1.0, 61.0))
    assert shown(await bench.read(None)).name == "SPX:XNYS"


async def test_an_ambiguous_name_of_the_sp500_is_that_of_the_first_with_closes(bench: Bench):
    await bench.add("SPY", [], axis=DAYS[:0], mic="XLON")
    await bench.add("SPY", np.arange(1.0, 61.0), mic="ARCX")
    assert shown(await bench.read(None)).name == "SPY:ARCX"


async def test_without_the_sp500_the_answer_says_what_to_do(bench: Bench):
    """The origin lost every metric without benchmark prices, and said nothing (D-W11)."""
    with pytest.raises(BenchmarkNotStored, match=r"\^GSPC, SPX, SPY.*POST /imports/prices.*POST /assets"):
        await bench.read(None)


# --- blends and indices


async def test_a_blend_is_of_its_parts_on_the_days_that_all_have(bench: Bench):
    await bench.add("LATE", np.arange(1.0, 51.0), axis=DAYS[10:])
    found = await bench.read("AAA:0.6,LATE:0.4")
    assert found.columns["dates"].tolist() == DAYS[10:].tolist()
    one = CLOSES[WARM_UP + 10 : WARM_UP + ROWS, 0]
    other = np.arange(1.0, 51.0)
    moves = found.columns["values"][1:] / found.columns["values"][:-1] - 1
    expected = 0.6 * (one[1:] / one[:-1] - 1) + 0.4 * (other[1:] / other[:-1] - 1)
    np.testing.assert_allclose(moves, expected, rtol=0, atol=1e-13)
    assert shown(found).name == "AAA:XNYS:0.6,LATE:XNYS:0.4"
    assert found.head["notes"] == ("The weights of the blend are restored at the close of every common day.",)


async def test_parts_without_common_days_make_no_blend(bench: Bench):
    await bench.add("OLD", [1.0, 2.0], axis=LONG_AGO)
    with pytest.raises(InvalidBenchmark, match="two common days"):
        await bench.read("AAA:0.6,OLD:0.4")


async def test_an_index_beside_itself_differs_by_nothing(bench: Bench):
    found = await bench.read("index:an-index")
    assert set(found.columns["relative"].tolist()) == {1.0}
    assert set(found.columns["tracking_error"][10:].tolist()) == {0.0}
    (part,) = shown(found).parts
    assert (part.name, part.title, part.kind, part.variant) == (
        "index:an-index",
        DEFINITION.name,
        "index",
        str(DEFINITION.variant),
    )


# --- figures of both


async def test_figures_are_those_of_the_range_and_of_both_alike(bench: Bench):
    found = await bench.compare("BBB", start=day(20), confidence=0.9, risk_free_rate=0.03)
    figures: Any = found.head["figures"]
    assert list(figures) == list(METRICS)
    own, theirs = found.columns["index_values"], found.columns["values"]
    mine, other = own[1:] / own[:-1] - 1, theirs[1:] / theirs[:-1] - 1
    assert figures["mean_return"].index == pytest.approx(mine.mean(), rel=1e-12)
    assert figures["mean_return"].benchmark == pytest.approx(other.mean(), rel=1e-12)
    assert figures["var_historical"].benchmark == pytest.approx(-np.quantile(other, 0.1), rel=1e-12)
    free = 1.03 ** (1 / 252) - 1
    sharpe = (mine.mean() - free) / mine.std(ddof=1) * 252**0.5
    assert figures["sharpe"].index == pytest.approx(sharpe, rel=1e-9)
    error = (mine - other).std(ddof=1) * 252**0.5
    assert figures["tracking_error"].index == pytest.approx(error, rel=1e-10)
    assert (figures["tracking_error"].benchmark, figures["tracking_error"].benchmark_reason) == (
        None,
        "no_benchmark",
    )
    assert found.head["confidence"] == 0.9


async def test_without_a_name_it_is_the_benchmark_of_the_definition(bench: Bench):
    with pytest.raises(BenchmarkNotStored):
        await bench.compare()
    await bench.define(benchmark="CCC")
    assert shown(await bench.compare()).name == "CCC:XNYS"
