"""Expectations over one lognormal variable, for the controls of simulations."""

from math import erfc, exp, log, sqrt


def expected_excess(forward: float, strike: float, deviation: float, sign: float) -> float:
    """Return E[max(sign (X - strike), 0)], X lognormal with mean ``forward``, log deviation ``deviation``.

    F. Black, "The pricing of commodity contracts", Journal of Financial Economics 3 (1976), equation 16
    undiscounted. ``forward`` is above 0, ``strike`` and ``deviation`` may be 0.
    """
    if deviation <= 0.0 or strike <= 0.0:
        return max(sign * (forward - strike), 0.0)
    upper = log(forward / strike) / deviation + 0.5 * deviation
    lower = upper - deviation
    return sign * (forward * _normal(sign * upper) - strike * _normal(sign * lower))


def geometric_mean(spot: float, drift: float, deviation: float, steps: int) -> tuple[float, float]:
    """Return mean and log deviation of the geometric mean of prices after 1 to ``steps`` steps.

    ``drift`` and ``deviation``: mean and standard deviation of the log growth of a step. The log mean is
    drift (n + 1) / 2, its variance deviation^2 (n + 1) (2n + 1) / (6n): A. Kemna and A. Vorst, "A pricing
    method for options based on average asset values", Journal of Banking and Finance 14 (1990), at discrete
    fixings.
    """
    variance = deviation * deviation * (steps + 1) * (2 * steps + 1) / (6 * steps)
    return spot * exp(drift * 0.5 * (steps + 1) + 0.5 * variance), sqrt(variance)


def _normal(value: float) -> float:
    return 0.5 * erfc(-value / sqrt(2.0))
