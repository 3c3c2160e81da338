"""Published prices beside simulated ones.

- F. Longstaff and E. Schwartz, "Valuing American options by simulation: a simple least-squares approach",
  Review of Financial Studies 14 (2001), table 1: American puts, strike 40, rate 6 %, 50 exercises a year;
  finite differences, simulated values (100,000 paths) and their standard errors.
- E. Levy, "Asian options", in L. Clewlow and C. Strickland, Exotic Options: The State of the Art, 1997: puts
  on the mean of prices from today to the eleventh month, as the tests of QuantLib print them. They
  were simulated, too: four million plain paths gave us 1.6748 ± 0.0017 for 8 fixings (1.6697 there) and
  1.7280 ± 0.0020 for 26 (1.7255 there); the bound is three thousandths for that.
- L. Clewlow and C. Strickland, Implementing Derivatives Models, 1998, pp. 118-123: the option on the
  geometric mean of ten fixings.
- E. Haug, The Complete Guide to Option Pricing Formulas, 2nd ed. 2007, table 4-13: knock-in options.
"""

import pytest
from tests.unit.domain.quant.monte_carlo.closed_forms import knock_in, one_asset, price

from waardhaven.domain.quant.monte_carlo.american import American
from waardhaven.domain.quant.monte_carlo.barriers import Barrier, Direction, Effect, Monitoring
from waardhaven.domain.quant.monte_carlo.payoff import Kind
from waardhaven.domain.quant.monte_carlo.payoffs import ArithmeticAsian, GeometricAsian

TABLE_1 = """
36 .20 1 4.478 4.472 .010   36 .20 2 4.840 4.821 .012   36 .40 1 7.101 7.091 .020   36 .40 2 8.508 8.488 .024
38 .20 1 3.250 3.244 .009   38 .20 2 3.745 3.735 .011   38 .40 1 6.148 6.139 .019   38 .40 2 7.670 7.669 .022
40 .20 1 2.314 2.313 .009   40 .20 2 2.885 2.879 .010   40 .40 1 5.312 5.308 .018   40 .40 2 6.920 6.921 .022
42 .20 1 1.617 1.617 .007   42 .20 2 2.212 2.206 .010   42 .40 1 4.582 4.588 .017   42 .40 2 6.248 6.243 .021
44 .20 1 1.110 1.118 .007   44 .20 2 1.690 1.675 .009   44 .40 1 3.948 3.957 .017   44 .40 2 5.647 5.622 .021
"""
FIGURES = [float(one) for one in TABLE_1.split()]
ROWS = [tuple(FIGURES[first : first + 6]) for first in range(0, len(FIGURES), 6)]
LEVY = [(2, 1.3942835683), (4, 1.5852442983), (8, 1.66970673), (12, 1.6980019214), (26, 1.7255070456)]
LEVY += [(52, 1.7401553533), (100, 1.7478303712)]
KNOCK_IN = """
call down 90 95 7.7627   call down 100 95 4.0109   call down 110 95 2.0576
call down 90 100 13.8333 call down 100 100 7.8494  call down 110 100 3.9795
call up 90 105 14.1112   call up 100 105 8.4482    call up 110 105 4.5910
put down 90 95 2.9586    put down 100 95 6.5677    put down 110 95 11.9752
put up 90 105 1.4653     put up 100 105 3.3721     put up 110 105 7.0846
"""
WORDS = KNOCK_IN.split()
HAUG = [tuple(WORDS[first : first + 5]) for first in range(0, len(WORDS), 5)]


@pytest.mark.parametrize(("spot", "volatility", "years", "differences", "simulated", "error"), ROWS)
def test_american_puts_are_those_of_longstaff_and_schwartz(
    spot: float, volatility: float, years: float, differences: float, simulated: float, error: float
):
    found = price(
        American(kind=Kind.PUT, strike=40.0),
        one_asset(spot, volatility, 0.06),
        maturity=years,
        steps=int(50 * years),
        paths=16_384,
        sampling="antithetic",
        control="european",
    ).price
    assert abs(found.value - simulated) < 3.0 * (error**2 + found.standard_error**2) ** 0.5
    low = -0.01 * differences - 2.0 * found.standard_error
    assert low < found.value - differences < 3.0 * found.standard_error
    assert found.standard_error < 2.0 * error


@pytest.mark.parametrize(("fixings", "published"), LEVY)
def test_asian_puts_are_those_of_levy(fixings: int, published: float):
    """Today is the first fixing there and none here: the other fixings make up the same option."""
    others = fixings - 1
    terms = ArithmeticAsian(kind=Kind.PUT, strike=(fixings * 87.0 - 90.0) / others)
    found = price(
        terms,
        one_asset(90.0, 0.13, 0.025, 0.06),
        maturity=11.0 / 12.0,
        steps=others,
        paths=16_384,
        sampling="sobol",
        control="geometric",
    ).price
    assert found.value * others / fixings == pytest.approx(published, abs=3e-3)
    assert found.standard_error < 1e-3


def test_the_geometric_asian_call_is_that_of_clewlow_and_strickland():
    market = one_asset(100.0, 0.2, 0.06, 0.03)
    found = price(
        GeometricAsian(kind=Kind.CALL, strike=100.0), market, steps=10, paths=65_536, sampling="sobol"
    )
    assert found.price.value == pytest.approx(5.3425606635, abs=2e-3)
    assert found.price.low < 5.3425606635 < found.price.high


@pytest.mark.parametrize(("kind", "direction", "strike", "barrier", "published"), HAUG)
def test_knock_in_options_are_those_of_haug(
    kind: str, direction: str, strike: str, barrier: str, published: str
):
    """A barrier at the price of today is touched at once: the formula alone answers there."""
    k, h = float(strike), float(barrier)
    formula = knock_in(Kind(kind), direction == "up", 100.0, k, h, 0.5, 0.08, 0.04, 0.25, 3.0)
    assert formula == pytest.approx(float(published), abs=6e-5)
    if h == 100.0:
        return
    terms = Barrier(
        kind=Kind(kind),
        strike=k,
        barrier=h,
        direction=Direction(direction),
        effect=Effect.IN,
        rebate=3.0,
        monitoring=Monitoring.CONTINUOUS,
    )
    found = price(
        terms, one_asset(100.0, 0.25, 0.08, 0.04), maturity=0.5, steps=4, paths=32_768, sampling="sobol"
    ).price
    assert abs(found.value - float(published)) < 4.0 * found.standard_error + 6e-5
    assert found.standard_error < 0.02


def test_the_arithmetic_asian_of_252_fixings_is_found_within_a_thousandth():
    """5.29997 ± 1e-4: mean of long runs of this project, and of QuantLib's engine with a control variate."""
    terms = ArithmeticAsian(kind=Kind.CALL, strike=100.0)
    found = price(terms, steps=252, paths=512, scrambles=8, sampling="sobol", control="automatic")
    assert found.control == "geometric"
    assert found.price.standard_error < 5.3e-3
    assert abs(found.price.value - 5.29997) < 5.3e-3 * 2.0
