from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass, field, fields, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
from tests.fakes.audit_trail import FakeAuditTrail
from tests.fakes.event_log import FakeEventLog
from tests.fakes.price_imports import FakePriceImports
from tests.fakes.versions import Change, Versions

from waardhaven.adapters.outbound.postgres.errors import ConstraintBroken
from waardhaven.application.ports.fx_rates import QuotedRates
from waardhaven.application.ports.market_facts import (
    ActionFact,
    Listing,
    MarketFacts,
    SeriesKey,
    SessionColumns,
    SharesFact,
    SymbolTaken,
)
from waardhaven.application.ports.price_store import (
    ChangedSince,
    CloseColumns,
    LastClose,
    PriceStore,
    UnknownSeries,
    WriteReport,
)
from waardhaven.application.ports.reference_store import (
    AssetFilter,
    KnownAction,
    MemberColumns,
    NameFact,
    ReferenceStore,
    SeriesCoverage,
    SeriesRef,
    SharesColumns,
    UniverseFacts,
    VintagePoint,
)
from waardhaven.domain.errors import Invalid
from waardhaven.domain.events import FactsCommitted, PricesCommitted
from waardhaven.domain.identity.roles import SYSTEM, Principal
from waardhaven.domain.index.definition import Adjustment, SeriesPolicy
from waardhaven.domain.market.actions import ActionKind, ActionStatus, CorporateAction
from waardhaven.domain.market.asset import SYMBOL, AmbiguousSymbol, Asset, SymbolRef, UnknownAsset
from waardhaven.domain.market.close_matrix import CloseMatrix
from waardhaven.domain.market.currency import RateColumns
from waardhaven.domain.market.imports import ImportState
from waardhaven.domain.market.prices import MalformedPrices, PriceColumns
from waardhaven.domain.types import AssetId, Days, ImportId, SeriesId, Vintage

BAR = ("open", "high", "low", "close", "volume")
RANKS = (Adjustment.RAW, Adjustment.SPLITS, Adjustment.ALL)
NOTHING = WriteReport(inserted=0, changed=0, unchanged=0, vintage=None)


@dataclass
class FakeMarket(PriceStore, ReferenceStore, MarketFacts):
    """The whole market in memory, behind three ports; every table keeps its versions.

    ``tickers``: by symbol, exchange and first day, whose it is and until when.
    """

    log: FakeEventLog = field(default_factory=FakeEventLog)
    trail: FakeAuditTrail = field(default_factory=FakeAuditTrail)
    imports: FakePriceImports = field(default_factory=FakePriceImports)
    vintages: list[VintagePoint] = field(default_factory=list)
    series: dict[SeriesKey, SeriesId] = field(default_factory=dict)
    tickers: Versions[tuple[str, str, date], tuple[AssetId, date | None]] = field(default_factory=Versions)
    classes: Versions[AssetId, Listing] = field(default_factory=Versions)
    archived: set[AssetId] = field(default_factory=set)
    marks: dict[AssetId, date] = field(default_factory=dict)
    price_rows: Versions[tuple[SeriesId, date], bytes] = field(default_factory=Versions)
    session_rows: Versions[tuple[str, date], tuple[object, ...]] = field(default_factory=Versions)
    fx_rows: Versions[tuple[str, str, str, str, date], float] = field(default_factory=Versions)
    share_rows: Versions[tuple[AssetId, date, str], SharesFact] = field(default_factory=Versions)
    action_rows: Versions[tuple[AssetId, str, str], ActionFact] = field(default_factory=Versions)
    member_rows: Versions[tuple[str, AssetId, date], date | None] = field(default_factory=Versions)

    def _commit(self, table: Versions[Any, Any], change: Change[Any, Any], what: str) -> WriteReport:
        vintage = None
        if change:
            vintage = Vintage(len(self.vintages) + 1)
            now = datetime.now(UTC)
            before = self.vintages[-1].at + timedelta(microseconds=1) if self.vintages else now
            self.vintages.append(VintagePoint(id=vintage, at=max(now, before)))
            table.apply(change, vintage)
            self.trail.put("market.committed", by=SYSTEM, target=f"vintage:{vintage}")
        inserted, changed = len(change.new), len(change.other) + len(change.gone)
        series: set[SeriesId] = set()
        if vintage is not None and what == "prices":
            series = {one for one, _ in (*change.new, *change.other, *change.gone)}
            counted = {"inserted": inserted, "changed": changed, "series": len(series)}
            self.log.put(PricesCommitted(vintage=vintage, **counted))
        elif vintage is not None:
            self.log.put(FactsCommitted(what=what, vintage=vintage, inserted=inserted, changed=changed))
        return WriteReport(
            inserted=inserted,
            changed=changed,
            unchanged=change.same,
            vintage=vintage,
            touched=frozenset(series),
        )

    # --- PriceStore

    async def write(
        self, prices: PriceColumns, *, note: str = "", for_import: ImportId | None = None
    ) -> WriteReport:
        prices.checked()
        if not set(prices.series.tolist()) <= set(self.series.values()):
            raise UnknownSeries("Prices name a series that does not exist.")
        rows = np.stack([getattr(prices, name) for name in BAR], axis=1)
        if np.isinf(rows).any() or (rows[:, :4] <= 0).any() or (prices.high < prices.close).any():
            raise MalformedPrices("The prices break the rules of a daily bar.")
        keys = zip(prices.series.tolist(), prices.day.tolist(), strict=True)
        offered = {key: row.tobytes() for key, row in zip(keys, rows, strict=True)}
        if for_import is not None:
            self.imports.require(for_import, ImportState.CHECKED)
        report = self._commit(self.price_rows, self.price_rows.compare(offered), "prices")
        if for_import is not None:
            self.imports.move(for_import, ImportState.COMMITTED, vintage=report.vintage)
        return report

    async def undo(self, import_: ImportId, *, reason: str) -> WriteReport:
        if not reason:
            raise Invalid("Undoing an import needs a reason.")
        vintage = self.imports.require(import_, ImportState.COMMITTED).vintage
        change: Change[tuple[SeriesId, date], bytes] = Change({}, {}, set(), 0)
        present = self.price_rows.at(None)
        for key, versions in self.price_rows.history.items():
            written = [value for value, since, _ in versions if since == vintage]
            former = [value for value, _, until in versions if until == vintage]
            if written and present.get(key) != written[0]:
                raise ChangedSince("Bars of the import were written again after it.")
            if written and former:
                change.other[key] = former[0]
            elif written:
                change.gone.add(key)
        report = self._commit(self.price_rows, change, "prices")
        self.imports.move(import_, ImportState.UNDONE, undone_vintage=report.vintage)
        return report

    async def withdraw(self, series: SeriesId, days: Sequence[date], *, reason: str) -> WriteReport:
        wanted = {(series, day) for day in days}
        change = self.price_rows.compare({}, gone=wanted)
        if change and not reason:
            raise ConstraintBroken("A withdrawal needs a reason.")
        report = self._commit(self.price_rows, change, "prices")
        return replace(report, unchanged=len(wanted) - report.changed)

    async def bars(
        self,
        series: Sequence[SeriesId],
        *,
        start: date | None = None,
        end: date | None = None,
        vintage: Vintage | None = None,
    ) -> PriceColumns:
        rows = {
            key: value
            for key, value in self.price_rows.at(vintage).items()
            if key[0] in series and _inside(key[1], start, end)
        }
        values = np.frombuffer(b"".join(rows.values())).reshape(-1, len(BAR))
        return PriceColumns(
            series=np.array([one for one, _ in rows], dtype=np.int64),
            day=_days([day for _, day in rows]),
            **{name: values[:, place].copy() for place, name in enumerate(BAR)},
        )

    async def closes(
        self,
        series: Sequence[SeriesId],
        *,
        start: date | None = None,
        end: date | None = None,
        vintage: Vintage | None = None,
    ) -> CloseColumns:
        bars = await self.bars(series, start=start, end=end, vintage=vintage)
        return CloseColumns(series=bars.series, day=bars.day, close=bars.close)

    async def close_matrix(
        self,
        series: Sequence[SeriesId],
        *,
        start: date | None = None,
        end: date | None = None,
        vintage: Vintage | None = None,
    ) -> CloseMatrix:
        found = await self.closes(series, start=start, end=end, vintage=vintage)
        columns = np.array(series, dtype=np.int64)
        return CloseMatrix.of(series=found.series, day=found.day, close=found.close, columns=columns)

    async def last_closes(self, assets: Sequence[AssetId]) -> list[LastClose]:
        found = [one for key, series in self.series.items() if (one := self._last_close(key, series))]
        found.sort(key=lambda one: (one.asset, RANKS.index(one.adjustment), -one.day.toordinal()))
        first = {one.asset: one for one in reversed(found) if one.asset in assets}
        return [first[asset] for asset in sorted(first)]

    def _last_close(self, key: SeriesKey, series: SeriesId) -> LastClose | None:
        rows = {day: bar for (one, day), bar in self.price_rows.at(None).items() if one == series}
        if not rows:
            return None
        day = max(rows)
        _, mic = self._present_name(key.asset)
        hours = self.session_rows.at(None).get((mic, day))
        return LastClose(
            asset=key.asset,
            source=key.source,
            adjustment=key.adjustment,
            quote_unit=key.quote_unit,
            day=day,
            close=float(np.frombuffer(rows[day])[BAR.index("close")]),
            closed_at=None if hours is None else hours[1].replace(tzinfo=UTC),  # type: ignore[attr-defined]
        )

    # --- MarketFacts

    async def register_assets(self, listings: Sequence[Listing]) -> dict[tuple[str, str], AssetId]:
        for one in listings:
            _rule(len(one.mic) == 4 and len(one.currency) == 3 and bool(one.name), "listing")
        known, fresh = self._holders(), dict[tuple[str, str, date], tuple[AssetId, date | None]]()
        count = len({asset for asset, _ in self.tickers.at(None).values()})
        for one in listings:
            if (name := (one.symbol, one.mic)) not in known:
                count += 1
                known[name] = AssetId(count)
                fresh[*name, date.min] = (known[name], None)
        self._commit(self.tickers, self.tickers.compare(fresh), "assets")
        classes = {known[one.symbol, one.mic]: replace(one, symbol="", mic="") for one in listings}
        self._commit(self.classes, self.classes.compare(classes), "assets")
        return {(one.symbol, one.mic): known[one.symbol, one.mic] for one in listings}

    async def rename_asset(self, asset: AssetId, *, symbol: str, mic: str, since: date) -> WriteReport:
        if asset not in self.classes.at(None):
            raise UnknownAsset.named(SymbolRef(id=asset))
        if self._present_name(asset) == (symbol, mic):
            return replace(NOTHING, unchanged=1)
        _rule(bool(SYMBOL.fullmatch(symbol) and mic), "value_is_an_identifier")
        names = self.tickers.at(None)
        open_ones = {key: one for key, one in names.items() if one[1] is None or one[1] > since}
        if any(key[:2] == (symbol, mic) and one[0] != asset for key, one in open_ones.items()):
            raise SymbolTaken(f"{symbol}:{mic} is another asset.")
        mine = [key for key, one in open_ones.items() if one[0] == asset]
        offered = {key: (asset, since) for key in mine if key[2] < since}
        offered[symbol, mic, since] = (asset, None)
        change = self.tickers.compare(offered, {key for key in mine if key not in offered})
        report = self._commit(self.tickers, change, "assets")
        return replace(report, inserted=1, changed=len(mine))

    async def set_archived(self, asset: AssetId, *, archived: bool, by: Principal) -> None:
        if asset not in self.classes.at(None):
            raise UnknownAsset.named(SymbolRef(id=asset))
        if (asset in self.archived) != archived:
            self.archived ^= {asset}
            act = "asset.archived" if archived else "asset.restored"
            self.trail.put(act, by=by, target=f"asset:{asset}")
            self.log.put(FactsCommitted(what="assets", vintage=len(self.vintages), inserted=0, changed=1))

    async def mark_refreshed(self, through: Mapping[AssetId, date]) -> None:
        known = self.classes.at(None)
        self.marks |= {asset: day for asset, day in through.items() if asset in known}

    async def refreshed(self, assets: Sequence[AssetId]) -> dict[AssetId, date]:
        return {asset: self.marks[asset] for asset in assets if asset in self.marks}

    def _holders(self) -> dict[tuple[str, str], AssetId]:
        """Return who has each name now, or else had it last."""
        until = {key: one[1] or date.max for key, one in self.tickers.at(None).items()}
        ordered = sorted(until, key=until.__getitem__)
        return {key[:2]: self.tickers.at(None)[key][0] for key in ordered}

    def _present_name(self, asset: AssetId) -> tuple[str, str]:
        known = self.tickers.at(None).items()
        return next((symbol, mic) for (symbol, mic, _), one in known if one == (asset, None))

    async def register_series(self, keys: Sequence[SeriesKey]) -> dict[SeriesKey, SeriesId]:
        self._known_assets(key.asset for key in keys)
        for key in keys:
            self.series.setdefault(key, SeriesId(len(self.series) + 1))
        return {key: self.series[key] for key in keys}

    async def write_sessions(self, sessions: SessionColumns) -> WriteReport:
        if not len(sessions.day):
            return NOTHING
        _rule(bool((sessions.close_at > sessions.open_at).all()), "close_follows_open")
        days = sessions.day.tolist()
        hours = zip(sessions.open_at.tolist(), sessions.close_at.tolist(), strict=True)
        offered = dict(zip([(sessions.mic, day) for day in days], hours, strict=True))
        _rule(len(offered) == len(days), "unique")
        gone = {
            (mic, day)
            for mic, day in self.session_rows.at(None)
            if mic == sessions.mic and min(days) <= day <= max(days) and (mic, day) not in offered
        }
        change = self.session_rows.compare(offered, gone)
        return self._commit(self.session_rows, change, "sessions")

    async def write_fx(self, rates: Sequence[QuotedRates]) -> WriteReport:
        offered, rows = {}, 0
        for one in rates:
            _rule(bool((np.isfinite(one.rate) & (one.rate > 0)).all()), "rate_is_a_rate")
            _rule(one.base != one.quote, "currencies_differ")
            rows += len(one.day)
            for day, rate in zip(one.day.tolist(), one.rate.tolist(), strict=True):
                offered[one.base, one.quote, one.source, one.fixing, day] = rate
        _rule(len(offered) == rows, "unique")
        return self._commit(self.fx_rows, self.fx_rows.compare(offered), "fx")

    async def write_shares(self, shares: Sequence[SharesFact]) -> WriteReport:
        self._known_assets(one.asset for one in shares)
        for one in shares:
            _rule(0 < one.shares < float("inf"), "shares_are_positive")
        offered = {(one.asset, one.day, one.source): one for one in shares}
        _rule(len(offered) == len(shares), "unique")
        for key, known in self.share_rows.at(None).items():
            if key in offered and (known.status, offered[key].status) == ("reported", "approximate"):
                offered[key] = known
        return self._commit(self.share_rows, self.share_rows.compare(offered), "shares")

    async def write_actions(self, actions: Sequence[ActionFact]) -> WriteReport:
        self._known_assets(one.asset for one in actions)
        for one in actions:
            _rule(one.kind != "split" or one.ratio is not None, "split_has_a_ratio")
            self._known_assets({one.other_asset} - {None})
        offered = {(one.asset, one.source, one.key): _exact(one) for one in actions}
        _rule(len(offered) == len(actions), "unique")
        return self._commit(self.action_rows, self.action_rows.compare(offered), "actions")

    async def write_universe(
        self, slug: str, name: str, members: Mapping[AssetId, tuple[date, date | None]]
    ) -> WriteReport:
        self._known_assets(members)
        _rule(all(until is None or until > since for since, until in members.values()), "valid_while")
        offered = {(slug, asset, since): until for asset, (since, until) in members.items()}
        gone = {key for key in self.member_rows.at(None) if key[0] == slug and key not in offered}
        change = self.member_rows.compare(offered, gone)
        return self._commit(self.member_rows, change, "universe")

    def _known_assets(self, assets: Any) -> None:
        _rule(set(assets) <= set(self.classes.at(None)), "fk_asset_id")

    # --- ReferenceStore

    async def latest_vintage(self) -> VintagePoint | None:
        return self.vintages[-1] if self.vintages else None

    async def vintage_at(self, instant: datetime) -> VintagePoint | None:
        return next((one for one in reversed(self.vintages) if one.at <= instant), None)

    async def resolve(self, ref: SymbolRef) -> Asset:
        known = {one.id: one for one in await self.assets(list(self.classes.at(None)))}
        found = [one for one in known.values() if _answers(one, ref)]
        if not found and ref.id is None:
            names = self._holders().items()
            past = {id_ for (symbol, mic), id_ in names if symbol == ref.symbol and ref.mic in {None, mic}}
            found = [known[one] for one in sorted(past)]
        if not found:
            raise UnknownAsset.named(ref)
        if len(found) > 1:
            raise AmbiguousSymbol.between(ref, found)
        return found[0]

    async def resolve_all(self, refs: Sequence[SymbolRef]) -> list[Asset | UnknownAsset | AmbiguousSymbol]:
        found: list[Asset | UnknownAsset | AmbiguousSymbol] = []
        for ref in refs:
            try:
                found.append(await self.resolve(ref))
            except (UnknownAsset, AmbiguousSymbol) as error:
                found.append(error)
        return found

    async def assets(self, ids: Sequence[AssetId]) -> list[Asset]:
        known = self.classes.at(None)
        return [self._asset(one, known[one]) for one in sorted(set(ids) & set(known))]

    def _asset(self, asset: AssetId, listing: Listing) -> Asset:
        symbol, mic = self._present_name(asset)
        plain = {one.name: getattr(listing, one.name) for one in fields(Listing)}
        return Asset(**{**plain, "symbol": symbol, "mic": mic}, id=asset, archived=asset in self.archived)

    async def find_assets(
        self, wanted: AssetFilter, *, limit: int, after: AssetId | None = None
    ) -> list[Asset]:
        members = {
            asset
            for (slug, asset, _), until in self.member_rows.at(None).items()
            if slug == wanted.universe and until is None
        }
        found = [
            one
            for one in await self.assets(list(self.classes.at(None)))
            if _fits(one, wanted)
            and (wanted.universe is None or one.id in members)
            and (after is None or one.id > after)
        ]
        return found[:limit]

    async def names(self, asset: AssetId) -> list[NameFact]:
        mine = [
            (key[2], key[1], key[0], one[1]) for key, one in self.tickers.at(None).items() if one[0] == asset
        ]
        return [
            NameFact(symbol=symbol, mic=mic, since=None if since == date.min else since, until=until)
            for since, mic, symbol, until in sorted(mine)
        ]

    async def actions(
        self, assets: Sequence[AssetId], *, vintage: Vintage | None = None
    ) -> list[KnownAction]:
        facts = [_stated(one) for one in self.action_rows.at(vintage).values()]
        found = [one for one in facts if one.action.asset in assets]
        return sorted(found, key=lambda one: (one.action.asset, one.action.ex_date, one.source, one.key))

    async def coverage(self, assets: Sequence[AssetId]) -> list[SeriesCoverage]:
        days: dict[SeriesId, list[date]] = {}
        for one, day in self.price_rows.at(None):
            days.setdefault(one, []).append(day)
        found = [
            SeriesCoverage(
                id=id_,
                asset=key.asset,
                source=key.source,
                adjustment=key.adjustment,
                currency=key.currency,
                quote_unit=key.quote_unit,
                bars=len(days.get(id_, [])),
                first=min(days.get(id_, []), default=None),
                last=max(days.get(id_, []), default=None),
            )
            for key, id_ in self.series.items()
            if key.asset in assets
        ]
        return sorted(found, key=lambda one: (one.asset, one.id))

    async def session_times(
        self, mics: Sequence[str], *, start: date, end: date
    ) -> dict[str, SessionColumns]:
        found = {}
        for mic in {one for one, _ in self.session_rows.at(None)} & set(mics):
            rows = {
                day: hours
                for (one, day), hours in self.session_rows.at(None).items()
                if one == mic and start <= day <= end
            }
            opens, closes = ([hours[place] for hours in rows.values()] for place in (0, 1))
            found[mic] = SessionColumns(
                mic=mic,
                day=_days(list(rows)),
                open_at=np.array(opens, dtype="datetime64[s]"),
                close_at=np.array(closes, dtype="datetime64[s]"),
            )
        return found

    async def series_of(self, assets: Sequence[AssetId], policy: SeriesPolicy) -> dict[AssetId, SeriesRef]:
        found: dict[AssetId, SeriesRef] = {}
        for key, series in self.series.items():
            if key.asset in assets and (key.source, key.adjustment) == (policy.source, policy.adjustment):
                found.setdefault(key.asset, SeriesRef(id=series, quote_unit=key.quote_unit))
        return found

    async def sessions(
        self, mic: str, *, start: date | None = None, end: date | None = None, vintage: Vintage | None = None
    ) -> Days:
        known = self.session_rows.at(vintage)
        return _days([day for one, day in known if one == mic and _inside(day, start, end)])

    async def universe(
        self, slug: str, *, vintage: Vintage | None = None
    ) -> list[tuple[AssetId, date, date | None]]:
        known = self.member_rows.at(vintage)
        return [(asset, since, until) for (one, asset, since), until in known.items() if one == slug]

    async def shares(self, assets: Sequence[AssetId], *, vintage: Vintage | None = None) -> SharesColumns:
        known = [one for one in self.share_rows.at(vintage).values() if one.asset in assets]
        return SharesColumns(
            asset=np.array([one.asset for one in known], dtype=np.int64),
            day=_days([one.day for one in known]),
            shares=np.array([one.shares for one in known], dtype=np.float64),
            float_factor=np.array([one.float_factor for one in known], dtype=np.float64),
        )

    async def universe_facts(
        self,
        universe: str,
        policy: SeriesPolicy,
        *,
        calendar: str,
        also: Sequence[AssetId] = (),
        start: date | None = None,
        end: date | None = None,
        vintage: Vintage | None = None,
    ) -> UniverseFacts:
        members = await self.universe(universe, vintage=vintage)
        assets = sorted({asset for asset, _, _ in members} | set(also))
        series = await self.series_of(assets, policy)
        return UniverseFacts(
            members=MemberColumns(
                asset=np.array([asset for asset, _, _ in members], dtype=np.int64),
                since=_days([since for _, since, _ in members]),
                until=np.array([until for _, _, until in members], dtype="datetime64[D]"),
            ),
            series={one: series[one] for one in sorted(series)},
            sessions=await self.sessions(calendar, start=start, end=end, vintage=vintage),
            shares=await self.shares(list(series), vintage=vintage),
            actions=await self.actions(list(series), vintage=vintage),
        )

    async def fx(
        self,
        currencies: Sequence[str],
        *,
        fixing: str,
        start: date | None = None,
        end: date | None = None,
        vintage: Vintage | None = None,
    ) -> RateColumns:
        every = dict.fromkeys(key[:4] for key in self.fx_rows.history if key[0] == "EUR")
        first: dict[str, tuple[str, str, str, str]] = {}
        for one in sorted(every, key=lambda one: one[3] != fixing):
            first.setdefault(one[1], one)
        series = [one for one in every if one in first.values() and one[1] in currencies]
        known = [
            (series.index(key[:4]), key[4], rate)
            for key, rate in self.fx_rows.at(vintage).items()
            if key[:4] in series and _inside(key[4], start, end)
        ]
        known.sort()
        return RateColumns(
            quote=tuple(one[1] for one in series),
            code=np.array([code for code, _, _ in known], dtype=np.int64),
            day=_days([day for _, day, _ in known]),
            rate=np.array([rate for _, _, rate in known], dtype=np.float64),
        )


def _rule(kept: bool, name: str) -> None:
    if not kept:
        raise ConstraintBroken(f"The database refused the change: rule {name}.")


def _inside(day: date, start: date | None, end: date | None) -> bool:
    return (start or date.min) <= day <= (end or date.max)


def _days(values: list[date]) -> Days:
    return np.array(values, dtype="datetime64[D]")


def _answers(asset: Asset, ref: SymbolRef) -> bool:
    if ref.id is not None:
        return asset.id == ref.id
    return asset.symbol == ref.symbol and ref.mic in {None, asset.mic}


def _fits(asset: Asset, wanted: AssetFilter) -> bool:
    text = (wanted.text or "").lower()
    return (
        (text in asset.symbol.lower() or text in asset.name.lower())
        and wanted.asset_type in {None, asset.asset_type}
        and wanted.mic in {None, asset.mic}
        and wanted.currency in {None, asset.currency}
        and wanted.archived in {None, asset.archived}
    )


def _stated(values: Any) -> KnownAction:
    fact = ActionFact(**dict(zip([one.name for one in fields(ActionFact)], values, strict=True)))
    names = {one.name for one in fields(CorporateAction)} - {"kind", "status"}
    action = CorporateAction(
        kind=ActionKind(fact.kind),
        status=ActionStatus(fact.status),
        **{name: _trimmed(getattr(fact, name)) for name in names},
    )
    return KnownAction(source=fact.source, key=fact.key, action=action)


def _trimmed(value: Any) -> Any:
    if not isinstance(value, Decimal):
        return value
    plain = value.normalize()
    return plain.quantize(1) if plain == plain.to_integral_value() else plain


def _exact(action: ActionFact) -> Any:
    """Compare amounts as numbers: "2" and "2.0" are the same ratio."""
    return tuple(
        Decimal(value) if value is not None and one.name in {"amount", "ratio"} else value
        for one, value in zip(fields(action), astuple(action), strict=True)
    )
