"""AnalyseRisk: what is measured, refused, warned of, and how certain it is, over fakes."""

import pickle
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from tests.factories import days
from tests.fakes.compute_pool import FakeComputePool
from tests.unit.application.world import VIEWER

from waardhaven.application.metrics.analyse_risk import AnalyseRisk, analyse
from waardhaven.application.metrics.catalogue import ListMetrics
from waardhaven.application.metrics.risk_question import (
    MOST_DRAWN,
    MOST_SERIES,
    MOST_VALUES,
    Calendar,
    Kind,
    RiskQuestion,
    UnusableQuestion,
)
from waardhaven.domain.errors import Forbidden
from waardhaven.domain.identity.roles import ANONYMOUS
from waardhaven.domain.metrics import METRICS
from waardhaven.domain.metrics.uncertainty import Resampling

nan = np.nan
RETURNS = np.array([[0.01], [-0.02], [0.03], [0.01], [-0.01], [0.02]])


def asking(**changes: Any) -> RiskQuestion:
    plain = RiskQuestion(
        names=("series",), values=RETURNS, kind=Kind.RETURNS, calendar=Calendar.DAILY, annualise_short=True
    )
    return replace(plain, **changes)


def read(content: bytes) -> RiskQuestion:
    assert content == b"as sent"
    return asking()


def rules_of(question: RiskQuestion) -> dict[str, str]:
    with pytest.raises(UnusableQuestion) as caught:
        analyse(question)
    return {one.field: one.rule for one in caught.value.errors}


def value(found: Any, name: str) -> float | None:
    return found.metrics[name].values[0]


async def test_every_metric_of_the_catalogue_is_a_value_or_unknown_with_a_reason() -> None:
    pool = FakeComputePool()
    written = await AnalyseRisk(pool)(VIEWER, content=b"as sent", read=read, write=pickle.dumps)
    found = pickle.loads(written)
    assert pool.computed == ["answered"]
    assert list(found.metrics) == list(METRICS)
    assert value(found, "total_return") == pytest.approx(np.prod(1 + RETURNS) - 1, rel=1e-14)
    assert (value(found, "beta"), found.metrics["beta"].reasons[0]) == (None, "no_benchmark")
    for one in found.metrics.values():
        assert (one.values[0] is None) == (one.reasons[0] is not None)


async def test_levels_are_measured_as_the_returns_between_them() -> None:
    levels = 100.0 * np.cumprod(np.vstack([[[1.0]], 1.0 + RETURNS]), axis=0)
    found = analyse(asking(values=levels, kind=Kind.LEVELS))
    plain = analyse(asking())
    assert found.days == plain.days == len(RETURNS)
    assert value(found, "sharpe") == pytest.approx(value(plain, "sharpe"), rel=1e-12)


async def test_series_benchmark_and_rates_meet_day_by_day_and_holes_are_counted() -> None:
    values = np.hstack([RETURNS, np.where(RETURNS > 0.02, nan, RETURNS)])
    found = analyse(
        asking(names=("whole", "holed"), values=values, benchmark=RETURNS[:, 0], metrics=("beta", "cagr"))
    )
    assert found.metrics["beta"].values == (pytest.approx(1.0), pytest.approx(1.0))
    assert (found.observations, found.common, found.coverage) == ((6, 5), (6, 5), (1.0, pytest.approx(5 / 6)))
    assert found.metrics["cagr"].reasons == ("no_dates", "no_dates")


@pytest.mark.parametrize(
    ("changes", "year", "told"),
    [
        ({"periods_per_year": 50.0}, 50.0, "stated"),
        ({}, 252.0, "calendar"),
        ({"calendar": Calendar.CONTINUOUS}, 365.0, "calendar"),
        ({"calendar": Calendar.MONTHLY}, 12.0, "calendar"),
        (
            {"calendar": None, "dates": np.arange("2024-01", "2024-07", dtype="M8[M]").astype("M8[D]")},
            12.0,
            "dates",
        ),
    ],
)
async def test_how_many_periods_a_year_has_is_told_with_the_answer(
    changes: dict[str, Any], year: float, told: str
) -> None:
    found = analyse(asking(**changes))
    assert (found.periods_per_year, found.periods_told_by) == (year, told)


async def test_dated_returns_grow_from_the_day_before_the_first() -> None:
    dates = days("2024-01-01", "2024-03-01", "2024-06-01", "2024-09-01", "2024-11-01", "2024-12-31")
    found = analyse(asking(dates=dates, metrics=("cagr",)))
    assert value(found, "cagr") == pytest.approx(np.prod(1 + RETURNS) ** (365 / 366) - 1, rel=1e-12)
    assert (str(found.first), str(found.last)) == ("2024-01-01", "2024-12-31")


async def test_an_annual_rate_is_compounded_to_the_period() -> None:
    rate = 1.05 ** (1 / 252) - 1
    by_rate = analyse(asking(risk_free_rate=0.05, metrics=("sharpe",)))
    by_series = analyse(asking(risk_free_series=np.full(6, rate), metrics=("sharpe",)))
    assert value(by_rate, "sharpe") == pytest.approx(value(by_series, "sharpe"), rel=1e-12)
    assert value(by_rate, "sharpe") < value(analyse(asking(metrics=("sharpe",))), "sharpe")


async def test_returns_that_look_like_per_cent_are_measured_with_a_warning() -> None:
    found = analyse(asking(values=100.0 * RETURNS, metrics=("mean_return",)))
    assert value(found, "mean_return") == pytest.approx(100.0 * RETURNS.mean())
    assert "0.01 is one per cent" in found.warnings[0]
    assert analyse(asking()).warnings == ()


async def test_an_interval_is_the_same_for_the_same_seed_and_alone_or_among_others() -> None:
    rng = np.random.default_rng(5)
    values = rng.normal(0.001, 0.01, (250, 2))
    how = {"metrics": ("sharpe", "beta"), "interval": Resampling(draws=200), "seed": 11}
    both = analyse(asking(names=("a", "b"), values=values, **how))
    alone = analyse(asking(values=values[:, :1], **how))
    first, again = both.metrics["sharpe"].intervals, alone.metrics["sharpe"].intervals
    assert (first.low[0], first.high[0]) == (again.low[0], again.high[0])
    assert first.low[0] < both.metrics["sharpe"].values[0] < first.high[0]
    assert both.metrics["beta"].intervals.verdict == ("unknown", "unknown")
    assert (both.resampling.draws, both.resampling.seed, len(both.resampling.block_lengths)) == (200, 11, 2)
    assert alone.metrics["sharpe"].intervals.verdict[0] in {
        "above_zero",
        "below_zero",
        "cannot_be_told_from_zero",
    }


@pytest.mark.parametrize(
    ("changes", "field", "rule"),
    [
        (
            {"values": np.zeros((2, MOST_SERIES + 1)), "names": tuple(map(str, range(501)))},
            "returns",
            "500 series",
        ),
        ({"values": np.zeros((MOST_VALUES + 1, 1))}, "returns", "3000000 values"),
        ({"values": np.zeros((2, 2)), "names": ("a", "a")}, "returns", "a name of its own"),
        ({"values": np.zeros((0, 1))}, "returns", "must not be empty"),
        ({"names": ("x" * 201,)}, "returns", "at most 200 characters, not 201"),
        ({"values": RETURNS * 1e17}, "returns", "from -1e+15 to 1e+15"),
        ({"values": np.full((2, 1), -np.inf)}, "returns", "from -1e+15 to 1e+15"),
        (
            {"values": np.zeros((100_000, 1)), "interval": Resampling(draws=1001)},
            "interval.draws",
            "must be at most 1000 for 100000 values, not 1001",
        ),
        (
            {"values": np.zeros((1_000_001, 1)), "interval": Resampling(draws=100)},
            "interval.draws",
            "must be of at most 1000000 values, not 1000001",
        ),
        ({"values": np.ones((1, 1)), "kind": Kind.LEVELS}, "levels", "at least two"),
        ({"values": -RETURNS, "kind": Kind.LEVELS}, "levels", "not be below 0"),
        ({"metrics": ("sharpe", "charm")}, "metrics", "not charm"),
        (
            {"values": np.zeros((2, 21)), "names": tuple(map(str, range(21))), "interval": Resampling()},
            "interval",
            f"at most {MOST_DRAWN} series",
        ),
        ({"risk_free_rate": 0.01, "risk_free_series": np.zeros(6)}, "risk_free_series", "must be left out"),
        ({"calendar": None}, "periods_per_year", "must be given"),
        ({"dates": days("2024-01-02")}, "dates", "each of the 6 rows, not 1"),
        ({"benchmark": np.zeros(5)}, "benchmark", "each of the 6 rows, not 5"),
        ({"risk_free_series": np.zeros(7)}, "risk_free_series", "each of the 6 rows, not 7"),
        ({"dates": days(*["2024-01-02"] * 6)}, "dates", "must increase"),
    ],
)
async def test_what_can_not_be_measured_is_refused_by_field_and_rule(
    changes: dict[str, Any], field: str, rule: str
) -> None:
    assert rule in rules_of(asking(**changes))[field]


async def test_degenerate_series_have_reasons_and_never_a_number_that_is_none() -> None:
    for values in (np.zeros((2, 1)), np.full((9, 1), 0.01), np.full((9, 1), nan), -np.ones((3, 1))):
        for one in analyse(asking(values=values, benchmark=np.full(len(values), nan))).metrics.values():
            assert one.values[0] is None or np.isfinite(one.values[0])
            assert (one.values[0] is None) == (one.reasons[0] is not None)


async def test_the_catalogue_tells_how_each_metric_is_computed() -> None:
    listed = await ListMetrics()(VIEWER)
    assert [one.name for one in listed] == list(METRICS)
    assert all(one.formula and one.source and one.title for one in listed)
    with pytest.raises(Forbidden):
        await ListMetrics()(ANONYMOUS)
    with pytest.raises(Forbidden):
        await AnalyseRisk(FakeComputePool())(ANONYMOUS, content=b"", read=read, write=pickle.dumps)
