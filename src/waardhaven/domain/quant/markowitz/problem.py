"""The question an objective answers."""

from dataclasses import dataclass

import numpy as np

from waardhaven.domain.errors import FieldError, Invalid
from waardhaven.domain.quant.markowitz.constraints import Constraints
from waardhaven.domain.quant.markowitz.moments import Moments, Returns
from waardhaven.domain.quant.markowitz.standard_form import StandardForm
from waardhaven.domain.types import Floats

LEAST_RISK_AVERSION = 1e-12
"""Below it risk weighs nothing beside any return, and 1 / delta leaves the range of floats."""
LEAST_BUDGET = 1e-12
"""Least share of risk."""


class BadProblem(Invalid):
    """An objective lacks what it needs, or a parameter has a value it can not have."""


def refuse(field: str, rule: str) -> BadProblem:
    """Return the error of one field and the rule it breaks."""
    return BadProblem(f"{field}: {rule}", errors=[FieldError(field=field, rule=rule)])


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """A market, limits, and the parameters that objectives read.

    ``risk_free``: a year. ``target_return``, ``target_risk``: of a year. ``risk_aversion``: delta of
    m'w - delta w'Sw / 2, from 1e-12. ``budgets`` (n,): shares of risk, from 1e-12, summing to 1.
    ``confidence``: of CVaR, in (0, 1). ``returns``: of periods, for CVaR.
    """

    moments: Moments
    limits: Constraints
    risk_free: float = 0.0
    target_return: float | None = None
    target_risk: float | None = None
    risk_aversion: float | None = None
    budgets: Floats | None = None
    confidence: float = 0.95
    returns: Returns | None = None

    def __post_init__(self) -> None:
        """Raise BadProblem for parts that do not fit each other or figures out of range."""
        count = len(self.moments.names)
        if len(self.limits.lower) != count:
            raise refuse("bounds", f"one for each of {count} names, got {len(self.limits.lower)}")
        if not np.isfinite(self.risk_free):
            raise refuse("risk_free", "finite")
        for name in ("target_return", "target_risk", "risk_aversion"):
            value = getattr(self, name)
            if value is not None and not np.isfinite(value):
                raise refuse(name, "finite")
        if self.risk_aversion is not None and not self.risk_aversion >= LEAST_RISK_AVERSION:
            raise refuse("risk_aversion", f"above 0, at least {LEAST_RISK_AVERSION:g}")
        if not 0.0 < self.confidence < 1.0:
            raise refuse("confidence", "between 0 and 1, both excluded")
        if self.returns is not None and self.returns.names != self.moments.names:
            raise refuse("returns", "of the names of the moments, in their order")
        self._check_budgets(count)

    def _check_budgets(self, count: int) -> None:
        shares = self.budgets
        if shares is None:
            return
        if shares.shape != (count,) or not (np.isfinite(shares).all() and (shares >= LEAST_BUDGET).all()):
            raise refuse("budgets", f"{count} shares of risk above 0, at least {LEAST_BUDGET:g}")
        if abs(float(shares.sum()) - 1.0) > 1e-9:
            raise refuse("budgets", f"summing to 1, not {float(shares.sum()):.6g}")

    @property
    def form(self) -> StandardForm:
        """The limits as bounds and rows."""
        return StandardForm.of(self.limits)

    def need(self, name: str) -> float:
        """Return a parameter that the objective can not do without."""
        value = getattr(self, name)
        if value is None:
            raise refuse(name, "required by this objective")
        return float(value)
