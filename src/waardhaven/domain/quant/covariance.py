"""Covariance of returns: five estimators, and the examination of one before it is used.

Returns are (T, k), fractions per session without a hole; a covariance is (k, k) per session, not
annualised. Every estimate is symmetric and positive semi-definite by construction (a product of a matrix
with its transpose, or the mean of that and a target that is so), so nothing is ever repaired behind anyone.
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
STILL = 1e-14
"""A deviation below this share of the largest return is rounding."""


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
    return _towards_identity(covariance, _shrinkage(moves, covariance))


def oracle_approximating(returns: Floats, *, half_life: float = 1.0) -> Floats:  # noqa: ARG001
    """Return the sample covariance (divisor T) shrunk towards its mean variance times the identity.

    Chen, Wiesel, Eldar & Hero (2010), "Shrinkage algorithms for MMSE covariance estimation", *IEEE
    Transactions on Signal Processing* 58(10), equation 23: with S the sample covariance of k names, the share
    of the target is the lower of 1 and
    ((1 - 2/k) tr S^2 + (tr S)^2) / ((T + 1 - 2/k) (tr S^2 - (tr S)^2 / k)).
    Libraries that leave out 2/k shrink more. Positive definite as soon as one of several names moves.
    """
    moves = _centred(returns)
    covariance: Floats = moves.T @ moves / len(moves)
    names, total = len(covariance), float(covariance.trace())
    size = float(np.vdot(covariance, covariance))
    distance = size - total**2 / names
    if not distance > ROUNDING * size:
        return covariance
    few = 2.0 / names
    share = ((1.0 - few) * size + total**2) / ((len(moves) + 1.0 - few) * distance)
    return _towards_identity(covariance, min(share, 1.0))


def ledoit_wolf_constant_correlation(returns: Floats, *, half_life: float = 1.0) -> Floats:  # noqa: ARG001
    """Return the sample covariance (divisor T) shrunk towards equal correlations; variances stay.

    Ledoit & Wolf (2004), "Honey, I shrunk the sample covariance matrix", *Journal of Portfolio Management*
    30(4), appendices A and B: the target F has the variances of S and the mean of its correlations, and its
    share is (pi - rho) / (gamma T) between 0 and 1, with pi the sum of the asymptotic variances of S, rho
    that of its asymptotic covariances with F, gamma = |F - S|^2. A name that does not move has
    no part in it. Positive definite where the share and the variances are above 0 and the mean
    correlation is neither 1 nor the least that k names can have.
    """
    moves = _centred(returns)
    covariance: Floats = moves.T @ moves / len(moves)
    noise = STILL * np.abs(returns).max(axis=0)
    moving = np.flatnonzero(covariance.diagonal() > noise**2)
    if len(moving) < 2:
        return covariance
    block = np.ix_(moving, moving)
    covariance[block] = _towards_equal_correlations(moves[:, moving], covariance[block])
    return covariance


ESTIMATORS: Mapping[str, Estimator] = MappingProxyType(
    {
        "ledoit_wolf": ledoit_wolf,
        "sample": sample,
        "exponentially_weighted": exponentially_weighted,
        "oracle_approximating": oracle_approximating,
        "ledoit_wolf_constant_correlation": ledoit_wolf_constant_correlation,
    }
)


def _centred(returns: Floats) -> Floats:
    moves = np.ascontiguousarray(returns)
    centred: Floats = moves - moves.mean(axis=0)
    return centred


def _towards_identity(covariance: Floats, share: float) -> Floats:
    """Return, in place, the mean of ``covariance`` and its mean variance times the identity."""
    mean_variance = covariance.trace() / len(covariance)
    covariance *= 1.0 - share
    covariance.flat[:: len(covariance) + 1] += share * mean_variance
    return covariance


def _towards_equal_correlations(moves: Floats, covariance: Floats) -> Floats:
    """Return the mean of S, of names that all move, and the target of constant correlation."""
    count, names = moves.shape
    deviation = np.sqrt(covariance.diagonal())
    together = np.multiply.outer(deviation, deviation)
    correlation = (float((covariance / together).sum()) - names) / (names * (names - 1))
    target = correlation * together
    np.fill_diagonal(target, covariance.diagonal())
    gamma = float(np.square(target - covariance).sum())
    if not gamma > ROUNDING * float(np.vdot(covariance, covariance)):
        return covariance
    squares = moves * moves
    error = squares.T @ squares / count - covariance * covariance
    shared = (squares * moves).T @ moves / count - covariance.diagonal()[:, None] * covariance
    shared *= deviation / deviation[:, None]
    np.fill_diagonal(shared, 0.0)
    kappa = (float(error.sum()) - float(error.trace()) - correlation * float(shared.sum())) / gamma
    share = min(max(kappa / count, 0.0), 1.0)
    mixed: Floats = share * target + (1.0 - share) * covariance
    return mixed


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
