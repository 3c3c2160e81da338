"""The levels of an index and of what it is compared with, in one currency."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

import numpy as np

from waardhaven.application.indexes.benchmark_names import Part, broken, parse_benchmark
from waardhaven.application.indexes.conversion import dated_rates, target_currency
from waardhaven.application.indexes.metric_views import BenchmarkPartView, BenchmarkView
from waardhaven.application.indexes.official import OfficialHistory, read_official
from waardhaven.application.indexes.queries import variant_levels
from waardhaven.application.ports.build_store import BuildStore
from waardhaven.application.ports.indexes import IndexStore
from waardhaven.application.ports.reference_store import ReferenceStore
from waardhaven.application.pricing.choose_series import Adjust
from waardhaven.application.pricing.read_closes import AssetCloses, ReadCloses
from waardhaven.domain.errors import NotFound
from waardhaven.domain.identity.roles import Permission, Principal
from waardhaven.domain.index.definition import Adjustment, IndexDefinition, Variant
from waardhaven.domain.index.publishing import official_levels
from waardhaven.domain.market.asset import AmbiguousSymbol, Asset, SymbolRef
from waardhaven.domain.metrics.comparison import Levels, blended, common_levels
from waardhaven.domain.types import AssetId, Floats, Vintage

USUAL: Final = ("^GSPC", "SPX", "SPY")
"""Names under which sources have the S&P 500, its level before a fund that follows it."""
BLEND_NOTE: Final = "The weights of the blend are restored at the close of every common day."


class BenchmarkNotStored(NotFound):
    """There are no closes of the benchmark here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Benchmark:
    """What an index is compared with, its levels in the currency of the comparison."""

    view: BenchmarkView
    levels: Levels
    notes: tuple[str, ...]

    @property
    def name(self) -> str:
        """How it is written."""
        return self.view.name


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexLevels:
    """The official levels of a variant of an index in ``currency``, with what they are made from.

    ``reinvests``: distributions are part of the levels.
    """

    history: OfficialHistory
    variant: Variant
    currency: str
    reinvests: bool
    levels: Levels

    @property
    def definition(self) -> IndexDefinition:
        """The rules of the index."""
        return self.history.index.definition


@dataclass(frozen=True, slots=True)
class ReadLevels:
    """Reads the official levels of an index in any supported currency, each at the rate of its own day."""

    indexes: IndexStore
    builds: BuildStore
    reference: ReferenceStore

    async def __call__(
        self,
        by: Principal,
        *,
        slug: str,
        variant: Variant | None,
        currency: str | None,
        as_of: datetime | None,
    ) -> IndexLevels:
        """Raise UnknownIndex, NothingPublished or Invalid."""
        by.require(Permission.READ_INDICES)
        history = await read_official(self.indexes, self.builds, by, slug, as_of=as_of)
        definition = history.index.definition
        target = target_currency(currency, definition.currency)
        official = official_levels(history.segments)
        shown = variant or definition.variant
        level = variant_levels(official, shown)
        vintage = history.newest.made_from.vintage
        own = [definition.currency]
        fx = await dated_rates(self.reference, definition, own, target, official.day, vintage)
        return IndexLevels(
            history=history,
            variant=shown,
            currency=target,
            reinvests=shown is not Variant.PRICE or definition.series.adjustment is Adjustment.ALL,
            levels=Levels(day=official.day, level=level * fx[:, 0]),
        )


@dataclass(frozen=True, slots=True)
class ReadBenchmarkLevels:
    """Reads what an index is compared with: an asset, an index, or a blend of these.

    Closes of assets are adjusted for what the index counts: for distributions where it reinvests them, else
    for splits alone; where the store has no such closes, those it has, which a note says.
    """

    read_levels: ReadLevels
    reference: ReferenceStore
    closes: ReadCloses

    async def __call__(
        self, by: Principal, *, name: str | None, beside: IndexLevels, as_of: datetime | None
    ) -> Benchmark:
        """Return the benchmark ``name`` (None: the S&P 500) in the currency of ``beside``.

        Raises InvalidBenchmark, UnknownAsset, AmbiguousSymbol, UnknownIndex, NothingPublished or
        BenchmarkNotStored.
        """
        by.require(Permission.READ_INDICES)
        point = await self.reference.vintage_at(as_of) if as_of else await self.reference.latest_vintage()
        vintage = None if point is None else point.id
        if name is None:
            return await self._usual(beside, vintage)
        parts = parse_benchmark(name)
        found = [await self._part(by, one, beside, as_of, vintage) for one in parts]
        return found[0] if len(found) == 1 else _blend(parts, found)

    async def _usual(self, beside: IndexLevels, vintage: Vintage | None) -> Benchmark:
        answers = await self.reference.resolve_all([SymbolRef.parse(one) for one in USUAL])
        for answer in answers:
            for asset in await self._candidates(answer):
                found = await self._asset(asset, beside, vintage)
                if found is not None:
                    return found
        raise BenchmarkNotStored(
            f"None of {', '.join(USUAL)} has closes here. Import some (POST /imports/prices), or create one "
            "(POST /assets) and refresh it (POST /manual/trigger-refresh), or name another benchmark: "
            "GET /benchmark/{symbol or index:slug}.",
            context={"symbols": list(USUAL)},
        )

    async def _candidates(self, answer: Asset | Exception) -> Sequence[Asset]:
        if isinstance(answer, Asset):
            return (answer,)
        if isinstance(answer, AmbiguousSymbol):
            ids: Sequence[AssetId] = answer.context["ids"]  # type: ignore[assignment]
            return await self.reference.assets(ids)
        return ()

    async def _part(
        self,
        by: Principal,
        part: Part,
        beside: IndexLevels,
        as_of: datetime | None,
        vintage: Vintage | None,
    ) -> Benchmark:
        if part.slug is not None:
            return await self._index(by, part.slug, beside, as_of)
        asset = await self.reference.resolve(part.ref or SymbolRef.parse(part.name))
        found = await self._asset(asset, beside, vintage)
        if found is None:
            raise BenchmarkNotStored(
                f"There are no closes of {asset.symbol}:{asset.mic} here. Import some (POST /imports/prices) "
                "or refresh the market (POST /manual/trigger-refresh).",
                context={"symbol": f"{asset.symbol}:{asset.mic}"},
            )
        return found

    async def _index(
        self, by: Principal, slug: str, beside: IndexLevels, as_of: datetime | None
    ) -> Benchmark:
        found = await self.read_levels(by, slug=slug, variant=None, currency=beside.currency, as_of=as_of)
        name = f"index:{slug}"
        differs = found.reinvests is not beside.reinvests
        note = f"{name} {_deals(found)} distributions; the index {_deals(beside)} them."
        part = BenchmarkPartView(
            name=name,
            title=found.definition.name,
            weight=1.0,
            kind="index",
            source=None,
            adjust=None,
            variant=str(found.variant),
        )
        view = BenchmarkView(name=name, parts=(part,))
        return Benchmark(view=view, levels=found.levels, notes=(note,) if differs else ())

    async def _asset(self, asset: Asset, beside: IndexLevels, vintage: Vintage | None) -> Benchmark | None:
        if vintage is None:
            return None
        mode = Adjust.ALL if beside.reinvests else Adjust.SPLITS
        closes = await self.closes(asset, mode, vintage=vintage)
        if closes is None:
            return None
        rates = await self._rates(closes, beside, vintage)
        name = f"{asset.symbol}:{asset.mic}"
        part = BenchmarkPartView(
            name=name,
            title=asset.name,
            weight=1.0,
            kind="asset",
            source=closes.source,
            adjust=str(closes.adjust),
            variant=None,
        )
        levels = Levels(day=closes.day, level=closes.close * rates)
        view = BenchmarkView(name=name, parts=(part,))
        return Benchmark(view=view, levels=levels, notes=_notes(closes, mode, beside))

    async def _rates(self, closes: AssetCloses, beside: IndexLevels, vintage: Vintage) -> Floats:
        """Return the rates that the index was read at, the newest ones of a currency it had none of."""
        unit, published = [closes.quote_unit], beside.history.newest.made_from.vintage
        asked = (self.reference, beside.definition, unit, beside.currency, closes.day)
        found = await dated_rates(*asked, published)
        if np.isnan(found).all():
            found = await dated_rates(*asked, vintage)
        rates: Floats = found[:, 0]
        return rates


def _blend(parts: Sequence[Part], found: Sequence[Benchmark]) -> Benchmark:
    """Return the blend on the days that all parts have; raise InvalidBenchmark without two such days."""
    days, levels = common_levels([one.levels for one in found])
    if len(days) < 2:
        raise broken("must have parts with at least two common days")
    weights = np.array([one.weight for one in parts])
    shown = tuple(
        replace(each, weight=part.weight)
        for part, one in zip(parts, found, strict=True)
        for each in one.view.parts
    )
    return Benchmark(
        view=BenchmarkView(name=",".join(f"{one.name}:{one.weight:.6g}" for one in shown), parts=shown),
        levels=Levels(day=days, level=blended(levels, weights)),
        notes=(*(note for one in found for note in one.notes), BLEND_NOTE),
    )


def _notes(closes: AssetCloses, mode: Adjust, beside: IndexLevels) -> tuple[str, ...]:
    """Say where an asset may count other distributions than the index does."""
    symbol, does = closes.asset.symbol, f"the index {_deals(beside)} them."
    if closes.asset.asset_type == "index":
        return (f"{symbol} is an index and counts distributions only if its publisher does; {does}",)
    if closes.adjust is not mode:
        hold = "hold" if closes.adjust is Adjust.ALL else "leave out"
        return (f"The closes of {symbol} that are stored {hold} distributions; {does}",)
    return ()


def _deals(levels: IndexLevels) -> str:
    return "reinvests" if levels.reinvests else "leaves out"
