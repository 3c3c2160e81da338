from datetime import date
from enum import Enum

import numpy as np
import pytest

from waardhaven.domain.provenance import ColumnDigest


def digest(*columns: tuple[str, object]) -> str:
    found = ColumnDigest()
    for name, values in columns:
        found.column(name, np.asarray(values))
    return found.hexdigest()


def record(value: object) -> str:
    found = ColumnDigest()
    found.record("x", value)
    return found.hexdigest()


def test_names_shapes_and_kinds_are_part_of_the_digest() -> None:
    found = {
        digest(("a", [1, 2])),
        digest(("b", [1, 2])),
        digest(("a", [[1, 2]])),
        digest(("a", [1.0, 2.0])),
        digest(("a", [1]), ("a", [2])),
        digest(("a", [True, False])),
    }
    assert len(found) == 6


def test_records_do_not_depend_on_the_order_of_their_keys() -> None:
    assert record({"a": 1.5, "b": date(2024, 1, 2)}) == record({"b": date(2024, 1, 2), "a": 1.5})
    assert record({"a": 0.1}) != record({"a": 0.1 + 1e-17 + 1e-16})


@pytest.mark.parametrize("value", [{1, 2}, object(), Enum, ColumnDigest])
def test_a_record_without_a_canonical_form_is_refused(value: object) -> None:
    with pytest.raises(TypeError, match="canonical"):
        record({"a": value})
