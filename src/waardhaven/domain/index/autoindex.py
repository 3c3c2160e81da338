"""The default index and the strategy configuration its users know."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, Self

from waardhaven.domain.errors import FieldError, Invalid
from waardhaven.domain.index.definition import (
    Adjustment,
    IndexDefinition,
    Schedule,
    SeriesPolicy,
    StrategySpec,
)
from waardhaven.domain.index.ranges import not_whole, out_of_range
from waardhaven.domain.index.validation import FLOOR_NOTE
from waardhaven.domain.market.calendar import Frequency

SLEEVES = {
    "momentum_weight": "momentum",
    "market_cap_weight": "market_cap",
    "risk_parity_weight": "inverse_volatility",
}
DESCRIPTION = (
    "A weekly blend of momentum (40 %), market capitalisation (30 %) and inverse volatility (30 %) over "
    "20 US large caps. It reads adjusted closes, so its level includes reinvested distributions: it "
    "behaves like a total return index, and calling it a price return would mislead. Market "
    "capitalisation is a labelled proxy: approximate constant shares times the adjusted close. The "
    "universe was chosen in 2022 from companies that had survived until then, so its history flatters "
    "(survivorship bias). " + FLOOR_NOTE
)


class InvalidConfiguration(Invalid):
    """A strategy configuration that breaks rules; ``errors`` names every bad field."""


class NotConfigurable(Invalid):
    """A definition whose strategy is not the three-way blend of the configuration."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StrategyConfiguration:
    """The ten parameters of the default index. Weights, returns and thresholds are fractions."""

    momentum_weight: float = 0.4
    market_cap_weight: float = 0.3
    risk_parity_weight: float = 0.3
    min_price_threshold: float = 1.0
    max_daily_return: float = 0.5
    min_daily_return: float = -0.5
    max_forward_fill_days: int = 2
    outlier_std_threshold: float = 3.0
    rebalance_frequency: Frequency = Frequency.WEEKLY
    daily_drop_threshold: float | None = -0.05

    def checked(self) -> Self:
        """Return self, or raise InvalidConfiguration with every broken rule."""
        errors = list(_errors(self))
        if errors:
            raise InvalidConfiguration("The strategy configuration is not valid.", errors=errors)
        return self

    def applied_to(self, definition: IndexDefinition) -> IndexDefinition:
        """Return ``definition`` with this configuration; parameters inside its sleeves are kept."""
        self.checked()
        kept = {str(sleeve["strategy"]): sleeve for sleeve in _sleeves(definition)}
        sleeves = [
            {**kept.get(name, {"strategy": name}), "weight": getattr(self, weight)}
            for weight, name in SLEEVES.items()
        ]
        return replace(
            definition,
            strategy=StrategySpec(name="blend", params={"sleeves": sleeves}),
            schedule=replace(
                definition.schedule,
                frequency=Frequency(self.rebalance_frequency),
                daily_drop_threshold=self.daily_drop_threshold,
            ),
            guards=replace(
                definition.guards,
                min_price=self.min_price_threshold,
                max_forward_fill_days=self.max_forward_fill_days,
                min_daily_return=self.min_daily_return,
                max_daily_return=self.max_daily_return,
                outlier_std_threshold=self.outlier_std_threshold,
            ),
        )

    @classmethod
    def of(cls, definition: IndexDefinition) -> Self:
        """Read the configuration back from a definition, or raise NotConfigurable."""
        weights = {str(sleeve["strategy"]): float(sleeve["weight"]) for sleeve in _sleeves(definition)}
        if not weights or not set(weights) <= set(SLEEVES.values()):
            raise NotConfigurable("The index is not a blend of momentum, market cap and inverse volatility.")
        guards, schedule = definition.guards, definition.schedule
        return cls(
            momentum_weight=weights.get("momentum", 0.0),
            market_cap_weight=weights.get("market_cap", 0.0),
            risk_parity_weight=weights.get("inverse_volatility", 0.0),
            min_price_threshold=guards.min_price,
            max_daily_return=guards.max_daily_return,
            min_daily_return=guards.min_daily_return,
            max_forward_fill_days=guards.max_forward_fill_days,
            outlier_std_threshold=guards.outlier_std_threshold,
            rebalance_frequency=schedule.frequency,
            daily_drop_threshold=schedule.daily_drop_threshold,
        )


def default_definition() -> IndexDefinition:
    """Return the definition of the Waardhaven AutoIndex."""
    bare = IndexDefinition(
        slug="autoindex",
        name="Waardhaven AutoIndex",
        base_date=date(2000, 1, 3),
        base_value=100.0,
        currency="USD",
        universe="sample-us20",
        strategy=StrategySpec(name="blend"),
        series=SeriesPolicy(source="sample", adjustment=Adjustment.ALL),
        calendar="XNYS",
        schedule=Schedule(),
        benchmark="SPX",
        description=DESCRIPTION,
    )
    return StrategyConfiguration().applied_to(bare)


def _sleeves(definition: IndexDefinition) -> list[dict[str, Any]]:
    found = definition.strategy.params.get("sleeves") if definition.strategy.name == "blend" else None
    return [dict(sleeve) for sleeve in found] if isinstance(found, list | tuple) else []


def _errors(configuration: StrategyConfiguration) -> Iterator[FieldError]:
    for weight in SLEEVES:
        yield from out_of_range(weight, getattr(configuration, weight), 0.0, 1.0)
    ranges = {
        "min_price_threshold": (0.01, 1e6),
        "max_daily_return": (0.01, 10.0),
        "min_daily_return": (-1.0, -0.01),
        "outlier_std_threshold": (1.0, 10.0),
    }
    for field, (low, high) in ranges.items():
        yield from out_of_range(field, getattr(configuration, field), low, high)
    yield from not_whole("max_forward_fill_days", configuration.max_forward_fill_days, 0, 30)
    if configuration.rebalance_frequency not in set(Frequency):
        yield FieldError(field="rebalance_frequency", rule=f"must be one of {', '.join(Frequency)}")
    if configuration.daily_drop_threshold is not None:
        yield from out_of_range("daily_drop_threshold", configuration.daily_drop_threshold, -1.0, 0.0)
    yield from _sum_errors(configuration)


def _sum_errors(configuration: StrategyConfiguration) -> Iterator[FieldError]:
    weights = [getattr(configuration, weight) for weight in SLEEVES]
    if all(isinstance(weight, int | float) for weight in weights) and not abs(sum(weights) - 1.0) <= 0.001:
        yield FieldError(
            field="momentum_weight,market_cap_weight,risk_parity_weight", rule="must sum to 1 ± 0.001"
        )
