"""Corporate actions on the axes of a build."""

import numpy as np
from tests.factories import days

from waardhaven.domain.index.events import EventColumns, EventKind, EventRows, gone_rows
from waardhaven.domain.market.actions import ActionKind

AXIS = days("2024-01-02", "2024-01-03", "2024-01-05", "2024-01-08")
ASSETS = np.array([3, 5, 9])


def some_events(*rows: tuple[int, str, EventKind, int]) -> EventColumns:
    return EventColumns(
        asset=np.array([one[0] for one in rows], dtype=np.int64),
        ex_date=days(*(one[1] for one in rows)),
        kind=np.array([one[2] for one in rows], dtype=np.int8),
        ratio=np.full(len(rows), 2.0),
        cash=np.full(len(rows), np.nan),
        other=np.array([one[3] for one in rows], dtype=np.int64),
    ).ordered()


def test_an_action_takes_effect_on_the_first_session_at_or_after_its_ex_date() -> None:
    placed = EventRows.placed(some_events((5, "2024-01-04", EventKind.SPLIT, -1)), AXIS, ASSETS)
    assert (placed.row.tolist(), placed.column.tolist(), placed.other.tolist()) == ([2], [1], [-1])


def test_actions_outside_the_axes_are_left_out() -> None:
    events = some_events(
        (5, "2024-01-02", EventKind.SPLIT, -1),
        (5, "2024-01-09", EventKind.SPLIT, -1),
        (4, "2024-01-05", EventKind.SPLIT, -1),
    )
    assert len(EventRows.placed(events, AXIS, ASSETS)) == 0
    assert len(EventRows.placed(EventColumns.none(), AXIS, ASSETS)) == 0


def test_the_other_asset_is_a_column_or_nothing_and_never_the_asset_itself() -> None:
    events = some_events(
        (3, "2024-01-03", EventKind.MERGER, 9),
        (5, "2024-01-03", EventKind.MERGER, 4),
        (9, "2024-01-03", EventKind.MERGER, 9),
    )
    assert EventRows.placed(events, AXIS, ASSETS).other.tolist() == [2, -1, -1]


def test_actions_are_ordered_by_day_then_asset_then_kind() -> None:
    events = some_events(
        (5, "2024-01-05", EventKind.SPLIT, -1),
        (9, "2024-01-03", EventKind.SPECIAL_DIVIDEND, -1),
        (9, "2024-01-03", EventKind.SPLIT, -1),
        (3, "2024-01-03", EventKind.RIGHTS, -1),
    )
    assert list(zip(events.asset.tolist(), events.kind.tolist(), strict=True)) == [
        (3, EventKind.RIGHTS),
        (9, EventKind.SPLIT),
        (9, EventKind.SPECIAL_DIVIDEND),
        (5, EventKind.SPLIT),
    ]


def test_a_name_is_gone_from_its_last_action_on_also_when_that_was_before_the_axis() -> None:
    events = some_events(
        (3, "2023-06-01", EventKind.DELISTING, -1),
        (5, "2024-01-04", EventKind.MERGER, -1),
        (9, "2024-01-03", EventKind.SPLIT, -1),
        (4, "2024-01-03", EventKind.DELISTING, -1),
    )
    assert gone_rows(events, AXIS, ASSETS).tolist() == [0, 2, 4]


def test_every_kind_of_action_but_a_change_of_name_has_a_code() -> None:
    kinds = [kind for kind in ActionKind if kind is not ActionKind.SYMBOL_CHANGE]
    assert {EventKind.of(kind) for kind in kinds} == set(EventKind)
