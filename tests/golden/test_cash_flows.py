"""Money-weighted and time-weighted returns that others published, to the digits they printed."""

import numpy as np
import pytest
from tests.factories import days

from waardhaven.domain.metrics.cash_flows import CashFlows, money_weighted_return
from waardhaven.domain.metrics.time_weighted import Values, time_weighted_returns

YEARS = ("2021-01-01", "2022-01-01", "2023-01-01")
"""365 days apart."""


def rate(dates: tuple[str, ...], *flows: float) -> float | None:
    return money_weighted_return(days(*dates), np.array(flows)).rate


def time_weighted(values: dict[str, float], flows: dict[str, float]):
    found = time_weighted_returns(
        Values(value=np.array([*values.values()]), day=days(*values), offset=np.array([0, len(values)])),
        CashFlows(amount=np.array([*flows.values()]), day=days(*flows), offset=np.array([0, len(flows)])),
    )
    return float(found.total[0]), float(found.annual[0])


def test_the_example_of_the_manual_of_excel():
    """Microsoft, support page of the function XIRR: five payments, "0.373362535 or 37.34 %".

    Excel stops within 0.000001 per cent; the root is 0.3733625335.
    """
    dates = ("2008-01-01", "2008-03-01", "2008-10-30", "2009-02-15", "2009-04-01")
    assert rate(dates, -10000, 2750, 4250, 3250, 2750) == pytest.approx(0.373362535, abs=1e-8)


def test_two_shares_with_dividends_of_the_cfa_textbook():
    """R. DeFusco et al., "Quantitative Investment Analysis" (CFA Institute), measuring portfolio return.

    A share at 200, another at 225 a year later, both sold at 235 after another; dividends of 5 a share a
    year. Money-weighted 9.39 %; time-weighted 15 % and 6.67 %, told as 10.8 % a year. The second share is
    bought when the first period is over, so its payment is dated the day after, when nothing has moved.
    """
    assert rate(YEARS, -200, -225 + 5, 470 + 10) == pytest.approx(0.0939, abs=5e-5)
    values = {"2021-01-01": 200.0, "2022-01-01": 225.0, "2022-01-02": 450.0, "2023-01-01": 470.0}
    total, annual = time_weighted(values, {"2022-01-01": 5.0, "2022-01-02": -225.0, "2023-01-01": 10.0})
    assert total == pytest.approx(1.15 * (480 / 450) - 1.0, rel=1e-14)
    assert annual == pytest.approx(0.108, abs=5e-4)


def test_two_shares_of_the_study_notes_for_the_cfa():
    """Kaplan Schweser's notes, money-weighted return: 100 paid, 118 paid, 264 received: 13.86 %."""
    assert rate(YEARS, -100, -118, 264) == pytest.approx(0.1386, abs=5e-5)


def test_four_shares_of_which_two_are_sold():
    """A CFA practice question: 4 at 50; 2 sold at 50; 2 sold at 80 with dividends of 5: 20.52 and 30.38 %."""
    assert rate(YEARS, -200, 100, 170) == pytest.approx(0.2052, abs=5e-5)
    values = {"2021-01-01": 200.0, "2022-01-01": 100.0, "2023-01-01": 0.0}
    assert time_weighted(values, {"2022-01-01": 100.0, "2023-01-01": 170.0})[1] == pytest.approx(
        0.3038, abs=5e-5
    )


def test_the_simple_internal_rate_of_bacon():
    """C. Bacon, "Practical Portfolio Performance Measurement and Attribution", chapter 2, internal rate.

    74.2 at the start, 37.1 paid in half way, 104.4 at the end: -7.41 % for the period. Half way of 730 days
    is day 365, so the rate a year is that for half the period.
    """
    half = rate(YEARS, -74.2, -37.1, 104.4)
    assert half is not None
    assert (1.0 + half) ** 2 - 1.0 == pytest.approx(-0.0741, abs=5e-5)


def test_the_two_yields_of_the_oil_pump():
    """J. Lorie and L. Savage, "Three Problems in Rationing Capital", Journal of Business 28 (1955).

    -1,600, +10,000, -10,000 at yearly intervals: 25 % and 400 %. The one nearest 0 is told, with a warning.
    """
    found = money_weighted_return(days(*YEARS), np.array([-1600.0, 10000.0, -10000.0]))
    assert found.rate == pytest.approx(0.25, rel=1e-13)
    assert found.warning is not None
    assert "2 rates" in found.warning
