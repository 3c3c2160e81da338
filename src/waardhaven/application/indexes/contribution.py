"""What each name of an index, or each group of names, added to its return."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from waardhaven.application.answers import check_range, clip
from waardhaven.application.indexes.names import CASH_SYMBOL, named, symbol_of
from waardhaven.application.indexes.official import OfficialHistory, read_official
from waardhaven.application.indexes.queries import variant_levels
from waardhaven.application.indexes.read_inputs import ReadInputs
from waardhaven.application.indexes.views import ProvenanceView
from waardhaven.application.ports.build_store import BuildStore
from waardhaven.application.ports.compute_pool import ComputePool
from waardhaven.application.ports.indexes import IndexStore
from waardhaven.application.ports.reference_store import ReferenceStore
from waardhaven.domain.errors import FieldError, Invalid
from waardhaven.domain.identity.roles import Permission, Principal
from waardhaven.domain.index.composition import CompositionColumns, LevelColumns
from waardhaven.domain.index.definition import IndexDefinition, Variant
from waardhaven.domain.index.explaining.contributing import contributed
from waardhaven.domain.index.inputs import IndexInputs
from waardhaven.domain.index.publishing import official_compositions, official_levels
from waardhaven.domain.market.asset import Asset
from waardhaven.domain.market.calendar import Frequency, period
from waardhaven.domain.metrics.contribution import Contributions
from waardhaven.domain.types import CASH, AssetId, Ids, Rows, as_date

MOST_CELLS = 100_000
"""Groups x periods in one answer."""
UNKNOWN = "unknown"
"""The group of names of which the classification is not known."""


class Grouping(StrEnum):
    """What contributions are summed by: names stand alone, the rest as assets are classified now."""

    NAME = "name"
    SECTOR = "sector"
    COUNTRY = "country"
    CURRENCY = "currency"
    ASSET_TYPE = "asset_type"
    EXCHANGE = "exchange"


ATTRIBUTES: Mapping[Grouping, str] = {
    Grouping.SECTOR: "sector",
    Grouping.COUNTRY: "country",
    Grouping.CURRENCY: "currency",
    Grouping.ASSET_TYPE: "asset_type",
    Grouping.EXCHANGE: "mic",
}


class UnusableWindow(Invalid):
    """Days without a return, or more groups and periods than one answer holds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ContributionOrder:
    """What to take apart: ``start`` is the base, which earns nothing; ``variant`` None: the definition's."""

    slug: str
    start: dt.date | None = None
    end: dt.date | None = None
    frequency: Frequency = Frequency.MONTHLY
    by: Grouping = Grouping.NAME
    variant: Variant | None = None
    as_of: dt.datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PeriodContributionView:
    """The return of a period, from the close before ``first`` to that of ``last``, taken apart.

    Everything is a fraction of the level at which the period begins. ``contributions`` has one for each
    group; with ``cost`` of reviews and ``correction`` they add up to ``total_return``.
    """

    first: dt.date
    last: dt.date
    total_return: float
    contributions: tuple[float, ...]
    cost: float
    correction: float


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupView:
    """A name or a group: what it added to the return of all periods, and which part of that was what.

    ``price``: moves of prices; ``action``: worth that companies moved from one name to another, in sum
    nothing; ``distribution``: regular distributions, in total return variants; they add up to
    ``contribution``. ``asset``: id of a name, None of a group.
    """

    key: str
    title: str
    asset: int | None
    contribution: float
    price: float
    action: float
    distribution: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ContributionView:
    """Contributions to the return of an index; ``groups``, largest contribution first, order each period's.

    ``correction``: levels that prices and compositions as known here do not make, otherwise rounding.
    """

    index: str
    name: str
    currency: str
    variant: str
    frequency: str
    by: str
    base: dt.date
    last: dt.date
    total_return: float
    cost: float
    correction: float
    groups: tuple[GroupView, ...]
    periods: tuple[PeriodContributionView, ...]
    provenance: ProvenanceView


@dataclass(frozen=True, slots=True, kw_only=True)
class _Window:
    """Official levels (n,), the first being the base, with the compositions in force on them."""

    levels: LevelColumns
    compositions: CompositionColumns
    variant: Variant
    periods: Ids


@dataclass(frozen=True, slots=True)
class ReadContributions:
    """What each name or group added to the return of an index, by period, adding up to that return.

    Units stand still between two closes, so a name adds units x change of price / divisor. Prices, actions
    and rates are those of the newest publication in force.
    """

    indexes: IndexStore
    builds: BuildStore
    reference: ReferenceStore
    inputs: ReadInputs
    pool: ComputePool

    async def __call__(self, by: Principal, *, order: ContributionOrder) -> ContributionView:
        """Raise UnknownIndex, NothingPublished, UnknownVariant, InvalidRange or UnusableWindow."""
        by.require(Permission.READ_INDICES)
        check_range(order.start, order.end)
        history = await read_official(
            self.indexes, self.builds, by, order.slug, as_of=order.as_of, compositions=True
        )
        window = _window(history, order)
        held: list[int] = np.unique(window.compositions.asset).tolist()
        keys, member = _groups(held, await named(self.reference, held), order.by)
        _check_size(len(keys), window.periods)
        found = await self._taken(history, window, held, (member, len(keys)))
        return _view(history, order, window, keys, found)

    async def _taken(
        self, history: OfficialHistory, window: _Window, names: Sequence[int], groups: tuple[Rows, int]
    ) -> Contributions:
        definition = history.index.definition
        inputs = await self.inputs(
            definition,
            vintage=history.newest.made_from.vintage,
            anchor=as_date(window.levels.day[0]),
            held=[AssetId(one) for one in names if one != CASH],
            through=as_date(window.levels.day[-1]),
        )
        return await self.pool.run(taken_apart, definition, inputs, window, *groups)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Key:
    """A name or a group as it is shown."""

    key: str
    title: str
    asset: int | None


def _window(history: OfficialHistory, order: ContributionOrder) -> _Window:
    levels, variant = official_levels(history.segments), order.variant or history.index.definition.variant
    variant_levels(levels, variant)
    inside = clip(levels.day, order.start, order.end)
    if inside.stop - inside.start < 2:
        rule = f"must leave at least two of the days from {levels.day[0]} to {levels.day[-1]}"
        raise UnusableWindow(
            "There is no return to take apart.", errors=[FieldError(field="start", rule=rule)]
        )
    some = levels.among(inside)
    return _Window(
        levels=some,
        compositions=official_compositions(history.segments).between(some.day[0], some.day[-1]),
        variant=variant,
        periods=period(some.day, order.frequency),
    )


def _groups(ids: Sequence[int], assets: Mapping[int, Asset], by: Grouping) -> tuple[list[_Key], Rows]:
    """Return the groups, and the group of each name held, by increasing id."""
    if by is Grouping.NAME:
        return [_name(assets, one) for one in ids], np.arange(len(ids))
    words = [_classified(assets.get(one), one, ATTRIBUTES[by]) for one in ids]
    keys, member = np.unique(np.array(words, dtype=str), return_inverse=True)
    return [_Key(key=str(one), title=str(one), asset=None) for one in keys], member


def _name(assets: Mapping[int, Asset], asset: int) -> _Key:
    symbol = symbol_of(assets, asset)
    return _Key(key=symbol, title=assets[asset].name if asset in assets else symbol, asset=asset)


def _classified(asset: Asset | None, number: int, attribute: str) -> str:
    if number == CASH:
        return CASH_SYMBOL
    return (asset and getattr(asset, attribute)) or UNKNOWN


def _check_size(groups: int, periods: Ids) -> None:
    count = len(np.unique(periods[1:]))
    if groups * count > MOST_CELLS:
        rule = f"must leave at most {MOST_CELLS} groups x periods ({groups} x {count}): take longer periods"
        raise UnusableWindow(
            "These are too many contributions for one answer.",
            errors=[FieldError(field="frequency", rule=f"{rule}, a group in place of names, or fewer days")],
        )


def taken_apart(
    definition: IndexDefinition, inputs: IndexInputs, window: _Window, member: Rows, groups: int
) -> Contributions:
    """Take the returns of a window apart and sum names by group; ``member`` (k,): by increasing id."""
    parts = (window.levels, window.compositions, window.variant, window.periods)
    found = contributed(definition, inputs, *parts)
    group = np.zeros(len(found.assets), dtype=np.intp)  # what was not held added nothing to the first one
    group[found.held] = member
    return found.periods.grouped(group, groups)


def _view(
    history: OfficialHistory,
    order: ContributionOrder,
    window: _Window,
    keys: Sequence[_Key],
    found: Contributions,
) -> ContributionView:
    definition, days = history.index.definition, window.levels.day
    whole = found.linked()
    total = whole.by_name[0]
    largest = np.argsort(-total, kind="stable")
    return ContributionView(
        index=definition.slug,
        name=definition.name,
        currency=definition.currency,
        variant=str(window.variant),
        frequency=str(order.frequency),
        by=str(order.by),
        base=as_date(days[0]),
        last=as_date(days[-1]),
        total_return=float(whole.total[0]),
        cost=float(whole.cost[0]),
        correction=float(whole.correction[0]),
        groups=tuple(
            GroupView(
                key=keys[at].key,
                title=keys[at].title,
                asset=keys[at].asset,
                contribution=float(total[at]),
                price=float(whole.price[0, at]),
                action=float(whole.action[0, at]),
                distribution=float(whole.distribution[0, at]),
            )
            for at in largest.tolist()
        ),
        periods=_periods(window, found, largest),
        provenance=history.provenance,
    )


def _periods(window: _Window, found: Contributions, order: Rows) -> tuple[PeriodContributionView, ...]:
    later = window.periods[1:]
    first = np.flatnonzero(np.diff(later, prepend=later[0] - 1))
    last = np.append(first[1:], len(later)) - 1
    days = window.levels.day[1:]
    return tuple(
        PeriodContributionView(
            first=as_date(days[begin]),
            last=as_date(days[end]),
            total_return=total,
            contributions=tuple(added),
            cost=cost,
            correction=correction,
        )
        for begin, end, total, added, cost, correction in zip(
            first.tolist(),
            last.tolist(),
            found.total.tolist(),
            found.by_name[:, order].tolist(),
            found.cost.tolist(),
            found.correction.tolist(),
            strict=True,
        )
    )
