"""Options asked for over HTTP, and a world that answers about them without stored prices."""

import io
import json
from datetime import date
from pathlib import Path
from typing import Any, cast

import polars as pl
from httpx import AsyncClient, Response
from tests.fakes.compute_pool import FakeModelPool
from tests.unit.adapters.http.world import World
from tests.unit.application.jobs.office import Office

from waardhaven.adapters.inbound.http.negotiation import ARROW
from waardhaven.adapters.outbound.compute_pool.pools import ThreadComputePool
from waardhaven.application.jobs.ask_options import AskOptions
from waardhaven.application.quant.catalogue import ListOptionModels
from waardhaven.application.quant.market_inputs import EstimateView, MarketInputs, SpotView
from waardhaven.application.quant.option_question import OptionQuestion
from waardhaven.application.quant.price_options import PriceOptions

PATH = "/api/v1/blackscholes"
ASKED = {
    "option_type": "call",
    "strike_price": 95.0,
    "time_to_expiry": 0.5,
    "spot_price": 100.0,
    "volatility": 0.2,
    "risk_free_rate": 0.02,
}
SPOT = SpotView(
    symbol="AAPL", mic="XNAS", source="s", day=date(2024, 5, 31), close=100.0, quote_unit="USD", adjust="raw"
)
ESTIMATE = EstimateView(
    symbol="AAPL",
    mic="XNAS",
    source="s",
    estimator="close_to_close",
    window=252,
    bars=253,
    left_out=0,
    first=date(2023, 5, 31),
    last=date(2024, 5, 31),
    adjust="all",
    periods_per_year=252.0,
    volatility=0.2,
)


class Inputs:
    """What stored prices say of every symbol."""

    async def __call__(self, question: OptionQuestion) -> MarketInputs:
        return MarketInputs(
            spot=SPOT if question.needs_spot else None,
            volatility=ESTIMATE if question.needs_volatility else None,
        )


def options_world(vendored: Path, models: FakeModelPool) -> World:
    threads, inputs = ThreadComputePool(), cast("Any", Inputs())
    return World(
        vendored=vendored,
        asked={
            AskOptions: AskOptions(threads, PriceOptions(threads, models, inputs), Office().submit),
            ListOptionModels: ListOptionModels(),
        },
    )


async def table(
    client: AsyncClient, columns: dict[str, Any], accept: str = ARROW, **settings: Any
) -> Response:
    buffer = io.BytesIO()
    pl.DataFrame(columns).write_ipc_stream(buffer, compat_level=pl.CompatLevel.oldest())
    return await client.post(
        PATH,
        content=buffer.getvalue(),
        params={"settings": json.dumps(settings)} if settings else {},
        headers={"Content-Type": ARROW, "Accept": accept},
    )
