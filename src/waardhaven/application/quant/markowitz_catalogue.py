"""What portfolios can be optimised for, and how moments can be estimated."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from waardhaven.application.quant.markowitz_rules import OF_MARKET
from waardhaven.domain.identity.roles import Permission, Principal

SENT_AS: Final = {"budgets": "risk_budgets", "risk_free": "risk_free_rate"}
Told = tuple[str, str, str]
"""Title, formula, source."""
COVARIANCES: Final[Mapping[str, Told]] = {
    "ledoit_wolf": (
        "Shrunk towards equal variances",
        "(b2 / d2) m I + (1 - b2 / d2) S, m the mean variance, S the sample covariance with divisor T",
        "Ledoit & Wolf (2004), Journal of Multivariate Analysis 88",
    ),
    "sample": ("Sample", "sum of (r - mean)(r - mean)' / (T - 1)", "Markowitz (1959)"),
    "exponentially_weighted": (
        "Exponentially weighted around 0",
        "sum of 2^(-age / half_life) r r', weights summing to 1",
        "RiskMetrics Technical Document, 4th ed. (1996), section 5.2",
    ),
    "oracle_approximating": (
        "Shrunk towards equal variances, for normal returns",
        "c m I + (1 - c) S, c = ((1 - 2/n) tr S^2 + (tr S)^2) / ((T + 1 - 2/n) (tr S^2 - (tr S)^2 / n))",
        "Chen, Wiesel, Eldar & Hero (2010), IEEE Transactions on Signal Processing 58(10), equation 23",
    ),
    "ledoit_wolf_constant_correlation": (
        "Shrunk towards equal correlations",
        "delta F + (1 - delta) S, F the variances of S with the mean of its correlations",
        "Ledoit & Wolf (2004), Honey, I shrunk the sample covariance matrix, JPM 30(4), appendix B",
    ),
}
MEANS: Final[Mapping[str, Told]] = {
    "mean": ("Arithmetic mean", "mean of r", "Markowitz (1959)"),
    "exponentially_weighted": (
        "Exponentially weighted mean",
        "sum of 2^(-age / half_life) r, weights summing to 1",
        "RiskMetrics Technical Document, 4th ed. (1996)",
    ),
    "capm": (
        "Capital asset pricing model",
        "r_f + beta (m - r_f), beta and m against market_weights",
        "Sharpe (1964), Journal of Finance 19",
    ),
    "implied_equilibrium": (
        "Implied by equilibrium",
        "r_f + risk_aversion S market_weights",
        "Black & Litterman (1992); He & Litterman (1999), equation 12",
    ),
    "bayes_stein": (
        "Drawn towards that of least variance",
        "(1 - phi) mean + phi m0, phi = (n + 2) / (n + 2 + T d' S^-1 d)",
        "Jorion (1986), Journal of Financial and Quantitative Analysis 21",
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectiveView:
    """An objective: the fields it reads beside the market and limits, and what its value measures.

    `most_names`: whether a limit on how many names are held can be asked for with it.
    """

    name: str
    title: str
    parameters: tuple[str, ...]
    formula: str
    source: str
    measure: str | None
    most_names: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class MomentMethodView:
    """A method of estimating moments.

    `needs_market`: reads `market_weights`. `few_periods`: works with no more periods than names.
    """

    name: str
    title: str
    formula: str
    source: str
    needs_market: bool
    few_periods: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkowitzCatalogueView:
    """Everything a portfolio can be asked for."""

    objectives: tuple[ObjectiveView, ...]
    covariance_methods: tuple[MomentMethodView, ...]
    expected_return_methods: tuple[MomentMethodView, ...]


@dataclass(frozen=True, slots=True)
class ListMarkowitzObjectives:
    """Every objective and every estimator there is."""

    async def __call__(self, by: Principal) -> MarkowitzCatalogueView:
        """Return the whole catalogue; what it lists is imported when it is asked for."""
        from waardhaven.application.quant.markowitz_answer import MEASURES
        from waardhaven.domain.quant.covariance import ESTIMATORS
        from waardhaven.domain.quant.markowitz.estimation import EXPECTED_RETURNS, SHRUNK
        from waardhaven.domain.quant.markowitz.objectives import OBJECTIVES

        by.require(Permission.READ_INDICES)
        return MarkowitzCatalogueView(
            objectives=tuple(
                ObjectiveView(
                    name=one.name,
                    title=one.title,
                    parameters=tuple(SENT_AS.get(name, name) for name in one.parameters),
                    formula=one.formula,
                    source=one.source,
                    measure=MEASURES[one.name][0] if one.name in MEASURES else None,
                    most_names=one.score is not None,
                )
                for one in OBJECTIVES.values()
            ),
            covariance_methods=tuple(
                _method(name, COVARIANCES[name], few=name in SHRUNK) for name in ESTIMATORS
            ),
            expected_return_methods=tuple(
                _method(name, MEANS[name], few=name != "bayes_stein") for name in EXPECTED_RETURNS
            ),
        )


def _method(name: str, told: Told, *, few: bool) -> MomentMethodView:
    title, formula, source = told
    return MomentMethodView(
        name=name,
        title=title,
        formula=formula,
        source=source,
        needs_market=name in OF_MARKET,
        few_periods=few,
    )
