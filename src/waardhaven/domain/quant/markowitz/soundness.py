"""Whether a covariance can be one, and how to repair it when somebody asks for that."""

from dataclasses import dataclass, replace

import numpy as np

from waardhaven.domain.errors import FieldError, Invalid
from waardhaven.domain.types import Floats

ROUNDING = 1e-12
"""An eigenvalue below zero by less than this share of the largest is zero within rounding."""
FLOOR = 1e-8
"""Share of the largest eigenvalue that a repair lifts the others to."""


class NotSemidefinite(Invalid):
    """The covariance gives some weights a negative variance, so no minimum means anything."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Repair:
    """What a repair changed: all eigenvalues (n,) before and after, ascending, and the largest change.

    ``largest_change``: of an entry of the covariance, relative to the largest entry.
    """

    method: str
    before: Floats
    after: Floats
    largest_change: float

    def times(self, factor: float) -> "Repair":
        """Return the same repair of the covariance times ``factor``, as of a year instead of a period."""
        return replace(self, before=self.before * factor, after=self.after * factor)


def is_definite(covariance: Floats) -> bool:
    """Whether a Cholesky factor exists, which it does for every positive definite matrix."""
    try:
        np.linalg.cholesky(covariance)
    except np.linalg.LinAlgError:
        return False
    return True


def require_semidefinite(covariance: Floats) -> None:
    """Raise NotSemidefinite if an eigenvalue of the symmetric ``covariance`` (n, n) is below zero."""
    if is_definite(covariance):
        return
    spectrum = np.linalg.eigvalsh(covariance)
    if spectrum[0] < -ROUNDING * np.abs(spectrum).max():
        rule = f"positive semi-definite: its smallest eigenvalue is {spectrum[0]:.6g}; ask for a repair"
        raise NotSemidefinite(f"covariance: {rule}", errors=[FieldError(field="covariance", rule=rule)])


def clip_eigenvalues(covariance: Floats) -> tuple[Floats, Repair]:
    """Return the positive definite matrix of the same variances nearest by spectrum, and what changed.

    Rebonato & Jackel (1999), "The most general methodology to create a valid correlation matrix", *Journal of
    Risk* 2(2), section 3.2: eigenvalues of the correlation below ``FLOOR`` times the largest are lifted
    to it, and rows are scaled so that variances stay. A name without variance keeps a row of zeros.
    """
    symmetric = (covariance + covariance.T) / 2.0
    deviation = np.sqrt(np.maximum(symmetric.diagonal(), 0.0))
    risky = deviation > 0.0
    scale = deviation[risky]
    values, vectors = np.linalg.eigh(symmetric[np.ix_(risky, risky)] / np.multiply.outer(scale, scale))
    lifted = (vectors * np.maximum(values, FLOOR * values.max(initial=0.0))) @ vectors.T
    again = scale / np.sqrt(lifted.diagonal())
    repaired = np.zeros_like(symmetric)
    repaired[np.ix_(risky, risky)] = (lifted + lifted.T) / 2.0 * np.multiply.outer(again, again)
    change = float(np.abs(repaired - symmetric).max(initial=0.0) / (np.abs(symmetric).max() or 1.0))
    told = Repair(
        method="clip_eigenvalues",
        before=_spectrum(symmetric),
        after=_spectrum(repaired),
        largest_change=change,
    )
    return repaired, told


def _spectrum(matrix: Floats) -> Floats:
    return np.asarray(np.linalg.eigvalsh(matrix), dtype=np.float64)
