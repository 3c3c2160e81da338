"""Builders of domain objects with plain defaults; tests say only what matters to them."""

from dataclasses import replace
from datetime import date
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np

from waardhaven.domain.index.autoindex import default_definition
from waardhaven.domain.index.definition import (
    Adjustment,
    Guards,
    IndexDefinition,
    Schedule,
    SeriesPolicy,
    StrategySpec,
)
from waardhaven.domain.index.inputs import IndexInputs
from waardhaven.domain.market.calendar import Frequency
from waardhaven.domain.market.prices import PricePanel
from waardhaven.domain.types import Days, Flags, Floats

WARM_UP = 90
"""Sessions before the base date in made-up inputs: more than any strategy here needs."""


def days(*text: str) -> Days:
    """Return days from ISO text."""
    return np.array(text, dtype="datetime64[D]")


def sessions(count: int, start: str = "2020-01-01") -> Days:
    """Return ``count`` weekdays from ``start`` on."""
    span = np.datetime64(start, "D") + np.arange(count * 7 // 5 + 7)
    return span[(span.astype(np.int64) + 3) % 7 < 5][:count]


def a_definition(
    strategy: str = "equal_weight",
    params: dict[str, object] | None = None,
    *,
    base: np.datetime64 | str = "2020-05-06",
    frequency: Frequency = Frequency.WEEKLY,
    lag: int = 1,
    drop: float | None = None,
    adjustment: Adjustment = Adjustment.RAW,
    guards: Guards | None = None,
    **changes: Any,
) -> IndexDefinition:
    """Return a valid definition; by default weekly equal weight without drop reviews or price floor."""
    made = IndexDefinition(
        slug="an-index",
        name="An index",
        base_date=date.fromisoformat(str(base)),
        base_value=100.0,
        currency="USD",
        universe="a-universe",
        strategy=StrategySpec(name=strategy, params=params or {}),
        series=SeriesPolicy(source="sample", adjustment=adjustment),
        schedule=Schedule(frequency=frequency, lag=lag, daily_drop_threshold=drop),
        guards=guards or Guards(min_price=0.0),
    )
    return replace(made, **changes)


def some_inputs(
    close: Floats,
    *,
    axis: Days | None = None,
    assets: list[int] | None = None,
    fx: Floats | None = None,
    shares: Floats | None = None,
    member: Flags | None = None,
) -> IndexInputs:
    """Return inputs around closes (n, k): one currency, 1000 shares, every asset a member."""
    close = np.ascontiguousarray(close, dtype=np.float64)
    ids = np.arange(1, close.shape[1] + 1) if assets is None else np.array(assets)
    return IndexInputs(
        panel=PricePanel(
            days=sessions(len(close)) if axis is None else axis, assets=ids.astype(np.int64), close=close
        ),
        fx=np.ones_like(close) if fx is None else fx,
        shares=np.full_like(close, 1000.0) if shares is None else shares,
        member=np.ones(close.shape, dtype=np.bool_) if member is None else member,
    )


def warmed(close: Floats, flat: Floats | None = None) -> Floats:
    """Put WARM_UP sessions of a flat price (the first of each column unless given) before ``close``."""
    close = np.asarray(close, dtype=np.float64)
    return np.vstack([np.tile(close[0] if flat is None else flat, (WARM_UP, 1)), close])


def random_closes(
    seed: int, rows: int, columns: int, *, gaps: float = 0.0, volatility: float = 0.02
) -> Floats:
    """Return seeded random-walk closes (rows, columns); each bar is missing with probability ``gaps``."""
    rng = np.random.default_rng(seed)
    moves = rng.standard_t(5, (rows, columns)) * volatility * rng.uniform(0.3, 1.5, columns)
    close = 50.0 * np.exp(np.add.accumulate(np.clip(moves, -0.3, 0.3), axis=0))
    close[rng.random((rows, columns)) < gaps] = np.nan
    return close


def cut(inputs: IndexInputs, rows: slice) -> IndexInputs:
    """Return the inputs of some rows of the session axis."""
    panel = inputs.panel
    return replace(
        inputs,
        panel=PricePanel(days=panel.days[rows], assets=panel.assets, close=panel.close[rows].copy()),
        fx=inputs.fx[rows],
        shares=inputs.shares[rows],
        member=inputs.member[rows],
    )


@cache
def sample_inputs() -> IndexInputs:
    """Return the packaged sample market: 20 US stocks, 1990 to 2022, with the market-cap proxy."""
    import polars as pl

    folder = files("waardhaven.adapters.outbound.market_data") / "sample_data"
    listed = pl.read_csv(str(folder / "assets.csv")).drop_nulls("shares_outstanding_approx").sort("symbol")
    symbols = listed["symbol"].to_list()
    long = pl.read_parquet(str(folder / "prices.parquet")).filter(pl.col("symbol").is_in(symbols))
    wide = long.sort("date").pivot(on="symbol", index="date", values="close").select("date", *symbols)
    close = wide.drop("date").to_numpy()
    shares = np.tile(listed["shares_outstanding_approx"].to_numpy().astype(np.float64), (len(close), 1))
    return some_inputs(close, axis=wide["date"].to_numpy().astype("datetime64[D]"), shares=shares)


def autoindex() -> IndexDefinition:
    """Return the definition of the default index."""
    return default_definition()
