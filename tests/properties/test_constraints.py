"""Whatever the constraints, weights keep them to 1e-12 or an error says what to relax."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from waardhaven.domain.errors import FieldError
from waardhaven.domain.index.constraints.apply import Constrained, constrain
from waardhaven.domain.index.constraints.capping import capped
from waardhaven.domain.index.constraints.feasibility import InfeasibleConstraints, check
from waardhaven.domain.index.constraints.rules import constraint_errors
from waardhaven.domain.index.constraints.traits import Traits, group_sums, limits_of
from waardhaven.domain.index.constraints.turnover import turnover
from waardhaven.domain.index.definition import Constraints, GroupCap, Grouping, WeightBounds
from waardhaven.domain.index.limits import Limits
from waardhaven.domain.types import Flags, Floats

RANDOM_SETS = 10_000
MOST_NAMES = 24
EXACT = 1e-12
seeds = st.integers(0, 2**32 - 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    raw: Floats
    eligible: Flags
    held: Floats
    invested: float
    traits: Traits
    constraints: Constraints

    @property
    def limits(self) -> Limits:
        return limits_of(self.constraints, np.arange(1, len(self.raw) + 1), self.traits)

    def weigh(self, among: Flags) -> Floats:
        """Weights in proportion to ``raw``, as market capitalisation makes them."""
        weights = np.where(among & self.eligible, self.raw, 0.0)
        total = weights.sum()
        return weights * (self.invested / total) if total > 0.0 else weights

    @property
    def target(self) -> Floats:
        return self.weigh(self.eligible)

    def run(self) -> Constrained:
        return constrain(self.target, self.eligible, self.held, self.limits, self.constraints, self.weigh)


def a_case(seed: int) -> Case:
    draw = np.random.default_rng(seed)
    names = int(draw.integers(1, MOST_NAMES + 1))
    raw = draw.random(names) ** draw.choice([1, 3, 10]) * (draw.random(names) < draw.choice([1.0, 0.6]))
    held = draw.random(names) * (draw.random(names) < 0.5)
    return Case(
        raw=raw,
        eligible=draw.random(names) < 0.9,
        held=held / held.sum() if held.any() and draw.random() < 0.8 else np.zeros(names),
        invested=float(draw.choice([1.0, 1.0, 1.0, 0.6])),
        traits=Traits(
            sector=tuple(draw.choice(["A", "B", "C", "D", None], names)),
            country=tuple(draw.choice(["US", "DE", "FR"], names)),
            currency=tuple(draw.choice(["USD", "EUR"], names)),
        ),
        constraints=some_constraints(draw),
    )


def some_constraints(draw: np.random.Generator) -> Constraints:
    largest = float(draw.choice([1.0, 0.5, 0.3, 0.2, 0.1]))
    caps = tuple(
        GroupCap(by=by, maximum=float(draw.choice([0.3, 0.4, 0.5, 0.6, draw.uniform(0.05, 1.0)])))
        for by in Grouping
        if draw.random() < 0.35
    )
    counted = draw.random() < 0.5
    return Constraints(
        min_weight=min(float(draw.choice([0.0, 0.0, 0.01, 0.03])), largest),
        max_weight=largest,
        bounds=(WeightBounds(asset=1, minimum=0.02, maximum=0.15),) if draw.random() < 0.2 else (),
        group_caps=caps,
        max_names=int(draw.integers(1, 15)) if counted else None,
        buffer=int(draw.integers(0, 3)) if counted else 0,
        min_position=min(float(draw.choice([0.0, 0.0, 0.02, 0.05])), largest),
        max_turnover=float(draw.uniform(0.01, 2.0)) if draw.random() < 0.6 else None,
    )


def breaches(case: Case, weights: Floats) -> float:
    """By how much the weights break what they must keep, at most; floors are those of names held."""
    limits, held = case.limits, weights != 0.0
    found = [
        abs(weights.sum() - case.target.sum()),
        *(weights - limits.upper)[held],
        *(limits.lower - weights)[held],
        *(group_sums(limits, weights) - limits.cap),
        *(-weights),
        *weights[~case.eligible],
        *(case.constraints.min_position - weights[held] if held.sum() > 1 else ()),
    ]
    return float(max(found))


def judge(case: Case) -> bool:
    """Check one case; tell whether its constraints could be met."""
    try:
        found = case.run()
    except InfeasibleConstraints as refused:
        told = [one.field.startswith("constraints.") and bool(one.rule) for one in refused.errors]
        if not told or not all(told):
            raise AssertionError(refused.message) from refused
        return False
    assert np.isfinite(found.weights).all()
    if not case.target.any():
        assert found.weights.tolist() == case.target.tolist()
        return True
    assert breaches(case, found.weights) <= EXACT
    most, limit = case.constraints.max_names, case.constraints.max_turnover
    assert most is None or np.count_nonzero(found.weights) <= most
    if limit is not None and case.held.any():
        traded = turnover(case.held, found.weights)
        assert traded <= limit + EXACT or "exceeded" in found.effects[-1].text
    return True


@pytest.mark.timeout(300)
def test_ten_thousand_random_sets_give_weights_that_keep_them_or_a_clear_error() -> None:
    outcomes = [judge(a_case(seed)) for seed in range(RANDOM_SETS)]
    assert RANDOM_SETS / 4 < sum(outcomes) < RANDOM_SETS


@given(seeds)
def test_any_set_gives_weights_that_keep_it_or_a_clear_error(seed: int) -> None:
    judge(a_case(seed))


@given(seeds)
def test_the_same_review_gives_the_same_bits(seed: int) -> None:
    case = a_case(seed)
    try:
        once = case.run()
    except InfeasibleConstraints:
        assume(False)
    assert once.weights.tobytes() == case.run().weights.tobytes()


def solved(case: Case) -> tuple[Floats, Flags, Limits]:
    """Weights within the limits of names and groups alone, of cases where there are some."""
    assume(case.target.any())
    try:
        return capped(case.target, case.eligible, case.limits), case.eligible, case.limits
    except InfeasibleConstraints:
        assume(False)
        raise


@given(seeds)
def test_weights_within_the_limits_are_not_changed_again(seed: int) -> None:
    weights, eligible, limits = solved(a_case(seed))
    again = capped(weights, eligible, limits)
    assert abs(again - weights).max() <= EXACT


@given(seeds, st.floats(0.01, 100.0))
def test_the_scale_of_what_the_target_is_made_from_changes_nothing(seed: int, factor: float) -> None:
    case = a_case(seed)
    weights, _, _ = solved(case)
    other, _, _ = solved(replace(case, raw=case.raw * factor))
    np.testing.assert_allclose(other, weights, atol=1e-9)


@given(seeds, st.randoms(use_true_random=False))
def test_the_order_of_names_changes_nothing(seed: int, random) -> None:
    weights, eligible, limits = solved(a_case(seed))
    order = list(range(len(weights)))
    random.shuffle(order)
    target = a_case(seed).target
    other = capped(target[order], eligible[order], limits.among(np.array(order)))
    np.testing.assert_allclose(other, weights[order], atol=1e-7)


@given(seeds)
def test_names_that_are_not_eligible_change_no_bit_of_the_others(seed: int) -> None:
    case = a_case(seed)
    weights, eligible, limits = solved(case)
    rows = np.flatnonzero(eligible)
    alone = capped(case.target[rows], eligible[rows], limits.among(rows))
    assert alone.tobytes() == weights[rows].tobytes()


@given(seeds)
def test_of_names_with_the_same_limits_the_one_wanted_more_never_gets_less(seed: int) -> None:
    case = a_case(seed)
    weights, eligible, limits = solved(case)
    for i in np.flatnonzero(eligible):
        alike = eligible & (limits.member == limits.member[:, [i]]).all(axis=0)
        alike &= (limits.upper == limits.upper[i]) & (limits.lower == limits.lower[i])
        more = np.flatnonzero(alike & (case.target > case.target[i]))
        assert (weights[more] >= weights[i] - EXACT).all()


@given(seeds)
def test_caps_and_floors_of_names_alone_leave_the_ratios_of_the_others(seed: int) -> None:
    case = a_case(seed)
    limits = case.limits.of_groups(np.empty(0, dtype=np.intp))
    assume(case.target.any())
    try:
        weights = capped(case.target, case.eligible, limits)
    except InfeasibleConstraints:
        assume(False)
    between = (weights > limits.lower + EXACT) & (weights < limits.upper - EXACT) & (case.target > 0.0)
    ratio = weights[between] / case.target[between]
    assert len(ratio) < 2 or np.ptp(ratio) <= 1e-9 * ratio.max()


def refusals(ask: Callable[..., object], *args: object) -> tuple[FieldError, ...]:
    """What is said against the question, nothing if it is answered."""
    try:
        ask(*args)
    except InfeasibleConstraints as refused:
        return refused.errors
    return ()


@given(seeds)
def test_limits_are_refused_if_and_only_if_no_names_can_keep_them(seed: int) -> None:
    case = a_case(seed)
    assume(case.target.any())
    target = np.where(case.eligible, case.invested / case.eligible.sum(), 0.0)
    expected = refusals(check, case.limits, case.eligible, case.invested)
    found = refusals(capped, target, case.eligible, case.limits)
    assert found == expected
    if not found:
        plain = replace(case, raw=target, constraints=replace(case.constraints, min_position=0.0))
        assert breaches(plain, capped(target, case.eligible, case.limits)) <= EXACT


numbers = st.one_of(st.floats(), st.integers(-3, 3), st.none(), st.booleans(), st.floats(0.0, 1.0))


@given(st.tuples(*(numbers for _ in range(6))))
@settings(max_examples=300)
def test_any_numbers_are_judged_and_those_accepted_are_finite(values: tuple[object, ...]) -> None:
    names = ("min_weight", "max_weight", "max_names", "buffer", "min_position", "max_turnover")
    constraints = Constraints(**dict(zip(names, values, strict=True)))  # type: ignore[arg-type]
    if not list(constraint_errors(constraints)):
        assert 0.0 <= constraints.min_weight <= constraints.max_weight <= 1.0
        assert 0.0 <= constraints.min_position <= constraints.max_weight
