"""How many lots of each name: a knapsack of roundings, solved exactly where it is small.

Every name has a number of lots to begin with, at most one step up from there, and lots that may be given
up. What is minimised is the shortfall, sum(max(target - value, 0)): with weights that sum to 1 it is the
money that is not where the weights want it, and at least the cash left over. A step up takes away at most
what it costs, so the linear relaxation is solved by filling up in the order of gain per cost (G. B.
Dantzig, "Discrete-variable extremum problems", Operations Research 5, 1957), which bounds every rounding
from below; lots given up cost what they free and never help the relaxation. That whole lots make the
problem hard: R. Mansini and M. G. Speranza, "Heuristic algorithms for the portfolio selection problem
with minimum transaction lots", European Journal of Operational Research 114, 1999.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

import numpy as np

from waardhaven.domain.types import Floats

EXACT_NAMES: Final = 200
"""Up to so many names the roundings are searched exhaustively."""
NODES: Final = 20_000
"""Branches after which the search is given up; it does not depend on the machine, as seconds would."""
SECONDS: Final = 5.0
ZERO: Final = Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What may be done with one name.

    ``lot``: money one lot costs, above zero. ``target``: money wanted. ``base``: lots without any decision.
    ``up``: further lots of the one step up (0: there is none). ``down``: lots that may be given up.
    """

    lot: Decimal
    target: Decimal
    base: int
    up: int
    down: int

    @property
    def cost(self) -> Decimal:
        """Money of the step up."""
        return self.lot * self.up

    @property
    def gain(self) -> Decimal:
        """Shortfall that the step up takes away; never more than its cost."""
        return self.shortfall(self.base) - self.shortfall(self.base + self.up)

    def shortfall(self, lots: int) -> Decimal:
        """Return the money that is missing with so many lots."""
        return max(self.target - self.lot * lots, ZERO)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rounding:
    """Lots of each name, the shortfall they leave, and a bound that no rounding gets below."""

    lots: tuple[int, ...]
    shortfall: Decimal
    bound: Decimal


def round_lots(choices: Sequence[Choice], amount: Decimal) -> Rounding | None:
    """Return the best rounding found that costs ``amount`` at most, None where there is none.

    Exact up to EXACT_NAMES names; else, and where the search is not over in time, filled up in the order
    of gain per cost. ``shortfall`` - ``bound`` is what a better rounding could still take away.
    """
    room = amount - sum((one.lot * one.base for one in choices), ZERO)
    best = _filled(choices, room)
    if best is None:
        return None
    bound = max(_bound(choices, room), ZERO)
    shortfall = total_shortfall(choices, best)
    if shortfall > bound and len(choices) <= EXACT_NAMES:
        searched, proved = _searched(choices, room)
        bound = max(bound, proved)
        better = None if searched is None else total_shortfall(choices, searched)
        if searched is not None and better is not None and better < shortfall:
            best, shortfall = searched, better
    return Rounding(lots=best, shortfall=shortfall, bound=min(bound, shortfall))


def ceiling(money: Decimal, lot: Decimal) -> int:
    """Return the fewest lots that cost ``money`` (not below zero) or more."""
    whole = money // lot
    return int(whole) + (whole * lot < money)


def total_shortfall(choices: Sequence[Choice], lots: Sequence[int]) -> Decimal:
    """Return the money that is missing over all names."""
    return sum((one.shortfall(n) for one, n in zip(choices, lots, strict=True)), ZERO)


def _by_efficiency(choices: Sequence[Choice]) -> list[int]:
    steps = [i for i, one in enumerate(choices) if one.up and one.gain > 0]
    return sorted(steps, key=lambda i: (-choices[i].gain / choices[i].cost, i))


def _bound(choices: Sequence[Choice], room: Decimal) -> Decimal:
    """Return the shortfall of the linear relaxation."""
    missing = total_shortfall(choices, [one.base for one in choices]) + max(-room, ZERO)
    for i in _by_efficiency(choices):
        if room <= 0:
            break
        share = min(room / choices[i].cost, Decimal(1))
        missing -= choices[i].gain * share
        room -= choices[i].cost * share
    return missing


def _filled(choices: Sequence[Choice], room: Decimal) -> tuple[int, ...] | None:
    """Give up what must be, then step up as far as the money goes, the most gain per cost first."""
    lots = [one.base for one in choices]
    room = _freed(choices, lots, room)
    if room < 0:
        return None
    for i in _by_efficiency(choices):
        if lots[i] == choices[i].base and choices[i].cost <= room:
            lots[i] += choices[i].up
            room -= choices[i].cost
    return tuple(lots)


def _freed(choices: Sequence[Choice], lots: list[int], room: Decimal) -> Decimal:
    """Give up lots until the money suffices, the dearest first and the cheapest last; return what is left."""
    dearest = sorted(range(len(choices)), key=lambda i: (-choices[i].lot, i))
    for i in dearest:
        if room < 0:
            given = min(choices[i].down, int(-room // choices[i].lot))
            lots[i] -= given
            room += choices[i].lot * given
    for i in reversed(dearest):
        if room < 0 and lots[i] > choices[i].base - choices[i].down:
            lots[i] -= 1
            room += choices[i].lot
    return room


def _searched(choices: Sequence[Choice], room: Decimal) -> tuple[tuple[int, ...] | None, Decimal]:
    """Return the rounding a mixed-integer solver finds (None: none), and the bound it proved.

    Money is divided by the dearest step, so that a large amount is no larger a number to the solver.
    """
    from scipy.optimize import Bounds, LinearConstraint, milp

    unit = max(max(one.cost, one.lot) for one in choices)
    gain = _scaled([one.gain for one in choices], unit)
    cost = _scaled([one.cost for one in choices], unit)
    lot = _scaled([one.lot for one in choices], unit)
    most = float(cost.sum()) + max(-float(room / unit), 0.0)
    down = np.minimum([float(one.down) for one in choices], np.ceil(most / lot))
    up = np.array([float(one.up > 0) for one in choices])
    spent = np.concatenate([cost, -lot])
    found = milp(
        np.concatenate([-gain, lot]),
        constraints=LinearConstraint(spent[None, :], -np.inf, float(room / unit)),
        integrality=np.ones(2 * len(choices)),
        bounds=Bounds(0.0, np.concatenate([up, down])),
        options={"mip_rel_gap": 0.0, "node_limit": NODES, "time_limit": SECONDS},
    )
    if found.x is None:
        return None, ZERO
    missing = total_shortfall(choices, [one.base for one in choices])
    proved = missing + Decimal(float(found.mip_dual_bound)) * unit
    return _affordable(choices, found.x, room), proved


def _affordable(choices: Sequence[Choice], solution: Floats, room: Decimal) -> tuple[int, ...] | None:
    """Return a solution in lots, None if it does not add up exactly."""
    chosen = np.rint(solution).astype(np.int64).tolist()
    steps, given = chosen[: len(choices)], chosen[len(choices) :]
    lots = [one.base + one.up * n - v for one, n, v in zip(choices, steps, given, strict=True)]
    bought = sum((one.lot * (n - one.base) for one, n in zip(choices, lots, strict=True)), ZERO)
    return tuple(lots) if bought <= room else None


def _scaled(values: Sequence[Decimal], unit: Decimal) -> Floats:
    return np.array([float(one / unit) for one in values])
