import numpy as np
import pytest
from tests.factories import days, sessions

from waardhaven.domain.market.panel import (
    AmbiguousSeries,
    OffSessionPrices,
    as_of_panel,
    off_session,
    to_panel,
)
from waardhaven.domain.market.prices import PricePanel
from waardhaven.domain.types import Days

nan = np.nan
AXIS = days("2024-01-02", "2024-01-03", "2024-01-05")


def panel(
    rows: list[tuple[int, str, float]],
    *,
    axis: Days = AXIS,
    series: tuple[int, ...] = (70, 50),
    assets: tuple[int, ...] = (1, 2),
    strict: bool = True,
) -> PricePanel:
    return to_panel(
        series=np.array([row[0] for row in rows], dtype=np.int64),
        day=days(*(row[1] for row in rows)),
        close=np.array([row[2] for row in rows], dtype=np.float64),
        series_ids=np.array(series, dtype=np.int64),
        asset_ids=np.array(assets, dtype=np.int64),
        sessions=axis,
        strict=strict,
    )


def test_rows_land_on_their_day_and_asset_and_the_rest_is_unknown() -> None:
    found = panel([(50, "2024-01-05", 3.0), (70, "2024-01-02", 1.0), (70, "2024-01-03", 2.0)])
    np.testing.assert_array_equal(found.close, [[1.0, nan], [2.0, nan], [nan, 3.0]])
    assert found.assets.tolist() == [1, 2]
    assert found.close.flags.c_contiguous


def test_assets_are_sorted_whatever_order_they_come_in() -> None:
    found = panel([(50, "2024-01-02", 3.0), (70, "2024-01-02", 1.0)], assets=(9, 2))
    assert found.assets.tolist() == [2, 9]
    assert found.close[0].tolist() == [3.0, 1.0]


def test_rows_outside_the_sessions_are_left_out() -> None:
    found = panel([(50, "2023-12-29", 3.0), (70, "2024-01-08", 1.0)])
    assert np.isnan(found.close).all()


def test_a_bar_between_sessions_is_refused_with_its_day() -> None:
    with pytest.raises(OffSessionPrices, match="2024-01-04") as caught:
        panel([(50, "2024-01-04", 3.0), (70, "2024-01-02", 1.0)])
    assert caught.value.context == {"days": ["2024-01-04"], "rows": 1}


def test_a_bar_between_sessions_can_be_left_out() -> None:
    found = panel([(50, "2024-01-04", 3.0), (70, "2024-01-02", 1.0)], strict=False)
    assert np.isfinite(found.close).sum() == 1


def test_off_session_days_are_those_inside_the_range_without_a_session() -> None:
    day = days("2023-12-31", "2024-01-02", "2024-01-04", "2024-01-09")
    assert off_session(day, AXIS).tolist() == [False, False, True, False]
    assert off_session(day, AXIS[:0]).tolist() == [False] * 4


@pytest.mark.parametrize(("series", "assets"), [((50, 50), (1, 2)), ((50, 70), (1, 1))])
def test_an_asset_has_exactly_one_series(series: tuple[int, ...], assets: tuple[int, ...]) -> None:
    with pytest.raises(AmbiguousSeries):
        panel([], series=series, assets=assets)


def test_a_row_of_a_series_not_asked_for_is_refused() -> None:
    with pytest.raises(AmbiguousSeries):
        panel([(60, "2024-01-02", 1.0)])


def test_no_rows_or_no_series_make_an_empty_panel() -> None:
    assert np.isnan(panel([]).close).all()
    assert panel([], series=(), assets=()).close.shape == (3, 0)


def test_series_ids_far_apart_are_found_too() -> None:
    wide = (2**40, 5)
    found = panel([(2**40, "2024-01-02", 1.0), (5, "2024-01-03", 2.0)], series=wide)
    np.testing.assert_array_equal(found.close, [[1.0, nan], [nan, 2.0], [nan, nan]])
    with pytest.raises(AmbiguousSeries):
        panel([(2**39, "2024-01-02", 1.0)], series=wide)
    with pytest.raises(AmbiguousSeries):
        panel([(2**41, "2024-01-02", 1.0)], series=wide)


def test_a_large_shuffled_table_comes_back_as_the_matrix_it_was() -> None:
    rng = np.random.default_rng(1)
    axis, matrix = sessions(300), rng.random((300, 40)) + 1
    row, column = np.divmod(rng.permutation(300 * 40), 40)
    found = to_panel(
        series=column + 1000,
        day=axis[row],
        close=matrix[row, column],
        series_ids=np.arange(1000, 1040),
        asset_ids=np.arange(40),
        sessions=axis,
    )
    assert np.array_equal(found.close, matrix)


def test_facts_hold_until_the_next_one_and_from_their_own_day() -> None:
    found = as_of_panel(
        asset=np.array([1, 1, 1, 2, 9]),
        day=days("2020-01-01", "2024-01-03", "2024-01-04", "2024-01-08", "2020-01-01"),
        value=np.array([10.0, 11.0, 12.0, 20.0, 90.0]),
        assets=np.array([1, 2]),
        sessions=AXIS,
    )
    np.testing.assert_array_equal(found, [[10.0, nan], [11.0, nan], [12.0, nan]])


def test_facts_that_were_all_known_before_the_first_session_are_one_row() -> None:
    found = as_of_panel(
        asset=np.array([1, 1, 3]),
        day=days("2019-01-01", "2024-01-02", "2020-01-01"),
        value=np.array([10.0, 11.0, 30.0]),
        assets=np.array([1, 2, 3]),
        sessions=AXIS,
    )
    np.testing.assert_array_equal(found, [[11.0, nan, 30.0]] * 3)
    assert found.strides[0] == 0


def test_facts_known_on_any_session_are_those_of_the_last_day_up_to_it() -> None:
    rng = np.random.default_rng(4)
    axis = sessions(60, "2024-01-02")
    asset = np.sort(rng.integers(1, 6, 40))
    day = axis[0] + rng.integers(-30, 100, 40)
    day = day[np.lexsort((day, asset))]
    value = rng.random(40)
    found = as_of_panel(asset=asset, day=day, value=value, assets=np.array([1, 2, 4, 5]), sessions=axis)
    for column, one in enumerate((1, 2, 4, 5)):
        for row, at in enumerate(axis):
            known = value[(asset == one) & (day <= at)]
            np.testing.assert_array_equal(found[row, column], known[-1] if len(known) else nan)


def test_without_facts_nothing_is_known() -> None:
    none = np.empty(0)
    found = as_of_panel(
        asset=none.astype(np.int64), day=days(), value=none, assets=np.array([1]), sessions=AXIS
    )
    assert np.isnan(found).all()
