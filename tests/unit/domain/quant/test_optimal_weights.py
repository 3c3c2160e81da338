import numpy as np
import pytest

from waardhaven.domain.index.limits import Limits
from waardhaven.domain.quant.optimal_weights import NothingGained, highest_ratio, minimum_variance
from waardhaven.domain.quant.quadratic_programme import Infeasible
from waardhaven.domain.quant.weight_limits import best_gain


def limits(
    names: int, *, lower: float = 0.0, upper: float = 1.0, groups: list[tuple[list[int], float]] | None = None
) -> Limits:
    member = np.zeros((len(groups or []), names), dtype=np.bool_)
    for row, (columns, _) in zip(member, groups or [], strict=True):
        row[columns] = True
    return Limits(
        lower=np.full(names, lower),
        upper=np.full(names, upper),
        member=member,
        cap=np.array([cap for _, cap in groups or []]),
    )


def market(names: int, seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    moves = rng.normal(0.0, 0.01, (300, 1)) * rng.uniform(0.5, 1.5, names)
    moves = moves + rng.normal(0.0, 0.015, (300, names)) * rng.uniform(0.5, 1.5, names)
    return np.cov(moves.T), moves.mean(axis=0)


GROUPS = [([0, 1, 2], 0.3), ([3, 4, 5, 6], 0.4)]


@pytest.mark.parametrize("solve", ["variance", "ratio"])
@pytest.mark.parametrize(
    "given",
    [
        limits(12, upper=0.15),
        limits(12, lower=0.05),
        limits(12, lower=0.02, upper=0.2, groups=GROUPS),
        limits(12, groups=[*GROUPS, ([0, 3, 7], 0.2)]),
        limits(12, upper=1 / 12),
        limits(12, lower=1 / 12),
    ],
)
def test_limits_are_kept_to_a_trillionth_and_no_neighbour_is_better(solve: str, given: Limits) -> None:
    covariance, mean = market(12)
    gain = np.abs(mean) + 1e-5

    def score(w: np.ndarray) -> float:
        variance = w @ covariance @ w
        return -float(variance) if solve == "variance" else float(gain @ w / np.sqrt(variance))

    found = (
        minimum_variance(covariance, given) if solve == "variance" else highest_ratio(covariance, gain, given)
    )
    assert abs(found.sum() - 1.0) <= 1e-12
    assert (found >= given.lower - 1e-12).all()
    assert (found <= given.upper + 1e-12).all()
    assert (given.member @ found <= given.cap + 1e-12).all()
    rng = np.random.default_rng(7)
    for _ in range(300):
        i, j = rng.choice(12, 2, replace=False)
        other = found.copy()
        other[i] += 1e-4
        other[j] -= 1e-4
        legal = (other >= given.lower).all() and (other <= given.upper).all()
        if legal and (given.member @ other <= given.cap).all():
            assert score(other) <= score(found) * (1 + 1e-12 * np.sign(score(found)))


def test_a_ratio_within_limits_that_do_not_bind_is_the_free_one() -> None:
    covariance, mean = market(12)
    free = highest_ratio(covariance, np.abs(mean), limits(12))
    loose = highest_ratio(covariance, np.abs(mean), limits(12, upper=0.999))
    np.testing.assert_allclose(free, loose, atol=1e-13)


def test_names_that_gain_nothing_together_have_no_ratio() -> None:
    covariance, _ = market(3)
    with pytest.raises(NothingGained):
        highest_ratio(covariance, np.array([-0.1, 0.0, -0.2]), limits(3))
    with pytest.raises(NothingGained):
        highest_ratio(covariance, np.array([0.1, -0.3, -0.2]), limits(3, upper=0.5))


@pytest.mark.parametrize("factor", [1e-9, 1e6])
def test_units_of_gain_and_covariance_do_not_matter(factor: float) -> None:
    covariance, mean = market(12)
    for given in (limits(12), limits(12, upper=0.2)):
        usual = highest_ratio(covariance, np.abs(mean), given)
        np.testing.assert_allclose(highest_ratio(covariance * factor, np.abs(mean), given), usual, atol=1e-9)
        np.testing.assert_allclose(highest_ratio(covariance, np.abs(mean) * factor, given), usual, atol=1e-9)
        np.testing.assert_allclose(
            minimum_variance(covariance * factor, given), minimum_variance(covariance, given), atol=1e-9
        )


@pytest.mark.parametrize(
    ("given", "text"),
    [
        (limits(3, upper=0.25), "3 names with at most 0.25 each can hold 0.75; raise max_weight to 1/3."),
        (limits(3, lower=0.5), "3 names with at least 0.5 each need 1.5; lower min_weight to 1/3."),
        (limits(2, groups=[([0, 1], 0.6)]), "2 names can hold 0.6 under the caps of their groups"),
        (limits(3, groups=[([0, 1], 0.3), ([1, 2], 0.4)]), "3 names can hold 0.7 .* by 0.3 in total"),
        (limits(3, lower=0.2, groups=[([0, 1], 0.3)]), "capped at 0.3 has minimum weights of 0.4"),
    ],
)
def test_limits_out_of_reach_name_the_smallest_relaxation(given: Limits, text: str) -> None:
    covariance, _ = market(len(given.lower))
    with pytest.raises(Infeasible, match=text):
        minimum_variance(covariance, given)
    with pytest.raises(Infeasible, match=text):
        highest_ratio(covariance, np.ones(len(given.lower)), given)


def test_uneven_limits_out_of_reach_name_what_is_missing() -> None:
    covariance, _ = market(2)
    member, cap = np.zeros((0, 2), dtype=np.bool_), np.empty(0)
    narrow = Limits(lower=np.zeros(2), upper=np.array([0.2, 0.3]), member=member, cap=cap)
    with pytest.raises(Infeasible, match=r"raise their maximum weights by 0\.5 in total"):
        minimum_variance(covariance, narrow)
    wide = Limits(lower=np.array([0.7, 0.5]), upper=np.ones(2), member=member, cap=cap)
    with pytest.raises(Infeasible, match=r"lower their minimum weights by 0\.2 in total"):
        minimum_variance(covariance, wide)


def test_overlapping_groups_that_leave_the_floors_no_room_are_out_of_reach() -> None:
    covariance, _ = market(4)
    given = limits(4, lower=0.2, groups=[([0, 1], 0.5), ([1, 2], 0.5), ([0, 2], 0.5), ([3], 0.2)])
    with pytest.raises(Infeasible):
        minimum_variance(covariance, given)


@pytest.mark.parametrize("names", [2, 12, 120])
def test_a_singular_covariance_gives_valid_weights(names: int) -> None:
    moves = np.random.default_rng(4).normal(0.0, 0.01, (max(names // 4, 2), names))
    found = minimum_variance(np.cov(moves.T), limits(names))
    assert found.sum() == pytest.approx(1.0, abs=1e-12)
    assert (found >= 0.0).all()


def test_no_weights_gain_anything_under_limits_that_contradict_each_other() -> None:
    with pytest.raises(Infeasible, match="No weights keep"):
        best_gain(np.ones(2), limits(2, lower=0.4, groups=[([0, 1], 0.5)]))
