import numpy as np
from tests.factories import days, sessions

from waardhaven.domain.index.universe import membership, own_universe

AXIS = sessions(6, "2024-01-01")


def members(*rows: tuple[int, str, str]) -> list[list[int]]:
    asset, start, until = zip(*rows, strict=True) if rows else ((), (), ())
    found = membership(
        asset=np.array(asset, dtype=np.int64),
        start=days(*start),
        until=days(*until),
        assets=np.array([3, 5]),
        sessions=AXIS,
    )
    return found.astype(int).T.tolist()


def test_a_member_belongs_from_its_first_day_until_the_day_it_leaves() -> None:
    assert members((3, "2024-01-02", "2024-01-04"))[0] == [0, 1, 1, 0, 0, 0]


def test_a_membership_without_an_end_lasts() -> None:
    assert members((5, "2023-01-01", "NaT"))[1] == [1] * 6


def test_an_asset_may_return() -> None:
    rows = (3, "2023-01-01", "2024-01-02"), (3, "2024-01-05", "NaT")
    assert members(*rows)[0] == [1, 0, 0, 0, 1, 1]


def test_other_assets_and_other_times_are_left_out() -> None:
    rows = (
        (1, "2023-01-01", "NaT"),
        (9, "2023-01-01", "NaT"),
        (3, "2030-01-01", "NaT"),
        (5, "1990-01-01", "1991-01-01"),
    )
    assert members(*rows) == [[0] * 6, [0] * 6]
    assert members() == [[0] * 6, [0] * 6]


def test_the_list_of_members_of_an_index_is_a_universe_named_after_it() -> None:
    assert own_universe("blue-chips") == "index-blue-chips"
