"""A market that comes whole, with its own instruments and universes."""

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Protocol

from waardhaven.application.ports.fx_rates import FxRates
from waardhaven.application.ports.market_data import MarketData
from waardhaven.application.ports.market_facts import Listing


@dataclass(frozen=True, slots=True, kw_only=True)
class UniverseMembers:
    """A named list of listings, members from ``start`` on."""

    slug: str
    name: str
    listings: tuple[Listing, ...]
    start: date


class MarketPackage(MarketData, FxRates, Protocol):
    """Instruments, prices, facts and rates in one: nothing has to be named to it."""

    @abstractmethod
    async def listings(self) -> Sequence[Listing]:
        """Return the instruments there are; raise CorruptSource."""

    @abstractmethod
    async def universes(self) -> Sequence[UniverseMembers]:
        """Return named universes; raise CorruptSource."""
