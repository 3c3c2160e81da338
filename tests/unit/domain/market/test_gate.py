from importlib.resources import files

import numpy as np
import polars as pl
import pytest
from tests.factories import days, sessions

from waardhaven.domain.market.currency import RateColumns
from waardhaven.domain.market.gate import (
    adjustments,
    cross_sources,
    fx_holes,
    gaps,
    off_sessions,
    outliers,
    stale,
    volumes,
)
from waardhaven.domain.market.gate.columns import FindingColumns, UnorderedBars
from waardhaven.domain.market.prices import PriceColumns
from waardhaven.domain.market.quality import Finding, FindingKind
from waardhaven.domain.types import Days, Floats

nan = np.nan
SAMPLE = files("waardhaven.adapters.outbound.market_data") / "sample_data"


def bars(close: list[float] | Floats, day: Days, *, series: int = 1, volume: object = nan) -> PriceColumns:
    values = np.asarray(close, dtype=np.float64)
    unknown = np.full(len(values), nan)
    return PriceColumns(
        series=np.full(len(values), series),
        day=day,
        open=unknown,
        high=unknown,
        low=unknown,
        close=values,
        volume=np.broadcast_to(np.asarray(volume, dtype=np.float64), values.shape).copy(),
    )


def joined(*parts: PriceColumns) -> PriceColumns:
    names = PriceColumns.__slots__
    return PriceColumns(**{name: np.concatenate([getattr(one, name) for one in parts]) for name in names})


def found(columns: FindingColumns) -> list[tuple[int, str]]:
    return list(zip(columns.series.tolist(), columns.day.astype(str).tolist(), strict=True))


def walk(count: int, *, seed: int = 1, scale: float = 0.01) -> Floats:
    return 100.0 * np.exp(np.cumsum(np.random.default_rng(seed).normal(scale=scale, size=count)))


def sample(name: str, close: str = "close") -> tuple[list[str], PriceColumns]:
    """Return the symbols of a sample file and their bars, series 0, 1 … in that order."""
    table = pl.read_parquet((SAMPLE / name).read_bytes())
    symbols = table["symbol"].unique(maintain_order=True).to_list()
    volume = table["volume"] if "volume" in table.columns else pl.Series([None] * len(table))
    made = bars(
        table[close].to_numpy(),
        table["date"].to_numpy().astype("datetime64[D]"),
        volume=volume.cast(pl.Float64).fill_null(nan).to_numpy(),
    )
    series = table["symbol"].replace_strict(symbols, range(len(symbols))).to_numpy().astype(np.int64)
    return symbols, PriceColumns(**{n: getattr(made, n) for n in made.__slots__} | {"series": series})


def test_findings_come_out_one_by_one_as_they_are_recorded() -> None:
    week = sessions(3)
    assert gaps(bars([1, 1], week[[0, 2]], series=7), week).findings() == [
        Finding(
            series=7,
            day=week[1].astype(object),
            kind=FindingKind.GAP,
            detail="no bar on a session; the last was on 2020-01-01",
        )
    ]


@pytest.mark.parametrize("check", [stale, volumes, lambda one: gaps(one, sessions(5))])
def test_bars_out_of_order_are_refused(check) -> None:
    with pytest.raises(UnorderedBars):
        check(bars([1, 1], sessions(2)[::-1]))


def test_no_bars_have_nothing_odd_about_them() -> None:
    none = bars([], sessions(0))
    week = sessions(5)
    checks = [gaps(none, week), off_sessions(none, week), stale(none), volumes(none)]
    checks += [outliers(none, np.ones(0)), cross_sources(none, np.zeros(0))]
    assert [found(one) for one in checks] == [[]] * 6


def test_sessions_between_the_first_and_the_last_bar_without_one_are_gaps() -> None:
    week = sessions(10)
    both = joined(bars([1, 1, 1], week[[1, 2, 5]], series=1), bars([1, 1], week[[0, 9]], series=2))
    missing = gaps(both, week)
    assert found(missing)[:2] == [(1, str(week[3])), (1, str(week[4]))]
    assert found(missing)[2:] == [(2, str(day)) for day in week[1:9]]
    assert missing.detail[0] == f"no bar on a session; the last was on {week[2]}"


def test_bars_off_the_calendar_bound_gaps_and_fill_none() -> None:
    week = days("2024-01-02", "2024-01-03", "2024-01-04", "2024-01-08")
    weekend = bars([1, 1, 1, 1], days("2023-12-30", "2024-01-02", "2024-01-03", "2024-01-06"))
    assert found(gaps(weekend, week)) == [(1, "2024-01-04")]
    assert found(gaps(weekend, week[:0])) == []


def test_bars_on_days_without_a_session_are_found() -> None:
    week = days("2024-01-02", "2024-01-04", "2024-01-05")
    off = off_sessions(
        bars([1, 2.5, 1, 1], days("2024-01-02", "2024-01-03", "2024-01-04", "2024-01-06")), week
    )
    assert found(off) == [(1, "2024-01-03")]
    assert off.detail == ("close 2.5 on a day without a session",)


@pytest.mark.parametrize(("volume", "at"), [(nan, [6, 11]), (0.0, [6, 11]), (9.0, [11])])
def test_closes_that_stand_still_are_found_where_the_run_gets_long(volume: float, at: list[int]) -> None:
    day = sessions(15)
    still = stale(bars([1.0, *[2.0] * 13, 3.0], day, volume=volume))
    assert found(still) == [(1, str(day[row])) for row in at]


def test_a_run_of_four_is_no_finding_and_ends_with_its_series() -> None:
    day = sessions(5)
    assert found(stale(joined(bars([2.0] * 5, day, series=1), bars([2.0] * 5, day, series=2)))) == []


def test_trade_within_a_run_starts_the_count_of_quiet_bars_again() -> None:
    day = sessions(9)
    still = stale(bars([2.0] * 9, day, volume=[0, 0, 0, 5, 0, 0, 0, 0, 0]))
    assert found(still) == [(1, str(day[8]))]
    assert still.detail == ("close 2 did not move for 8 bars, the last 5 without known trade",)


def alternating(last: float) -> tuple[PriceColumns, Floats]:
    """Sixty returns of +1 % and -1 %, then one of ``last``: median 0, scale 1.4826 %."""
    returns = np.array([0.0, *([0.01, -0.01] * 30), last])
    return bars(100 * np.exp(np.cumsum(returns)), sessions(len(returns))), np.ones(len(returns))


@pytest.mark.parametrize(
    ("last", "far"), [(0.1779, False), (0.1780, True), (-0.1779, False), (-0.1780, True)]
)
def test_a_return_beyond_twelve_robust_scales_is_an_outlier(last: float, far: bool) -> None:
    one, move = alternating(last)
    assert found(outliers(one, move)) == ([(1, str(one.day[-1]))] if far else [])


def test_the_detail_holds_what_an_outlier_was_judged_by() -> None:
    one, move = alternating(0.5)
    assert outliers(one, move).detail == ("log return 0.50000; before: median 0.00000, scale 0.01483",)


def test_flat_history_is_measured_by_the_floor() -> None:
    day = sessions(62)
    quiet = np.append(np.full(61, 100.0), 100 * np.exp(0.0239))
    assert found(outliers(bars(quiet, day), np.ones(62))) == []
    quiet[-1] = 100 * np.exp(0.0241)
    assert found(outliers(bars(quiet, day), np.ones(62))) == [(1, str(day[61]))]


def test_drift_counts_from_the_median_not_from_zero() -> None:
    """Sixty returns of 3 %: another is none, no move at all is one."""
    day = sessions(62)
    close = np.exp(np.append(np.arange(61), 61) * 0.03)
    assert found(outliers(bars(close, day), np.ones(62))) == []
    close[-1] = close[-2]
    assert found(outliers(bars(close, day), np.ones(62))) == [(1, str(day[61]))]


@pytest.mark.parametrize(("before", "judged"), [(29, False), (30, True)])
def test_thirty_returns_are_needed_before_one_is_judged(before: int, judged: bool) -> None:
    close = np.append(walk(before + 1), 1_000_000.0)
    other = bars(walk(100, seed=2), sessions(100), series=1)
    both = joined(other, bars(close, sessions(len(close)), series=2))
    assert (len(outliers(both, np.ones(len(both)))) == 1) is judged


def test_what_corporate_actions_explain_is_no_outlier() -> None:
    close = walk(100)
    split, dividend = close.copy(), close.copy()
    split[80:] /= 2
    dividend[80:] -= close[79] * 0.4
    move = np.ones(100)
    assert len(outliers(bars(split, sessions(100)), move)) == 1
    move[80] = 0.5
    assert len(outliers(bars(split, sessions(100)), move)) == 0
    move[80] = 0.6
    assert len(outliers(bars(dividend, sessions(100)), move)) == 0


@pytest.mark.parametrize("scale", [0.0005, 0.004, 0.02, 0.08])
def test_counting_first_finds_the_same_outliers_as_sorting_every_window(
    monkeypatch: pytest.MonkeyPatch, scale: float
) -> None:
    rng = np.random.default_rng(8)
    returns = rng.standard_t(2, size=(20, 400)) * scale + rng.choice([0, 0.01, -0.03], size=(20, 1))
    many = joined(
        *(bars(np.exp(np.cumsum(one)), sessions(400), series=place) for place, one in enumerate(returns))
    )
    move = np.ones(len(many))
    counted = outliers(many, move)
    monkeypatch.setattr(
        "waardhaven.domain.market.gate.moves._may_be_far",
        lambda known, start, *_: np.arange(len(known)) - start >= 30,
    )
    every = outliers(many, move)
    assert len(every) >= 3
    assert found(counted) == found(every)


def test_zero_volume_while_the_close_moved_is_found_in_series_that_trade() -> None:
    day, close = sessions(50), walk(50)
    volume = np.full(50, 1000.0)
    volume[40] = 0
    silent = volumes(bars(close, day, volume=volume))
    assert found(silent) == [(1, str(day[40]))]
    assert silent.detail == ("volume 0 while the close moved; the median before is 1000",)
    close[40] = close[39]
    assert found(volumes(bars(close, day, volume=volume))) == []
    assert found(volumes(bars(walk(50), day, volume=0.0))) == []


@pytest.mark.parametrize(("volume", "odd"), [(50_000.0, False), (50_001.0, True)])
def test_volume_beyond_fifty_medians_is_found(volume: float, odd: bool) -> None:
    day = sessions(61)
    before = [900.0, 1100.0] * 30 + [volume]
    assert found(volumes(bars(walk(61), day, volume=before))) == ([(1, str(day[60]))] if odd else [])


def test_volume_is_not_judged_by_fewer_than_thirty_known() -> None:
    day = sessions(62)
    before = [nan, 1.0] * 29 + [nan, nan, nan, 1e9]
    assert found(volumes(bars(walk(62), day, volume=before))) == []


def test_counting_first_finds_the_same_volumes_as_sorting_every_window(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rng = np.random.default_rng(3)
    volume = np.floor(np.exp(rng.normal(5, 3, size=2_000)))
    one = bars(walk(2_000), sessions(2_000), volume=np.where(rng.random(2_000) < 0.2, nan, volume))
    counted = volumes(one, times=20)
    monkeypatch.setattr(
        "waardhaven.domain.market.gate.moves._may_be_huge", lambda volume, *_: ~np.isnan(volume)
    )
    every = volumes(one, times=20)
    assert len(every) > 50
    assert (found(counted), counted.detail) == (found(every), every.detail)


def test_series_of_the_same_thing_that_disagree_are_found_on_the_later_one() -> None:
    day = sessions(3)
    three = joined(
        bars([100.0, 100.0, 100.0], day, series=1),
        bars([100.5, 100.51, 99.0], day, series=2),
        bars([50.0, 50.0, 50.0], day, series=3),
        bars([200.0, 200.0], day[1:], series=4),
    )
    same = np.array([9, 9, 9, 9, 9, 9, 8, 8, 8, 9, 9])
    off = cross_sources(three, same)
    assert found(off) == [(2, str(day[1])), (2, str(day[2])), (4, str(day[1])), (4, str(day[2]))]
    assert off.detail[0] == "close 100.51, series 1 says 100"


def test_a_tick_is_no_disagreement() -> None:
    day = sessions(1)
    pennies = joined(bars([1.0], day, series=1), bars([1.01], day, series=2), bars([1.02], day, series=3))
    assert found(cross_sources(pennies, np.zeros(3))) == [(3, str(day[0]))]


def test_returns_that_differ_from_the_providers_are_found() -> None:
    day = sessions(4)
    ours, theirs = np.array([0.01, 0.02, nan, -0.03]), np.array([0.01, 0.0211, 0.0, -0.0295])
    off = adjustments(np.full(4, 6), day, ours, theirs)
    assert found(off) == [(6, str(day[1]))]
    assert off.detail == ("return 0.02000 as we adjust it, 0.02110 as the provider does",)


def rates(*day: str) -> RateColumns:
    known = days(*day)
    return RateColumns(
        quote=("GBP",), code=np.zeros(len(known), np.int64), day=known, rate=np.ones(len(known))
    )


def test_a_hole_in_the_rates_is_found_once_where_it_gets_too_long() -> None:
    at = np.arange("2024-01-01", "2024-02-01", dtype="datetime64[D]")
    holes = fx_holes(rates("2024-01-02", "2024-01-08", "2024-01-20"), "GBX", at, series=4)
    assert found(holes) == [(4, "2024-01-01"), (4, "2024-01-14"), (4, "2024-01-26")]
    assert holes.detail == (
        "no rate of GBP yet",
        "no rate of GBP since 2024-01-08",
        "no rate of GBP since 2024-01-20",
    )


def test_a_hole_that_follows_a_hole_is_another() -> None:
    at = days("2024-01-10", "2024-01-30")
    assert len(fx_holes(rates("2024-01-01", "2024-01-12"), "GBP", at, series=4)) == 2


def test_the_base_lacks_no_rate_and_an_unknown_currency_every_one() -> None:
    at = days("2024-01-10", "2024-01-11")
    assert len(fx_holes(rates(), "EUR", at, series=1)) == 0
    assert found(fx_holes(rates("2024-01-09"), "XXX", at, series=1)) == [(1, "2024-01-10")]
    assert len(fx_holes(rates(), "GBP", at[:0], series=1)) == 0


def test_splits_in_the_sample_are_outliers_until_they_are_known() -> None:
    symbols, raw = sample("ohlcv_raw.parquet")
    splits = [("AAPL", "2000-06-21"), ("AAPL", "2005-02-28"), ("MSFT", "2003-02-18")]
    move = np.ones(len(raw))
    blind = found(outliers(raw, move))
    for symbol, day in splits:
        at = (raw.series == symbols.index(symbol)) & (raw.day == np.datetime64(day))
        assert at.sum() == 1
        move[at] = 0.5
    seen = found(outliers(raw, move))
    calm = {(symbols.index(symbol), day) for symbol, day in splits[1:]}
    assert set(blind) - set(seen) == calm  # AAPL moved by 6 % a day in the spring of 2000
    assert set(seen) < set(blind)
    assert (symbols.index("AAPL"), "2000-09-29") in seen
    assert len(seen) < 15


def test_artefacts_of_the_sample_are_found_and_the_list_stays_short() -> None:
    symbols, adjusted = sample("prices.parquet")
    rrc = symbols.index("RRC")
    still, far = found(stale(adjusted)), found(outliers(adjusted, np.ones(len(adjusted))))
    assert (rrc, "1990-01-09") in still
    assert (rrc, "1990-04-10") in far
    assert len([one for one in still if one[0] == rrc]) > 30
    assert len([one for one in still if one[0] != rrc]) < 60
    assert len(far) < 175  # in 174,573 bars
