"""Instruments and how callers name them."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from waardhaven.domain.errors import Conflict, Invalid, NotFound
from waardhaven.domain.types import AssetId

SYMBOL = re.compile(r"[A-Z0-9._^/=-]{1,40}")
MIC = re.compile(r"[A-Z0-9]{4}")
LARGEST_ID = 2**63 - 1
ROUND_THE_CLOCK = "CRYP"
"""The venue of crypto: no exchange in particular, every day of the UTC calendar (no code of ISO 10383)."""


class InvalidSymbol(Invalid):
    """Text that can not name an asset."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asset:
    """An instrument, identified by our ``id``. ``mic``: exchange; ``currency``: ISO 4217 code."""

    id: AssetId
    symbol: str
    mic: str
    currency: str
    asset_type: str
    name: str
    sector: str | None = None
    country: str | None = None
    archived: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SymbolRef:
    """What a caller wrote to name an asset: a symbol, a symbol on an exchange, or an asset id."""

    symbol: str | None = None
    mic: str | None = None
    id: AssetId | None = None

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read ``SYM``, ``SYM:MIC`` or an asset id; raise InvalidSymbol for anything else.

        Letters are upper-cased. Digits alone are an asset id; a numeric symbol needs its exchange.
        """
        symbol, colon, mic = text.strip().upper().partition(":")
        if not colon and symbol.isascii() and symbol.isdigit() and len(symbol) <= 19:
            return cls(id=_asset_id(symbol))
        if not SYMBOL.fullmatch(symbol) or (colon and not MIC.fullmatch(mic)):
            raise InvalidSymbol(
                "A symbol is SYM, SYM:MIC or an asset id; letters, digits and . _ ^ / = - only.",
                context={"symbol": text[:60]},
            )
        return cls(symbol=symbol, mic=mic or None)

    def __str__(self) -> str:
        """Write the reference as ``parse`` reads it."""
        if self.id is not None:
            return str(self.id)
        return f"{self.symbol}:{self.mic}" if self.mic else str(self.symbol)


def _asset_id(digits: str) -> AssetId:
    if not 1 <= int(digits) <= LARGEST_ID:
        raise InvalidSymbol(f"{digits} is no asset id.", context={"symbol": digits})
    return AssetId(int(digits))


class UnknownAsset(NotFound):
    """No asset answers to that name."""

    @classmethod
    def named(cls, ref: SymbolRef) -> Self:
        """Say which name was asked for."""
        return cls(f"There is no asset {ref}.", context={"symbol": str(ref)})


class AmbiguousSymbol(Conflict):
    """Several assets answer to that symbol; ``context["candidates"]`` lists them as SYM:MIC."""

    @classmethod
    def between(cls, ref: SymbolRef, candidates: Sequence[Asset]) -> Self:
        """List the candidates so that the caller can choose."""
        names = [f"{asset.symbol}:{asset.mic}" for asset in candidates]
        return cls(
            f"{ref} is traded on several exchanges; choose one of {', '.join(names)}.",
            context={"symbol": str(ref), "candidates": names, "ids": [asset.id for asset in candidates]},
        )
