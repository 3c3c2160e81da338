"""What a payoff is to the engine: it follows a block of paths and says what each is worth today."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar, Protocol

import numpy as np

from waardhaven.domain.quant.monte_carlo.market import Setting
from waardhaven.domain.quant.monte_carlo.refusals import AMOUNT, Rules, within
from waardhaven.domain.types import Floats


class Kind(StrEnum):
    """What an option gives the right to."""

    CALL = "call"
    PUT = "put"

    @property
    def sign(self) -> float:
        """1 for a call, -1 for a put."""
        return 1.0 if self is Kind.CALL else -1.0


class Follower(Protocol):
    """Reads the steps of a block in order, then tells the worth of each path."""

    def see(self, step: int, growth: Floats) -> None:
        """Read log(S_t / S_0) (assets, width) after ``step`` (from 1); the array is used again."""
        ...  # pragma: no cover

    def worth(self) -> Floats:
        """Return what each path pays (width,), discounted to today."""
        ...  # pragma: no cover


@dataclass(frozen=True, slots=True, kw_only=True)
class Payoff(ABC):
    """Terms of a contract. ``controls`` are those that suit it, the best first."""

    kind: Kind
    strike: float
    controls: ClassVar[tuple[str, ...]] = ()
    monitored: ClassVar[bool] = False
    """It looks at every step: the number of steps is a term of the contract."""

    def rules(self, setting: Setting) -> Rules:
        """Return the rules of its terms."""
        return {
            "payoff.strike": (within(self.strike, 0.0, AMOUNT), f"must be from 0 to {AMOUNT:g}"),
            "market.spot": (setting.market.assets == 1, "must be one asset for this payoff"),
        }

    def prepared(self, setting: Setting, seed: int) -> object:  # noqa: ARG002
        """Return what is computed once a run and read by all chunks; None for most."""
        return None

    @abstractmethod
    def follower(self, setting: Setting, width: int, prepared: object) -> Follower:
        """Return a follower of a block of ``width`` paths."""

    def exercised(self, price: Floats, discount: float) -> Floats:
        """Return ``discount`` max(sign (price - strike), 0), written into ``price`` (width,)."""
        price -= self.strike
        price *= self.kind.sign
        np.maximum(price, 0.0, out=price)
        price *= discount
        return price


@dataclass(slots=True)
class AtMaturity(ABC):
    """A follower that looks at the last step alone."""

    setting: Setting
    last: Floats | None = None

    def see(self, step: int, growth: Floats) -> None:
        """Keep the last step; nobody writes to it after that."""
        if step == self.setting.steps:
            self.last = growth

    def prices(self) -> Floats:
        """Return S_T (assets, width) in a new array."""
        prices: Floats = np.exp(np.asarray(self.last, dtype=np.float64))
        prices *= self.setting.market.spot[:, None]
        return prices

    @abstractmethod
    def worth(self) -> Floats:
        """Return what each path pays."""
