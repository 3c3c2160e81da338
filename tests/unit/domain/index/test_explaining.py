"""Taking sessions, reviews and openings apart, on markets small enough to check by hand."""

from dataclasses import replace

import numpy as np
import pytest
from tests.factories import WARM_UP, a_definition, cut, days, random_closes, sessions, some_inputs, warmed
from tests.properties.naive_index import TYPICAL
from tests.unit.domain.index.scenes import noise, signals

from waardhaven.domain.index.build import build_index
from waardhaven.domain.index.composition import Composition, ReviewReason
from waardhaven.domain.index.definition import (
    Constraints,
    Guards,
    IndexDefinition,
    NthWeekday,
    Schedule,
    StrategySpec,
    Weekday,
    WithholdingRate,
)
from waardhaven.domain.index.events import EventColumns, EventKind
from waardhaven.domain.index.explaining.last_session import LastSession, last_session
from waardhaven.domain.index.explaining.next_opening import next_opening
from waardhaven.domain.index.explaining.preview import (
    Outcome,
    first_difference_day,
    outcome,
    performance,
)
from waardhaven.domain.index.explaining.pro_forma import pro_forma
from waardhaven.domain.index.explaining.rebalances import weight_changes
from waardhaven.domain.index.explaining.weighing import Refusal
from waardhaven.domain.index.inputs import IndexInputs
from waardhaven.domain.index.publishing import Segment, located_review, publication_of
from waardhaven.domain.index.rebalancing import next_review
from waardhaven.domain.index.strategies import STRATEGIES, prepare
from waardhaven.domain.market.calendar import Frequency

FLAT = np.full((3, 2), 50.0)
AXIS = sessions(WARM_UP + 3)


def event(kind: EventKind, *, row: int, asset: int = 1, other: int = -1, **terms: float) -> EventColumns:
    return EventColumns(
        asset=np.array([asset]),
        ex_date=AXIS[[row]] if row < len(AXIS) else AXIS[[-1]] + 30,
        kind=np.array([kind], dtype=np.int8),
        ratio=np.array([terms.get("ratio", np.nan)]),
        cash=np.array([terms.get("cash", np.nan)]),
        other=np.array([other]),
    )


def market(close: np.ndarray, *, fx: np.ndarray | None = None) -> IndexInputs:
    rates = None if fx is None else warmed(fx)
    return some_inputs(warmed(close), axis=sessions(WARM_UP + len(close)), fx=rates)


def rules(name: str = "equal_weight", **changes: object) -> IndexDefinition:
    return a_definition(name, base=AXIS[WARM_UP], frequency=Frequency.YEARLY, **changes)


def second(definition: IndexDefinition, inputs: IndexInputs) -> LastSession:
    """Explain the session after the base date."""
    first = build_index(definition, cut(inputs, slice(0, WARM_UP + 1)))
    return last_session(definition, cut(inputs, slice(0, WARM_UP + 2)), first.closing)


# --- levels


def test_points_of_price_and_currency_by_hand():
    close = np.array([[10.0, 20.0], [11.0, 20.0], [11.0, 20.0]])
    fx = np.array([[2.0, 1.0], [2.2, 1.0], [2.2, 1.0]])
    found = second(rules(), market(close, fx=fx)).change
    # half of 100 in each name: 2.5 units of one at 20, 2.5 of the other at 20
    assert found.local == pytest.approx([2.5 * (11 - 10) * 2.0, 0.0])
    assert found.currency == pytest.approx([2.5 * 11 * 0.2, 0.0])
    assert (found.local_return[0], found.currency_return[0]) == pytest.approx((0.1, 0.1))
    assert found.own_return[0] == pytest.approx(0.21)
    assert (found.change, found.explained) == pytest.approx((10.5, 10.5))
    assert found.weight_before.tolist() == [0.5, 0.5]
    assert found.net is None


def test_a_split_moves_nothing_and_is_told():
    close = FLAT.copy()
    close[1:, 0] = 25.0
    inputs = replace(market(close), events=event(EventKind.SPLIT, row=WARM_UP + 1, ratio=2.0))
    found = second(rules(), inputs)
    assert found.change.change == 0.0
    (action,) = found.actions
    assert (action.kind, action.at, action.done) == ("split", "opening", True)
    assert (action.units_before, action.units_after) == (1.0, 2.0)
    assert (action.price_before, action.price_after) == (50.0, 25.0)


def test_a_delisting_is_settled_at_the_close_at_its_terminal_price():
    inputs = replace(market(FLAT), events=event(EventKind.DELISTING, row=WARM_UP + 1, cash=10.0))
    inputs.panel.close[WARM_UP + 1 :, 0] = np.nan
    found = second(rules(), inputs)
    assert found.change.change == pytest.approx(-40.0)
    opening, closing = found.actions
    assert (opening.at, closing.at) == ("opening", "close")
    assert (closing.units_before, closing.units_after) == (1.0, 0.0)
    assert found.closing.weight.tolist() == [0.0, 1.0]


def test_an_action_without_terms_is_told_as_not_done():
    inputs = replace(market(FLAT), events=event(EventKind.SPLIT, row=WARM_UP + 1))
    (action,) = second(rules(), inputs).actions
    assert (action.done, action.units_before, action.price_after) == (False, 1.0, 50.0)


def test_spun_off_shares_come_for_nothing_and_the_parent_pays_for_them():
    close = np.array([[50.0, 50.0, np.nan], [40.0, 50.0, 20.0], [40.0, 50.0, 20.0]])
    inputs = replace(market(close), events=event(EventKind.SPIN_OFF, row=WARM_UP + 1, other=3, ratio=0.5))
    change = second(rules(), inputs).change
    assert change.change == pytest.approx(0.0, abs=1e-12)
    assert change.local == pytest.approx([-10.0, 0.0, 10.0])
    assert np.isnan(change.own_return[2])


def test_a_distribution_counts_for_total_return_alone():
    close = FLAT.copy()
    close[1:, 0] = 49.0
    inputs = replace(market(close), events=event(EventKind.CASH_DIVIDEND, row=WARM_UP + 1, cash=1.0))
    taxed = rules(withholding=(WithholdingRate(country="*", rate=0.25),))
    change = second(taxed, inputs).change
    assert change.change == pytest.approx(-1.0)
    assert change.gross == pytest.approx([1.0, 0.0])
    assert change.net == pytest.approx([0.75, 0.0])
    assert second(rules(), inputs).change.net is None


def test_the_base_date_has_a_review_and_no_change():
    found = last_session(rules(), cut(market(FLAT), slice(0, WARM_UP + 1)))
    assert (found.change, found.actions) == (None, ())
    assert found.review.weights.tolist() == [0.5, 0.5]
    assert found.review.turnover == 1.0
    assert found.closing.level == 100.0
    later = second(rules(), market(FLAT))
    assert later.review is None


def test_a_stale_close_is_told_and_one_changed_by_an_action_is_shown_as_used():
    inputs = replace(market(FLAT), events=event(EventKind.SPLIT, row=WARM_UP + 1, ratio=2.0))
    inputs.panel.close[WARM_UP + 1, 0] = np.nan
    found = second(rules(guards=Guards(min_price=0.0, max_forward_fill_days=5)), inputs)
    assert found.closing.stale.tolist() == [True, False]
    assert found.closing.close.tolist() == [25.0, 50.0]
    assert found.change.change == 0.0


# --- reviews


def test_every_reason_why_a_name_can_not_enter_is_told():
    close = np.tile([50.0, 50.0, np.nan, 50.0, 50.0, 50.0, 50.0], (3, 1))
    inputs = market(close)
    inputs.member[:, 1] = False
    inputs.panel.close[WARM_UP - 6 :, 3] = np.nan
    inputs.panel.close[:, 4] = 0.5
    inputs.shares[:, 6] = np.nan
    inputs = replace(inputs, events=event(EventKind.DELISTING, row=WARM_UP, asset=6, cash=1.0))
    definition = rules("market_cap", guards=Guards(min_price=1.0, max_forward_fill_days=2))
    review = last_session(definition, cut(inputs, slice(0, WARM_UP + 1))).review
    assert [review.refused(i) for i in range(7)] == [
        (),
        (Refusal.NOT_A_MEMBER,),
        (Refusal.NO_PRICE,),
        (Refusal.PRICE_TOO_OLD,),
        (Refusal.BELOW_PRICE_FLOOR,),
        (Refusal.NOT_TRADED,),
        (Refusal.MARKET_CAP_UNKNOWN,),
    ]
    assert review.weights.tolist() == [1.0, 0, 0, 0, 0, 0, 0]


def test_effects_of_constraints_lead_from_target_to_weight():
    definition = rules("market_cap", constraints=Constraints(max_weight=0.6))
    inputs = market(np.tile([90.0, 10.0], (3, 1)))
    review = last_session(definition, cut(inputs, slice(0, WARM_UP + 1))).review
    (effect,) = review.effects
    assert (effect.before.tolist(), effect.after.tolist()) == ([0.9, 0.1], [0.6, 0.4])
    assert review.constrained is effect.after


@pytest.mark.parametrize("strategy", STRATEGIES, ids=lambda one: one.name)
def test_figures_and_components_have_the_shape_of_weights(strategy):
    spec = StrategySpec(name=strategy.name, params=TYPICAL.get(strategy.name, {}))
    bound, seen = prepare(spec), signals(noise(4))
    for values in bound.figures(seen).values():
        assert values.shape == (1, 4)
    for one in bound.components(seen):
        assert 0.0 < one.share <= 1.0
        assert one.strategy.weigh(one.signals).shape == (1, 4)


def test_the_strategy_below_an_overlay_has_its_exposure_as_share():
    bound = prepare(StrategySpec(name="volatility_target", params={"target": 0.01}))
    seen = signals(noise(4))
    (below,) = bound.components(seen)
    np.testing.assert_allclose(below.share * below.strategy.weigh(below.signals), bound.weigh(seen))


# --- reviews of the past and of the future


def test_changes_at_a_review_count_from_what_actions_left_on_that_day():
    close = np.array([[50.0, 50.0], [25.0, 60.0], [25.0, 60.0]])
    inputs = replace(market(close), events=event(EventKind.SPLIT, row=WARM_UP + 1, ratio=2.0))
    definition = rules()
    result = build_index(definition, inputs, forced=AXIS[[WARM_UP + 1]])
    base, review = (result.compositions.at(i) for i in range(2))
    first, changed = weight_changes(definition, inputs, [(None, base), (base, review)])
    assert changed.before == pytest.approx([50 / 110, 60 / 110])
    assert changed.after == pytest.approx([0.5, 0.5])
    assert np.abs(changed.after - changed.before).sum() == pytest.approx(review.turnover, abs=1e-15)
    assert first.entered.tolist() == [1, 2]
    assert changed.largest(1).assets.tolist() == [1]
    assert len(changed.left) == 0


def test_a_name_delisted_on_the_day_of_a_review_has_left_before_it():
    inputs = replace(market(FLAT), events=event(EventKind.DELISTING, row=WARM_UP + 1, cash=10.0))
    inputs.panel.close[WARM_UP + 1 :, 0] = np.nan
    definition = rules()
    result = build_index(definition, inputs, forced=AXIS[[WARM_UP + 1]])
    base, review = (result.compositions.at(i) for i in range(2))
    (changed,) = weight_changes(definition, inputs, [(base, review)])
    assert (changed.assets.tolist(), changed.before.tolist()) == ([2], [1.0])
    assert review.turnover == 0.0


def test_an_action_without_terms_leaves_the_changes_alone():
    inputs = replace(market(FLAT), events=event(EventKind.SPLIT, row=WARM_UP + 1))
    definition = rules()
    result = build_index(definition, inputs, forced=AXIS[[WARM_UP + 1]])
    base, review = (result.compositions.at(i) for i in range(2))
    (changed,) = weight_changes(definition, inputs, [(base, review)])
    assert changed.before.tolist() == [0.5, 0.5]


def test_cash_is_a_name_like_any_other():
    definition = a_definition(
        "volatility_target", {"target": 0.05}, base=AXIS[WARM_UP], frequency=Frequency.DAILY
    )
    inputs = some_inputs(random_closes(4, WARM_UP + 3, 3), axis=AXIS)
    result = build_index(definition, inputs)
    base, review = (result.compositions.at(i) for i in range(2))
    (changed,) = weight_changes(definition, inputs, [(base, review)])
    assert changed.assets.tolist() == [0, 1, 2, 3]
    assert changed.before.sum() == pytest.approx(1.0)
    found = pro_forma(definition, inputs, result.compositions.at(2), AXIS[-1])
    assert found.weights.sum() == pytest.approx(1.0)
    assert found.assets.tolist() == [0, 1, 2, 3]


def test_the_next_review_is_the_first_due_or_forced_one_after_the_day():
    axis = days("2024-01-29", "2024-01-30", "2024-01-31", "2024-02-01", "2024-02-02", "2024-02-05")
    monthly = Schedule(frequency=Frequency.MONTHLY)
    none = days()
    assert next_review(axis, monthly, axis[1], forced=none) == 3
    assert next_review(axis, monthly, axis[3], forced=none) is None
    assert next_review(axis, monthly, axis[1], forced=axis[2:3]) == 2
    friday = Schedule(frequency=Frequency.MONTHLY, on=NthWeekday(nth=1, weekday=Weekday.FRIDAY))
    assert next_review(axis, friday, axis[1], forced=none) == 4


# --- the next opening


def opened(events: EventColumns, close: np.ndarray = FLAT[:1], **changes: object):
    return next_opening(rules(**changes), market(close), None, AXIS[WARM_UP + 1], events)[1]


def test_the_adjusted_file_has_units_and_closes_after_the_actions_of_the_next_session():
    found = opened(event(EventKind.SPLIT, row=WARM_UP + 1, ratio=2.0))
    assert (found.units.tolist(), found.price.tolist()) == ([2.0, 1.0], [25.0, 50.0])
    assert found.weight.tolist() == [0.5, 0.5]
    assert [one.stated for one in found.steps] == [True]


def test_distributions_and_later_actions_change_nothing_in_the_adjusted_file():
    for events in (
        event(EventKind.CASH_DIVIDEND, row=WARM_UP + 1, cash=1.0),
        event(EventKind.SPLIT, row=WARM_UP + 2, ratio=2.0),
        event(EventKind.SPLIT, row=WARM_UP, ratio=2.0),
    ):
        found = opened(events)
        assert (found.units.tolist(), found.price.tolist(), found.steps) == ([1.0, 1.0], [50.0, 50.0], ())


def test_a_spun_off_name_is_in_the_adjusted_file_without_a_price():
    close = np.array([[50.0, 50.0, np.nan]])
    found = opened(event(EventKind.SPIN_OFF, row=WARM_UP + 1, other=3, ratio=0.5), close)
    assert found.units.tolist() == [1.0, 1.0, 0.5]
    assert found.price.tolist() == [50.0, 50.0, 0.0]


# --- previews


def test_figures_of_levels_by_hand():
    day = days("2020-01-02", "2020-06-01", "2022-01-01")
    found = performance(day, np.array([100.0, 80.0, 121.0]), 252)
    assert found.total_return == pytest.approx(0.21)
    assert found.annual_return == pytest.approx(1.21 ** (365 / 730) - 1)
    assert found.max_drawdown == pytest.approx(-0.2)
    assert found.volatility == pytest.approx(np.std([-0.2, 0.5125], ddof=1) * 252**0.5)
    short = performance(day[:1], np.array([100.0]), 252)
    assert (short.total_return, short.max_drawdown) == (0.0, 0.0)
    assert np.isnan(short.annual_return)
    assert np.isnan(short.volatility)


def test_the_first_difference_is_the_first_day_with_other_levels():
    a = outcome(rules(), market(FLAT), 252)
    moved: Outcome = replace(a, level=a.level * np.array([1.0, 1.0, 1.1]))
    assert first_difference_day(a, a) is None
    assert first_difference_day(a, moved) == a.day[2]
    assert first_difference_day(a, replace(a, day=a.day[1:], level=a.level[1:])) == a.day[0]
    assert (a.years.tolist(), a.turnover.tolist(), a.reviews) == ([2020], [0.0], 1)


# --- what made a day official


def a_segment(sequence: int, first: int, last: int, reasons: list[ReviewReason]) -> Segment:
    definition = rules()
    result = build_index(definition, market(FLAT))
    base = result.compositions.at(0)
    made = [replace(base, reason=one, effective=AXIS[WARM_UP + i]) for i, one in enumerate(reasons)]
    return Segment(
        sequence=sequence,
        from_day=AXIS[WARM_UP + first],
        through_day=AXIS[WARM_UP + last],
        levels=result.levels,
        compositions=result.compositions.of(made),
    )


def test_a_day_is_official_by_the_last_publication_that_covers_it():
    history = [a_segment(1, 0, 2, [ReviewReason.BASE]), a_segment(2, 1, 1, [])]
    assert [publication_of(history, AXIS[WARM_UP + i]).sequence for i in range(3)] == [1, 2, 1]
    assert publication_of(history, AXIS[0]) is None
    assert publication_of(history, AXIS[WARM_UP] + 200) is None
    assert publication_of([], AXIS[WARM_UP]) is None


def test_a_review_is_located_behind_what_companies_did():
    history = [a_segment(1, 0, 2, [ReviewReason.BASE, ReviewReason.ACTION])]
    segment, found = located_review(history, AXIS[WARM_UP + 2])
    assert (segment.sequence, found.effective, found.reason) == (1, AXIS[WARM_UP], ReviewReason.BASE)
    assert isinstance(found, Composition)
    assert located_review(history, AXIS[0]) is None
    assert located_review([a_segment(1, 0, 2, [ReviewReason.ACTION])], AXIS[WARM_UP]) is None
