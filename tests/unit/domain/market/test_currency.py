import numpy as np
import pytest
from tests.factories import days

from waardhaven.domain.market.currency import (
    CURRENCIES,
    RETIRED,
    RateColumns,
    UnknownCurrency,
    cross_matrix,
    major,
)

nan = np.nan
RATES = RateColumns(
    quote=("GBP", "USD"),
    code=np.array([0, 0, 1, 1]),
    day=days("2024-01-02", "2024-01-04", "2024-01-02", "2024-01-03"),
    rate=np.array([0.80, 0.90, 1.10, 1.20]),
)
AT = days("2024-01-01", "2024-01-02", "2024-01-03", "2024-01-05")


def test_the_twenty_first_currencies_are_those_users_know_and_all_of_the_euro_fixing_follow() -> None:
    known = "USD EUR GBP JPY CAD AUD CHF CNY INR MXN BRL SEK NOK DKK SGD HKD KRW TWD NZD ZAR"
    fixing = "CZK HUF IDR ILS ISK MYR PHP PLN RON THB TRY"
    assert " ".join(CURRENCIES) == f"{known} {fixing}"
    assert " ".join(RETIRED) == "BGN CYP EEK HRK LTL LVL MTL ROL RUB SIT SKK TRL"


def test_the_base_converts_at_its_quoted_rate_as_of_each_day() -> None:
    np.testing.assert_array_equal(RATES.cross("EUR", "USD", AT), [nan, 1.10, 1.20, 1.20])


def test_other_pairs_cross_through_the_base() -> None:
    np.testing.assert_allclose(
        RATES.cross("GBP", "USD", AT), [nan, 1.1 / 0.8, 1.2 / 0.8, 1.2 / 0.9], rtol=1e-15
    )


def test_equal_currencies_convert_at_exactly_one_even_without_rates() -> None:
    assert RATES.cross("JPY", "JPY", AT).tolist() == [1.0] * 4
    assert RATES.cross("EUR", "EUR", AT).tolist() == [1.0] * 4


@pytest.mark.parametrize(("unit", "currency"), [("GBX", "GBP"), ("ZAC", "ZAR"), ("ILA", "ILS")])
def test_minor_units_are_a_hundredth(unit: str, currency: str) -> None:
    assert major(unit) == (currency, 100)
    assert RATES.cross(unit, currency, AT).tolist() == [0.01] * 4
    assert RATES.cross(currency, unit, AT).tolist() == [100.0] * 4


def test_pence_convert_to_dollars() -> None:
    np.testing.assert_allclose(RATES.cross("GBX", "USD", AT)[1], 1.1 / 0.8 / 100, rtol=1e-15)


def test_a_rate_older_than_the_limit_is_unknown() -> None:
    np.testing.assert_array_equal(RATES.cross("EUR", "USD", AT, max_days=0), [nan, 1.10, 1.20, nan])


def test_a_currency_without_rates_is_refused() -> None:
    with pytest.raises(UnknownCurrency, match="CHF"):
        RATES.cross("CHF", "USD", AT)


def test_a_matrix_has_one_column_for_each_asset() -> None:
    found = cross_matrix(RATES, ["USD", "EUR", "USD", "GBX"], "USD", AT)
    assert found.shape == (4, 4)
    assert found.flags.c_contiguous
    np.testing.assert_array_equal(found[1, :3], [1.0, 1.1, 1.0])
    assert cross_matrix(RATES, [], "USD", AT).shape == (4, 0)
