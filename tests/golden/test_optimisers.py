"""Published optimal portfolios, and figures of an independent library, each with its source."""

import numpy as np
import pytest

from waardhaven.domain.index.limits import Limits
from waardhaven.domain.quant.hierarchy import hierarchical_risk_parity
from waardhaven.domain.quant.optimal_weights import highest_ratio, minimum_variance
from waardhaven.domain.quant.risk_budgeting import contributions, equal_risk

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


def ten_assets() -> np.ndarray:
    lower = np.zeros((10, 10))
    lower[np.tril_indices(10)] = [float(text) for text in TEN_LOWER.split()]
    return lower + np.tril(lower, -1).T


def four_assets() -> np.ndarray:
    deviation = np.array([0.1, 0.2, 0.3, 0.4])
    correlation = np.eye(4)
    correlation[0, 1] = correlation[1, 0] = 0.8
    correlation[2, 3] = correlation[3, 2] = -0.5
    return correlation * deviation * deviation[:, None]


def risk(covariance: np.ndarray, weights: np.ndarray) -> float:
    return float(np.sqrt(weights @ covariance @ weights))


def test_minimum_variance_is_the_last_turning_point_of_the_critical_line_example() -> None:
    """Bailey & Lopez de Prado (2013), "An open-source implementation of the critical-line algorithm",
    *Algorithms* 6(1): ten assets, table 2, the portfolio of least variance (return 0.8032, risk 0.2052).
    """
    published = [0.0370, 0.0269, 0.0949, 0.1258, 0.0767, 0.2194, 0.0300, 0.0360, 0.0613, 0.2920]
    weights = minimum_variance(ten_assets(), Limits.free(10))
    np.testing.assert_allclose(weights, published, atol=5e-5)
    assert weights @ TEN_MEANS == pytest.approx(0.8032, abs=5e-5)
    assert risk(ten_assets(), weights) == pytest.approx(0.2052, abs=5e-5)


def test_maximum_sharpe_reaches_the_ratio_of_the_critical_line_example() -> None:
    """The same paper: the highest Sharpe ratio over its ten assets is 4.4535 (risk-free rate 0)."""
    weights = highest_ratio(ten_assets(), TEN_MEANS, Limits.free(10))
    assert weights @ TEN_MEANS / risk(ten_assets(), weights) == pytest.approx(4.4535, abs=5e-5)
    by_pyportfolioopt = [
        0.0839731894821742,
        0.0489059861371138,
        0.0,
        0.2183092595404948,
        0.0016773041709358,
        0.1812006467144118,
        0.0,
        0.0311830387651695,
        0.0078590125328502,
        0.4268915626568499,
    ]
    np.testing.assert_allclose(weights, by_pyportfolioopt, atol=1e-14)


def test_equal_risk_contributions_of_the_four_assets_of_the_paper() -> None:
    """Maillard, Roncalli & Teiletche (2010), numerical example: volatilities 10, 20, 30 and 40 %,
    correlations 0.8 and -0.5 in two pairs: ERC 38.4, 19.2, 24.3 and 18.2 %, volatility 10.3 %; minimum
    variance 74.5, 0, 15.2 and 10.3 %, volatility 8.6 %.
    """
    weights = equal_risk(four_assets())
    np.testing.assert_allclose(weights, [0.384, 0.192, 0.243, 0.182], atol=5e-4)
    assert risk(four_assets(), weights) == pytest.approx(0.103, abs=5e-4)
    np.testing.assert_allclose(contributions(four_assets(), weights), 0.25, atol=1e-14)
    least = minimum_variance(four_assets(), Limits.free(4))
    np.testing.assert_allclose(least, [0.745, 0.0, 0.152, 0.103], atol=5e-4)
    assert least[1] == 0.0
    assert risk(four_assets(), least) == pytest.approx(0.086, abs=5e-4)


def test_equal_risk_contributions_of_the_reference_page_of_matlab() -> None:
    """MathWorks, Financial Toolbox, ``portfolioRiskContribution``: the first example."""
    covariance = np.array(
        [
            [0.0100, 0.0075, 0.0100, 0.0150],
            [0.0075, 0.0225, 0.0150, 0.0225],
            [0.0100, 0.0150, 0.0400, 0.0450],
            [0.0150, 0.0225, 0.0450, 0.0900],
        ]
    )
    np.testing.assert_allclose(equal_risk(covariance), [0.4101, 0.2734, 0.1899, 0.1266], atol=5e-5)


def test_hierarchical_risk_parity_equals_pyportfolioopt_on_ten_assets() -> None:
    """PyPortfolioOpt 1.6.0, ``HRPOpt(cov_matrix=...)`` over the ten assets of Bailey & Lopez de Prado."""
    by_pyportfolioopt = [
        0.05922554638951674,
        0.03802366012593648,
        0.10101411550182952,
        0.10081977871430513,
        0.09227408544637554,
        0.20458463220873752,
        0.04617873415888519,
        0.03607467152173675,
        0.08337920596913993,
        0.2384255699635372,
    ]
    np.testing.assert_allclose(hierarchical_risk_parity(ten_assets()), by_pyportfolioopt, atol=1e-15)


def test_the_most_diversified_mix_of_equal_correlations_is_inverse_volatility() -> None:
    """Choueifaty & Coignard (2008), section on theory: with one correlation between all names the most
    diversified weights are in proportion to 1 / volatility. Volatilities 10, 20 and 40 % give 4 : 2 : 1.
    """
    deviation = np.array([0.1, 0.2, 0.4])
    covariance = (np.full((3, 3), 0.3) + 0.7 * np.eye(3)) * deviation * deviation[:, None]
    weights = highest_ratio(covariance, deviation, Limits.free(3))
    np.testing.assert_allclose(weights, [4 / 7, 2 / 7, 1 / 7], atol=1e-14)


def test_the_most_diversified_mix_correlates_equally_with_every_name_held() -> None:
    """Choueifaty & Coignard (2008), core property: each name held has the same correlation with the mix,
    and every name left out a higher one. Both pairs of the four assets of Maillard et al. keep it.
    """
    covariance, deviation = four_assets(), np.array([0.1, 0.2, 0.3, 0.4])
    weights = highest_ratio(covariance, deviation, Limits.free(4))
    correlation = covariance @ weights / deviation / risk(covariance, weights)
    np.testing.assert_allclose(correlation[weights > 0.0], correlation.min(), rtol=1e-12)
