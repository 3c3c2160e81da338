"""Nodes and weights of the integral equation of early exercise, which no option changes."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np

from waardhaven.domain.types import Floats

HIT: Final = 1e-14
"""Distance below which a point is a node."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Quadrature:
    """An integral over the time from now to a date, by Gauss-Legendre points in an angle a.

    With the time passed = date x sin^2 a and the time left = date x cos^2 a both square roots are smooth, so
    the boundary, which behaves like a square root of the time left, costs no digits. ``weight`` is for an
    integrand over d(time) / sqrt(date x time passed); ``interpolation`` (points, nodes) reads what is known
    at the nodes at the times left.
    """

    passed: Floats
    left: Floats
    weight: Floats
    interpolation: Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class Scheme:
    """Chebyshev nodes in the square root of time, ``roots`` (nodes,) of 0 to 1, 0 left out.

    ``steps``: a quadrature for each node; ``premium``: the one for the price; ``rounds`` of iteration.
    """

    roots: Floats
    steps: tuple[Quadrature, ...]
    premium: Quadrature
    rounds: int


@lru_cache(maxsize=4)
def scheme(nodes: int, points: int, rounds: int, premium_points: int) -> Scheme:
    """Return the scheme of so many nodes, points of their integrals, rounds, and points of the price."""
    places = -np.cos(np.arange(nodes + 1) * (np.pi / nodes))
    roots = 0.5 * (1.0 + places)
    return Scheme(
        roots=roots[1:],
        steps=tuple(_quadrature(points, places, root) for root in roots[1:]),
        premium=_quadrature(premium_points, places, 1.0),
        rounds=rounds,
    )


def _quadrature(points: int, places: Floats, root: float) -> Quadrature:
    from scipy.special import roots_legendre

    at, weight = roots_legendre(points)
    angle = (1.0 + at) * (np.pi / 4.0)
    passed, left = np.sin(angle), np.cos(angle)
    return Quadrature(
        passed=passed[:, None],
        left=left[:, None],
        weight=(weight * (np.pi / 4.0) * 2.0 * left)[:, None],
        interpolation=_interpolation(places, 2.0 * root * left - 1.0),
    )


def _interpolation(places: Floats, at: Floats) -> Floats:
    """Return the matrix of barycentric interpolation (Berrut & Trefethen 2004, *SIAM Review* 46)."""
    signs = np.where(np.arange(len(places)) % 2, -1.0, 1.0)
    signs[[0, -1]] *= 0.5
    distance = at[:, None] - places[None, :]
    hit = np.abs(distance) < HIT
    weights = signs / np.where(hit, 1.0, distance)
    weights /= weights.sum(axis=1, keepdims=True)
    return np.where(hit.any(axis=1, keepdims=True), hit, weights)
