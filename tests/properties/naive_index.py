"""The index rules written once more, as slowly and plainly as possible: the oracle of the engine.

Pure Python floats and loops, no arrays, nothing shared with the engine but the definition.
"""

from dataclasses import dataclass, field
from datetime import date
from math import isnan, nan, sqrt

from waardhaven.domain.index.definition import Adjustment, IndexDefinition
from waardhaven.domain.index.inputs import IndexInputs

COVERED = frozenset(
    {"blend", "equal_weight", "fixed", "inverse_volatility", "market_cap", "momentum", "price"}
)
"""Strategies the oracle knows; the others have published examples and conditions of an optimum instead."""
TYPICAL: dict[str, dict] = {
    "fixed": {"weights": {str(i * scale): i / 42 for i in range(1, 7) for scale in (1, 10)}},
}
"""Parameters of strategies that have no defaults: asset ids 1 to 6, or ten times those."""


@dataclass
class NaiveIndex:
    """Levels by day and weights by effective day (asset position -> weight)."""

    levels: dict[date, float] = field(default_factory=dict)
    weights: dict[date, dict[int, float]] = field(default_factory=dict)


class Market:
    """The inputs as nested lists of Python numbers."""

    def __init__(self, inputs: IndexInputs) -> None:
        self.days = inputs.panel.days.tolist()
        self.close = inputs.panel.close.tolist()
        self.fx = inputs.fx.tolist()
        self.shares = inputs.shares.tolist()
        self.member = inputs.member.tolist()
        self.assets = inputs.panel.assets.tolist()
        self.count = len(self.assets)

    def last(self, day: int, asset: int) -> tuple[int, float]:
        """Return (sessions ago, close) of the last bar, or (-1, nan)."""
        for ago in range(day + 1):
            if not isnan(self.close[day - ago][asset]):
                return ago, self.close[day - ago][asset]
        return -1, nan

    def rate(self, day: int, asset: int) -> float:
        for ago in range(day + 1):
            if not isnan(self.fx[day - ago][asset]):
                return self.fx[day - ago][asset]
        return nan

    def price(self, day: int, asset: int, limit: int | None = None) -> float:
        ago, close = self.last(day, asset)
        if ago < 0 or (limit is not None and ago > limit):
            return nan
        return close * self.rate(day, asset)


def period(day: date, frequency: str) -> object:
    return {
        "daily": day,
        "weekly": day.isocalendar()[:2],
        "monthly": (day.year, day.month),
        "quarterly": (day.year, (day.month + 2) // 3),
        "yearly": day.year,
    }[frequency]


def scaled(weights: dict[int, float]) -> dict[int, float]:
    total = sum(weights.values())
    return {asset: weight / total for asset, weight in weights.items() if weight > 0} if total > 0 else {}


def session_return(market: Market, definition: IndexDefinition, day: int, asset: int) -> float:
    limit, guards = definition.guards.max_forward_fill_days, definition.guards
    before, after = market.price(day - 1, asset, limit), market.price(day, asset, limit)
    change = after / before - 1
    return change if isnan(change) else min(max(change, guards.min_daily_return), guards.max_daily_return)


WITHOUT_HISTORY = {
    "equal_weight": lambda params, market, day, i: 1.0,
    "fixed": lambda params, market, day, i: params["weights"].get(str(market.assets[i]), 0.0),
    "price": lambda params, market, day, i: market.price(day, i),
    "market_cap": lambda params, market, day, i: market.shares[day][i] * market.price(day, i),
}


def weigh(
    name: str, params: dict, market: Market, definition: IndexDefinition, day: int, names: list[int]
) -> dict[int, float]:
    if name in WITHOUT_HISTORY:
        figures = {i: WITHOUT_HISTORY[name](params, market, day, i) for i in names}
        return scaled({i: figure for i, figure in figures.items() if figure > 0})
    if name == "blend":
        total: dict[int, float] = {}
        for sleeve in params["sleeves"]:
            part = weigh(sleeve["strategy"], sleeve.get("params", {}), market, definition, day, names)
            for i, weight in part.items():
                total[i] = total.get(i, 0.0) + weight * sleeve["weight"]
        return scaled(total)
    window = params.get("lookback", 20 if name == "momentum" else 60)
    last = day - params.get("skip", 0)
    seen = {
        i: [session_return(market, definition, d, i) for d in range(last - window + 1, last + 1)]
        for i in names
    }
    seen = {i: moves for i, moves in seen.items() if not any(map(isnan, moves))}
    figures = {i: (momentum if name == "momentum" else deviation)(moves) for i, moves in seen.items()}
    if name == "momentum":
        kept = by_momentum(params, figures)
    else:
        kept = {i: 1 / figure for i, figure in figures.items() if figure > 1e-9}
    return scaled(kept or dict.fromkeys(figures, 1.0))


def by_momentum(params: dict, figures: dict[int, float]) -> dict[int, float]:
    top = params.get("top") or len(figures) or 1
    places = int(top) if top >= 1 else max(int(top * len(figures) + 1e-9), 1)
    best = sorted(figures, key=lambda i: (-figures[i], i))[:places]
    kept = {i: figures[i] for i in best if figures[i] > params.get("threshold", 0.0)}
    method = params.get("method", "proportional")
    if method == "proportional":
        return {i: figure for i, figure in kept.items() if figure > 0}
    if method == "equal":
        return dict.fromkeys(kept, 1.0)
    ordered = sorted(kept.values())
    places_of = {i: [p for p, one in enumerate(ordered, 1) if one == figure] for i, figure in kept.items()}
    return {i: sum(places) / len(places) for i, places in places_of.items()}


def momentum(moves: list[float]) -> float:
    growth = 1.0
    for move in moves:
        growth *= 1 + move
    return growth - 1


def deviation(moves: list[float]) -> float:
    mean = sum(moves) / len(moves)
    return sqrt(sum((move - mean) ** 2 for move in moves) / (len(moves) - 1))


def eligible(market: Market, definition: IndexDefinition, day: int) -> list[int]:
    guards = definition.guards
    floor = guards.min_price if definition.series.adjustment is Adjustment.RAW else 0.0
    names = []
    for i in range(market.count):
        ago, close = market.last(day, i)
        recent = 0 <= ago <= guards.max_forward_fill_days and not isnan(market.price(day, i))
        if market.member[day][i] and recent and close >= floor:
            names.append(i)
    return names


def naive_index(definition: IndexDefinition, inputs: IndexInputs) -> NaiveIndex:
    """Compute levels and weights day by day."""
    market, result = Market(inputs), NaiveIndex()
    schedule, strategy = definition.schedule, definition.strategy
    start = market.days.index(definition.base_date)
    units: dict[int, float] = {}
    level, before = definition.base_value, nan
    forced = False
    for d in range(start, len(market.days)):
        if d > start:
            before, level = level, sum(units[i] * market.price(d, i) for i in units)
        due = d == start or forced
        due |= period(market.days[d], schedule.frequency) != period(market.days[d - 1], schedule.frequency)
        result.levels[market.days[d]] = level
        drop = schedule.daily_drop_threshold
        forced = d > start and drop is not None and level / before - 1 <= drop
        if due:
            day = d - schedule.lag
            names = eligible(market, definition, day)
            seen = d if strategy.name == "price" else day  # one unit of each, at whatever they cost by then
            weights = weigh(strategy.name, strategy.params, market, definition, seen, names)
            if weights:
                units = {i: weight * level / market.price(d, i) for i, weight in weights.items()}
                result.weights[market.days[d]] = weights
    return result
