"""The composition file of a session: at its close, or as it is held into the next session."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

import numpy as np

from waardhaven.application.answers import SeriesView
from waardhaven.application.indexes.figures import figure_id
from waardhaven.application.indexes.names import CASH_SYMBOL, named, symbol_of
from waardhaven.application.indexes.official import OfficialHistory, read_official
from waardhaven.application.indexes.read_events import ReadEvents
from waardhaven.application.indexes.recompute_session import (
    RecomputeSession,
    Stretch,
    reproduces_level,
    session_day,
)
from waardhaven.application.ports.build_store import BuildStore
from waardhaven.application.ports.indexes import IndexStore
from waardhaven.application.ports.reference_store import ReferenceStore
from waardhaven.domain.errors import Conflict
from waardhaven.domain.identity.roles import Permission, Principal
from waardhaven.domain.index.explaining.last_session import Closing, LastSession, last_session
from waardhaven.domain.index.explaining.next_opening import NextOpening, next_opening
from waardhaven.domain.market.asset import Asset
from waardhaven.domain.types import CASH, AssetId, Floats, as_date


class FileKind(StrEnum):
    """Which composition file: the closing one, or the one adjusted for the next session."""

    CLOSING = "closing"
    OPENING = "opening"


class NoNextSession(Conflict):
    """The calendar ends with the session asked for."""


@dataclass(frozen=True, slots=True)
class ReadCompositionFile:
    """What an index holds, name by name, so that its level can be computed by hand.

    The closing file holds units, closes, rates of exchange and weights after the close of a session; the sum
    of units x close x rate, over the divisor, is the level. The opening file of the next session has
    units, divisor and last closes after what companies do on that day, as far as it is known now.
    """

    indexes: IndexStore
    builds: BuildStore
    reference: ReferenceStore
    events: ReadEvents
    recompute: RecomputeSession

    async def __call__(
        self,
        by: Principal,
        *,
        slug: str,
        day: date | None = None,
        at: FileKind = FileKind.CLOSING,
        as_of: datetime | None = None,
    ) -> SeriesView:
        """Return a row for each name held, by asset id; ``day`` None: the newest published session.

        Raises UnknownIndex, NothingPublished, NotPublished or NoNextSession.
        """
        by.require(Permission.READ_INDICES)
        history = await read_official(self.indexes, self.builds, by, slug, as_of=as_of, compositions=True)
        stretch = await self.recompute.stretch(history, session_day(history, day))
        if at is FileKind.CLOSING:
            found = await self.recompute.explained(stretch, last_session)
            return await self._view(history, stretch, found, None)
        found, opened = await self._opening(stretch)
        return await self._view(history, stretch, found, opened)

    async def _opening(self, stretch: Stretch) -> tuple[LastSession, NextOpening]:
        definition = stretch.rules.definition
        after = as_date(stretch.day + np.timedelta64(1, "D"))
        sessions = await self.reference.sessions(definition.calendar, start=after)
        if not len(sessions):
            raise NoNextSession(f"The calendar {definition.calendar} has no session after {stretch.day}.")
        inputs = await self.recompute.read(stretch)
        series = await self.reference.series_of(
            [AssetId(one) for one in inputs.panel.assets.tolist()], definition.series
        )
        latest = await self.reference.latest_vintage()
        vintage = stretch.published.made_from.vintage if latest is None else latest.id
        events = await self.events(definition, series, vintage=vintage)
        return await self.recompute.pool.run(
            next_opening,
            definition,
            inputs,
            stretch.opening,
            sessions[0],
            events,
            stretch.published.forced,
        )

    async def _view(
        self, history: OfficialHistory, stretch: Stretch, found: LastSession, opened: NextOpening | None
    ) -> SeriesView:
        closing, definition = found.closing, stretch.rules.definition
        held = opened or closing
        names = np.flatnonzero(held.units)
        ids = closing.assets[names].tolist()
        assets = await named(self.reference, ids)
        known = [AssetId(one) for one in ids if one != CASH]
        series = await self.reference.series_of(known, definition.series)
        units = [definition.currency if one == CASH else series[AssetId(one)].quote_unit for one in ids]
        value = (held.units * held.price)[names]
        build, day = stretch.published.publication.build, as_date(stretch.day)
        return SeriesView(
            columns={
                "symbols": np.array([symbol_of(assets, one) for one in ids], dtype=str),
                "names": np.array(
                    [assets[one].name if one in assets else CASH_SYMBOL for one in ids], dtype=str
                ),
                "units": held.units[names],
                "close": _closes(closing, opened)[names],
                "quote_units": np.array(units, dtype=str),
                "fx": closing.rate[names],
                "value": value,
                "weight": held.weight[names],
                "stale": closing.stale[names],
                "ids": np.array([figure_id(build, "weight", day, one) for one in ids], dtype=str),
            },
            head={
                "index": definition.slug,
                "at": str(FileKind.CLOSING if opened is None else FileKind.OPENING),
                "date": as_date(closing.day if opened is None else opened.day),
                "closed_on": day,
                "currency": definition.currency,
                "level": closing.level,
                "level_id": figure_id(build, "level", day),
                "divisor": held.divisor,
                "market_value": float(np.add.accumulate(value)[-1]),
                "reproduced": reproduces_level(found, stretch),
                "actions": _notes(opened, closing, assets),
                "provenance": history.provenance,
            },
        )


def _closes(closing: Closing, opened: NextOpening | None) -> Floats:
    """Return closes in quote units (k,), as they are after the actions of the next session."""
    if opened is None:
        return closing.close
    same = opened.price == closing.price
    found: Floats = np.where(same, closing.close, opened.price / closing.rate)
    return found


def _notes(opened: NextOpening | None, closing: Closing, assets: Mapping[int, Asset]) -> list[str]:
    """Say what was done about each action of the next session."""
    notes = []
    for step in opened.steps if opened else ():
        symbol = symbol_of(assets, int(closing.assets[step.event.column]))
        kind = step.event.kind.name.lower().replace("_", " ")
        done = (
            f"units {step.before.units[step.event.column]:.10g} to {step.after.units[step.event.column]:.10g}"
        )
        done += f", divisor {step.before.divisor:.10g} to {step.after.divisor:.10g}"
        notes.append(f"{symbol}: {kind}, " + (done if step.stated else "terms not known, nothing done"))
    return notes
