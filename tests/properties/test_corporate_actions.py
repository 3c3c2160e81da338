"""What companies do between reviews moves no level, and adding a day still equals a rebuild."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.factories import WARM_UP, a_definition, cut, random_closes, sessions, some_inputs
from tests.properties.test_index_engine import same_bits

from waardhaven.domain.index.build import IndexInputs, build_index
from waardhaven.domain.index.composition import CompositionColumns, ReviewReason
from waardhaven.domain.index.definition import Guards, IndexDefinition, WithholdingRate
from waardhaven.domain.index.events import IN_PRICES, EventColumns, EventKind
from waardhaven.domain.index.verification import first_difference
from waardhaven.domain.market.calendar import Frequency

ROWS = WARM_UP + 60
FAMILIES = ("market_cap", "equal_weight", "price")
few = settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
seeds = st.integers(0, 2**32 - 1)
families = st.sampled_from(FAMILIES)
frequencies = st.sampled_from([Frequency.WEEKLY, Frequency.MONTHLY, Frequency.YEARLY])


class Companies:
    """Companies whose worth per original share moves as told; what they do changes prices alone.

    Each has ``shares`` for an original one; what is paid out or spun off leaves its price.
    """

    def __init__(self, worth: np.ndarray, seed: int) -> None:
        self.rng = np.random.default_rng(seed)
        self.close = worth.copy()
        self.rows, self.columns = worth.shape
        self.events: list[tuple[int, int, EventKind, float, float, int]] = []

    def act(self, kind: EventKind, row: int, column: int) -> None:
        """Let a company do something on a row, at the price before it."""
        ratio = cash = np.nan
        other = -1
        before = self.close[row - 1, column]
        if kind is EventKind.SPLIT:
            ratio = float(self.rng.choice([2.0, 3.0, 0.1, 1.5]))
            self.close[row:, column] /= ratio
        elif kind is EventKind.RIGHTS:
            ratio, cash = 0.25, float(before * 0.6)
            self.close[row:, column] *= (before + ratio * cash) / (1 + ratio) / before
        elif kind is EventKind.SPIN_OFF:
            if column + 1 >= self.columns or not np.isnan(self.close[:, column + 1]).all():
                return
            ratio, other = 0.5, column + 1
            share = 0.3
            self.close[row:, other] = self.close[row:, column] * share / ratio
            self.close[row:, column] *= 1 - share
        elif kind in (EventKind.CASH_DIVIDEND, EventKind.SPECIAL_DIVIDEND):
            cash = float(before * 0.02)
            self.close[row:, column] *= (before - cash) / before
        else:
            self.close[row:, column] = np.nan
        self.events.append((row, column, kind, ratio, cash, other))

    def inputs(self) -> IndexInputs:
        days = sessions(self.rows)
        row, column, kind, ratio, cash, other = zip(*self.events, strict=True) if self.events else ([],) * 6
        events = EventColumns(
            asset=np.array(column, dtype=np.int64) + 1,
            ex_date=days[list(row)],
            kind=np.array(kind, dtype=np.int8),
            ratio=np.array(ratio, dtype=np.float64),
            cash=np.array(cash, dtype=np.float64),
            other=np.array([one + 1 if one >= 0 else -1 for one in other], dtype=np.int64),
        ).ordered()
        member = np.ones(self.close.shape, dtype=np.bool_)
        return replace(some_inputs(self.close, member=member), events=events)


def some_companies(
    seed: int, worth: np.ndarray, *, paying: bool, kinds: tuple[EventKind, ...] = tuple(EventKind)
) -> Companies:
    rng = np.random.default_rng(seed)
    made = Companies(worth, seed)
    kinds = tuple(kind for kind in kinds if paying or kind is not EventKind.CASH_DIVIDEND)
    gone: set[int] = set()
    rows = rng.choice(np.arange(WARM_UP - 20, ROWS), int(rng.integers(1, 9)), replace=False)
    for row in sorted(rows.tolist()):  # in order: the terms of each depend on the price before it
        column = int(rng.integers(0, worth.shape[1] - 2))
        kind = kinds[int(rng.integers(0, len(kinds)))]
        ended = kind in (EventKind.MERGER, EventKind.DELISTING)
        if np.isnan(made.close[row - 1, column]) or (ended and len(gone) >= 2):
            continue
        gone |= {column} if ended else set()
        made.act(kind, row, column)
    return made


def still(columns: int = 6) -> np.ndarray:
    """Return worths that never change; the last one has no price yet."""
    worth = np.tile(np.linspace(20.0, 90.0, columns), (ROWS, 1))
    worth[:, -2:] = np.nan
    return worth


def moving(seed: int, columns: int = 6) -> np.ndarray:
    worth = random_closes(seed, ROWS, columns)
    worth[:, -2:] = np.nan
    return worth


def for_family(name: str, **options: object) -> IndexDefinition:
    return a_definition(name, base=sessions(ROWS)[WARM_UP], **options)


@few
@given(seed=seeds, family=families, frequency=frequencies)
def test_actions_of_companies_whose_worth_stands_still_move_no_level(
    seed: int, family: str, frequency: Frequency
) -> None:
    inputs = some_companies(seed, still(), paying=False).inputs()
    result = build_index(for_family(family, frequency=frequency, drop=-0.0001), inputs)
    np.testing.assert_allclose(result.levels.level, 100.0, rtol=1e-12)
    np.testing.assert_allclose(result.levels.gross, 100.0, rtol=1e-12)


@few
@given(seed=seeds, family=families)
def test_a_price_carried_over_an_ex_date_follows_the_action(seed: int, family: str) -> None:
    made = some_companies(seed, still(), paying=False, kinds=(EventKind.SPLIT, *IN_PRICES, EventKind.MERGER))
    rng = np.random.default_rng(seed)
    missing = rng.random(made.close.shape) < 0.3
    missing[:5] = False
    made.close[missing] = np.nan
    definition = for_family(family, guards=Guards(min_price=0.0, max_forward_fill_days=20))
    result = build_index(definition, made.inputs())
    np.testing.assert_allclose(result.levels.level, 100.0, rtol=1e-12)


@few
@given(seed=seeds, family=families)
def test_regular_distributions_lower_the_price_level_and_not_the_total_return(seed: int, family: str) -> None:
    made = Companies(still(), seed)
    made.act(EventKind.CASH_DIVIDEND, WARM_UP + 9, seed % 4)
    definition = for_family(family, withholding=(WithholdingRate(country="*", rate=0.25),))
    result = build_index(definition, made.inputs())
    assert result.levels.level[8] == pytest.approx(100.0, rel=1e-13)
    assert result.levels.level[9] < 100.0 - 0.01
    np.testing.assert_allclose(result.levels.gross, 100.0, rtol=1e-12)
    lost = 100.0 - result.levels.level[9]
    np.testing.assert_allclose(result.levels.net[9], 100.0 - 0.25 * lost, rtol=1e-12)


@few
@given(
    seed=seeds,
    family=families,
    frequency=frequencies,
    split=st.integers(WARM_UP, ROWS - 1),
    band=st.sampled_from([None, 0.01]),
)
def test_continuing_equals_rebuilding_bit_for_bit_whatever_companies_do(
    seed: int, family: str, frequency: Frequency, split: int, band: float | None
) -> None:
    inputs = some_companies(seed, moving(seed), paying=True).inputs()
    definition = for_family(family, frequency=frequency, drop=-0.02, cost_rate=0.001)
    definition = replace(
        definition,
        schedule=replace(definition.schedule, drift_band=band),
        withholding=(WithholdingRate(country="*", rate=0.15),),
    )
    full = build_index(definition, inputs)
    part = build_index(definition, cut(inputs, slice(0, split + 1)))
    rest = build_index(definition, inputs, opening=part.closing)
    for name in ("level", "gross", "net"):
        joined = np.concatenate([getattr(part.levels, name), getattr(rest.levels, name)])
        assert joined.tobytes() == getattr(full.levels, name).tobytes(), name
    halves = (part.compositions, rest.compositions)
    compositions = CompositionColumns.of([one.at(i) for one in halves for i in range(len(one))])
    assert first_difference(replace(full, compositions=compositions), full) is None
    assert rest.closing.units.tobytes() == full.closing.units.tobytes()
    assert rest.closing.divisor == full.closing.divisor
    assert rest.closing.targets.tobytes() == full.closing.targets.tobytes()


@few
@given(seed=seeds, family=families, row=st.integers(WARM_UP + 1, ROWS - 1))
def test_later_actions_change_nothing_before_them(seed: int, family: str, row: int) -> None:
    inputs = some_companies(seed, moving(seed), paying=True).inputs()
    later = inputs.events.ex_date >= inputs.panel.days[row]
    without = replace(inputs, events=inputs.events.taken(np.flatnonzero(~later)))
    definition = for_family(family, frequency=Frequency.DAILY)
    a, b = build_index(definition, inputs), build_index(definition, without)
    kept = a.levels.day < inputs.panel.days[row]
    assert a.levels.level[kept].tobytes() == b.levels.level[kept].tobytes()
    assert a.levels.gross[kept].tobytes() == b.levels.gross[kept].tobytes()


@few
@given(seed=seeds, family=families)
def test_an_earlier_warm_up_changes_nothing_with_actions(seed: int, family: str) -> None:
    inputs = some_companies(seed, moving(seed), paying=True).inputs()
    definition = for_family(family)
    late = cut(inputs, slice(WARM_UP - 64, None))
    assert same_bits(build_index(definition, inputs), build_index(definition, late))


@few
@given(seed=seeds)
def test_total_return_from_raw_closes_equals_the_adjusted_close(seed: int) -> None:
    worth = random_closes(seed, ROWS, 3)
    made = Companies(worth, seed)
    for row in (WARM_UP + 5, WARM_UP + 20, WARM_UP + 41):
        made.act(EventKind.CASH_DIVIDEND, row, 0)
    made.act(EventKind.SPLIT, WARM_UP + 30, 0)
    inputs = made.inputs()
    alone = replace(inputs, member=np.tile(np.array([True, False, False]), (ROWS, 1)))
    result = build_index(for_family("equal_weight"), alone)
    close = made.close[WARM_UP:, 0]
    growth = close[1:] / close[:-1]
    for row, _, kind, ratio, cash, _ in made.events:
        at = row - WARM_UP
        growth[at - 1] = (
            growth[at - 1] * ratio if kind is EventKind.SPLIT else (close[at] + cash) / close[at - 1]
        )
    np.testing.assert_allclose(result.levels.gross[1:], 100.0 * np.cumprod(growth), rtol=1e-12)
    assert ReviewReason.ACTION in result.compositions.reason.tolist()
