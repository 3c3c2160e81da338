import numpy as np
import pytest

from waardhaven.domain.quant.volatility import (
    VOLATILITY_ESTIMATORS,
    Bars,
    UnusablePrices,
    consistent,
    estimate,
)

RANGED = [name for name, one in VOLATILITY_ESTIMATORS.items() if one.needs_ranges]


def simulated(days: int, volatility: float, *, overnight: float = 0.0, steps: int = 400) -> Bars:
    """Random walks without drift: a share of each day's variance comes before its open."""
    random = np.random.default_rng(3)
    night = random.normal(0.0, volatility * np.sqrt(overnight / 252.0), days)
    moves = random.normal(0.0, volatility * np.sqrt((1.0 - overnight) / 252.0 / steps), (days, steps))
    paths = np.concatenate([np.zeros((days, 1)), moves.cumsum(axis=1)], axis=1)
    ends = (night + paths[:, -1]).cumsum()
    opens = ends - paths[:, -1]
    closes = opens + paths[:, -1]
    return Bars(
        close=np.exp(closes) * 50.0,
        open=np.exp(opens) * 50.0,
        high=np.exp(opens + paths.max(axis=1)) * 50.0,
        low=np.exp(opens + paths.min(axis=1)) * 50.0,
    )


def measured(name: str, bars: Bars, window: int = 10_000) -> float:
    return estimate(
        bars, estimator=VOLATILITY_ESTIMATORS[name], window=window, periods_per_year=252.0
    ).volatility


@pytest.mark.parametrize("name", VOLATILITY_ESTIMATORS)
def test_every_estimator_finds_the_volatility_of_a_random_walk(name):
    bars = simulated(4_000, 0.3, overnight=0.3 if name == "yang_zhang" else 0.0)
    error = 0.03 if name in {"close_to_close", "yang_zhang"} else 0.1
    assert measured(name, bars) == pytest.approx(0.3, rel=error)


def test_close_to_close_is_the_sample_deviation_of_logarithmic_returns():
    closes = np.array([100.0, 101.0, 99.0, 102.0])
    expected = np.std(np.diff(np.log(closes)), ddof=1) * np.sqrt(252.0)
    assert measured("close_to_close", Bars(close=closes)) == pytest.approx(expected, rel=1e-14)


def test_exponential_weights_fall_by_their_decay_with_age():
    closes = np.array([100.0, 110.0, 110.0])
    expected = np.log(1.1) * np.sqrt(0.94 / 1.94 * 252.0)
    assert measured("exponentially_weighted", Bars(close=closes)) == pytest.approx(expected, rel=1e-14)


def test_a_bar_of_parkinson_and_garman_klass_by_hand():
    bar = Bars(close=np.array([102.0]), open=np.array([100.0]), high=np.array([105.0]), low=np.array([99.0]))
    width, move = np.log(105.0 / 99.0) ** 2, np.log(1.02) ** 2
    assert measured("parkinson", bar) == pytest.approx(np.sqrt(width / (4.0 * np.log(2.0)) * 252.0))
    expected = np.sqrt((0.5 * width - (2.0 * np.log(2.0) - 1.0) * move) * 252.0)
    assert measured("garman_klass", bar) == pytest.approx(expected)


def test_a_bar_of_rogers_and_satchell_by_hand():
    bar = Bars(close=np.array([102.0]), open=np.array([100.0]), high=np.array([105.0]), low=np.array([99.0]))
    up, down = np.log(1.05) * np.log(105.0 / 102.0), np.log(0.99) * np.log(99.0 / 102.0)
    assert measured("rogers_satchell", bar) == pytest.approx(np.sqrt((up + down) * 252.0), rel=1e-14)


def test_three_bars_of_yang_and_zhang_by_hand():
    bars = Bars(
        open=np.array([50.0, 101.0, 99.0]),
        high=np.array([110.0, 105.0, 104.0]),
        low=np.array([40.0, 100.0, 98.0]),
        close=np.array([100.0, 103.0, 102.0]),
    )
    nights = np.log([101.0 / 100.0, 99.0 / 103.0])
    moves = np.log([103.0 / 101.0, 102.0 / 99.0])
    ranged = [
        np.log(105 / 101) * np.log(105 / 103) + np.log(100 / 101) * np.log(100 / 103),
        np.log(104 / 99) * np.log(104 / 102) + np.log(98 / 99) * np.log(98 / 102),
    ]
    share = 0.34 / (1.34 + 3.0)
    expected = nights.var(ddof=1) + share * moves.var(ddof=1) + (1 - share) * np.mean(ranged)
    assert measured("yang_zhang", bars) == pytest.approx(np.sqrt(expected * 252.0), rel=1e-14)


@pytest.mark.parametrize(
    ("name", "bars"),
    [
        ("close_to_close", 21),
        ("yang_zhang", 21),
        ("parkinson", 20),
        ("garman_klass", 20),
        ("rogers_satchell", 20),
    ],
)
def test_a_window_of_days_reads_the_close_before_it_where_returns_start_from_that(name, bars):
    every = simulated(40, 0.3)
    estimator = VOLATILITY_ESTIMATORS[name]
    found = estimate(every, estimator=estimator, window=20, periods_per_year=252.0)
    assert (found.window, found.bars) == (20, bars)
    assert found.volatility == measured(name, every.last(bars))
    assert found.volatility != measured(name, every.last(bars + 1))


def test_bars_are_consistent_with_four_prices_of_which_the_high_and_the_low_are_the_ends():
    good = {"open": 1.8, "high": 2.2, "low": 1.7, "close": 2.0}
    bad = [{"open": np.nan}, {"high": np.nan}, {"low": np.inf}, {"low": 0.0}, {"high": 1.9}, {"low": 1.9}]
    bad += [{"open": 2.3}, {"close": 1.6}, {"high": 1.6, "low": 2.1}]
    rows = [good, {**good, "high": 2.0}, *(good | one for one in bad)]
    found = consistent(**{name: np.array([one[name] for one in rows]) for name in good})
    assert found.tolist() == [True, True] + [False] * len(bad)


def test_the_window_counts_returns_and_reports_those_there_are():
    closes = np.exp(np.random.default_rng(1).normal(0.0, 0.01, 50).cumsum())
    found = estimate(
        Bars(close=closes),
        estimator=VOLATILITY_ESTIMATORS["close_to_close"],
        window=20,
        periods_per_year=252.0,
    )
    assert (found.window, found.estimator, found.periods_per_year) == (20, "close_to_close", 252.0)
    assert found.volatility == measured("close_to_close", Bars(close=closes[-21:]))
    assert measured("close_to_close", Bars(close=closes), window=49) == measured(
        "close_to_close", Bars(close=closes), window=10_000
    )


@pytest.mark.parametrize("name", VOLATILITY_ESTIMATORS)
def test_prices_that_never_move_have_no_volatility(name):
    flat = np.full(5, 7.0)
    assert measured(name, Bars(close=flat, open=flat, high=flat, low=flat)) == 0.0


@pytest.mark.parametrize("closes", [[1.0, np.nan, 1.0], [1.0, 0.0, 1.0], [1.0, np.inf, 2.0]])
def test_unknown_prices_and_prices_of_nothing_are_refused(closes):
    with pytest.raises(UnusablePrices, match="known and above 0"):
        measured("close_to_close", Bars(close=np.array(closes)))


def test_too_few_prices_are_refused_with_how_many_it_takes():
    with pytest.raises(UnusablePrices, match="at least 3 prices, not 2"):
        measured("close_to_close", Bars(close=np.array([1.0, 2.0])))


@pytest.mark.parametrize("name", RANGED)
def test_closes_alone_are_refused_where_ranges_are_needed(name):
    with pytest.raises(UnusablePrices, match="opens, highs and lows"):
        measured(name, Bars(close=np.array([1.0, 2.0, 3.0])))


@pytest.mark.parametrize("changed", [{"high": 1.5}, {"low": 1.9}])
def test_a_range_that_does_not_hold_open_and_close_is_refused(changed):
    columns = {"close": 2.0, "open": 1.8, "high": 2.2, "low": 1.7} | changed
    with pytest.raises(UnusablePrices, match="highest"):
        measured("parkinson", Bars(**{name: np.array([one]) for name, one in columns.items()}))
