"""Formulas of strategies and treatments of corporate actions in words, for methodologies."""

from waardhaven.domain.index.events import EventKind
from waardhaven.domain.index.family import Family

FORMULAS: dict[str, str] = {
    "equal_weight": "w_i = 1 / n",
    "fixed": "w_i = s_i / Σ s, with s the stated weights of the eligible names",
    "market_cap": "w_i = shares_i × price_i / Σ (shares × price)",
    "price": "w_i = price_i / Σ price",
    "momentum": (
        "m_i = growth of the price over the lookback, which ends skip sessions before the selection, less 1; "
        "w_i = m_i / Σ m, or rank(m_i) / Σ rank(m), or 1 / n, over the names with m_i above the threshold"
    ),
    "inverse_volatility": "w_i = (1 / v_i) / Σ (1 / v), with v the deviation of session returns",
    "equal_risk": "w with w_i × (C w)_i equal for all names, C the covariance of session returns",
    "minimum_variance": "w = argmin w' C w, C the covariance of session returns",
    "maximum_sharpe": "w = argmax (w' m - r) / √(w' C w), m the expected returns, r the risk-free rate",
    "maximum_diversification": "w = argmax w' v / √(w' C w), v the volatilities, C the covariance",
    "hierarchical_risk_parity": (
        "from the whole to halves of the tree: a half L beside R gets 1 - V_L / (V_L + V_R) of what both "
        "get, V the variance of a half under inverse variances"
    ),
    "volatility_target": (
        "share invested = target / volatility of the strategy below, at most its cap; the rest is cash"
    ),
    "blend": "w_i = Σ_s share_s × w_i,s",
}
"""By name of the strategy; n and every sum run over the eligible names."""

LEVEL = (
    "level_t = Σ units_i × price_i,t × rate_i,t / divisor",
    "units_i = w_i × level / price_i at the effective close; between reviews units stay and weights drift",
    "new divisor = divisor × value after / value before, for every change that is not a move of prices",
)
"""How levels are computed, in every index."""

_NOTHING = "Nothing changes."
_MORE = "Price and units move together; the divisor stays."
_PRICE_MOVES = "The price moves alone; the divisor takes it up."
_SPUN = "The spun-off shares enter at a price of zero."

TREATMENTS_TOLD: dict[tuple[EventKind, Family], str] = {
    (EventKind.SPLIT, Family.CAP_WEIGHTED): _MORE,
    (EventKind.SPLIT, Family.NON_CAP_WEIGHTED): _MORE,
    (EventKind.SPLIT, Family.PRICE_WEIGHTED): _PRICE_MOVES,
    (EventKind.CASH_DIVIDEND, Family.CAP_WEIGHTED): _NOTHING,
    (EventKind.CASH_DIVIDEND, Family.NON_CAP_WEIGHTED): _NOTHING,
    (EventKind.CASH_DIVIDEND, Family.PRICE_WEIGHTED): _NOTHING,
    (EventKind.SPECIAL_DIVIDEND, Family.CAP_WEIGHTED): _PRICE_MOVES,
    (EventKind.SPECIAL_DIVIDEND, Family.NON_CAP_WEIGHTED): _MORE,
    (EventKind.SPECIAL_DIVIDEND, Family.PRICE_WEIGHTED): _PRICE_MOVES,
    (EventKind.RIGHTS, Family.CAP_WEIGHTED): (
        "Rights in the money are taken up with new money, which the divisor takes up."
    ),
    (EventKind.RIGHTS, Family.NON_CAP_WEIGHTED): _MORE,
    (EventKind.RIGHTS, Family.PRICE_WEIGHTED): _PRICE_MOVES,
    (EventKind.SPIN_OFF, Family.CAP_WEIGHTED): f"{_SPUN} They stay until the next review.",
    (EventKind.SPIN_OFF, Family.NON_CAP_WEIGHTED): (
        f"{_SPUN} After the first session their value goes back to the parent."
    ),
    (EventKind.SPIN_OFF, Family.PRICE_WEIGHTED): (
        f"{_SPUN} They leave after the first session; the divisor takes it up."
    ),
    (EventKind.MERGER, Family.CAP_WEIGHTED): (
        "An acquirer in the index issues shares for those of the target; otherwise the target leaves at its "
        "last price. The divisor takes up the rest."
    ),
    (EventKind.MERGER, Family.NON_CAP_WEIGHTED): (
        "The target leaves at its last price; its value is spread over the others in proportion."
    ),
    (EventKind.MERGER, Family.PRICE_WEIGHTED): (
        "The target leaves at its last price; the divisor takes it up."
    ),
    (EventKind.DELISTING, Family.CAP_WEIGHTED): (
        "The name leaves at its terminal price; the divisor takes it up."
    ),
    (EventKind.DELISTING, Family.NON_CAP_WEIGHTED): (
        "The name leaves at its terminal price; its value is spread over the others in proportion."
    ),
    (EventKind.DELISTING, Family.PRICE_WEIGHTED): (
        "The name leaves at its terminal price; the divisor takes it up."
    ),
}
"""What ``treatments.TREATMENTS`` and ``treatments.settle`` do, by action and family."""
