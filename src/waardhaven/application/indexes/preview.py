"""What a change of the rules would have meant, before anything is stored."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from waardhaven.application.answers import Column, SeriesView
from waardhaven.application.indexes.level_views import known
from waardhaven.application.indexes.names import named, symbol_of
from waardhaven.application.indexes.read_inputs import ReadInputs
from waardhaven.application.indexes.rule_documents import RuleDocuments
from waardhaven.application.indexes.visible import readable
from waardhaven.application.ports.compute_pool import ComputePool
from waardhaven.application.ports.indexes import IndexStore
from waardhaven.application.ports.reference_store import ReferenceStore, VintagePoint
from waardhaven.application.ports.trial_log import TrialLog
from waardhaven.domain.errors import FieldError, Invalid
from waardhaven.domain.identity.roles import Permission, Principal
from waardhaven.domain.index.build import warm_up_sessions
from waardhaven.domain.index.build_record import InputsUnavailable
from waardhaven.domain.index.definition import IndexDefinition
from waardhaven.domain.index.explaining.preview import (
    Outcome,
    first_difference_day,
    levels_on,
    outcome,
)
from waardhaven.domain.index.inputs import IndexInputs
from waardhaven.domain.index.rules.document import merged, to_document
from waardhaven.domain.index.trials import session_ratio
from waardhaven.domain.index.validation import InvalidDefinition, validated
from waardhaven.domain.market.asset import ROUND_THE_CLOCK, Asset
from waardhaven.domain.types import Floats, Ids, as_date

MOST_CELLS = 6_000_000
"""Names x sessions that one preview may read: 3,000 names over eight years, 800 over thirty."""
SESSIONS_PER_YEAR = 252
NOTE = (
    "Both series are computed now, from the same facts and the base date on, so only the rules differ; "
    "published levels may rest on older facts and rules."
)


class PreviewTooLarge(Invalid):
    """More names and sessions than one request may compute."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WeightsView:
    """Names by column at the last close, largest weight of the own rules first."""

    symbols: tuple[str, ...]
    own: tuple[float, ...]
    live: tuple[float, ...]
    difference: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnoverView:
    """Turnover of calendar years by column: sums of absolute changes of weight at reviews."""

    years: tuple[int, ...]
    own: tuple[float, ...]
    live: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PerformanceView:
    """Figures of one set of rules.

    ``annual_return``: geometric, by calendar days over 365; None under a year. ``volatility``: sample
    deviation of session returns, annualised by ``sessions_per_year``. ``max_drawdown`` is negative.
    """

    first_day: dt.date
    last_day: dt.date
    total_return: float | None
    annual_return: float | None
    volatility: float | None
    max_drawdown: float | None
    reviews: int
    sessions_per_year: int


@dataclass(frozen=True, slots=True)
class PreviewIndex:
    """A change of the rules of an index beside the rules as they are; the index stays as it is.

    Both are computed from their base dates over the facts known now. A preview by somebody who may change
    the index counts as a variant that was tried, which its deflated Sharpe ratio takes into account.
    """

    indexes: IndexStore
    reference: ReferenceStore
    documents: RuleDocuments
    inputs: ReadInputs
    pool: ComputePool
    trials: TrialLog

    async def __call__(self, by: Principal, *, slug: str, changes: Mapping[str, Any]) -> SeriesView:
        """Return columns ``dates``, ``own`` and ``live``, NaN where one has no level.

        ``changes``: parts of the rule document, merged into the stored rules before anything is checked.
        Raises UnknownIndex, InvalidDefinition and every other Invalid of rules and builds, PreviewTooLarge.
        """
        by.require(Permission.READ_INDICES)
        index = await readable(self.indexes, by, slug)
        live, own = index.definition, await self._changed(index.definition, changes)
        vintage = await self.reference.latest_vintage()
        if vintage is None:
            raise InputsUnavailable("There is no market data yet. Load some first.")
        await self._check_size(own, vintage)
        facts = await self._read(own, vintage)
        shared = _reads(own) == _reads(live)
        if not shared:
            await self._check_size(live, vintage)
        of_live = facts if shared else await self._read(live, vintage)
        mine = await self.pool.run(outcome, own, facts, _sessions_per_year(own))
        theirs = (
            mine if own == live else await self.pool.run(outcome, live, of_live, _sessions_per_year(live))
        )
        if index.access.may_edit(by):
            await self.trials.count(index.id, own, session_ratio(mine.level), by=by)
        assets = await named(self.reference, [*mine.assets.tolist(), *theirs.assets.tolist()])
        return _view(slug, index.version, own, mine, live, theirs, assets, vintage)

    async def _changed(self, live: IndexDefinition, changes: Mapping[str, Any]) -> IndexDefinition:
        fixed = [name for name in ("slug", "members") if changes.get(name) is not None]
        if fixed:
            rule = "can not be previewed; name a universe that is there in place of members"
            errors = [FieldError(field=name, rule=rule) for name in fixed]
            raise InvalidDefinition("The index definition is not valid.", errors=errors)
        rules = await self.documents.read(merged(to_document(live), changes))
        return validated(rules.definition)

    async def _read(self, definition: IndexDefinition, vintage: VintagePoint) -> IndexInputs:
        return await self.inputs(definition, vintage=vintage.id, anchor=definition.base_date)

    async def _check_size(self, definition: IndexDefinition, vintage: VintagePoint) -> None:
        members = await self.reference.universe(definition.universe, vintage=vintage.id)
        today = as_date(np.datetime64(vintage.at.date()))
        sessions = await self.reference.sessions(
            definition.calendar, start=definition.base_date, end=today, vintage=vintage.id
        )
        cells = len({asset for asset, _, _ in members}) * (len(sessions) + warm_up_sessions(definition))
        if cells > MOST_CELLS:
            first = sessions[-max(len(sessions) * MOST_CELLS // cells, 1)]
            rule = f"names x sessions must be at most {MOST_CELLS}; the nearest base date is about {first}"
            raise PreviewTooLarge(
                f"A preview of {cells} prices is too large; build the index instead.",
                errors=[FieldError(field="base_date", rule=rule)],
            )


def _reads(definition: IndexDefinition) -> tuple[object, ...]:
    """Return everything that decides what a build reads."""
    return (
        definition.universe,
        definition.series,
        definition.calendar,
        definition.currency,
        definition.fixing,
        definition.base_date,
        definition.guards.held_out,
        warm_up_sessions(definition),
        bool(definition.constraints.group_caps or definition.withholding),
    )


def _sessions_per_year(definition: IndexDefinition) -> int:
    return 365 if definition.calendar == ROUND_THE_CLOCK else SESSIONS_PER_YEAR


def _view(
    slug: str,
    version: int,
    own: IndexDefinition,
    mine: Outcome,
    live: IndexDefinition,
    theirs: Outcome,
    assets: Mapping[int, Asset],
    vintage: VintagePoint,
) -> SeriesView:
    days = np.union1d(mine.day, theirs.day)
    differs = first_difference_day(mine, theirs)
    columns: dict[str, Column] = {
        "dates": days,
        "own": np.round(levels_on(days, mine), own.decimals),
        "live": np.round(levels_on(days, theirs), live.decimals),
    }
    head = {
        "index": slug,
        "definition_version": version,
        "vintage": int(vintage.id),
        "first_difference": None if differs is None else as_date(differs),
        "own_figures": _performance(mine, own),
        "live_figures": _performance(theirs, live),
        "weights": _weights(mine, theirs, assets),
        "turnover": _turnover(mine, theirs),
        "note": NOTE,
    }
    return SeriesView(columns=columns, head=head)


def _performance(one: Outcome, definition: IndexDefinition) -> PerformanceView:
    found = one.performance
    return PerformanceView(
        first_day=as_date(one.day[0]),
        last_day=as_date(one.day[-1]),
        total_return=known(found.total_return),
        annual_return=known(found.annual_return),
        volatility=known(found.volatility),
        max_drawdown=known(found.max_drawdown),
        reviews=one.reviews,
        sessions_per_year=_sessions_per_year(definition),
    )


def _weights(mine: Outcome, theirs: Outcome, assets: Mapping[int, Asset]) -> WeightsView:
    ids = np.union1d(mine.assets, theirs.assets)
    own, live = (_placed(ids, one.assets, one.weight) for one in (mine, theirs))
    order = np.lexsort((-live, -own))
    return WeightsView(
        symbols=tuple(symbol_of(assets, one) for one in ids[order].tolist()),
        own=tuple(own[order].tolist()),
        live=tuple(live[order].tolist()),
        difference=tuple((own - live)[order].tolist()),
    )


def _turnover(mine: Outcome, theirs: Outcome) -> TurnoverView:
    years = np.union1d(mine.years, theirs.years)
    own, live = (_placed(years, one.years, one.turnover) for one in (mine, theirs))
    return TurnoverView(years=tuple(years.tolist()), own=tuple(own.tolist()), live=tuple(live.tolist()))


def _placed(where: Ids, wanted: Ids, values: Floats) -> Floats:
    found = np.zeros(len(where))
    found[np.searchsorted(where, wanted)] = values
    return found
