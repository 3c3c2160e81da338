"""Published optimal portfolios, frontiers and posterior returns, each with its source."""

import numpy as np
import pytest

from waardhaven.domain.quant.markowitz.black_litterman import View, black_litterman, equilibrium
from waardhaven.domain.quant.markowitz.constraints import Constraints
from waardhaven.domain.quant.markowitz.efficient_frontier import efficient_frontier
from waardhaven.domain.quant.markowitz.moments import Moments, Returns
from waardhaven.domain.quant.markowitz.objectives import optimise
from waardhaven.domain.quant.markowitz.portfolio import Portfolio
from waardhaven.domain.quant.markowitz.problem import Problem

TEN_MEANS = np.array([1.175, 1.19, 0.396, 1.12, 0.346, 0.679, 0.089, 0.73, 0.481, 1.08])
TEN_LOWER = """
0.40755159
0.03175842 0.9063047
0.05183923 0.03136385 0.19490901
0.05663904 0.02687256 0.04408485 0.19528471
0.0330226 0.01917172 0.03006772 0.02777345 0.34059105
0.00827775 0.00934384 0.01322738 0.00526665 0.00777055 0.15983874
0.02165938 0.02495043 0.03525971 0.01375808 0.02067844 0.02105575 0.68056711
0.01332419 0.00761036 0.0115493 0.00780878 0.00736409 0.00518686 0.01377882 0.95526918
0.0343476 0.02874874 0.0427563 0.02914176 0.02542657 0.01723737 0.04627027 0.0106553 0.31681584
0.02249903 0.01336866 0.02057303 0.01640377 0.01284075 0.00723779 0.01926088 0.00760955 0.01854318 0.11079287
"""
TURNING_POINTS = """
1.1900 0.9520 0.0000 1.0000 0.0000 0.0000 0.0000 0.0000 0.0000 0.0000 0.0000 0.0000
1.1803 0.5457 0.6494 0.3506 0.0000 0.0000 0.0000 0.0000 0.0000 0.0000 0.0000 0.0000
1.1601 0.4173 0.4340 0.2312 0.0000 0.3348 0.0000 0.0000 0.0000 0.0000 0.0000 0.0000
1.1113 0.2667 0.1269 0.0723 0.0000 0.2813 0.0000 0.0000 0.0000 0.0000 0.0000 0.5195
1.1084 0.2650 0.1232 0.0704 0.0000 0.2790 0.0000 0.0000 0.0000 0.0064 0.0000 0.5209
1.0225 0.2297 0.0869 0.0505 0.0000 0.2236 0.0000 0.1738 0.0000 0.0302 0.0000 0.4350
1.0153 0.2280 0.0847 0.0493 0.0000 0.2196 0.0000 0.1800 0.0000 0.0310 0.0065 0.4289
0.9727 0.2196 0.0738 0.0438 0.0000 0.1990 0.0262 0.1982 0.0000 0.0334 0.0279 0.3978
0.9499 0.2160 0.0683 0.0414 0.0152 0.1881 0.0342 0.2023 0.0000 0.0339 0.0336 0.3829
0.8032 0.2052 0.0370 0.0269 0.0949 0.1258 0.0767 0.2194 0.0300 0.0360 0.0613 0.2920
"""
"""Return, risk and ten weights of each corner, in the order of the paper."""

NINE_AND_CASH = """
0.05338816358 0.02149069753 0.02865533642 0.04896485802 0.01624895062 0.03223945062 0.02425553395 0.03999812963 0.0361509784
0.02149069753 0.01468446914 0.01878391358 0.02441658642 0.008041938272 0.01002193827 0.01448993827 0.02536259259 0.02083593827
0.02865533642 0.01878391358 0.08550016358 0.06260714198 0.04439938272 0.01328671605 0.01043991049 0.06864603704 0.0420215216
0.04896485802 0.02441658642 0.06260714198 0.09546446914 0.05153806173 0.02902461728 0.02077028395 0.09002012963 0.03664589506
0.01624895062 0.008041938272 0.04439938272 0.05153806173 0.1278900988 0.0128384321 0.02091715432 0.1015344074 0.04497232099
0.03223945062 0.01002193827 0.01328671605 0.02902461728 0.0128384321 0.04125832099 0.01127854321 0.02960762963 0.02165332099
0.02425553395 0.01448993827 0.01043991049 0.02077028395 0.02091715432 0.01127854321 0.02883379321 0.02913762963 0.01739445988
0.03999812963 0.02536259259 0.06864603704 0.09002012963 0.1015344074 0.02960762963 0.02913762963 0.1467278889 0.05284057407
0.0361509784 0.02083593827 0.0420215216 0.03664589506 0.04497232099 0.02165332099 0.01739445988 0.05284057407 0.07926979321
"""  # noqa: E501
NINE_MEANS = """
0.06594444444 0.06155555556 0.1460555556 0.1734444444 0.1981111111 0.05511111111 0.1276111111 0.1903333333 0.1156111111
"""  # noqa: E501

COUNTRIES = ("Australia", "Canada", "France", "Germany", "Japan", "UK", "USA")
CORRELATION = np.array(
    [
        [1.000, 0.488, 0.478, 0.515, 0.439, 0.512, 0.491],
        [0.488, 1.000, 0.664, 0.655, 0.310, 0.608, 0.779],
        [0.478, 0.664, 1.000, 0.861, 0.355, 0.783, 0.668],
        [0.515, 0.655, 0.861, 1.000, 0.354, 0.777, 0.653],
        [0.439, 0.310, 0.355, 0.354, 1.000, 0.405, 0.306],
        [0.512, 0.608, 0.783, 0.777, 0.405, 1.000, 0.652],
        [0.491, 0.779, 0.668, 0.653, 0.306, 0.652, 1.000],
    ]
)
DEVIATION = np.array([0.160, 0.203, 0.248, 0.271, 0.210, 0.200, 0.187])
MARKET = np.array([0.016, 0.022, 0.052, 0.055, 0.116, 0.124, 0.615])
GERMANY = np.array([0.0, 0.0, -0.295, 1.0, 0.0, -0.705, 0.0])
CANADA = np.array([0.0, 1.0, 0.0, 0.0, 0.0, 0.0, -1.0])


def ten_assets() -> Moments:
    lower = np.zeros((10, 10))
    lower[np.tril_indices(10)] = [float(text) for text in TEN_LOWER.split()]
    covariance = lower + np.tril(lower, -1).T
    return Moments.given(expected=TEN_MEANS, covariance=covariance, names=tuple("ABCDEFGHIJ"))


def solve(objective: str, moments: Moments, limits: Constraints | None = None, **given: object) -> Portfolio:
    kept = limits or Constraints.long_only(len(moments.names))
    return optimise(objective, Problem(moments=moments, limits=kept, **given))  # type: ignore[arg-type]


def test_corner_portfolios_are_the_ten_turning_points_of_the_published_table() -> None:
    """Bailey & Lopez de Prado (2013), "An open-source implementation of the critical-line algorithm for
    portfolio optimization", *Algorithms* 6(1), table 2: return, risk and weights of ten assets.
    """
    table = np.array([[float(one) for one in line.split()] for line in TURNING_POINTS.split("\n") if line])
    market = ten_assets()
    found = efficient_frontier(Problem(moments=market, limits=Constraints.long_only(10)), 50)
    assert found.corners is not None
    assert found.corner_prices is not None
    assert found.method == "critical_line"
    np.testing.assert_allclose(found.corners[::-1], table[:, 2:], atol=5.1e-5)
    np.testing.assert_allclose(found.corners[::-1] @ TEN_MEANS, table[:, 0], atol=5.1e-5)
    risks = np.sqrt(np.einsum("ij,jk,ik->i", found.corners, market.covariance, found.corners))
    np.testing.assert_allclose(risks[::-1], table[:, 1], atol=5.1e-5)
    between = np.diff(risks**2) / (2.0 * np.diff(found.corners @ TEN_MEANS))
    np.testing.assert_allclose(
        between, (found.corner_prices[1:] + found.corner_prices[:-1]) / 2.0, rtol=1e-10
    )
    assert found.residual <= 1e-14


def test_the_tangent_portfolio_has_the_published_ratio() -> None:
    """The same paper: the highest Sharpe ratio is 4.4535."""
    found = solve("maximum_sharpe", ten_assets())
    assert found.sharpe == pytest.approx(4.4535, abs=5e-5)


@pytest.mark.parametrize(
    ("target", "published"),
    [
        (0.07, [0.0, 0.0, 0.08, 0.015, 0.06, 0.0, 0.345, 0.0, 0.0, 0.5]),
        (0.15, [0.0, 0.0, 0.09, 0.13, 0.21, 0.0, 0.57, 0.0, 0.0, 0.0]),
        (0.169, [0.0, 0.0, 0.0, 0.29, 0.39, 0.0, 0.32, 0.0, 0.0, 0.0]),
        (0.175, [0.0, 0.0, 0.0, 0.33, 0.455, 0.0, 0.215, 0.0, 0.0, 0.0]),
    ],
)
def test_portfolios_of_nine_securities_and_cash_are_those_of_the_book(
    target: float, published: list[float]
) -> None:
    """Markowitz (1959), *Portfolio Selection*, chapter 2: nine securities and cash, whose variance is 0.

    The book gives weights to a half or a whole per cent, rounded so that they add up to 1: those for 16.9 %
    return 16.84 %, so one weight is 1.1 points off.
    """
    covariance = np.zeros((10, 10))
    covariance[:9, :9] = np.array([float(one) for one in NINE_AND_CASH.split()]).reshape(9, 9)
    expected = np.append([float(one) for one in NINE_MEANS.split()], 0.0)
    market = Moments.given(
        expected=expected, covariance=(covariance + covariance.T) / 2.0, names=tuple("ABCDEFGHIJ")
    )
    found = solve("target_return", market, target_return=target)
    np.testing.assert_allclose(found.weights, published, atol=0.011)
    assert found.expected_return == pytest.approx(target, abs=1e-14)
    corners = efficient_frontier(Problem(moments=market, limits=Constraints.long_only(10)), 2).corners
    assert corners is not None
    np.testing.assert_array_equal(corners[0], np.eye(10)[9])
    np.testing.assert_array_equal(corners[-1], np.eye(10)[4])


def test_equal_risk_and_its_rivals_are_those_of_the_four_assets_of_the_paper() -> None:
    """Maillard, Roncalli & Teiletche (2010): volatilities 10 to 40 %, correlations 0.8 and -0.5 in two pairs.

    Weights and volatility in per cent of equal risk, least variance and most diversification.
    """
    deviation = np.array([0.1, 0.2, 0.3, 0.4])
    correlation = np.eye(4)
    correlation[0, 1] = correlation[1, 0] = 0.8
    correlation[2, 3] = correlation[3, 2] = -0.5
    covariance = correlation * np.multiply.outer(deviation, deviation)
    market = Moments.given(expected=np.zeros(4), covariance=covariance, names=tuple("ABCD"))
    published = {
        "risk_parity": ([38.4, 19.2, 24.3, 18.2], 10.3),
        "minimum_variance": ([74.5, 0.0, 15.2, 10.3], 8.6),
        "maximum_diversification": ([27.8, 13.9, 33.3, 25.0], 11.3),
    }
    for objective, (weights, risk) in published.items():
        found = solve(objective, market)
        np.testing.assert_allclose(100 * found.weights, weights, atol=0.051)
        assert 100 * found.volatility == pytest.approx(risk, abs=0.051)
    shares = solve("risk_parity", market).risk_contributions
    np.testing.assert_allclose(100 * shares, 2.6, atol=0.05)


def seven_countries() -> Moments:
    covariance = CORRELATION * np.multiply.outer(DEVIATION, DEVIATION)
    return Moments.given(expected=np.zeros(7), covariance=covariance, names=COUNTRIES)


def test_equilibrium_returns_of_seven_countries_are_the_published_ones() -> None:
    """He & Litterman (1999), "The intuition behind Black-Litterman model portfolios", table 2, delta 2.5."""
    found = equilibrium(seven_countries().covariance, MARKET, 2.5)
    np.testing.assert_allclose(100 * found, [3.9, 6.9, 8.4, 9.0, 4.3, 6.8, 7.6], atol=0.051)


@pytest.mark.parametrize(
    ("views", "returns", "weights", "tilts"),
    [
        (
            [View(weights=GERMANY, expected=0.05)],
            [4.3, 7.6, 9.3, 11.0, 4.5, 7.0, 8.1],
            [0.0152381, 0.02095238, -0.03948465, 0.35410454, 0.11047619, -0.09461989, 0.58571429],
            None,
        ),
        (
            [View(weights=GERMANY, expected=0.05), View(weights=CANADA, expected=0.03)],
            [4.4, 8.7, 9.5, 11.2, 4.6, 7.0, 7.5],
            [0.0152381, 0.41863571, -0.03409321, 0.33582847, 0.11047619, -0.08173526, 0.18803095],
            [0.298, 0.418],
        ),
    ],
)
def test_posterior_returns_and_weights_of_seven_countries_are_the_published_ones(
    views: list[View], returns: list[float], weights: list[float], tilts: list[float] | None
) -> None:
    """He & Litterman (1999), tables 4 and 5: Germany above the rest of Europe by 5 %, Canada above the USA
    by 3 %, tau 0.05; returns in per cent and, of table 5, lambda of each view. The weights to eight digits
    are those of Walters' programme for these tables.
    """
    found = black_litterman(seven_countries(), views, market=MARKET)
    np.testing.assert_allclose(100 * found.expected, returns, atol=0.051)
    optimal = np.linalg.solve(2.5 * found.covariance, found.expected)
    np.testing.assert_allclose(optimal, weights, atol=5.1e-9)
    picks = np.array([view.weights for view in views])
    moved = np.linalg.lstsq(picks.T, 1.05 * optimal - MARKET)[0]
    np.testing.assert_allclose(MARKET + picks.T @ moved, 1.05 * optimal, atol=1e-12)
    if tilts is not None:
        np.testing.assert_allclose(moved, tilts, atol=5.1e-4)


@pytest.mark.parametrize("doubt", [0.5, 1.0, 2.0])
def test_weights_are_the_market_and_the_views_by_the_published_formula(doubt: float) -> None:
    """He & Litterman (1999), equations 16 to 18: w (1 + tau) = market + P' Lambda, with A = W / tau +
    P S P' / (1 + tau), v = tau W^-1 q / delta and Lambda = v - A^-1 P S / (1 + tau) (market + P' v).
    """
    market = seven_countries()
    picks, wanted = np.array([GERMANY, CANADA]), np.array([0.05, 0.04])
    spread = picks @ market.covariance
    own = 0.05 * np.array([doubt, 1.0]) * (spread @ picks.T).diagonal()
    views = [
        View(weights=pick, expected=one, variance=variance)
        for pick, one, variance in zip(picks, wanted, own.tolist(), strict=True)
    ]
    found = black_litterman(market, views, market=MARKET)
    optimal = np.linalg.solve(2.5 * found.covariance, found.expected)
    pull = 0.05 / own * wanted / 2.5
    shared = np.diag(own) / 0.05 + spread @ picks.T / 1.05
    tilts = pull - np.linalg.solve(shared, spread / 1.05 @ (MARKET + picks.T @ pull))
    np.testing.assert_allclose(1.05 * optimal, MARKET + picks.T @ tilts, atol=1e-12)


def test_least_variance_of_three_instruments_has_the_published_shortfall() -> None:
    """Rockafellar & Uryasev (2000), tables 1 to 4: S&P 500, long government bonds and small caps a month, 1.1
    % expected. Returns are normal, so least variance is least CVaR, with VaR = -m + z s and
    CVaR = -m + s phi(z) / (1 - b).
    """
    market = Moments.given(
        expected=np.array([0.0101110, 0.0043532, 0.0137058]),
        covariance=np.array(
            [
                [0.00324625, 0.00022983, 0.00420395],
                [0.00022983, 0.00049937, 0.00019247],
                [0.00420395, 0.00019247, 0.00764097],
            ]
        ),
        names=("S&P", "bonds", "small caps"),
    )
    found = solve("target_return", market, target_return=0.011)
    np.testing.assert_allclose(found.weights, [0.452013, 0.115573, 0.432414], atol=3e-6)
    for confidence, quantile, value, shortfall in (
        (0.90, 1.2815515655446004, 0.067847, 0.096975),
        (0.95, 1.6448536269514722, 0.090200, 0.115908),
        (0.99, 2.3263478740408408, 0.132128, 0.152977),
    ):
        density = np.exp(-(quantile**2) / 2) / np.sqrt(2 * np.pi)
        assert quantile * found.volatility - 0.011 == pytest.approx(value, abs=1.1e-6)
        tail = density / (1 - confidence) * found.volatility - 0.011
        assert tail == pytest.approx(shortfall, abs=1.1e-6)


def test_least_shortfall_of_two_names_over_four_periods_is_the_one_worked_out_by_hand() -> None:
    """Confidence 0.75 of four equal periods: CVaR is the worst loss. A loses 10 % and 2 % where B gains 4 %
    and loses 8 %; both gain in the others. The worst loss max(0.10 a - 0.04 b, 0.02 a + 0.08 b), a + b = 1,
    is least where both are equal: a = 0.6, b = 0.4, loss 0.044.
    """
    values = np.array([[-0.10, 0.04], [-0.02, -0.08], [0.05, 0.05], [0.06, 0.03]])
    names = ("A", "B")
    market = Moments.given(expected=values.mean(axis=0), covariance=np.cov(values.T), names=names)
    given = Returns(values=values, names=names, periods_per_year=4.0)
    found = solve("minimum_cvar", market, returns=given, confidence=0.75)
    np.testing.assert_allclose(found.weights, [0.6, 0.4], atol=1e-12)
    assert found.figures["cvar"] == pytest.approx(0.044, abs=1e-12)


def test_two_assets_follow_the_closed_forms_of_the_textbooks() -> None:
    """Least variance w = (s2^2 - s12) / (s1^2 + s2^2 - 2 s12); tangency of Bodie, Kane & Marcus,
    *Investments*, equation 7.13: w = (e1 s2^2 - e2 s12) / (e1 s2^2 + e2 s1^2 - (e1 + e2) s12). Their example:
    bonds 8 % at 12 %, stocks 13 % at 20 %, correlation 0.3, bills 5 %: tangency 40 % bonds, return 11 %, risk
    14.2 %, ratio 0.42.
    """
    covariance = np.array([[0.0144, 0.0072], [0.0072, 0.04]])
    market = Moments.given(expected=np.array([0.08, 0.13]), covariance=covariance, names=("bonds", "stocks"))
    least = solve("minimum_variance", market)
    assert least.weights[0] == pytest.approx((0.04 - 0.0072) / (0.0144 + 0.04 - 0.0144), abs=1e-15)
    tangent = solve("maximum_sharpe", market, risk_free=0.05)
    np.testing.assert_allclose(tangent.weights, [0.4, 0.6], atol=1e-14)
    assert tangent.expected_return == pytest.approx(0.11, abs=1e-15)
    assert tangent.volatility == pytest.approx(0.142, abs=5e-4)
    assert tangent.sharpe == pytest.approx(0.42, abs=5e-3)
