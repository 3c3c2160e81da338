"""From inputs to levels: the whole computation of an index, pure and deterministic."""

from dataclasses import dataclass
from itertools import zip_longest
from math import isfinite, isnan, nan

import numpy as np

from waardhaven.domain.errors import Invalid
from waardhaven.domain.index.composition import (
    CompositionColumns,
    FlagColumns,
    IndexState,
    LevelColumns,
    ReviewReason,
)
from waardhaven.domain.index.definition import Adjustment, IndexDefinition
from waardhaven.domain.index.inputs import IndexInputs, MalformedInputs
from waardhaven.domain.index.level import DIVISOR, ChainRules, LevelChain, NothingEligible
from waardhaven.domain.index.pricing import CarriedPrices
from waardhaven.domain.index.quality import OUTLIER_WINDOW, flags
from waardhaven.domain.index.rebalancing import planned
from waardhaven.domain.index.review import Reviewer
from waardhaven.domain.index.strategies import prepare
from waardhaven.domain.index.strategies.strategy import BoundStrategy
from waardhaven.domain.index.total_return import Points, kept_shares, total_return
from waardhaven.domain.index.treatments import Position
from waardhaven.domain.market.calendar import session_row
from waardhaven.domain.types import Days, Floats

__all__ = [
    "IndexHistory",
    "IndexInputs",
    "IndexResult",
    "InvalidOpening",
    "MalformedInputs",
    "NothingEligible",
    "ShortWarmUp",
    "UnpricedHolding",
    "build_index",
    "warm_up_sessions",
]

NO_DAYS: Days = np.empty(0, dtype="datetime64[D]")


class ShortWarmUp(Invalid):
    """The session axis does not begin early enough before the base date or opening day."""


class InvalidOpening(Invalid):
    """An opening state that does not fit the definition or the inputs."""


class UnpricedHolding(Invalid):
    """A name held at the opening has no price on or before the opening day in the inputs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexHistory:
    """Levels and compositions of an index, and the closing state to continue from."""

    levels: LevelColumns
    compositions: CompositionColumns
    closing: IndexState


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexResult(IndexHistory):
    """What a build computed: a history and the flags of its data."""

    flags: FlagColumns


@dataclass(frozen=True, slots=True, kw_only=True)
class Computation:
    """A build together with what computed it, for those who show the working.

    ``chain`` has run to the last row; ``start`` is the row of the base date or opening day; ``held`` is the
    position of the opening, empty at the base date.
    """

    chain: LevelChain
    start: int
    held: Position
    history: IndexHistory


def warm_up_sessions(definition: IndexDefinition) -> int:
    """Return how many sessions the inputs must hold before the base date (or the opening day).

    With at least so many, no result depends on how early the inputs begin. One exception: a name held
    at an opening must have a bar in the inputs however old it is, so read from the selection day of
    the composition in force, less ``max_forward_fill_days`` sessions, if that is earlier.
    """
    return _warm_up(definition, prepare(definition.strategy))


def build_index(
    definition: IndexDefinition,
    inputs: IndexInputs,
    *,
    opening: IndexState | None = None,
    forced: Days = NO_DAYS,
) -> IndexResult:
    """Compute an index from its base date, or on from ``opening``, to the last session of the inputs.

    ``forced``: days on which a review must take effect at the close; days up to the base date or
    opening day are past, days after the last session not due yet. With ``opening`` the result covers
    the days after it and equals that part of a full rebuild bit for bit. A review at which nothing is
    eligible is skipped and flagged; on the base date it is an error.

    Raises InvalidStrategy, MalformedInputs, NotASession, ShortWarmUp, InvalidOpening, UnpricedHolding,
    NothingEligible, or Invalid when no weights keep the constraints.
    """
    computed = compute(definition, inputs, opening=opening, forced=forced)
    history = computed.history
    return IndexResult(
        levels=history.levels,
        compositions=history.compositions,
        closing=history.closing,
        flags=flags(computed.chain, computed.start + (opening is not None), computed.held.units),
    )


def compute(
    definition: IndexDefinition,
    inputs: IndexInputs,
    *,
    opening: IndexState | None = None,
    forced: Days = NO_DAYS,
) -> Computation:
    """Compute as ``build_index`` does, but look for no flags, and keep what computed it.

    For those who show the working, compare histories or try a rule, and store nothing.
    """
    strategy = prepare(definition.strategy)
    inputs = inputs.checked()
    if strategy.strategy.holds_cash:
        inputs = inputs.with_cash()
    days = inputs.panel.days
    anchor = np.datetime64(definition.base_date, "D") if opening is None else opening.day
    start = session_row(days, anchor, field="base_date" if opening is None else "opening.day")
    _check_warm_up(start, _warm_up(definition, strategy), anchor)
    chain = _chain(definition, Reviewer.of(definition, strategy, inputs), start, opening)
    held = chain.position
    chain.run(planned(days, definition.schedule, start, base=opening is None, forced=forced))
    first = start + (opening is not None)
    levels = _levels(chain, definition, start, opening)
    history = IndexHistory(
        levels=levels.since(first - start),
        compositions=_compositions(chain, inputs),
        closing=_closing(chain, inputs, levels),
    )
    return Computation(chain=chain, start=start, held=held, history=history)


def _warm_up(definition: IndexDefinition, strategy: BoundStrategy) -> int:
    window = max(definition.schedule.lag + strategy.lookback, OUTLIER_WINDOW + 1)
    return window + definition.guards.max_forward_fill_days


def _check_warm_up(start: int, needed: int, anchor: np.datetime64) -> None:
    if start < needed:
        raise ShortWarmUp(
            f"The index needs {needed} sessions before {anchor}; the inputs hold {start}.",
            context={"needed": needed, "available": start},
        )


def _chain(
    definition: IndexDefinition, reviewer: Reviewer, start: int, opening: IndexState | None
) -> LevelChain:
    inputs = reviewer.inputs
    rows, columns = inputs.panel.close.shape
    levels = np.full(rows, nan)
    levels[start] = definition.base_value
    position, target = Position(units=np.zeros(columns), divisor=DIVISOR), np.zeros(columns)
    if opening is not None:
        _check_opening(definition, opening)
        levels[start - 1 : start + 1] = opening.previous_level, opening.level
        position = Position(
            units=_opening_units(inputs, reviewer.prices, start, opening), divisor=opening.divisor
        )
        target = _opening_targets(inputs, opening)
    return LevelChain(
        reviewer=reviewer,
        rules=ChainRules(
            family=reviewer.family,
            lag=definition.schedule.lag,
            threshold=definition.schedule.daily_drop_threshold,
            band=definition.schedule.drift_band,
            cost_rate=definition.cost_rate,
            kept=kept_shares(definition.withholding, inputs.traits, columns),
        ),
        levels=levels,
        position=position,
        target=target,
        row=start,
        points=Points(gross=np.zeros(rows), net=np.zeros(rows)),
    )


def _levels(
    chain: LevelChain, definition: IndexDefinition, start: int, opening: IndexState | None
) -> LevelColumns:
    """Return the levels from row ``start`` on, with the total return variants of a raw series."""
    days, levels = chain.reviewer.inputs.panel.days[start:], chain.levels[start:]
    base = definition.base_value
    gross, net = (base, base) if opening is None else (opening.gross, opening.net)
    raw = definition.series.adjustment is Adjustment.RAW
    withheld = chain.rules.kept is not None
    return LevelColumns(
        day=days,
        level=levels.copy(),
        gross=_variant(levels, chain.points.gross[start:], gross) if raw else None,
        net=_variant(levels, chain.points.net[start:], net) if raw and withheld else None,
    )


def _variant(levels: Floats, points: Floats, first: float) -> Floats | None:
    """Return a total return variant, None where an older build left its first level unknown."""
    return None if isnan(first) else total_return(levels, points, first)


def _check_opening(definition: IndexDefinition, opening: IndexState) -> None:
    base = np.datetime64(definition.base_date, "D")
    if opening.day < base:
        raise InvalidOpening("The opening day lies before the base date.")
    if not all(isfinite(x) and x > 0.0 for x in (opening.level, opening.divisor)):
        raise InvalidOpening("Level and divisor of the opening must be finite and above zero.")
    if not (len(opening.units) and (np.isfinite(opening.units) & (opening.units > 0.0)).all()):
        raise InvalidOpening("The opening must hold names, each with units above zero.")
    drops = definition.schedule.daily_drop_threshold is not None
    if drops and opening.day > base and not opening.previous_level > 0.0:
        raise InvalidOpening("The opening needs previous_level, the level one session before its day.")


def _opening_units(inputs: IndexInputs, prices: CarriedPrices, start: int, opening: IndexState) -> Floats:
    column = np.searchsorted(inputs.panel.assets, opening.assets)
    column = np.minimum(column, len(inputs.panel.assets) - 1)
    absent = (inputs.panel.assets[column] != opening.assets) | (prices.price[start, column] == 0.0)
    if absent.any():
        names = opening.assets[absent].tolist()
        raise UnpricedHolding(
            f"{len(names)} held names have no price up to {opening.day} in the inputs.",
            context={"assets": names},
        )
    units = np.zeros(len(inputs.panel.assets))
    units[column] = opening.units
    return units


def _opening_targets(inputs: IndexInputs, opening: IndexState) -> Floats:
    target = np.zeros(len(inputs.panel.assets))
    known = np.isin(opening.reviewed, inputs.panel.assets)
    target[np.searchsorted(inputs.panel.assets, opening.reviewed[known])] = opening.targets[known]
    return target


def _compositions(chain: LevelChain, inputs: IndexInputs) -> CompositionColumns:
    held = [
        one
        for one, later in zip_longest(chain.holdings, chain.holdings[1:])
        if later is None or later.effective != one.effective
    ]
    lag = chain.rules.lag
    effective = np.array([one.effective for one in held], dtype=np.intp)
    reviewed = np.array([one.reason is not ReviewReason.ACTION for one in held], dtype=np.bool_)
    sizes = np.array([len(one.column) for one in held], dtype=np.int64)
    none = np.empty(0)
    columns = np.concatenate([np.empty(0, dtype=np.intp), *(one.column for one in held)])
    return CompositionColumns(
        selection=inputs.panel.days[effective - np.where(reviewed, lag, 0)],
        effective=inputs.panel.days[effective],
        reason=np.array([one.reason for one in held], dtype=np.int8),
        divisor=np.array([one.divisor for one in held], dtype=np.float64),
        offset=np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(sizes)]),
        asset=inputs.panel.assets[columns],
        weight=np.concatenate([none, *(one.weight for one in held)]),
        units=np.concatenate([none, *(one.units for one in held)]),
        turnover=chain.turnover[effective],
        cost=chain.cost[effective],
    )


def _closing(chain: LevelChain, inputs: IndexInputs, levels: LevelColumns) -> IndexState:
    held, reviewed = np.flatnonzero(chain.position.units), np.flatnonzero(chain.target)
    return IndexState(
        day=inputs.panel.days[-1],
        level=float(chain.levels[-1]),
        divisor=chain.position.divisor,
        assets=inputs.panel.assets[held],
        units=chain.position.units[held],
        previous_level=float(chain.levels[-2]),
        gross=nan if levels.gross is None else float(levels.gross[-1]),
        net=nan if levels.net is None else float(levels.net[-1]),
        reviewed=inputs.panel.assets[reviewed],
        targets=chain.target[reviewed],
    )
