"""At most so many names, exactly: branch and bound over which names may be held.

Bienstock (1996), "Computational study of a family of mixed-integer quadratic programming problems",
*Mathematical Programming* 74. Leaving out names can not improve an optimum, so the answer without a limit on
their number bounds every answer with fewer; a branch that can not beat the best answer found is cut. When no
branch is left the answer is the optimum: its gap is 0.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np

from waardhaven.domain.quant.markowitz.constraints import LARGEST_CARDINAL, Constraints
from waardhaven.domain.quant.markowitz.frontier import OutOfReach
from waardhaven.domain.quant.markowitz.portfolio import Portfolio
from waardhaven.domain.quant.markowitz.problem import Problem, refuse
from waardhaven.domain.quant.optimal_weights import NothingGained
from waardhaven.domain.quant.quadratic_programme import Infeasible, NotSolved
from waardhaven.domain.types import Flags

MOST_PROGRAMMES = 20_000
HELD = 1e-12
"""A weight above this is held."""
BETTER = 1e-12
"""A branch must promise to be better by more than this share."""


def held_exactly(
    problem: Problem, solve: Callable[[Problem], Portfolio], score: Callable[[Portfolio], float]
) -> Portfolio:
    """Return the best portfolio of at most ``problem.limits.most_names`` names.

    ``score`` is lower for a better answer. At most 20 names, or BadProblem; at most 20,000 programmes, or
    NotSolved. Raises Infeasible if bounds force more names than allowed, or no choice keeps the limits.
    """
    limits, count = problem.limits, len(problem.moments.names)
    most = limits.most_names or count
    forced = require_choice(limits)
    search = _Search(problem=problem, solve=solve, score=score, most=most)
    search.visit(np.zeros(count, dtype=np.bool_), forced)
    if search.best is None:
        raise Infeasible(
            f"No choice of {most} of {count} names keeps every limit; raise most_names or widen them.",
            errors=refuse("most_names", f"above {most} under these limits").errors,
        )
    figures = {**search.best.figures, "programmes": float(search.programmes), "gap": 0.0}
    return replace(search.best, figures=figures, method=f"branch_and_bound over {search.best.method}")


def require_choice(limits: Constraints) -> Flags:
    """Return which names (n,) bounds force to be held; Infeasible, or BadProblem above 20, if too many."""
    count = len(limits.lower)
    most = limits.most_names or count
    if count > LARGEST_CARDINAL and most < count:
        raise refuse("most_names", f"exact for at most {LARGEST_CARDINAL} names, got {count}")
    forced: Flags = (limits.lower > 0.0) | (limits.upper < 0.0)
    if forced.sum() > most:
        raise Infeasible(
            f"Bounds force {int(forced.sum())} names to be held; raise most_names to that, or widen them.",
            errors=refuse("most_names", f"at least {int(forced.sum())}").errors,
        )
    return forced


@dataclass(slots=True, kw_only=True)
class _Search:
    problem: Problem
    solve: Callable[[Problem], Portfolio]
    score: Callable[[Portfolio], float]
    most: int
    best: Portfolio | None = None
    lowest: float = field(default=np.inf)
    programmes: int = 0

    def visit(self, dropped: Flags, kept: Flags) -> None:
        """Solve without ``dropped``; hold the largest weights still open, then try without each of them."""
        found = self._bound(dropped)
        if found is None:
            return
        held = np.abs(found.weights) > HELD
        if held.sum() <= self.most:
            self.best, self.lowest = found, self.score(found)
            return
        later: list[tuple[Flags, Flags]] = []
        largest = np.argsort(np.where(held & ~kept, -np.abs(found.weights), 0.0), kind="stable")
        for chosen in largest[: self.most - int(kept.sum())]:
            one = np.arange(len(kept)) == chosen
            later.append((dropped | one, kept))
            kept = kept | one
        self.visit(~kept, kept)
        for branch in reversed(later):
            self.visit(*branch)

    def _bound(self, dropped: Flags) -> Portfolio | None:
        """Return the answer without ``dropped`` if it promises to be better than the best."""
        self.programmes += 1
        if self.programmes > MOST_PROGRAMMES:
            raise NotSolved(f"The best choice of names was not found with {MOST_PROGRAMMES} programmes.")
        limits = self.problem.limits.without(np.flatnonzero(dropped))
        try:
            found = self.solve(replace(self.problem, limits=limits))
        except (Infeasible, OutOfReach, NothingGained):
            return None
        worst = self.lowest - BETTER * max(1.0, abs(self.lowest)) if self.best else np.inf
        return found if self.score(found) < worst else None
