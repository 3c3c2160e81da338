import statistics

import numpy as np
import pytest
from tests.factories import WARM_UP, a_definition, cut, random_closes, sessions, some_inputs, warmed

from waardhaven.domain.index.build import (
    IndexResult,
    NothingEligible,
    build_index,
)
from waardhaven.domain.index.composition import FlagKind
from waardhaven.domain.index.definition import Adjustment, Guards, IndexDefinition
from waardhaven.domain.market.calendar import Frequency

BASE = sessions(WARM_UP + 1)[-1]
nan = np.nan


def weights_on(result: IndexResult, review: int) -> dict[int, float]:
    found = result.compositions.at(review)
    return dict(zip(found.asset.tolist(), found.weight.tolist(), strict=True))


def flagged(result: IndexResult, kind: FlagKind) -> list[tuple[str, int]]:
    mine = result.flags.kind == kind
    return list(
        zip(result.flags.day[mine].astype(str).tolist(), result.flags.asset[mine].tolist(), strict=True)
    )


def daily(**options: object) -> IndexDefinition:
    return a_definition(base=BASE, frequency=Frequency.DAILY, **options)


def test_the_level_on_the_base_date_is_the_base_value() -> None:
    inputs = some_inputs(random_closes(1, WARM_UP + 5, 3))
    for base_value in (1.0, 100.0, 1234.567891):
        result = build_index(a_definition(base=BASE, base_value=base_value), inputs)
        assert result.levels.day[0] == BASE
        assert result.levels.level[0] == base_value


def test_the_weights_of_a_day_use_nothing_of_that_day() -> None:
    close = random_closes(2, WARM_UP + 1, 4)
    jumped = close.copy()
    jumped[-1] *= [0.5, 2.0, 1.0, 0.1]
    for name in ("momentum", "inverse_volatility", "market_cap"):
        definition = a_definition(name, base=BASE)
        a, b = (weights_on(build_index(definition, some_inputs(x)), 0) for x in (close, jumped))
        assert a == b


def test_the_lag_moves_the_selection_day_back() -> None:
    result = build_index(a_definition(base=BASE, lag=3), some_inputs(random_closes(3, WARM_UP + 1, 2)))
    assert result.compositions.selection[0] == sessions(WARM_UP + 1)[-4]


def test_a_large_move_earns_the_level_in_full_and_is_only_flagged() -> None:
    close = warmed(np.ones((3, 2)) * 10) * (1 + 0.001 * (np.arange(WARM_UP + 3) % 2))[:, None]
    close[WARM_UP + 1 :, 0] *= 0.2
    result = build_index(daily(guards=Guards(min_price=0.0, min_daily_return=-0.5)), some_inputs(close))
    assert result.levels.level[1] / result.levels.level[0] == pytest.approx(0.6, rel=1e-3)
    assert flagged(result, FlagKind.OUTLIER) == [(str(sessions(WARM_UP + 3)[-2]), 1)]


def test_the_outlier_limit_decides_what_is_flagged() -> None:
    inputs = some_inputs(random_closes(4, 400, 5))
    counts = [
        len(
            flagged(
                build_index(daily(guards=Guards(min_price=0.0, outlier_std_threshold=limit)), inputs),
                FlagKind.OUTLIER,
            )
        )
        for limit in (2.0, 3.0, 10.0)
    ]
    assert counts[0] > counts[1] > counts[2]


def test_outliers_of_names_neither_held_nor_member_are_not_flagged() -> None:
    close = random_closes(4, 400, 2)
    member = np.tile([True, False], (400, 1))
    result = build_index(daily(), some_inputs(close, member=member))
    assert {asset for _, asset in flagged(result, FlagKind.OUTLIER)} == {1}


def test_outliers_of_members_are_flagged_whether_held_or_not() -> None:
    close = random_closes(4, 400, 2)
    shares = np.tile([5.0, nan], (400, 1))
    definition = a_definition("market_cap", base=BASE)
    result = build_index(definition, some_inputs(close, shares=shares))
    assert set(result.compositions.asset.tolist()) == {1}
    assert {asset for _, asset in flagged(result, FlagKind.OUTLIER)} == {1, 2}


def test_signals_see_bounded_returns() -> None:
    close = warmed(np.tile([10.0, 10.0], (1, 1)))
    close[WARM_UP - 5 :, 0] *= 3.0  # one return of +200 %
    close[WARM_UP - 5 :, 1] *= 1.25
    definition = a_definition("momentum", base=BASE, guards=Guards(min_price=0.0, max_daily_return=0.75))
    assert weights_on(build_index(definition, some_inputs(close)), 0) == {1: 0.75, 2: 0.25}


def test_a_price_older_than_the_limit_can_not_enter() -> None:
    close = warmed(np.ones((2, 3)))
    close[WARM_UP - 2 : WARM_UP, 0] = nan  # 2 sessions old on the selection day
    close[WARM_UP - 3 : WARM_UP, 1] = nan  # 3 sessions old
    result = build_index(daily(), some_inputs(close))
    assert weights_on(result, 0) == {1: 0.5, 3: 0.5}


def test_a_name_never_priced_can_not_enter() -> None:
    close = warmed(np.ones((2, 2)))
    close[:WARM_UP, 0] = nan
    assert weights_on(build_index(daily(), some_inputs(close)), 0) == {2: 1.0}


def test_a_held_name_without_bars_keeps_its_last_price_is_flagged_and_leaves_at_the_next_review() -> None:
    close = warmed(np.tile([10.0, 10.0], (12, 1)))
    close[WARM_UP + 1 :, 0] = nan
    close[WARM_UP + 1 :, 1] = 11.0
    axis = sessions(len(close))
    result = build_index(a_definition(base=BASE), some_inputs(close))
    assert result.levels.level[1:].tolist() == pytest.approx([105.0] * 11)
    assert weights_on(result, 1) == {1: 0.5, 2: 0.5}  # selected on a Friday, two sessions after its last bar
    assert weights_on(result, 2) == {2: 1.0}
    leaves = result.compositions.effective[2]
    stale = [str(day) for day in axis[WARM_UP + 1 :] if day <= leaves]
    assert flagged(result, FlagKind.STALE_PRICE) == [(day, 1) for day in stale]


def test_a_short_history_keeps_a_name_out_of_the_sleeves_that_need_it() -> None:
    close = random_closes(5, WARM_UP + 1, 3)
    close[: WARM_UP - 30, 2] = nan
    inputs = some_inputs(close)
    assert set(weights_on(build_index(a_definition("inverse_volatility", base=BASE), inputs), 0)) == {1, 2}
    assert set(weights_on(build_index(a_definition("equal_weight", base=BASE), inputs), 0)) == {1, 2, 3}


def test_an_unknown_market_cap_keeps_a_name_out_and_is_flagged_once_a_review() -> None:
    close = warmed(np.tile([10.0, 10.0], (3, 1)))
    shares = np.full(close.shape, 5.0)
    shares[:, 0] = nan
    result = build_index(
        a_definition("market_cap", base=BASE, frequency=Frequency.YEARLY), some_inputs(close, shares=shares)
    )
    assert weights_on(result, 0) == {2: 1.0}
    assert flagged(result, FlagKind.UNKNOWN_MARKET_CAP) == [(str(BASE), 1)]


def test_no_shares_outstanding_means_an_unknown_market_cap() -> None:
    close = warmed(np.tile([10.0, 10.0], (2, 1)))
    shares = np.tile([0.0, 5.0], (len(close), 1))
    result = build_index(a_definition("market_cap", base=BASE), some_inputs(close, shares=shares))
    assert weights_on(result, 0) == {2: 1.0}
    assert flagged(result, FlagKind.UNKNOWN_MARKET_CAP) == [(str(BASE), 1)]


def test_unknown_market_caps_are_not_flagged_by_strategies_that_ignore_them() -> None:
    close = warmed(np.ones((3, 2)))
    result = build_index(daily(), some_inputs(close, shares=np.full(close.shape, nan)))
    assert flagged(result, FlagKind.UNKNOWN_MARKET_CAP) == []


@pytest.mark.parametrize(
    ("adjustment", "entered"),
    [(Adjustment.RAW, {2: 1.0}), (Adjustment.SPLITS, {1: 0.5, 2: 0.5}), (Adjustment.ALL, {1: 0.5, 2: 0.5})],
)
def test_the_price_floor_applies_to_raw_prices_only(
    adjustment: Adjustment, entered: dict[int, float]
) -> None:
    close = warmed(np.tile([0.5, 10.0], (2, 1)))
    definition = daily(adjustment=adjustment, guards=Guards(min_price=1.0))
    assert weights_on(build_index(definition, some_inputs(close)), 0) == entered


def test_the_price_floor_reads_the_last_known_close_in_its_own_currency() -> None:
    close = warmed(np.tile([0.5, 2.0], (2, 1)))
    close[WARM_UP - 1] = nan
    fx = np.full(close.shape, 10.0)
    definition = daily(guards=Guards(min_price=1.0))
    assert weights_on(build_index(definition, some_inputs(close, fx=fx)), 0) == {2: 1.0}


def test_only_members_on_the_selection_day_are_weighed() -> None:
    close = warmed(np.ones((3, 2)))
    member = np.ones(close.shape, dtype=np.bool_)
    member[WARM_UP:, 0] = False
    result = build_index(daily(), some_inputs(close, member=member))
    assert weights_on(result, 0) == {1: 0.5, 2: 0.5}
    assert weights_on(result, 1) == {2: 1.0}


def test_a_missing_rate_is_carried_and_a_never_known_one_keeps_the_name_out() -> None:
    close = warmed(np.tile([10.0, 10.0], (3, 1)))
    fx = np.full(close.shape, 2.0)
    fx[:, 0] = nan
    fx[WARM_UP + 1 :, 1] = nan
    result = build_index(daily(), some_inputs(close, fx=fx))
    assert weights_on(result, 0) == {2: 1.0}
    assert result.levels.level.tolist() == [100.0, 100.0, 100.0]
    assert flagged(result, FlagKind.STALE_PRICE) == []


def test_nothing_eligible_on_the_base_date_is_an_error() -> None:
    close = warmed(np.ones((2, 2)))
    with pytest.raises(NothingEligible):
        build_index(daily(), some_inputs(close, member=np.zeros(close.shape, dtype=np.bool_)))


def test_nothing_eligible_later_keeps_the_units_and_says_so() -> None:
    close = warmed(np.array([[10.0, 10.0], [11.0, 9.0], [12.0, 12.0]]))
    member = np.ones(close.shape, dtype=np.bool_)
    member[WARM_UP:] = False
    result = build_index(daily(), some_inputs(close, member=member))
    assert len(result.compositions) == 1
    assert result.levels.level.tolist() == [100.0, 100.0, 120.0]
    axis = sessions(len(close)).astype(str)[WARM_UP + 1 :]
    assert flagged(result, FlagKind.REVIEW_SKIPPED) == [(day, asset) for day in axis for asset in (1, 2)]


def test_a_drop_on_the_last_session_forces_the_review_of_the_continuation() -> None:
    close = warmed(np.array([[10.0, 20.0], [8.0, 20.0], [8.0, 21.0], [9.0, 21.0]]))
    inputs = some_inputs(close)
    definition = a_definition(base=BASE, drop=-0.05, frequency=Frequency.YEARLY)
    part = build_index(definition, cut(inputs, slice(0, WARM_UP + 2)))
    assert len(part.compositions) == 1
    rest = build_index(definition, inputs, opening=part.closing)
    assert rest.compositions.effective.tolist() == [sessions(WARM_UP + 4)[-2].item()]


def test_a_threshold_of_none_never_forces_a_review() -> None:
    close = warmed(np.array([[10.0, 20.0], [1.0, 2.0], [8.0, 21.0]]))
    result = build_index(a_definition(base=BASE, drop=None, frequency=Frequency.YEARLY), some_inputs(close))
    assert len(result.compositions) == 1


def test_a_drop_reviewed_anyway_stays_a_scheduled_review() -> None:
    close = warmed(np.array([[10.0, 20.0], [5.0, 10.0], [8.0, 21.0]]))
    result = build_index(daily(drop=-0.05), some_inputs(close))
    assert result.compositions.reason.tolist() == [0, 1, 1]


def test_a_forced_day_is_reviewed() -> None:
    inputs = some_inputs(random_closes(6, WARM_UP + 4, 2))
    axis = inputs.panel.days
    definition = a_definition(base=BASE, frequency=Frequency.YEARLY)
    result = build_index(definition, inputs, forced=axis[WARM_UP + 2 : WARM_UP + 3])
    assert result.compositions.effective.tolist() == [BASE.item(), axis[WARM_UP + 2].item()]
    assert result.compositions.reason.tolist() == [0, 3]


def test_a_continuation_of_nothing_has_no_new_days() -> None:
    inputs = some_inputs(random_closes(6, WARM_UP + 4, 2))
    full = build_index(daily(), inputs)
    rest = build_index(daily(), inputs, opening=full.closing)
    assert (len(rest.levels), len(rest.compositions), len(rest.flags.day)) == (0, 0, 0)
    assert rest.closing.units.tolist() == full.closing.units.tolist()


@pytest.mark.parametrize(("missing", "entered"), [(2, {1, 2}), (3, {2})])
def test_a_gap_longer_than_the_fill_limit_breaks_the_history_of_a_signal(
    missing: int, entered: set[int]
) -> None:
    close = random_closes(9, WARM_UP + 1, 2)
    close[WARM_UP - 10 : WARM_UP - 10 + missing, 0] = nan
    result = build_index(a_definition("inverse_volatility", base=BASE), some_inputs(close))
    assert set(weights_on(result, 0)) == entered


def test_outliers_are_measured_against_the_sixty_returns_before_them() -> None:
    close = random_closes(10, 200, 3)
    definition = daily(guards=Guards(min_price=0.0, outlier_std_threshold=2.0))
    moves = close[1:] / close[:-1] - 1
    expected = []
    for row in range(WARM_UP, 200):
        for asset in range(3):
            before = moves[row - 61 : row - 1, asset].tolist()
            off = abs(float(moves[row - 1, asset]) - statistics.fmean(before))
            if off > 2.0 * statistics.stdev(before):
                expected.append((str(sessions(200)[row]), asset + 1))
    assert flagged(build_index(definition, some_inputs(close)), FlagKind.OUTLIER) == expected
    assert len(expected) > 10


def test_a_flat_history_gives_no_scale_to_measure_an_outlier_with() -> None:
    close = warmed(np.ones((3, 2)))
    close[-1, 0] = 2.0
    assert flagged(build_index(daily(), some_inputs(close)), FlagKind.OUTLIER) == []
