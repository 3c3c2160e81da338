"""Contributions add up to the return, whatever companies and reviews do, and are those of each day linked."""

from dataclasses import replace

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.properties.test_corporate_actions import FAMILIES, for_family, moving, some_companies
from tests.properties.test_index_engine import NAMES, a_market, for_market

from waardhaven.domain.index.acting import free_worth
from waardhaven.domain.index.build import Computation, build_index, compute
from waardhaven.domain.index.composition import ReviewReason
from waardhaven.domain.index.definition import IndexDefinition, Variant, WithholdingRate
from waardhaven.domain.index.explaining.contributing import contributed
from waardhaven.domain.index.explaining.level_change import LevelChange
from waardhaven.domain.index.explaining.session import Session
from waardhaven.domain.index.inputs import IndexInputs
from waardhaven.domain.market.calendar import Frequency, period
from waardhaven.domain.metrics.contribution import Compositions, History, Points, contributions

EXACT = 1e-12
few = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
seeds = st.integers(0, 2**32 - 1)


def costly(definition: IndexDefinition) -> IndexDefinition:
    return replace(definition, cost_rate=0.002, withholding=(WithholdingRate(country="*", rate=0.2),))


def held(computed: Computation) -> Compositions:
    """Every composition, rows counted from the base date."""
    made = computed.chain.holdings
    return Compositions(
        since=np.array([one.since - computed.start for one in made]),
        acted=np.array([one.reason is ReviewReason.ACTION and one.since == one.effective for one in made]),
        divisor=np.array([one.divisor for one in made]),
        offset=np.cumsum([0, *(len(one.units) for one in made)]),
        column=np.concatenate([one.column for one in made]),
        units=np.concatenate([one.units for one in made]),
    )


def ex_prices(computed: Computation) -> Points:
    """Prices with which names begin an ex-date: less what shares that were spun off came with."""
    found: list[tuple[int, int, float]] = []
    for row in range(computed.start + 1, len(computed.chain.levels)):
        session = Session.of(computed, row)
        units = session.into.units
        free = free_worth(session.steps, len(units))
        for column in np.flatnonzero((units > 0.0) & bool(session.steps)):
            price = session.ex_price[column] - free[column] / units[column]
            found.append((row - computed.start, int(column), float(price)))
    rows, columns, values = zip(*found, strict=True) if found else ((), (), ())
    return Points(
        row=np.array(rows, dtype=np.intp), column=np.array(columns, dtype=np.intp), value=np.array(values)
    )


def history(computed: Computation, variant: Variant = Variant.PRICE) -> History:
    chain, start = computed.chain, computed.start
    paid = chain.reviewer.paying
    kept = chain.rules.kept if variant is Variant.NET else np.ones(chain.reviewer.prices.price.shape[1])
    later = paid.events.row > start
    column = paid.events.column[later]
    inputs, definition = chain.reviewer.inputs, chain.reviewer.definition
    levels = build_index(definition, inputs).levels
    return History(
        level=chain.levels[start:],
        price=chain.reviewer.prices.price[start:],
        held=held(computed),
        ex_price=ex_prices(computed),
        distributed=Points(
            row=paid.events.row[later] - start, column=column, value=paid.cash[later] * kept[column]
        ),
        variant=None if variant is Variant.PRICE else levels.of(variant),
    )


def days_of(computed: Computation) -> np.ndarray:
    return computed.chain.reviewer.inputs.panel.days[computed.start :]


def the_same(one: np.ndarray, other: np.ndarray) -> None:
    np.testing.assert_allclose(one, other, rtol=0.0, atol=EXACT)


@few
@given(
    seed=seeds,
    family=st.sampled_from(FAMILIES),
    frequency=st.sampled_from(list(Frequency)),
    variant=st.sampled_from(list(Variant)),
)
def test_names_and_costs_add_up_to_the_return_of_every_variant(
    seed: int, family: str, frequency: Frequency, variant: Variant
) -> None:
    inputs = some_companies(seed, moving(seed), paying=True).inputs()
    computed = compute(costly(for_family(family, frequency=frequency, drop=-0.02)), inputs)
    taken = history(computed, variant)
    found = contributions(taken, period(days_of(computed), Frequency.MONTHLY))
    the_same(found.by_name.sum(axis=1) + found.cost, found.total)
    the_same(found.correction, np.zeros(len(found.total)))
    the_same(found.action.sum(axis=1), np.zeros(len(found.total)))
    assert (found.cost <= EXACT).all()
    whole = found.linked()
    the_same(whole.by_name.sum(axis=1) + whole.cost, whole.total)
    np.testing.assert_allclose(whole.total, taken.counted[-1] / taken.counted[0] - 1.0, atol=EXACT)


@few
@given(seed=seeds, family=st.sampled_from(FAMILIES), variant=st.sampled_from(list(Variant)))
def test_days_linked_are_the_whole_and_so_are_months(seed: int, family: str, variant: Variant) -> None:
    inputs = some_companies(seed, moving(seed), paying=True).inputs()
    computed = compute(costly(for_family(family)), inputs)
    taken, day = history(computed, variant), days_of(computed)
    whole = contributions(taken, np.zeros(len(day), dtype=np.int64))
    for frequency in (Frequency.DAILY, Frequency.MONTHLY):
        linked = contributions(taken, period(day, frequency)).linked()
        for name in ("price", "action", "distribution", "cost", "total"):
            the_same(getattr(linked, name), getattr(whole, name))


@few
@given(seed=seeds, family=st.sampled_from(FAMILIES))
def test_a_day_is_what_the_working_of_its_level_says(seed: int, family: str) -> None:
    inputs = some_companies(seed, moving(seed), paying=True).inputs()
    computed = compute(costly(for_family(family)), inputs)
    daily = contributions(history(computed), np.arange(len(days_of(computed))))
    assets = computed.chain.reviewer.inputs.panel.assets
    for row in range(computed.start + 1, len(computed.chain.levels)):
        session = Session.of(computed, row)
        change = LevelChange.of(session, computed.chain.rules.kept)
        at, column = row - computed.start - 1, np.searchsorted(assets, change.assets)
        the_same(daily.price[at, column], (change.local + change.currency) / change.level_before)
        the_same(daily.action[at, column], change.action / change.level_before)
        the_same(daily.cost[at], change.costs / change.level_before)


@few
@given(seed=seeds, name=st.sampled_from(NAMES), groups=st.integers(1, 5))
def test_groups_add_up_for_every_strategy_with_gaps_and_currencies(seed: int, name: str, groups: int) -> None:
    inputs: IndexInputs = a_market(seed)
    computed = compute(replace(for_market(inputs, name), cost_rate=0.001), inputs)
    found = contributions(history(computed), period(days_of(computed), Frequency.MONTHLY))
    group = np.random.default_rng(seed).integers(0, groups, found.price.shape[1])
    by_group = found.grouped(group, groups).by_name
    the_same(by_group.sum(axis=1) + found.cost, found.total)
    for one in range(groups):
        the_same(by_group[:, one], found.by_name[:, group == one].sum(axis=1))


@few
@given(
    seed=seeds,
    family=st.sampled_from(FAMILIES),
    variant=st.sampled_from(list(Variant)),
    first=st.integers(0, 40),
)
def test_what_was_published_is_enough_to_take_any_window_apart(
    seed: int, family: str, variant: Variant, first: int
) -> None:
    """Compositions keep what a day ended with; with two things on one day the rest shows as a correction."""
    inputs = some_companies(seed, moving(seed), paying=True).inputs()
    definition = costly(for_family(family))
    computed = compute(definition, inputs)
    built = build_index(definition, inputs)
    first = min(first, len(built.levels) - 2)
    levels, days = built.levels.since(first), days_of(computed)[first:]
    months = period(days, Frequency.MONTHLY)
    found = contributed(definition, inputs, levels, built.compositions, variant, months)
    taken = found.periods
    the_same(taken.by_name.sum(axis=1) + taken.cost + taken.correction, taken.total)
    whole = contributions(history(computed, variant), np.arange(len(days_of(computed))))
    opening = levels.of(variant)[0]
    points = whole.by_name * whole.opening[:, None] / opening
    the_same(taken.linked().by_name[0], points[first:].sum(axis=0))
    costs = (whole.cost * whole.opening)[first:].sum() / opening
    the_same(taken.linked().cost, np.array([costs]))
    the_same(taken.correction, np.zeros(len(taken.correction)))
