"""Small pieces of market for the suites: listings, series and bars in one line each."""

from collections.abc import Sequence
from datetime import date

import numpy as np
from tests.contract.conftest import Stores

from waardhaven.application.ports.market_facts import Listing, SeriesKey
from waardhaven.domain.index.definition import Adjustment, SeriesPolicy
from waardhaven.domain.market.prices import PriceColumns
from waardhaven.domain.types import AssetId, Days, SeriesId

NAN = float("nan")
POLICY = SeriesPolicy(source="sample", adjustment=Adjustment.RAW)
COLUMNS = ("series", "day", "open", "high", "low", "close", "volume")


def a_listing(symbol: str = "AAA", **changes: str) -> Listing:
    plain = {"mic": "XNYS", "name": f"{symbol} Inc.", "asset_type": "equity", "currency": "USD"}
    return Listing(symbol=symbol, **{**plain, **changes})


async def some_assets(stores: Stores, *symbols: str) -> list[AssetId]:
    known = await stores.facts.register_assets([a_listing(one) for one in symbols])
    return [known[one, "XNYS"] for one in symbols]


async def some_series(stores: Stores, count: int = 1) -> list[SeriesId]:
    """Return new series, in increasing order."""
    assets = await some_assets(stores, *(f"S{place}" for place in range(count)))
    keys = [
        SeriesKey(
            asset=one, source=POLICY.source, adjustment=POLICY.adjustment, currency="USD", quote_unit="USD"
        )
        for one in assets
    ]
    return sorted((await stores.facts.register_series(keys)).values())


def bars(
    series: int | Sequence[int], days: Sequence[str | date] | Days, close: Sequence[float], **others: float
) -> PriceColumns:
    """Return bars of which only the close is known, unless said otherwise."""
    count = len(close)
    return PriceColumns(
        series=np.broadcast_to(np.array(series, dtype=np.int64), count).copy(),
        day=np.array(days, dtype="datetime64[D]"),
        close=np.array(close, dtype=np.float64),
        **{name: np.full(count, others.get(name, NAN)) for name in ("open", "high", "low", "volume")},
    )


def same(one: PriceColumns, other: PriceColumns) -> bool:
    """Tell whether two sets of bars agree in every bit, types included."""
    pairs = [(getattr(one, name), getattr(other, name)) for name in COLUMNS]
    return all(a.dtype == b.dtype and a.tobytes() == b.tobytes() for a, b in pairs)
