"""Matrices of covariance and correlation: examined, repaired when asked, and factored.

Products are left-to-right sums without BLAS: the number of its threads changes the last bit of what it
computes, and the answer of a seed must not depend on the machine's load.
"""

from typing import Final

import numpy as np

from waardhaven.domain.errors import FieldError
from waardhaven.domain.quant.monte_carlo.refusals import UnusableSimulation
from waardhaven.domain.types import Floats

ROUNDING: Final = 1e-10
"""An eigenvalue above minus this share of the largest is zero within rounding."""
ROUNDS: Final = 2000
"""Most rounds of alternating projections."""
ADVICE: Final = (
    "Estimate it from the same days for all assets, shrink it, or ask for the nearest semi-definite matrix"
)
CLOSE: Final = 1e-12
"""Change of a round, beside the matrix, at which they have settled."""


def examined(matrix: Floats, field: str, *, repair: bool) -> tuple[Floats, tuple[str, ...]]:
    """Return a symmetric, positive semi-definite matrix (n, n), and what was repaired in words.

    Asked to repair, the nearest correlation matrix takes the place of that of an indefinite one (variances
    stay). Raises UnusableSimulation: not square, not finite, not symmetric within 1e-9 of its largest
    entry, a negative variance, indefinite without ``repair``.
    """
    _insist_on_shape(matrix, field)
    symmetric: Floats = 0.5 * (matrix + matrix.T)
    values = np.linalg.eigvalsh(symmetric)
    smallest = float(values[0])
    if smallest >= -ROUNDING * max(float(values[-1]), 0.0):
        return symmetric, ()
    if not repair:
        raise _refusal(
            field,
            f"must be positive semi-definite: its smallest eigenvalue is {smallest:.6g}. {ADVICE}",
        )
    found = _with_correlation_repaired(symmetric)
    moved = float(np.abs(found - symmetric).max())
    told = (
        f"{field} was not positive semi-definite (smallest eigenvalue {smallest:.6g}): the nearest "
        f"correlation matrix was taken, which moved no entry by more than {moved:.6g}"
    )
    return found, (told,)


def _insist_on_shape(matrix: Floats, field: str) -> None:
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1] or not len(matrix):
        raise _refusal(field, "must be a square matrix")
    if not np.isfinite(matrix).all():
        raise _refusal(field, "must have finite numbers only")
    if float(np.abs(matrix - matrix.T).max()) > 1e-9 * max(float(np.abs(matrix).max()), 1e-300):
        raise _refusal(field, "must be symmetric")
    if (matrix.diagonal() < 0.0).any():
        raise _refusal(field, "must have no negative number on its diagonal")


def _refusal(field: str, rule: str) -> UnusableSimulation:
    return UnusableSimulation(
        "The simulation can not be run like this.", errors=[FieldError(field=field, rule=rule)]
    )


def _with_correlation_repaired(covariance: Floats) -> Floats:
    deviation = np.sqrt(covariance.diagonal())
    scale = np.where(deviation > 0.0, deviation, 1.0)
    correlation = covariance / np.outer(scale, scale)
    correlation[deviation == 0.0] = 0.0
    correlation[:, deviation == 0.0] = 0.0
    np.fill_diagonal(correlation, 1.0)
    repaired: Floats = nearest_correlation(correlation) * np.outer(deviation, deviation)
    return repaired


def nearest_correlation(matrix: Floats) -> Floats:
    """Return the correlation matrix nearest to a symmetric one in the Frobenius norm.

    N. Higham, "Computing the nearest correlation matrix", IMA Journal of Numerical Analysis 22 (2002),
    algorithm 3.3: projections in turn on the semi-definite matrices (with Dykstra's correction) and on
    those with ones on the diagonal. The last step restores both exactly: eigenvalues at 0 and above, scaled.
    """
    found, correction = matrix.copy(), np.zeros_like(matrix)
    for _ in range(ROUNDS):
        shifted = found - correction
        projected = _semi_definite(shifted)
        correction = projected - shifted
        before, found = found, projected.copy()
        np.fill_diagonal(found, 1.0)
        if float(np.abs(found - before).max()) <= CLOSE:
            break
    projected = _semi_definite(found)
    deviation = np.sqrt(projected.diagonal())
    nearest: Floats = projected / np.outer(deviation, deviation)
    np.fill_diagonal(nearest, 1.0)
    return nearest


def _semi_definite(matrix: Floats) -> Floats:
    values, vectors = np.linalg.eigh(matrix)
    projected: Floats = np.einsum("ik,jk->ij", vectors * np.maximum(values, 0.0), vectors)
    return 0.5 * (projected + projected.T)


def factor(matrix: Floats) -> Floats:
    """Return the lower-triangular L (n, n) with L L' = ``matrix``, positive semi-definite.

    Cholesky's factor; a pivot that is 0 within rounding has a column of zeros (N. Higham, Accuracy and
    Stability of Numerical Algorithms, 2nd ed. 2002, section 10.3).
    """
    count = len(matrix)
    lower = np.zeros((count, count))
    for column in range(count):
        left = matrix[column:, column] - (lower[column:, :column] * lower[column, :column]).sum(axis=1)
        if left[0] > ROUNDING * matrix[column, column]:
            lower[column:, column] = left / np.sqrt(left[0])
    return lower


def combined(lower: Floats, draws: Floats, out: Floats) -> Floats:
    """Write ``lower`` (n, n) times ``draws`` (n, m) into ``out``, summed from left to right."""
    if len(lower) == 1:
        np.multiply(draws, lower[0, 0], out=out)
        return out
    np.einsum("ij,jm->im", lower, draws, out=out)
    return out
