"""A registered strategy run over stored closes, as if it had been an index; nothing is stored."""

import datetime as dt
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from waardhaven.application.indexes.backtest_rules import (
    REFUSALS,
    as_asked,
    check,
    cost_rate,
    refused,
    sent_as,
    unusable,
)
from waardhaven.application.indexes.backtest_views import BacktestView, ReviewView
from waardhaven.application.indexes.conversion import dated_rates
from waardhaven.application.indexes.level_views import known
from waardhaven.application.indexes.metric_views import metric_views
from waardhaven.application.indexes.names import CASH_SYMBOL
from waardhaven.application.indexes.read_inputs import ReadInputs
from waardhaven.application.ports.compute_pool import ComputePool
from waardhaven.application.ports.market_data import MarketSetup
from waardhaven.application.ports.reference_store import ReferenceStore, SeriesCoverage, VintagePoint
from waardhaven.application.pricing.choose_series import Adjust
from waardhaven.application.pricing.read_closes import ReadCloses
from waardhaven.application.questions.backtest import BacktestQuestion
from waardhaven.domain.errors import WaardhavenError
from waardhaven.domain.identity.roles import Permission, Principal
from waardhaven.domain.index.build import IndexHistory, compute, warm_up_sessions
from waardhaven.domain.index.build_record import InputsUnavailable
from waardhaven.domain.index.composition import Composition
from waardhaven.domain.index.definition import (
    Adjustment,
    Constraints,
    IndexDefinition,
    Schedule,
    SeriesPolicy,
    StrategySpec,
)
from waardhaven.domain.index.inputs import IndexInputs
from waardhaven.domain.index.rules.walking import Walk
from waardhaven.domain.index.strategies import prepare
from waardhaven.domain.index.validation import validated
from waardhaven.domain.market.asset import Asset, InvalidSymbol, SymbolRef
from waardhaven.domain.market.calendar import Frequency
from waardhaven.domain.metrics import METRICS
from waardhaven.domain.metrics.comparison import Levels
from waardhaven.domain.metrics.measuring import Measures, measure
from waardhaven.domain.metrics.periods import periods_per_year
from waardhaven.domain.metrics.sample import Sample, from_levels, per_period
from waardhaven.domain.types import AssetId, as_date

NOWHERE: Final = ""
"""A universe that nobody can make: the names are those asked for."""
DAYS_PER_YEAR: Final = 365.0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Market:
    """What the names are and which closes of them are read; ``known_at``: the state of the facts.

    ``common``: the first day on which closes of all have begun; ``ends``: the last close of each asset.
    """

    assets: tuple[Asset, ...]
    source: str
    adjustment: Adjustment
    known_at: VintagePoint
    common: dt.date
    ends: Mapping[AssetId, dt.date]

    @property
    def names(self) -> Mapping[AssetId, str]:
        """What each asset is called: its symbol, with its exchange where another has the same."""
        count = Counter(one.symbol for one in self.assets)
        return {
            one.id: one.symbol if count[one.symbol] == 1 else f"{one.symbol}:{one.mic}" for one in self.assets
        }

    def ended(self, day: dt.date) -> list[str]:
        """Return the names without a close on ``day`` or after it."""
        return [name for one, name in self.names.items() if self.ends[one] < day]

    @property
    def ids(self) -> tuple[AssetId, ...]:
        """Ids, increasing."""
        return tuple(sorted(one.id for one in self.assets))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Run:
    """What the engine computed and what was measured of it."""

    history: IndexHistory
    measures: Measures


@dataclass(frozen=True, slots=True)
class Backtest:
    """Run a registered strategy over stored closes with costs on what it trades.

    The index engine computes it, so no weight knows a later close, units drift between reviews, and costs
    are charged on turnover alone. The names are those of today: what was delisted since is not among them,
    which a note says.
    """

    reference: ReferenceStore
    closes: ReadCloses
    inputs: ReadInputs
    setup: MarketSetup
    pool: ComputePool

    async def __call__(self, by: Principal, *, question: BacktestQuestion) -> BacktestView:
        """Raise UnusableBacktest naming the fields of the question, InvalidRange, or as builds do."""
        by.require(Permission.READ_INDICES)
        check(question)
        try:
            return await self._answer(question)
        except REFUSALS as error:
            raise as_asked(error) from error

    async def _answer(self, question: BacktestQuestion) -> BacktestView:
        market = await self._market(question)
        definition = await self._definition(question, market)
        inputs = await self.inputs(
            replace(definition, universe=NOWHERE),
            vintage=market.known_at.id,
            anchor=definition.base_date,
            held=market.ids,
            through=question.end,
        )
        benchmark = await self._benchmark(question, definition, market)
        run = await self.pool.run(ran, definition, _all_members(inputs), benchmark, question.risk_free_rate)
        return _view(question, market, definition, run)

    async def _market(self, question: BacktestQuestion) -> _Market:
        known_at = await self.reference.latest_vintage()
        if known_at is None:
            raise InputsUnavailable("There is no market data yet. Load some first.")
        fields = [f"symbols.{at}" for at in range(len(question.symbols))]
        assets = await self._assets(dict(zip(fields, question.symbols, strict=True)))
        if len({one.id for one in assets}) != len(assets):
            raise refused("symbols", "must all be different assets")
        coverage = await self.reference.coverage([one.id for one in assets])
        source, adjustment = _closes_of_all(coverage, assets, question.source, self.setup)
        known = [one for one in coverage if _is_of(one, source, adjustment)]
        return _Market(
            assets=assets,
            source=source,
            adjustment=adjustment,
            known_at=known_at,
            common=max(one.first for one in known if one.first is not None),
            ends={one.asset: one.last for one in known if one.last is not None},
        )

    async def _assets(self, symbols: Mapping[str, str]) -> tuple[Asset, ...]:
        """Return the assets of symbols by field; raise UnusableBacktest with every field that has none."""
        refs = {field: _parsed(text) for field, text in symbols.items()}
        sound = [one for one in refs.values() if isinstance(one, SymbolRef)]
        answers = iter(await self.reference.resolve_all(sound) if sound else ())
        found = {field: next(answers) if isinstance(one, SymbolRef) else one for field, one in refs.items()}
        errors = {field: one.message for field, one in found.items() if isinstance(one, WaardhavenError)}
        if errors:
            raise unusable(errors)
        return tuple(one for one in found.values() if isinstance(one, Asset))

    async def _definition(self, question: BacktestQuestion, market: _Market) -> IndexDefinition:
        """Return the rules; the base date is a session, see BacktestQuestion."""
        plain = IndexDefinition(
            slug="backtest",
            name="Backtest",
            base_date=question.start or market.known_at.at.date(),
            base_value=question.initial_value,
            currency=question.currency,
            universe="backtest",
            strategy=_strategy(question, market),
            series=SeriesPolicy(source=market.source, adjustment=market.adjustment),
            calendar=question.calendar,
            schedule=Schedule(
                frequency=Frequency(question.frequency), lag=question.lag, daily_drop_threshold=None
            ),
            constraints=Constraints(max_weight=question.max_weight, max_names=question.max_names),
            cost_rate=cost_rate(question),
        )
        return replace(plain, base_date=await self._base_date(question, validated(plain), market))

    async def _base_date(
        self, question: BacktestQuestion, definition: IndexDefinition, market: _Market
    ) -> dt.date:
        sessions = await self.reference.sessions(
            question.calendar, end=question.end, vintage=market.known_at.id
        )
        least = warm_up_sessions(definition)
        if not len(sessions):
            until = "" if question.end is None else f" up to {question.end}"
            raise refused("calendar", f"must have sessions here; {question.calendar} has none{until}")
        if question.start is not None:
            row = int(np.searchsorted(sessions, np.datetime64(question.start)))
            if row < least < len(sessions):
                earliest = f"{sessions[least]}, {least} sessions into the calendar"
                raise refused("start", f"must not be before {earliest}")
        else:
            looks_back = prepare(definition.strategy).lookback + definition.schedule.lag
            row = max(int(np.searchsorted(sessions, np.datetime64(market.common))) + looks_back, least)
        if row >= len(sessions):
            raise refused("start", f"must leave a session of {question.calendar} with closes before the end")
        base = as_date(sessions[row])
        ended = market.ended(base) if question.start is None else []
        if ended:
            rule = (
                f"must have days in common: {', '.join(ended)} without closes from {base} on; or give a start"
            )
            raise refused("symbols", rule)
        return base

    async def _benchmark(
        self, question: BacktestQuestion, definition: IndexDefinition, market: _Market
    ) -> Levels | None:
        """Return the benchmark in the currency of the level."""
        if question.benchmark is None:
            return None
        (asset,) = await self._assets({"benchmark": question.benchmark})
        closes = await self.closes(asset, Adjust.ALL, vintage=market.known_at.id)
        if closes is None:
            raise refused("benchmark", f"must have stored closes; {asset.symbol} has none")
        vintage, target = market.known_at.id, definition.currency
        units = [closes.quote_unit]
        rates = await dated_rates(self.reference, definition, units, target, closes.day, vintage)
        return Levels(day=closes.day, level=closes.close * rates[:, 0])


def ran(
    definition: IndexDefinition, inputs: IndexInputs, benchmark: Levels | None, risk_free_rate: float
) -> _Run:
    """Compute the strategy as an index and measure its daily returns."""
    history = compute(definition, inputs).history
    days, level = history.levels.day, history.levels.level
    if len(days) < 2:
        raise refused("end", "must leave at least two sessions with closes")
    year = periods_per_year(days)
    sample = Sample(
        returns=from_levels(level[:, None]),
        benchmark=None if benchmark is None else from_levels(benchmark.at(days, max_days=0)[:, None]),
        periods_per_year=year,
        risk_free=np.full((1, 1), per_period(risk_free_rate, year)),
        days=days[1:],
        base=days[0],
    )
    return _Run(history=history, measures=measure(sample, tuple(METRICS.values())))


def _strategy(question: BacktestQuestion, market: _Market) -> StrategySpec:
    """Return the strategy with ids of assets in place of symbols as they were asked for."""
    ids = dict(zip(question.symbols, (one.id for one in market.assets), strict=True))
    ids |= {name: one for one, name in market.names.items()}
    strange: dict[str, str] = {}

    def known_as(path: str, name: object) -> object:
        if name not in ids:
            strange[sent_as(path)] = "must be one of the symbols"
        return ids.get(str(name), name)

    asked = {"strategy": {"name": question.strategy, "params": dict(question.params)}}
    found = Walk(asset=known_as).over(asked)["strategy"]
    if strange:
        raise unusable(strange)
    return StrategySpec(name=found["name"], params=found["params"])


def _all_members(inputs: IndexInputs) -> IndexInputs:
    return replace(inputs, member=np.ones_like(inputs.member))


def _parsed(text: str) -> SymbolRef | InvalidSymbol:
    try:
        return SymbolRef.parse(text)
    except InvalidSymbol as error:
        return error


def _is_of(one: SeriesCoverage, source: str, adjustment: Adjustment) -> bool:
    return one.bars > 0 and (one.source, one.adjustment) == (source, adjustment)


def _closes_of_all(
    coverage: Sequence[SeriesCoverage], assets: Sequence[Asset], source: str | None, setup: MarketSetup
) -> tuple[str, Adjustment]:
    """Return the preferred source, and kind of its closes, that has all assets; fully adjusted ones first."""
    having: dict[tuple[int, int, str], set[AssetId]] = {}
    kinds = (Adjustment.ALL, Adjustment.RAW)
    for one in coverage:
        if one.bars and one.adjustment in kinds and source in (None, one.source):
            key = (setup.rank(one.source), kinds.index(one.adjustment), one.source)
            having.setdefault(key, set()).add(one.asset)
    wanted = {one.id for one in assets}
    able = sorted(key for key, found in having.items() if found >= wanted)
    if able:
        _, kind, name = able[0]
        return name, kinds[kind]
    most = max(having.values(), key=len, default=set())
    missing = ", ".join(sorted(one.symbol for one in assets if one.id not in most))
    raise refused("symbols", f"must all have closes of one source; none of the best one for {missing}")


def _view(
    question: BacktestQuestion, market: _Market, definition: IndexDefinition, run: _Run
) -> BacktestView:
    made, levels = run.history.compositions, run.history.levels
    symbols = market.names
    span = float((levels.day[-1] - levels.day[0]).astype(np.int64)) / DAYS_PER_YEAR
    turnover, costs = made.turnover[1:], made.cost[1:]
    paid = float(np.nansum(costs))
    share = question.slippage / definition.cost_rate if definition.cost_rate > 0.0 else 0.0
    return BacktestView(
        strategy=question.strategy,
        params=question.params,
        symbols=tuple(symbols.values()),
        source=market.source,
        adjustment=str(market.adjustment),
        currency=question.currency,
        base=as_date(levels.day[0]),
        last=as_date(levels.day[-1]),
        total_return=float(levels.level[-1] / levels.level[0] - 1.0),
        reviews=len(made),
        turnover=float(np.nansum(turnover)) / span if span > 0.0 else None,
        costs=paid,
        transaction_costs=paid * (1.0 - share) if paid else 0.0,
        slippage=paid * share,
        benchmark=question.benchmark,
        risk_free_rate=question.risk_free_rate,
        metrics=metric_views(run.measures),
        notes=_notes(market, as_date(levels.day[0])),
        dates=levels.day,
        values=levels.level,
        compositions=tuple(_review(made.at(row), symbols) for row in range(len(made))),
    )


def _notes(market: _Market, base: dt.date) -> tuple[str, ...]:
    kind = (
        "Closes are adjusted for splits and distributions."
        if market.adjustment is Adjustment.ALL
        else "Closes are raw: actions count as in an index of prices, distributions are not earned."
    )
    ended = ", ".join(market.ended(base))
    return (
        kind,
        "The names were chosen with today's knowledge: what was delisted since is not among them.",
        *([f"Never held, without closes from the base date on: {ended}."] if ended else []),
    )


def _review(one: Composition, symbols: Mapping[AssetId, str]) -> ReviewView:
    weights = zip(one.asset.tolist(), one.weight.tolist(), strict=True)
    return ReviewView(
        selection=as_date(one.selection),
        effective=as_date(one.effective),
        turnover=known(one.turnover),
        cost=known(one.cost),
        weights={symbols.get(AssetId(asset), CASH_SYMBOL): weight for asset, weight in weights},
    )
