"""A strategy of the registry, and a strategy with its parameters bound."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from waardhaven.domain.index.family import Family
from waardhaven.domain.index.strategies.estimation import Preflight
from waardhaven.domain.index.strategies.parameters import Parameter, describe
from waardhaven.domain.index.strategies.signals import Signals
from waardhaven.domain.types import Floats

P = TypeVar("P")


def _never(_: Any) -> bool:
    return False


def _none_broken(_: Any) -> tuple[tuple[str, str], ...]:
    return ()


def _no_figures(_: Any, __: Signals) -> Mapping[str, Floats]:
    return {}


def _no_preflight(_: Any, __: Signals) -> Preflight | None:
    return None


def _no_components(_: Any, __: Signals) -> "tuple[Component, ...]":
    return ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Strategy(Generic[P]):
    """A rule that turns signals into weights.

    ``lookback(params)``: sessions of returns needed up to and including the selection day.
    ``weigh(params, signals)``: weights (r, k), each row summing to 1, or to 0 where the strategy can
    weigh nothing. Never NaN; exactly 0 for an ineligible asset, whose figures must not be used.
    ``broken_rules(params)``: (parameter, rule) for every rule between parameters that is broken, asked once
    each of them is valid alone. ``holds_cash``: rows may sum to less than 1, and the rest is cash.
    ``family`` decides how corporate actions between reviews are treated. To show the working:
    ``figures(params, signals)``: what the weights were derived from by name, each (r, k), NaN unknown;
    ``preflight(params, signals)``: what the covariance of the first review is worth, None where none is read;
    ``components(params, signals)``: the strategies this one is put together from.
    """

    name: str
    title: str
    description: str
    params: type[P]
    lookback: Callable[[P], int]
    weigh: Callable[[P, Signals], Floats]
    uses_market_cap: Callable[[P], bool] = _never
    broken_rules: Callable[[P], Iterable[tuple[str, str]]] = _none_broken
    holds_cash: bool = False
    family: Family = Family.NON_CAP_WEIGHTED
    figures: Callable[[P, Signals], Mapping[str, Floats]] = _no_figures
    preflight: Callable[[P, Signals], Preflight | None] = _no_preflight
    components: "Callable[[P, Signals], tuple[Component, ...]]" = _no_components

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """Names, types, defaults, bounds and meanings, for catalogues."""
        return describe(self.params)


@dataclass(frozen=True, slots=True, kw_only=True)
class BoundStrategy:
    """A strategy with checked parameters."""

    strategy: Strategy[Any]
    params: Any

    @property
    def name(self) -> str:
        """Name of the strategy."""
        return self.strategy.name

    @property
    def lookback(self) -> int:
        """Sessions of returns needed up to and including the selection day."""
        return self.strategy.lookback(self.params)

    @property
    def uses_market_cap(self) -> bool:
        """Whether an unknown market cap keeps a name out."""
        return self.strategy.uses_market_cap(self.params)

    def weigh(self, signals: Signals) -> Floats:
        """Return weights (r, k); see Strategy."""
        return self.strategy.weigh(self.params, signals)

    def figures(self, signals: Signals) -> Mapping[str, Floats]:
        """Return what the weights are derived from, by name; see Strategy."""
        return self.strategy.figures(self.params, signals)

    def preflight(self, signals: Signals) -> Preflight | None:
        """Return what the covariance of the first review is worth; see Strategy."""
        return self.strategy.preflight(self.params, signals)

    def components(self, signals: Signals) -> "tuple[Component, ...]":
        """Return the strategies this one is put together from, none for a plain one."""
        return self.strategy.components(self.params, signals)


@dataclass(frozen=True, slots=True, kw_only=True)
class Component:
    """A strategy within another one: its share (a fraction) and the signals as it sees them."""

    share: float
    strategy: BoundStrategy
    signals: Signals
