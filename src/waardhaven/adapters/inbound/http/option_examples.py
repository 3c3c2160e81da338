"""What answers about options look like, shortened."""

from typing import Any, Final

OPTION_ANSWERS: Final[dict[str, Any]] = {
    "blackScholes": {
        "options": 2,
        "model": "black_scholes_merton",
        "payoff": "vanilla",
        "exercise": "european",
        "method": "closed form",
        "figures": {
            "price": {
                "title": "Price",
                "unit": "as spot and strike",
                "values": [8.9017, 3.9902],
                "lacking": None,
            },
            "delta": {
                "title": "Delta",
                "unit": "price per 1 of spot",
                "values": [0.6863, 0.4186],
                "lacking": None,
            },
        },
        "reasons": [None, None],
        "explanations": {},
        "stored_spot": None,
        "estimated_volatility": {
            "symbol": "AAPL",
            "mic": "XNAS",
            "source": "eodhd",
            "estimator": "yang_zhang",
            "window": 252,
            "bars": 253,
            "left_out": 0,
            "first": "2023-05-31",
            "last": "2024-05-31",
            "adjust": "all",
            "periods_per_year": 252.0,
            "volatility": 0.2,
        },
    },
    "optionModels": {
        "models": [
            {
                "name": "black_76",
                "title": "Black 1976",
                "spot": "forward or futures price of the underlying for the day of expiry",
                "dividend_yield": "not used: a forward costs nothing to carry",
                "carry": "0",
                "source": "F. Black, Journal of Financial Economics 3 (1976)",
            }
        ],
        "payoffs": [
            {
                "name": "cash_or_nothing",
                "title": "Cash or nothing",
                "call": "cash if S >= strike, else 0",
                "put": "cash if S < strike, else 0",
                "formula": "cash e^(-r T) N(phi d2)",
                "source": "M. Rubinstein, E. Reiner, Risk 4 (1991)",
            }
        ],
        "greeks": [
            {
                "name": "delta",
                "title": "Delta",
                "derivative": "dV/dS",
                "unit": "price per 1 of spot",
                "formula": "phi e^(-q T) N(phi d1)",
                "source": "Haug (2007) chapter 2",
                "american": True,
            }
        ],
        "volatility_estimators": [
            {
                "name": "close_to_close",
                "title": "Close to close",
                "formula": "deviation (ddof 1) of ln(close / close before) x sqrt(f)",
                "source": "Hull, Options, Futures, and Other Derivatives, 10th ed. (2018), chapter 15",
                "least": 3,
                "needs_ranges": False,
            },
            {
                "name": "rogers_satchell",
                "title": "Rogers-Satchell",
                "formula": "sqrt(mean of ln(h/o) ln(h/c) + ln(l/o) ln(l/c)) x sqrt(f)",
                "source": "L. C. G. Rogers, S. E. Satchell, Annals of Applied Probability 1 (1991)",
                "least": 1,
                "needs_ranges": True,
            },
        ],
        "reasons": {"no_time": "the option has expired: its price says nothing about volatility"},
    },
}
