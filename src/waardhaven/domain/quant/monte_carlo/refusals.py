"""What a simulation can not be asked, and the bounds of what it may cost."""

from collections.abc import Mapping
from typing import Final

import numpy as np

from waardhaven.domain.errors import FieldError, Invalid
from waardhaven.domain.types import Floats

DRAWS: Final = 30_000_000_000
"""Most normal numbers of a run (paths × steps × assets): about eight minutes of one core."""
PATHS: Final = 100_000_000
"""Most paths of a run."""
FEWEST: Final = 128
"""Fewest paths whose spread says anything."""
ASSETS: Final = 200
"""Most assets of a run."""
SEEDS: Final = 1 << 64
"""Seeds are whole numbers from 0 below this."""
VARIANCE: Final = 1e4
"""Largest variance of a logarithm over the whole time: beyond it numbers leave double precision."""
GROWTH: Final = 100.0
"""Largest size of rate × years, for the same reason."""
AMOUNT: Final = 1e12
"""Largest price, strike or amount of money."""

Rules = Mapping[str, tuple[bool, str]]
"""By field: whether its rule is kept, and the rule in words."""


class UnusableSimulation(Invalid):
    """A simulation that can not be run as asked; ``errors`` has the fields, the rules and the limits."""


def insist(rules: Rules) -> None:
    """Raise UnusableSimulation with every rule that is not kept."""
    broken = [FieldError(field=name, rule=rule) for name, (is_kept, rule) in rules.items() if not is_kept]
    if broken:
        raise UnusableSimulation("The simulation can not be run like this.", errors=broken)


def within(values: Floats | float, low: float, high: float) -> bool:
    """Tell whether all values lie from ``low`` to ``high``; NaN and infinities do not."""
    array = np.asarray(values, dtype=np.float64)
    return bool(((array >= low) & (array <= high)).all())


def cost_rules(*, paths: int, steps: int, assets: int, seed: int) -> Rules:
    """Return the rules about the size of a run."""
    most = min(PATHS, DRAWS // max(steps * assets, 1))
    return {
        "paths": (
            FEWEST <= paths <= most,
            f"must be from {FEWEST} to {most}: at most {PATHS} paths and {DRAWS} paths × steps × assets",
        ),
        "steps": (1 <= steps <= 100_000, "must be 1 to 100000 steps"),
        "assets": (1 <= assets <= ASSETS, f"must be from 1 to {ASSETS}"),
        "seed": (0 <= seed < SEEDS, "must be a whole number from 0 to 2^64 - 1"),
    }
