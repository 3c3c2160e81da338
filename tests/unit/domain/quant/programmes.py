"""Programmes that tests begin with."""

import numpy as np

from waardhaven.domain.quant.quadratic_programme import Programme


def programme(**parts: np.ndarray) -> Programme:
    """Return a programme over weights between 0 and 1 that sum to 1, but for the parts given."""
    count = len(parts["hessian"])
    plain = {
        "linear": np.zeros(count),
        "equalities": np.ones((1, count)),
        "totals": np.ones(1),
        "inequalities": np.zeros((0, count)),
        "ceilings": np.zeros(0),
        "lower": np.zeros(count),
        "upper": np.ones(count),
    }
    return Programme(**(plain | parts))
