"""Hierarchical risk parity: risk shared along a tree of correlated names."""

import numpy as np

from waardhaven.domain.types import Floats


def hierarchical_risk_parity(covariance: Floats) -> Floats:
    """Return long-only weights (k,) summing to 1, k >= 1.

    Lopez de Prado (2016), "Building diversified portfolios that outperform out of sample", *Journal of
    Portfolio Management* 42(4): names are put in the order of a single-linkage tree over the distances
    sqrt((1 - correlation) / 2); the ordered list is halved again and again, and each half gets a share in
    inverse proportion to the variance of its inverse-variance mix. The tree is built on these distances
    themselves, as PyPortfolioOpt does; the snippet of the paper clusters the distances between their
    columns. Of two names that pair up, the one of the lower position comes first.

    ``covariance`` (k, k): positive semi-definite, every variance above 0, no NaN.
    """
    if len(covariance) == 1:
        return np.ones(1)
    order = _tree_order(covariance)
    ordered = np.ascontiguousarray(covariance[np.ix_(order, order)])
    inverse = 1.0 / ordered.diagonal()
    shares = np.ones(len(order))
    parts = [(0, len(order))]
    while parts:
        start, end = parts.pop()
        middle = start + (end - start) // 2
        first, second = (_variance(ordered, inverse, *half) for half in ((start, middle), (middle, end)))
        share = 1.0 - first / (first + second)
        shares[start:middle] *= share
        shares[middle:end] *= 1.0 - share
        parts += [half for half in ((start, middle), (middle, end)) if half[1] - half[0] > 1]
    weights = np.empty_like(shares)
    weights[order] = shares
    return weights


def _tree_order(covariance: Floats) -> Floats:
    from scipy.cluster.hierarchy import leaves_list, linkage

    deviation = np.sqrt(covariance.diagonal())
    correlation = covariance / deviation / deviation[:, None]
    distance = np.sqrt(np.clip((1.0 - correlation) / 2.0, 0.0, 1.0))
    order: Floats = leaves_list(linkage(distance[np.triu_indices(len(distance), 1)], "single"))
    return order


def _variance(covariance: Floats, inverse: Floats, start: int, end: int) -> float:
    """Return the variance of the inverse-variance mix of the names from ``start`` to ``end``."""
    share = inverse[start:end]
    return float(share @ covariance[start:end, start:end] @ share) / float(share.sum()) ** 2
