"""Models of returns: what is stated is what is drawn, for each convention."""

from dataclasses import replace

import numpy as np
import pytest
from tests.unit.domain.quant.monte_carlo.closed_forms import future, moments

from waardhaven.domain.quant.monte_carlo.models import (
    MODELS,
    GeometricBrownian,
    Model,
    StationaryBootstrap,
    StudentT,
    fitted_degrees,
)
from waardhaven.domain.quant.monte_carlo.refusals import UnusableSimulation
from waardhaven.domain.quant.monte_carlo.returns_law import AnnualMoments, Convention, moments_of

F = 12.0
HISTORY = np.random.default_rng(2).normal([0.01, 0.004], [0.04, 0.02], (120, 2))


def drawn(model: Model, steps: int = 40, width: int = 20_000, seed: int = 3) -> np.ndarray:
    """Return simple returns (steps, n, width)."""
    rng = np.random.default_rng(seed)
    return np.array([one.copy() for one in model.drawer(steps, F).growth(rng, width)]) - 1.0


def columns(returns: np.ndarray) -> np.ndarray:
    return returns.transpose(1, 0, 2).reshape(returns.shape[1], -1)


def refused(make: object) -> set[str]:
    with pytest.raises(UnusableSimulation) as error:
        make()
    return {one.field for one in error.value.errors}


def test_the_registry_names_every_model():
    assert set(MODELS) == {"gbm", "student_t", "stationary_bootstrap"}
    assert all(model.name == name for name, model in MODELS.items())


@pytest.mark.parametrize("convention", list(Convention))
@pytest.mark.parametrize("kind", [GeometricBrownian, lambda moments: StudentT(moments=moments, degrees=8.0)])
def test_simple_returns_have_the_mean_and_covariance_that_the_convention_says(
    convention: Convention, kind: object
):
    given = moments(convention)
    mean, covariance = given.mean / F, given.covariance / F
    if convention is not Convention.SIMPLE:
        log_mean = mean - 0.5 * covariance.diagonal() if convention is Convention.CONTINUOUS else mean
        grown = np.exp(log_mean + 0.5 * covariance.diagonal())
        mean, covariance = grown - 1.0, np.outer(grown, grown) * (np.exp(covariance) - 1.0)
    found = columns(drawn(kind(moments=given)))
    error = np.sqrt(covariance.diagonal() / found.shape[1])
    assert (np.abs(found.mean(axis=1) - mean) < 4.0 * error).all()
    np.testing.assert_allclose(np.cov(found), covariance, rtol=0.03)


@pytest.mark.parametrize(
    ("convention", "expected", "median"),
    [
        (Convention.SIMPLE, (1.0 + 0.08 / F) ** (2 * F), None),
        (Convention.CONTINUOUS, np.exp(0.16), None),
        (Convention.LOGARITHMIC, np.exp(0.16 + 0.04), np.exp(0.16)),
    ],
)
def test_the_expected_price_is_that_of_the_convention(
    convention: Convention, expected: float, median: float | None
):
    found = drawn(GeometricBrownian(moments=moments(convention)), steps=24)
    price = np.prod(1.0 + found[:, 0], axis=0)
    assert abs(price.mean() - expected) < 4.0 * price.std() / np.sqrt(len(price))
    if median is not None:
        assert np.median(price) == pytest.approx(median, rel=0.01)


@pytest.mark.parametrize("convention", [Convention.CONTINUOUS, Convention.LOGARITHMIC])
def test_log_returns_are_normal_with_the_covariance_stated(convention: Convention):
    given = moments(convention)
    found = np.log1p(columns(drawn(GeometricBrownian(moments=given))))
    np.testing.assert_allclose(np.cov(found), given.covariance / F, rtol=0.02)
    apart = (found[0] - found[0].mean()) / found[0].std()
    assert abs((apart**3).mean()) < 0.02
    assert abs((apart**4).mean() - 3.0) < 0.05


@pytest.mark.parametrize("convention", list(Convention))
def test_simple_and_logarithmic_moments_are_each_others_inverse(convention: Convention):
    given = moments(convention)
    mean, covariance = given.simple(F)
    back = AnnualMoments(mean=mean * F, covariance=covariance * F, convention=Convention.SIMPLE)
    for one, other in zip(back.logarithmic(F), given.logarithmic(F), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-10, atol=1e-15)


def test_a_singular_covariance_that_no_lognormal_has_is_refused_or_repaired_when_asked():
    """log(1 + ab)^2 > log(1 + a^2) log(1 + b^2): two assets that always move together, unequally."""
    spread = np.array([0.3, 0.1])
    stated = {"mean": np.zeros(2), "covariance": np.outer(spread, spread), "convention": Convention.SIMPLE}
    with pytest.raises(UnusableSimulation):
        GeometricBrownian(moments=AnnualMoments(**stated)).drawer(24, F)
    asked = AnnualMoments(**stated, repair=True)
    found = future(GeometricBrownian(moments=asked), paths=500)
    assert found.notes[0].startswith("of log returns a period: model.covariance was not positive")
    mean, covariance = asked.logarithmic(F)
    np.testing.assert_allclose(np.expm1(covariance), np.outer(spread, spread) / F, rtol=1e-3)
    np.testing.assert_allclose(np.exp(mean + 0.5 * covariance.diagonal()), 1.0, rtol=1e-15)
    assert np.linalg.eigvalsh(covariance)[0] >= -1e-16


def test_a_past_shorter_than_it_is_wide_is_repaired_when_asked():
    past = np.random.default_rng(3).normal(0.01, 0.05, (5, 8))
    with pytest.raises(UnusableSimulation):
        GeometricBrownian(moments=moments_of(past, F)).drawer(24, F)
    weights = (0.125,) * 8
    model = GeometricBrownian(moments=moments_of(past, F, repair=True))
    assert future(model, paths=500, weights=weights).worth.standard_deviation > 0.0


def test_large_moves_of_a_student_law_are_more_and_come_together():
    normal = columns(drawn(GeometricBrownian(moments=moments())))
    student = columns(drawn(StudentT(moments=moments(), degrees=4.0)))

    def together(returns: np.ndarray) -> float:
        apart = (returns - returns.mean(axis=1)[:, None]) / returns.std(axis=1)[:, None]
        return float((np.abs(apart) > 3.0).all(axis=0).mean())

    assert together(student) > 5.0 * together(normal)


def test_a_return_below_minus_100_per_cent_counts_as_that():
    given = AnnualMoments(mean=[0.0], covariance=[[6.0]], convention=Convention.SIMPLE)
    found = drawn(StudentT(moments=given, degrees=3.0))
    assert found.min() == -1.0


@pytest.mark.parametrize("degrees", [3.0, 5.0, 12.0])
def test_degrees_of_freedom_are_found_again(degrees: float):
    rng = np.random.default_rng(7)
    normal = rng.standard_normal((8000, 3)) @ np.array([[1, 0.5, 0], [0, 1, 0.3], [0, 0, 1]])
    returns = 0.01 * normal / np.sqrt(rng.chisquare(degrees, (8000, 1)) / degrees)
    assert fitted_degrees(returns) == pytest.approx(degrees, rel=0.15)


def test_normal_returns_have_many_degrees_of_freedom():
    assert fitted_degrees(np.random.default_rng(1).normal(0.0, 0.01, (5000, 2))) > 50.0


def test_degrees_that_were_fitted_are_told():
    fitted = StudentT(moments=moments(), degrees=4.25, is_fitted=True)
    assert fitted.notes == ("degrees of freedom fitted to the history: 4.25",)
    assert replace(fitted, is_fitted=False).notes == ()


def test_the_bootstrap_draws_days_of_the_past_whole():
    past = {tuple(row) for row in np.round(HISTORY, 12)}
    found = drawn(StationaryBootstrap(history=HISTORY, block=5.0), steps=300, width=20)
    assert {tuple(row) for row in np.round(found.transpose(0, 2, 1).reshape(-1, 2), 12)} <= past


def test_blocks_of_the_bootstrap_go_on_as_the_past_did():
    found = drawn(StationaryBootstrap(history=HISTORY, block=10.0), steps=300, width=50)
    row = {round(value, 12): number for number, value in enumerate(HISTORY[:, 0])}
    rows = np.vectorize(lambda value: row[round(value, 12)])(found[:, 0])
    goes_on = (np.diff(rows, axis=0) % 120 == 1).mean()
    assert goes_on == pytest.approx(0.9 + 0.1 / 120, abs=0.01)


def test_the_end_of_the_bootstrap_spreads_as_many_days_do():
    """Drawn with replacement: a permutation of the past would end every path at the same value."""
    model = StationaryBootstrap(history=HISTORY, block=1.0)
    logs = np.log1p(drawn(model, steps=120, width=4000)).sum(axis=0)
    expected = 120 * np.log1p(HISTORY).var(axis=0)
    np.testing.assert_allclose(logs.var(axis=1), expected, rtol=0.1)


def test_the_length_of_blocks_is_told_and_found_when_left_out():
    trending = np.repeat(HISTORY[:20], 6, axis=0)
    found = StationaryBootstrap(history=trending)
    assert found.mean_block > StationaryBootstrap(history=HISTORY).mean_block
    assert f"{found.mean_block:.4g}" in found.notes[0]
    assert replace(found, block=None, history=HISTORY).block == StationaryBootstrap(history=HISTORY).block


def test_moments_of_a_history_are_annual_and_simple():
    found = moments_of(HISTORY, F)
    np.testing.assert_allclose(found.mean, HISTORY.mean(axis=0) * F)
    np.testing.assert_allclose(found.covariance, np.cov(HISTORY.T) * F)
    assert found.convention is Convention.SIMPLE


@pytest.mark.parametrize(
    "history",
    [[100.0 + np.arange(9.0)], [[0.1]], [0.1, 0.2], [[np.nan], [0.1]], [[-1.1], [0.1]], np.zeros((3, 0))],
)
def test_prices_and_other_wrong_tables_are_no_history(history: object):
    table = np.array(history).T if np.ndim(history) == 2 and np.shape(history)[0] == 1 else history
    assert refused(lambda: StationaryBootstrap(history=table)) == {"model.history"}


@pytest.mark.parametrize(
    ("make", "field"),
    [
        (lambda: moments(mean=[]), "model.mean"),
        (lambda: moments(mean=[np.nan, 0.0]), "model.mean"),
        (lambda: moments(covariance=[[1.0]]), "model.covariance"),
        (lambda: moments(covariance=[[1.0, 2.0], [2.0, 1.0]]), "model.covariance"),
        (lambda: StudentT(moments=moments(), degrees=2.0), "model.degrees"),
        (lambda: StationaryBootstrap(history=HISTORY, block=0.5), "model.block"),
        (lambda: StationaryBootstrap(history=HISTORY, block=121.0), "model.block"),
        (lambda: StationaryBootstrap(history=HISTORY + 1.0).drawer(200, 12.0), "model.history"),
        (lambda: fitted_degrees(HISTORY[:3]), "model.history"),
        (lambda: fitted_degrees(HISTORY[:, [0, 0]]), "model.history"),
        (lambda: GeometricBrownian(moments=moments(mean=[-10.0, 0.0])).drawer(9, 4.0), "model.mean"),
        (lambda: StudentT(moments=moments(mean=[-10.0, 0.0]), degrees=4.0).drawer(9, 4.0), "model.mean"),
        (lambda: StudentT(moments=moments(mean=[-10.0, 0.0]), degrees=4.0).drawer(9, 10.0), "model.mean"),
        (lambda: GeometricBrownian(moments=moments(mean=[10.0, 0.0])).drawer(9000, 12.0), "model.mean"),
        (
            lambda: GeometricBrownian(
                moments=moments(Convention.LOGARITHMIC, covariance=[[100.0, 0.0], [0.0, 1.0]])
            ).drawer(2000, 12.0),
            "model.covariance",
        ),
        (
            lambda: GeometricBrownian(moments=moments(covariance=[[40.0, -35.0], [-35.0, 40.0]])).drawer(
                9, 12.0
            ),
            "model.covariance",
        ),
    ],
)
def test_models_that_can_not_be_are_refused_by_field(make: object, field: str):
    assert field in refused(make)


def test_a_covariance_that_was_repaired_is_told_by_the_model_and_the_answer():
    wrong = np.array([[1.0, 0.9, 0.7], [0.9, 1.0, 0.3], [0.7, 0.3, 1.0]]) * 0.04
    given = AnnualMoments(mean=[0.05] * 3, covariance=wrong, convention=Convention.CONTINUOUS, repair=True)
    for model in (GeometricBrownian(moments=given), StudentT(moments=given, degrees=5.0)):
        found = future(model, weights=(0.5, 0.25, 0.25), paths=200)
        assert "eigenvalue" in found.notes[0]
        assert replace(model, moments=given).notes == model.notes
