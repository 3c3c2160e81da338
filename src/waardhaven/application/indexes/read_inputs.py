"""What a build reads, from the stores to one session axis."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np

from waardhaven.application.ports.price_store import PriceStore
from waardhaven.application.ports.reference_store import ReferenceStore, SeriesRef, SharesColumns
from waardhaven.domain.index.build import warm_up_sessions
from waardhaven.domain.index.build_record import InputsUnavailable, NothingToBuild
from waardhaven.domain.index.definition import IndexDefinition
from waardhaven.domain.index.inputs import IndexInputs
from waardhaven.domain.market.calendar import last_known, session_row
from waardhaven.domain.market.currency import cross_matrix
from waardhaven.domain.market.panel import to_panel
from waardhaven.domain.types import AssetId, Days, Flags, Floats, Ids, Vintage, as_date

Membership = list[tuple[AssetId, date, date | None]]


@dataclass(frozen=True, slots=True)
class ReadInputs:
    """Everything a build of a definition reads at a vintage, on the sessions of its calendar."""

    reference: ReferenceStore
    prices: PriceStore

    async def __call__(
        self,
        definition: IndexDefinition,
        *,
        vintage: Vintage,
        anchor: date,
        held: Sequence[AssetId] = (),
        since: date | None = None,
        through: date | None = None,
    ) -> IndexInputs:
        """Return inputs whose axis begins the warm-up before ``anchor`` (base date or opening day).

        ``held`` names are read though they may have left the universe; ``since`` reaches further back
        for a held name whose last bar is old. ``through`` None: the newest day with a price. Raises
        NotASession, NothingToBuild when no session lies after the anchor, InputsUnavailable.
        """
        members = await self.reference.universe(definition.universe, vintage=vintage)
        assets = sorted({asset for asset, _, _ in members} | set(held))
        series = await self.reference.series_of(assets, definition.series)
        if not series:
            raise InputsUnavailable(
                f"No asset of universe {definition.universe!r} has a series of {definition.series.source!r}."
            )
        sessions = await self.reference.sessions(definition.calendar, end=through, vintage=vintage)
        start = _axis_start(definition, sessions, anchor, since)
        ids = np.array(sorted(series), dtype=np.int64)
        series_ids = np.array([series[AssetId(one)].id for one in ids.tolist()], dtype=np.int64)
        closes = await self.prices.closes(
            [series[AssetId(one)].id for one in ids.tolist()],
            start=as_date(start),
            end=through,
            vintage=vintage,
        )
        if not len(closes) or closes.day.max() < np.datetime64(anchor):
            raise NothingToBuild(f"There are no prices from {anchor} on.")
        axis = sessions[(sessions >= start) & (sessions <= closes.day.max())]
        panel = to_panel(
            series=closes.series,
            day=closes.day,
            close=closes.close,
            series_ids=series_ids,
            asset_ids=ids,
            sessions=axis,
            strict=False,
        )
        return IndexInputs(
            panel=panel,
            fx=await self._rates(definition, ids, series, axis, vintage),
            shares=_shares(await self.reference.shares(assets, vintage=vintage), ids, axis),
            member=_members(members, ids, axis),
        )

    async def _rates(
        self,
        definition: IndexDefinition,
        ids: Ids,
        series: dict[AssetId, SeriesRef],
        axis: Days,
        vintage: Vintage,
    ) -> Floats:
        units = [series[AssetId(one)].quote_unit for one in ids.tolist()]
        if set(units) == {definition.currency}:
            return np.broadcast_to(1.0, (len(axis), len(ids)))
        needed = sorted({*units, definition.currency})
        rates = await self.reference.fx(needed, fixing=definition.fixing, vintage=vintage)
        return cross_matrix(rates, units, definition.currency, axis)


def _axis_start(
    definition: IndexDefinition, sessions: Days, anchor: date, since: date | None
) -> np.datetime64:
    row = session_row(sessions, np.datetime64(anchor), field="base_date") - warm_up_sessions(definition)
    start: np.datetime64 = sessions[max(row, 0)]
    return min(start, np.datetime64(since)) if since else start


def _shares(known: SharesColumns, ids: Ids, axis: Days) -> Floats:
    """Carry each asset's newest known count forward; NaN before the first."""
    shares = np.full((len(axis), len(ids)), np.nan)
    row = np.searchsorted(axis, known.day)
    mine = np.isin(known.asset, ids) & (row < len(axis))
    shares[row[mine], np.searchsorted(ids, known.asset[mine])] = known.shares[mine]
    last = last_known(~np.isnan(shares))
    return np.where(last >= 0, np.take_along_axis(shares, last, axis=0), np.nan)


def _members(members: Membership, ids: Ids, axis: Days) -> Flags:
    """Tell who belongs on each day: memberships begin with ``from`` and end before ``until``."""
    known = set(ids.tolist())
    mine = [one for one in members if one[0] in known]
    column = np.searchsorted(ids, np.array([asset for asset, _, _ in mine], dtype=np.int64))
    begins = np.searchsorted(axis, np.array([since for _, since, _ in mine], dtype="datetime64[D]"))
    far = date.max
    ends = np.searchsorted(axis, np.array([until or far for _, _, until in mine], dtype="datetime64[D]"))
    change = np.zeros((len(axis) + 1, len(ids)), dtype=np.int8)
    np.add.at(change, (begins, column), 1)
    np.add.at(change, (ends, column), -1)
    return np.cumsum(change, axis=0)[:-1] > 0
