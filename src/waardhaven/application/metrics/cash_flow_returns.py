"""Returns of dated cash flows that the caller sends: money-weighted (XIRR) and time-weighted (TWR)."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import numpy as np

from waardhaven.application.answers import Sent
from waardhaven.application.metrics.analyse_risk import known
from waardhaven.application.metrics.answering import answered
from waardhaven.application.metrics.flow_question import FlowQuestion, ValuedQuestion
from waardhaven.application.ports.compute_pool import ComputePool
from waardhaven.domain.identity.roles import Permission, Principal
from waardhaven.domain.metrics.cash_flows import REASONS, Codes, money_weighted_returns
from waardhaven.domain.metrics.time_weighted import NO_RETURN, time_weighted_returns

UNDER_A_YEAR: Final = "under_a_year"
OUT_OF_RANGE: Final = "out_of_range"
EXPLAINED: Final = {
    UNDER_A_YEAR: "the time is shorter than a year",
    OUT_OF_RANGE: "the return is too large for a number of double precision",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class MoneyWeightedView:
    """The one annual rate at which the payments of a set are worth nothing in sum, by set.

    ``rates``: fractions a year, actual/365 fixed from the earliest payment; None beside a code in
    ``reasons``, which ``explanations`` tells in words. ``roots``: how many rates solve the payments; of
    several the one nearest 0 is told, and ``warnings`` says so. ``may_be_more``: the payments change
    direction too often for every rate to be found.
    """

    unit: str
    day_count: str
    sets: int
    rates: tuple[float | None, ...]
    reasons: tuple[str | None, ...]
    roots: tuple[int, ...]
    may_be_more: tuple[bool, ...]
    warnings: tuple[str | None, ...]
    explanations: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeWeightedView:
    """What one unit of money earned, whatever was paid in or out on the way, by set.

    ``totals``: fractions over the whole time; ``annual``: a year, geometric over calendar days / 365, None
    under a year. None beside a code in ``reasons`` or ``annual_reasons``, which ``explanations`` tells in
    words. ``growth``: by value, 1 + return of the period that ends there, 1 at the first value of a set.
    """

    unit: str
    annual_unit: str
    day_count: str
    sets: int
    totals: tuple[float | None, ...]
    reasons: tuple[str | None, ...]
    annual: tuple[float | None, ...]
    annual_reasons: tuple[str | None, ...]
    growth: tuple[float | None, ...]
    explanations: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class MeasureMoneyWeighted:
    """Money-weighted returns of sets of payments that the caller sends; nothing is stored."""

    pool: ComputePool

    async def __call__(
        self,
        by: Principal,
        *,
        content: Sent,
        read: Callable[[Sent], FlowQuestion],
        write: Callable[[MoneyWeightedView], bytes],
    ) -> bytes:
        """Return the written answer to what ``read`` makes of ``content``; raise UnusableFlows."""
        by.require(Permission.READ_INDICES)
        return await self.pool.run(answered, content, read, money_weighted, write)


@dataclass(frozen=True, slots=True)
class MeasureTimeWeighted:
    """Time-weighted returns of sets of values and payments that the caller sends; nothing is stored."""

    pool: ComputePool

    async def __call__(
        self,
        by: Principal,
        *,
        content: Sent,
        read: Callable[[Sent], ValuedQuestion],
        write: Callable[[TimeWeightedView], bytes],
    ) -> bytes:
        """Return the written answer to what ``read`` makes of ``content``; raise UnusableFlows."""
        by.require(Permission.READ_INDICES)
        return await self.pool.run(answered, content, read, time_weighted, write)


def money_weighted(question: FlowQuestion) -> MoneyWeightedView:
    """Solve every set; sets do not know each other."""
    found = money_weighted_returns(question.flows())
    reasons = _codes(found.reason, REASONS)
    return MoneyWeightedView(
        unit="fraction_per_year",
        day_count="actual/365 fixed, from the earliest payment of a set",
        sets=len(reasons),
        rates=known(found.rate),
        reasons=reasons,
        roots=tuple(found.roots.tolist()),
        may_be_more=tuple(found.is_open.tolist()),
        warnings=tuple(found.at(one).warning for one in range(len(reasons))),
        explanations=_explained(reasons, REASONS),
    )


def time_weighted(question: ValuedQuestion) -> TimeWeightedView:
    """Link the periods of every set; sets do not know each other."""
    with np.errstate(over="ignore", invalid="ignore"):
        found = time_weighted_returns(question.valued(), question.flows.flows())
    told = _codes(found.reason, NO_RETURN)
    reasons = tuple(
        one or (None if np.isfinite(total) else OUT_OF_RANGE)
        for one, total in zip(told, found.total.tolist(), strict=True)
    )
    annual_reasons = tuple(
        one or (None if np.isfinite(annual) else UNDER_A_YEAR)
        for one, annual in zip(reasons, found.annual.tolist(), strict=True)
    )
    return TimeWeightedView(
        unit="fraction",
        annual_unit="fraction_per_year",
        day_count="actual/365 fixed, from the first to the last value of a set",
        sets=len(reasons),
        totals=known(found.total),
        reasons=reasons,
        annual=known(found.annual),
        annual_reasons=annual_reasons,
        growth=known(found.growth),
        explanations=_explained((*reasons, *annual_reasons), NO_RETURN),
    )


def _codes(reason: Codes, every: Sequence[StrEnum]) -> tuple[str | None, ...]:
    return tuple(None if code < 0 else every[code].name.lower() for code in reason.tolist())


def _explained(reasons: Sequence[str | None], every: Sequence[StrEnum]) -> Mapping[str, str]:
    """Return the reasons that occur, in words."""
    words = {one.name.lower(): str(one) for one in every} | EXPLAINED
    return {code: text for code, text in words.items() if code in set(reasons)}
