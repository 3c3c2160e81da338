import numpy as np
import pytest

from waardhaven.domain.quant.options.contracts import (
    EXPLANATIONS,
    REASONS,
    Options,
    Reason,
    UnusableOptions,
    row_of,
)


def options(**changed) -> Options:
    return Options.of(**{"spot": 100.0, "strike": 100.0, "time": 1.0, "volatility": 0.2} | changed)


def test_numbers_are_repeated_beside_columns_without_being_copied():
    found = options(strike=[90.0, 100.0, 110.0], is_call=[True, False, True])
    assert len(found) == 3
    assert found.spot.strides == (0,)
    assert found.rows(found.is_call).strike.tolist() == [90.0, 110.0]


@pytest.mark.parametrize(
    ("field", "value", "rule"),
    [
        ("time", -0.5, "must be 0, or from 1e-08 to 100"),
        ("volatility", -0.2, "must be 0, or from 1e-06 to 10"),
        ("strike", -1.0, "must be from 1e-12 to 1e+15"),
        ("strike", 0.0, "must be from 1e-12 to 1e+15"),
        ("spot", float("inf"), "must be from 1e-12 to 1e+15"),
        ("rate", 5.0, "must be from -1 to 1"),
        ("dividend_yield", -2.0, "must be from -1 to 1"),
        ("cash", 0.0, "must be from 1e-12 to 1e+15"),
    ],
)
def test_a_number_out_of_bounds_names_field_and_rule(field, value, rule):
    with pytest.raises(UnusableOptions) as raised:
        options(**{field: value})
    assert [(one.field, one.rule) for one in raised.value.errors] == [(field, rule)]


def test_every_broken_column_names_its_first_broken_row():
    with pytest.raises(UnusableOptions) as raised:
        options(time=[1.0, -1.0, -2.0], spot=[1.0, 2.0, -3.0])
    assert {one.field for one in raised.value.errors} == {"time.1", "spot.2"}


def test_columns_of_different_lengths_are_refused():
    with pytest.raises(UnusableOptions) as raised:
        options(strike=[1.0, 2.0], time=[1.0, 2.0, 3.0])
    (broken,) = raised.value.errors
    assert (broken.field, broken.rule) == ("time", "must be one value, or 2 as strike has, not 3")


def test_nested_columns_are_refused():
    with pytest.raises(UnusableOptions) as raised:
        options(strike=[[1.0, 2.0]])
    assert raised.value.errors[0].field == "strike"


def test_no_options_are_options():
    assert len(options(strike=[])) == 0


def test_unknown_numbers_are_taken_and_zero_time_and_volatility_too():
    found = options(spot=[np.nan, 100.0], time=0.0, volatility=[0.0, np.nan])
    assert found.known.tolist() == [False, True]


def test_every_reason_has_a_code_and_words():
    assert all(REASONS[one.code] is one for one in Reason)
    assert set(EXPLANATIONS) == set(Reason)
    assert row_of(np.array([0, Reason.KINK.code], dtype=np.int8), 1) is Reason.KINK
    assert row_of(np.array([0], dtype=np.int8), 0) is None
