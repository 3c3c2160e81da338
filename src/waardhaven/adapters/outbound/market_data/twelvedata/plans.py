"""What each plan of Twelve Data may ask for. Credits are those of a plan's lowest step.

Plans above the free one are sold in several steps; whoever has a higher one says so (``rate_limit``).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from waardhaven.application.ports.market_data import Capability
from waardhaven.application.ports.provider_gate import Allotment
from waardhaven.domain.index.definition import Adjustment

_FREE = frozenset({Capability.BARS, Capability.QUOTES, Capability.SEARCH})
_GROW = _FREE | {Capability.ACTIONS}
_PRO = _GROW | {Capability.SHARES}


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """One plan. ``batch``: most symbols in a request.

    ``adjustments``: the modes bars are asked for in. A plan with corporate actions needs unadjusted bars
    alone, since adjusting is ours; one without gets the provider's adjusted bars too. ``refresh``: ``smart``
    asks for what is new, ``full`` for whole histories. ``market_cap``: market capitalisations may be asked
    for, from which come share counts of the past.
    """

    name: str
    allotment: Allotment
    capabilities: frozenset[Capability]
    adjustments: tuple[Adjustment, ...] = (Adjustment.RAW,)
    batch: int
    refresh: Literal["smart", "full"]
    market_cap: bool = False


_ALL = (
    Plan(
        name="free",
        allotment=Allotment(per_minute=8, per_day=800),
        capabilities=_FREE,
        adjustments=(Adjustment.RAW, Adjustment.ALL),
        batch=8,
        refresh="smart",
    ),
    Plan(name="grow", allotment=Allotment(per_minute=55), capabilities=_GROW, batch=16, refresh="smart"),
    Plan(name="pro", allotment=Allotment(per_minute=610), capabilities=_PRO, batch=24, refresh="full"),
    Plan(
        name="ultra",
        allotment=Allotment(per_minute=2584),
        capabilities=_PRO,
        batch=32,
        refresh="full",
        market_cap=True,
    ),
    Plan(
        name="enterprise",
        allotment=Allotment(per_minute=2584),
        capabilities=_PRO,
        batch=32,
        refresh="full",
        market_cap=True,
    ),
)
PLANS: Mapping[str, Plan] = MappingProxyType({plan.name: plan for plan in _ALL})
