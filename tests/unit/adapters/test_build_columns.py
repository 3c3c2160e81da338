"""The names of compositions as bits, where that says the same and is shorter."""

from dataclasses import replace

import numpy as np
import pytest
from tests.contract.indexes import RESULT, same_build

from waardhaven.adapters.outbound.postgres import build_columns
from waardhaven.domain.index.build_record import BuildRecord
from waardhaven.domain.index.composition import CompositionColumns
from waardhaven.domain.types import Ids

AXIS = np.arange("2024-01-01", "2024-04-01", dtype="datetime64[D]")


def holding(*names: list[int]) -> CompositionColumns:
    """Return compositions of these names, one a day."""
    count = len(names)
    sizes = np.array([len(one) for one in names], dtype=np.int64)
    asset: Ids = np.array([one for some in names for one in some], dtype=np.int64)
    return CompositionColumns(
        selection=AXIS[:count],
        effective=AXIS[1 : count + 1],
        reason=np.ones(count, dtype=np.int8),
        divisor=np.ones(count),
        offset=np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(sizes)]),
        asset=asset,
        weight=np.linspace(0.1, 0.9, len(asset)),
        units=np.linspace(1.0, 2.0, len(asset)),
        turnover=np.zeros(count),
        cost=np.zeros(count),
    )


def stored(made: CompositionColumns) -> dict[str, bytes]:
    none = np.empty(0, dtype=np.int64)
    build = BuildRecord(
        **dict.fromkeys(("id", "index", "provenance", "opening", "restates", "created_at")),  # type: ignore[arg-type]
        forced=none.astype("datetime64[D]"),
        universe=none,
        result=replace(RESULT, compositions=made),
    )
    return {name: data for name, _, _, data in build_columns.to_rows(build)}


MANY = [[one for one in range(0, 900, 7) if one % (2 + day % 3)] for day in range(60)]


@pytest.mark.parametrize(
    "names",
    [
        MANY,
        [[one + 2**40 for one in some] for some in MANY],
        [[], *MANY, [3], []],
        [list(range(9))] * 40,
        [list(range(-4, 5))] * 40,
    ],
)
def test_names_of_many_compositions_are_bits_and_come_back(names: list[list[int]]) -> None:
    made = holding(*names)
    columns = stored(made)
    assert "composition.asset" not in columns
    assert 4 * sum(len(columns[f"composition.{one}"]) for one in ("name", "holding")) < made.asset.nbytes
    assert same_build(build_columns.compositions(columns), made)


@pytest.mark.parametrize(
    "names",
    [
        [],
        [[]],
        [[5]],
        [[1, 2**40]] * 40,
        [[2, 1]] * 40,
        [[1, 1]] * 40,
        [[one] for one in range(30)],
    ],
)
def test_names_that_bits_would_not_tell_or_not_shorter_are_listed(names: list[list[int]]) -> None:
    made = holding(*names)
    columns = stored(made)
    assert {"composition.name", "composition.holding"} & set(columns) == set()
    assert same_build(build_columns.compositions(columns), made)
