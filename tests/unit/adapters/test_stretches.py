"""Where each (series, year) begins and ends, and the chunks made of them."""

import numpy as np
import pytest

from waardhaven.adapters.outbound.postgres.chunks import Stretches, chunk_records
from waardhaven.application.ports.price_store import CloseColumns
from waardhaven.domain.types import Days, Ids, Vintage

LONG = np.arange("1899-12-30", "2101-01-03", dtype="datetime64[D]")


def of(*rows: tuple[int, str]) -> tuple[Ids, Days]:
    days = np.array([day for _, day in rows], dtype="datetime64[D]")
    return np.array([series for series, _ in rows], dtype=np.int64), days


def test_no_rows_have_no_stretches():
    found = Stretches.of(*of())
    assert found.pairs == ([], [])
    assert found.any_of(np.zeros(0, dtype=np.bool_)).tolist() == []


def test_a_stretch_ends_with_its_series_and_with_its_year():
    found = Stretches.of(
        *of((3, "1969-12-31"), (3, "1970-01-01"), (3, "1970-12-31"), (4, "1970-12-31"), (9, "1899-01-01"))
    )
    assert found.pairs == ([3, 3, 4, 9], [1969, 1970, 1970, 1899])
    assert (found.start.tolist(), found.end.tolist()) == ([0, 1, 3, 4], [1, 3, 4, 5])


def test_every_day_of_two_centuries_lies_in_the_stretch_of_its_calendar_year():
    found = Stretches.of(np.full(len(LONG), 7), LONG)
    assert found.year.tolist() == list(range(1899, 2102))
    for year, start, end in zip(found.year, found.start, found.end, strict=True):
        assert {day.astype(object).year for day in (LONG[start], LONG[end - 1])} == {year}


@pytest.mark.parametrize("unit", ["D", "s", "ns"])
def test_days_in_a_finer_unit_have_the_same_stretches(unit: str):
    series, days = of((1, "1999-12-31"), (1, "2000-01-01"), (2, "2000-01-01"))
    found = Stretches.of(series, days.astype(f"datetime64[{unit}]"))
    assert found.pairs == ([1, 1, 2], [1999, 2000, 2000])


def test_chunks_are_made_of_all_rows_of_the_stretches_that_have_a_wanted_one():
    series, days = of((1, "1999-12-30"), (1, "1999-12-31"), (1, "2000-01-01"), (2, "2000-01-01"))
    whole = CloseColumns(series=series, day=days, close=np.array([1.5, 2.5, 3.5, 4.5]))
    wanted = np.array([False, True, False, True])
    made = chunk_records(whole, Stretches.of(series, days), wanted, Vintage(8))
    assert [(one[:3], one[5]) for one in made] == [((1, 1999, 2), 8), ((2, 2000, 1), 8)]
    assert [np.frombuffer(one[3], ">i4").tolist() for one in made] == [[10_955, 10_956], [10_957]]
    assert [np.frombuffer(one[4], ">f8").tolist() for one in made] == [[1.5, 2.5], [4.5]]
