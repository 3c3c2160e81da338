"""The Brownian bridge: the first numbers of a point decide where a path goes, the last only its details.

R. Caflisch, W. Morokoff and A. Owen, "Valuation of mortgage-backed securities using Brownian bridges to
reduce effective dimension", Journal of Computational Finance 1 (1997); P. Glasserman, Monte Carlo Methods
in Financial Engineering, 2004, section 3.1.
"""

from dataclasses import dataclass
from math import sqrt

import numpy as np

from waardhaven.domain.types import Floats


@dataclass(frozen=True, slots=True)
class Link:
    """A step that is drawn between two that are known; ``left`` 0 is the beginning, where a path is 0."""

    step: int
    left: int
    right: int

    @property
    def share(self) -> float:
        """Weight of the right end."""
        return (self.step - self.left) / (self.right - self.left)

    @property
    def deviation(self) -> float:
        """Standard deviation given both ends."""
        return sqrt((self.step - self.left) * (self.right - self.step) / (self.right - self.left))


def links(steps: int) -> tuple[Link, ...]:
    """Return the steps 1 to ``steps`` - 1 in the order they are drawn after the last: halves, then theirs."""
    found: list[Link] = []
    spans = [(0, steps)]
    for left, right in spans:  # grows while it is read
        if right - left > 1:
            middle = (left + right) // 2
            found.append(Link(middle, left, right))
            spans += [(left, middle), (middle, right)]
    return tuple(found)


def bridged(normals: Floats, order: tuple[Link, ...]) -> Floats:
    """Return a Brownian motion (steps, n, m) whose variance grows by 1 a step, from normals (steps, n, m).

    ``order`` is ``links(steps)``. The first row of normals gives the last step.
    """
    steps = len(normals)
    motion = np.empty_like(normals)
    np.multiply(normals[0], sqrt(steps), out=motion[-1])
    for one, normal in zip(order, normals[1:], strict=True):
        row = motion[one.step - 1]
        np.multiply(normal, one.deviation, out=row)
        row += one.share * motion[one.right - 1]
        if one.left:
            row += (1.0 - one.share) * motion[one.left - 1]
    return motion
