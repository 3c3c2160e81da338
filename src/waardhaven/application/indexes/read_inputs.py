"""What a build reads, from the stores to one session axis."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np

from waardhaven.application.indexes.conversion import rates
from waardhaven.application.indexes.read_events import ReadEvents
from waardhaven.application.ports.price_store import CloseColumns, PriceStore
from waardhaven.application.ports.quality_flags import QualityFlags
from waardhaven.application.ports.reference_store import ReferenceStore, SeriesRef
from waardhaven.domain.index.build import warm_up_sessions
from waardhaven.domain.index.build_record import InputsUnavailable, NothingToBuild
from waardhaven.domain.index.constraints.traits import Traits
from waardhaven.domain.index.definition import IndexDefinition
from waardhaven.domain.index.inputs import IndexInputs
from waardhaven.domain.index.universe import membership
from waardhaven.domain.market.calendar import session_row
from waardhaven.domain.market.panel import as_of_panel, to_panel
from waardhaven.domain.market.quality import FindingKind
from waardhaven.domain.types import CASH, AssetId, Days, Flags, Floats, Ids, SeriesId, Vintage, as_date

Membership = list[tuple[AssetId, date, date | None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What one build reads: the warm-up before ``anchor`` (base date or opening day) and all after it."""

    definition: IndexDefinition
    anchor: date
    held: tuple[AssetId, ...] = ()

    @property
    def shared(self) -> tuple[object, ...]:
        """What definitions must have in common to be built from the same facts."""
        rules = self.definition
        facts = (rules.universe, rules.series, rules.calendar, rules.currency, rules.fixing)
        return (*facts, rules.guards.held_out, _needs_traits(rules))


@dataclass(frozen=True, slots=True)
class ReadInputs:
    """Everything a build of a definition reads at a vintage, on the sessions of its calendar."""

    reference: ReferenceStore
    prices: PriceStore
    flags: QualityFlags
    events: ReadEvents

    async def __call__(
        self,
        definition: IndexDefinition,
        *,
        vintage: Vintage,
        anchor: date,
        held: Sequence[AssetId] = (),
        through: date | None = None,
    ) -> IndexInputs:
        """Return inputs whose axis begins the warm-up before ``anchor`` (base date or opening day).

        ``held`` names are read though they may have left the universe, and the axis reaches back to
        the last bar of each. ``through`` None: the newest day with a price. Raises NotASession,
        NothingToBuild when no price lies on or after the anchor, InputsUnavailable.
        """
        members = await self.reference.universe(definition.universe, vintage=vintage)
        series = await self._series(definition, members, held)
        sessions = await self.reference.sessions(definition.calendar, end=through, vintage=vintage)
        start = _axis_start(definition, sessions, anchor)
        bounds = _Bounds(start=start, anchor=anchor, through=through, vintage=vintage)
        closes = await self._closes(series, held, bounds)
        closes = await self._without_held_out(closes, definition, vintage)
        if not len(closes) or closes.day.max() < np.datetime64(anchor):
            raise NothingToBuild(f"There are no prices from {anchor} on.")
        start = min(start, closes.day.min())
        axis = sessions[(sessions >= start) & (sessions <= closes.day.max())]
        ids = np.array(list(series), dtype=np.int64)
        panel = to_panel(
            series=closes.series,
            day=closes.day,
            close=closes.close,
            series_ids=np.array([one.id for one in series.values()], dtype=np.int64),
            asset_ids=ids,
            sessions=axis,
            strict=False,
        )
        shares = await self.reference.shares(list(series), vintage=vintage)
        return IndexInputs(
            panel=panel,
            fx=await self._rates(definition, series, axis, vintage),
            shares=as_of_panel(
                asset=shares.asset, day=shares.day, value=shares.free, assets=ids, sessions=axis
            ),
            member=_members(members, ids, axis),
            events=await self.events(definition, series, vintage=vintage),
            traits=await self._traits(definition, list(series)),
        )

    async def together(
        self, wanted: Sequence[Wanted], *, vintage: Vintage
    ) -> tuple[IndexInputs, list[int | None]]:
        """Return inputs that reach back as far as any of ``wanted`` does, and the row at which each begins.

        All must agree in what is ``shared``. ``inputs.since(row)`` is bit for bit what a build alone reads;
        None: it must be read alone, as it holds a name that the universe does not have or that has no bar
        there, or nothing follows its anchor. Raises as a read alone does.
        """
        rules = wanted[0].definition
        sessions = await self.reference.sessions(rules.calendar, vintage=vintage)
        starts = [_axis_start(one.definition, sessions, one.anchor) for one in wanted]
        widest = wanted[int(np.argmin(np.array(starts)))]
        inputs = await self(widest.definition, vintage=vintage, anchor=widest.anchor)
        return inputs, [_first_row(inputs, one, start) for one, start in zip(wanted, starts, strict=True)]

    async def _traits(self, definition: IndexDefinition, ids: Sequence[AssetId]) -> Traits | None:
        """Return what names are grouped by, None where no rule of the definition asks."""
        if not _needs_traits(definition):
            return None
        known = {one.id: one for one in await self.reference.assets(ids)}
        assets = [known[one] for one in ids]
        return Traits(
            sector=tuple(one.sector for one in assets),
            country=tuple(one.country for one in assets),
            currency=tuple(one.currency for one in assets),
        )

    async def _series(
        self, definition: IndexDefinition, members: Membership, held: Sequence[AssetId]
    ) -> dict[AssetId, SeriesRef]:
        """Return the series of every asset concerned, by increasing asset id."""
        assets = sorted({asset for asset, _, _ in members} | (set(held) - {CASH}))
        series = await self.reference.series_of(assets, definition.series)
        if not series:
            raise InputsUnavailable(
                f"No asset of universe {definition.universe!r} has a series of {definition.series.source!r}."
            )
        return dict(sorted(series.items()))

    async def _closes(
        self, series: dict[AssetId, SeriesRef], held: Sequence[AssetId], bounds: "_Bounds"
    ) -> CloseColumns:
        """Return closes from the axis start, from further back where a held name has no bar since."""
        ids = [one.id for one in series.values()]
        start, vintage = as_date(bounds.start), bounds.vintage
        closes = await self.prices.closes(ids, start=start, end=bounds.through, vintage=vintage)
        known = set(closes.series[closes.day <= np.datetime64(bounds.anchor)].tolist())
        lacking = [series[one].id for one in held if one in series and series[one].id not in known]
        if not lacking:
            return closes
        older = await self.prices.closes(lacking, end=bounds.anchor, vintage=vintage)
        if not len(older):
            return closes
        last = np.flatnonzero(np.append(np.diff(older.series) != 0, True))
        since = as_date(older.day[last].min())
        return await self.prices.closes(ids, start=since, end=bounds.through, vintage=vintage)

    async def _without_held_out(
        self, closes: CloseColumns, definition: IndexDefinition, vintage: Vintage
    ) -> CloseColumns:
        """Leave out bars with flags that the definition holds out until somebody accepted them."""
        kinds = [FindingKind(one) for one in definition.guards.held_out]
        if not kinds or not len(closes):
            return closes
        series = [SeriesId(one) for one in np.unique(closes.series).tolist()]
        held = await self.flags.held(series, kinds=kinds, vintage=vintage)
        out = np.isin(_keys(closes.series, closes.day), _keys(held.series, held.day))
        return CloseColumns(series=closes.series[~out], day=closes.day[~out], close=closes.close[~out])

    async def _rates(
        self, definition: IndexDefinition, series: dict[AssetId, SeriesRef], axis: Days, vintage: Vintage
    ) -> Floats:
        units = [one.quote_unit for one in series.values()]
        if set(units) == {definition.currency}:
            return np.broadcast_to(1.0, (len(axis), len(units)))
        return await rates(self.reference, definition, units, definition.currency, axis, vintage)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Bounds:
    """What closes are read: from ``start`` on, known on the ``anchor``, up to ``through``."""

    start: np.datetime64
    anchor: date
    through: date | None
    vintage: Vintage


def _needs_traits(definition: IndexDefinition) -> bool:
    return bool(definition.constraints.group_caps or definition.withholding)


def _first_row(inputs: IndexInputs, wanted: Wanted, start: np.datetime64) -> int | None:
    """Return the row of ``start``, None where a read alone would find more than lies from there on."""
    panel, anchor = inputs.panel, np.datetime64(wanted.anchor)
    if panel.days[-1] < anchor:
        return None
    held = np.array([one for one in wanted.held if one != CASH], dtype=np.int64)
    if not np.isin(held, panel.assets).all():
        return None
    row, last = np.searchsorted(panel.days, np.array([start, anchor]))
    bars = panel.close[row : last + 1, np.searchsorted(panel.assets, held)]
    return None if np.isnan(bars).all(axis=0).any() else int(row)


def _keys(series: Ids, day: Days) -> Ids:
    """Return one number for each (series, day)."""
    return (series.astype(np.int64) << 32) + day.astype(np.int64)


def _axis_start(definition: IndexDefinition, sessions: Days, anchor: date) -> np.datetime64:
    row = session_row(sessions, np.datetime64(anchor), field="base_date") - warm_up_sessions(definition)
    start: np.datetime64 = sessions[max(row, 0)]
    return start


def _members(members: Membership, ids: Ids, axis: Days) -> Flags:
    return membership(
        asset=np.array([asset for asset, _, _ in members], dtype=np.int64),
        start=np.array([since for _, since, _ in members], dtype="datetime64[D]"),
        until=np.array([until for _, _, until in members], dtype="datetime64[D]"),
        assets=ids,
        sessions=axis,
    )
