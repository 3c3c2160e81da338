"""Covariance of returns: three estimators, and the examination of one before it is used.

Returns are (T, k), fractions per session without a hole; a covariance is (k, k) per session, not
annualised. Every estimate is symmetric and positive semi-definite by construction (a product of a matrix
with its transpose, or that plus a multiple of the identity), so nothing is ever repaired behind anyone.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Protocol

import numpy as np

from waardhaven.domain.types import Floats

WELL_CONDITIONED = 1e10
"""Condition number from which on a solution has fewer than six digits left in double precision."""
ROUNDING = 1e-12
"""An eigenvalue below this share of the largest is zero within rounding."""


class Estimator(Protocol):
    """An estimator of the registry; each reads the parameters it knows."""

    def __call__(self, returns: Floats, *, half_life: float) -> Floats:
        """Return the covariance (k, k) of ``returns`` (T, k), T >= 2, without NaN."""
        ...  # pragma: no cover


def sample(returns: Floats, *, half_life: float = 1.0) -> Floats:  # noqa: ARG001
    """Return the sample covariance, ddof 1; singular when T <= k."""
    moves = _centred(returns)
    covariance: Floats = moves.T @ moves / (len(moves) - 1)
    return covariance


def exponentially_weighted(returns: Floats, *, half_life: float) -> Floats:
    """Return the covariance with weights 2 ** (-age / half_life) that sum to 1, around a mean of zero.

    The mean is taken as zero as in RiskMetrics (*Technical Document*, 4th ed. 1996, section 5.2), whose
    decay factor is ``2 ** (-1 / half_life)``.
    """
    decay = np.exp2(-np.arange(len(returns))[::-1] / half_life)
    moves = np.ascontiguousarray(returns) * np.sqrt(decay / decay.sum())[:, None]
    covariance: Floats = moves.T @ moves
    return covariance


def ledoit_wolf(returns: Floats, *, half_life: float = 1.0) -> Floats:  # noqa: ARG001
    """Return the sample covariance (divisor T) shrunk towards its mean variance times the identity.

    Ledoit & Wolf (2004), "A well-conditioned estimator for large-dimensional covariance matrices",
    *Journal of Multivariate Analysis* 88, equations 14 and lemmas 3.2 to 3.5: with S the sample covariance,
    m = tr S / k, d2 = |S - mI|^2 and b2 = min(d2, sum |x x' - S|^2 / T^2), the estimate is
    (b2 / d2) m I + (1 - b2 / d2) S. Positive definite unless every session repeats one move up or down,
    as any two sessions around their mean do.
    """
    moves = _centred(returns)
    covariance: Floats = moves.T @ moves / len(moves)
    shrinkage = _shrinkage(moves, covariance)
    mean_variance = covariance.trace() / len(covariance)
    covariance *= 1.0 - shrinkage
    covariance.flat[:: len(covariance) + 1] += shrinkage * mean_variance
    return covariance


ESTIMATORS: Mapping[str, Estimator] = MappingProxyType(
    {"ledoit_wolf": ledoit_wolf, "sample": sample, "exponentially_weighted": exponentially_weighted}
)


def _centred(returns: Floats) -> Floats:
    moves = np.ascontiguousarray(returns)
    centred: Floats = moves - moves.mean(axis=0)
    return centred


def _shrinkage(moves: Floats, covariance: Floats) -> float:
    """Return b2 / d2 of Ledoit & Wolf; sum |x x' - S|^2 = sum (x'x)^2 - T |S|^2 needs no k x k x T array."""
    count = len(moves)
    size = float(np.vdot(covariance, covariance))
    distance = size - covariance.trace() ** 2 / len(covariance)
    lengths = np.einsum("ij,ij->i", moves, moves)
    error = (float(lengths @ lengths) - count * size) / count**2
    return min(max(error / distance, 0.0), 1.0) if distance > ROUNDING * size else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """What an estimate is worth: counts, holes, spectrum and a verdict in plain words.

    ``observations`` T, ``names`` k, ``per_name`` T / k. ``holes`` (k,): returns missing in each column.
    ``smallest_eigenvalue`` and ``condition`` (infinite when singular) of the covariance; NaN if it is not
    finite. ``reliable``: symmetric, positive definite beyond rounding, well conditioned, without holes.
    """

    observations: int
    names: int
    per_name: float
    holes: tuple[int, ...]
    smallest_eigenvalue: float
    condition: float
    verdict: str
    reliable: bool


def diagnose(returns: Floats, covariance: Floats) -> Diagnosis:
    """Examine ``covariance`` (k, k), k >= 1, and the ``returns`` (T, k) it comes from; NaN are counted."""
    holes = np.isnan(returns).sum(axis=0)
    observations, names = returns.shape
    sound = bool(np.isfinite(covariance).all())
    spectrum = np.linalg.eigvalsh(covariance) if sound else np.full(names, np.nan)
    smallest, largest = float(spectrum[0]), float(spectrum[-1])
    condition = largest / smallest if smallest > ROUNDING * largest else float("inf")
    reasons = [
        (bool(holes.any()), f"{int((holes > 0).sum())} names have holes in their returns"),
        (not sound, "it holds figures that are not finite"),
        (sound and not np.allclose(covariance, covariance.T, rtol=1e-12, atol=0.0), "it is not symmetric"),
        (smallest < -ROUNDING * largest, f"it is not positive semi-definite ({smallest:.3g})"),
        (
            condition == float("inf") and smallest >= -ROUNDING * largest,
            f"it is singular ({observations} sessions for {names} names), so optimal weights are not unique",
        ),
        (WELL_CONDITIONED <= condition < float("inf"), f"its condition number is {condition:.2g}"),
    ]
    found = [text for broken, text in reasons if broken]
    return Diagnosis(
        observations=observations,
        names=names,
        per_name=observations / names,
        holes=tuple(holes.tolist()),
        smallest_eigenvalue=smallest,
        condition=condition if sound else float("nan"),
        verdict=f"Not reliable: {'; '.join(found)}." if found else "Reliable.",
        reliable=not found,
    )
