"""Whatever a source states, what leaves the screen is what a store accepts."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from waardhaven.domain.market.prices import PriceColumns
from waardhaven.domain.market.screening import Screened, screen

NAMES = ("day", "open", "high", "low", "close", "volume")
figures = st.one_of(
    st.sampled_from([0.0, -0.0, -1.0, 1.0, 1.5, 2.0, np.inf, -np.inf, np.nan, 5e-324]),
    st.floats(allow_nan=True, allow_infinity=True, width=64),
)
bars = st.lists(st.tuples(st.integers(0, 6), *(figures for _ in range(5))), max_size=12)


def columns(rows: list[tuple[float, ...]]) -> dict[str, np.ndarray]:
    day = np.datetime64("2024-01-01", "D") + np.array([int(row[0]) for row in rows], dtype=np.int64)
    values = np.array([row[1:] for row in rows], dtype=np.float64).reshape(len(rows), 5).T
    return dict(zip(NAMES, [day, *values], strict=True))


def figures_of(found: Screened) -> dict[str, np.ndarray]:
    return {name: getattr(found, name) for name in NAMES}


def bits(parts: dict[str, np.ndarray]) -> list[bytes]:
    return [parts[name].tobytes() for name in NAMES]


@given(bars)
def test_what_is_screened_satisfies_every_rule_of_a_bar(rows: list[tuple[float, ...]]) -> None:
    found = screen(**columns(rows))
    series = np.ones(len(found), dtype=np.int64)
    PriceColumns(series=series, **figures_of(found)).checked()
    assert (np.diff(found.day).astype(np.int64) > 0).all()


@given(bars)
def test_screening_again_changes_nothing_and_finds_nothing(rows: list[tuple[float, ...]]) -> None:
    once = screen(**columns(rows))
    twice = screen(**figures_of(once))
    assert bits(figures_of(twice)) == bits(figures_of(once))
    assert twice.findings == ()


@given(bars)
def test_each_day_is_stored_or_told_of(rows: list[tuple[float, ...]]) -> None:
    given_ = columns(rows)
    found = screen(**given_)
    stored = {str(day) for day in found.day}
    told = {str(one.day) for one in found.findings}
    assert stored | told == {str(day) for day in given_["day"]}
    assert len({(one.day, one.kind) for one in found.findings}) == len(found.findings)


@given(bars, st.randoms(use_true_random=False))
def test_the_order_of_rows_changes_no_bar(rows: list[tuple[float, ...]], random) -> None:
    shuffled = list(rows)
    random.shuffle(shuffled)
    one, other = screen(**columns(rows)), screen(**columns(shuffled))
    for name in NAMES:
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))
