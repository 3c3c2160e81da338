import numpy as np
import pytest

from waardhaven.domain.metrics.sample import (
    Sample,
    UnusableSample,
    align,
    from_levels,
    look_like_per_cent,
    per_period,
)

RETURNS = np.array([[0.01, 0.02], [0.03, -0.01], [0.0, 0.01]])
DAYS = np.array(["2024-01-02", "2024-01-03", "2024-01-04"], dtype="datetime64[D]")


def made(**settings: object) -> Sample:
    return Sample(**{"returns": RETURNS, "periods_per_year": 252.0, **settings})


@pytest.mark.parametrize(
    ("settings", "field"),
    [
        ({"returns": RETURNS[:, 0]}, "returns"),
        ({"returns": np.array([[0.01], [np.inf]])}, "returns"),
        ({"returns": np.array([[0.01, np.nan], [np.nan, -np.inf]])}, "returns"),
        ({"benchmark": RETURNS[:2]}, "benchmark"),
        ({"benchmark": np.full((3, 1), np.inf)}, "benchmark"),
        ({"risk_free": np.zeros((2, 1))}, "risk_free"),
        ({"risk_free": np.array([[0.0], [np.nan], [0.0]])}, "risk_free"),
        ({"days": DAYS[:2]}, "days"),
        ({"days": DAYS[[0, 0, 1]]}, "days"),
        ({"days": DAYS[::-1]}, "days"),
        ({"days": DAYS, "base": DAYS[0]}, "base"),
        ({"periods_per_year": 0.0}, "periods_per_year"),
        ({"periods_per_year": np.nan}, "periods_per_year"),
        ({"confidence": 0.5}, "confidence"),
        ({"confidence": 1.0}, "confidence"),
        ({"kappa_order": 0.0}, "kappa_order"),
        ({"target": np.nan}, "target"),
        ({"threshold": np.inf}, "threshold"),
        ({"hurdle": np.nan}, "hurdle"),
        ({"trials": 0}, "trials"),
        ({"trial_variance": -0.1}, "trial_variance"),
    ],
)
def test_what_can_not_be_measured_is_refused_with_the_field_that_is_wrong(
    settings: dict[str, object], field: str
):
    with pytest.raises(UnusableSample) as found:
        made(**settings)
    assert [one.field for one in found.value.errors] == [field]


def test_every_wrong_field_is_named_at_once():
    with pytest.raises(UnusableSample) as found:
        made(confidence=2.0, trials=0)
    assert [one.field for one in found.value.errors] == ["confidence", "trials"]


def test_holes_and_sums_that_overflow_are_no_infinite_values():
    assert np.isnan(made(returns=np.array([[np.nan], [0.1]])).returns[0, 0])
    assert made(returns=np.full((3, 1), 1.7e308)).returns[0, 0] == 1.7e308


def test_one_rate_holds_for_every_day():
    assert made(risk_free=np.full((1, 1), 0.001)).risk_free.tolist() == [[0.001]] * 3
    assert made().risk_free.shape == (3, 1)


def test_one_series_alone_has_its_own_benchmark_and_rates_or_those_of_all():
    own = made(benchmark=2 * RETURNS, risk_free=3 * RETURNS).only(1)
    assert own.returns.tolist() == RETURNS[:, 1:].tolist()
    assert own.benchmark.tolist() == (2 * RETURNS[:, 1:]).tolist()
    assert own.risk_free.tolist() == (3 * RETURNS[:, 1:]).tolist()
    shared = made(benchmark=RETURNS[:, :1]).only(1)
    assert shared.benchmark.tolist() == RETURNS[:, :1].tolist()
    assert made().only(0).benchmark is None


def test_days_need_no_base_and_a_base_no_days():
    assert made(days=DAYS).base is None
    assert made(base=DAYS[0]).days is None


def test_no_day_at_all_is_a_sample():
    empty = made(returns=np.zeros((0, 2)), days=DAYS[:0], base=DAYS[0])
    assert empty.risk_free.shape == (0, 1)


@pytest.mark.parametrize("rate", [-1.0, -2.0, np.nan, np.inf])
def test_a_rate_that_leaves_nothing_is_refused(rate: float):
    with pytest.raises(UnusableSample):
        per_period(rate, 12.0)


@pytest.mark.parametrize("rate", [-0.5, -0.01, 0.0, 0.05, 2.0])
def test_twelve_periods_of_a_converted_rate_make_the_annual_one(rate: float):
    assert (1 + per_period(rate, 12.0)) ** 12 - 1 == pytest.approx(rate, abs=1e-14)


def test_returns_between_levels_are_unknown_beside_what_is_no_level():
    levels = np.array([[100.0], [110.0], [np.nan], [99.0], [0.0], [5.0]])
    found = from_levels(levels)[:, 0]
    assert found[0] == pytest.approx(0.1, rel=1e-12)
    assert found[3] == -1.0
    assert np.isnan(found[[1, 2, 4]]).all()


def test_days_that_are_not_known_are_holes():
    found = align(DAYS, DAYS[[0, 2]], np.array([[1.0], [3.0]]))[:, 0]
    assert (found[0], found[2]) == (1.0, 3.0)
    assert np.isnan(found[1])
    assert np.isnan(align(DAYS, DAYS[:0], np.zeros((0, 2)))).all()


def test_moves_above_a_fifth_on_most_days_look_like_per_cent():
    fractions = np.array([0.01, -0.02, np.nan, 0.5, 0.01])
    table = np.c_[fractions, 100 * fractions, np.full(5, np.nan)]
    assert look_like_per_cent(table).tolist() == [False, True, False]
    assert look_like_per_cent(table[:0]).tolist() == [False, False, False]
