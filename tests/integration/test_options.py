"""Options over the published sample market: spot and volatility from stored closes."""

import io
import json
from collections.abc import Callable

import numpy as np
import polars as pl
import pytest
from tests.integration.test_http_over_real_servers import Api, running
from tests.unit.application.world import a_listing

from waardhaven.adapters.inbound.http.negotiation import ARROW
from waardhaven.application.ports.market_facts import ActionFact, MarketFacts, SeriesKey
from waardhaven.application.ports.price_store import PriceStore
from waardhaven.bootstrap.settings import Settings
from waardhaven.domain.index.definition import Adjustment
from waardhaven.domain.market.prices import PriceColumns
from waardhaven.domain.quant.options.contracts import Options
from waardhaven.domain.quant.options.valuation import evaluate
from waardhaven.domain.quant.volatility import VOLATILITY_ESTIMATORS, Bars, estimate

PATH = "/api/v1/blackscholes"
RANGED = [name for name, one in VOLATILITY_ESTIMATORS.items() if one.needs_ranges]
DAYS = np.busday_offset("2022-01-03", np.arange(400), roll="forward").astype("datetime64[D]")
SPLIT, LACKING = 300, 350


async def test_spot_and_volatility_left_out_come_from_the_sample_market(
    published_url: str, valkey_url: str, settings_for: Callable[..., Settings]
) -> None:
    settings = settings_for(published_url, redis_url=valkey_url)
    asked = {
        "option_type": "call",
        "strike_price": 150.0,
        "time_to_expiry": 0.5,
        "risk_free_rate": 0.04,
        "symbol": "AAPL",
    }
    async with running(settings, cache_namespace=published_url) as api:
        answered = await api.client.post(PATH, json=asked)
        unknown = await api.client.post(PATH, json=asked | {"symbol": "NOPE"})
        closes = (await api.client.get("/api/v1/index/assets/AAPL/history")).json()
        catalogue = await api.client.get("/api/v1/option-models")
    assert answered.status_code == 200, answered.text
    body = answered.json()
    spot, volatility = body["stored_spot"], body["estimated_volatility"]
    assert (spot["symbol"], spot["day"]) == ("AAPL", closes["dates"][-1])
    assert (volatility["estimator"], volatility["window"]) == ("close_to_close", 252)
    assert 0.1 < volatility["volatility"] < 1.0
    options = Options.of(
        spot=spot["close"], strike=150.0, time=0.5, volatility=volatility["volatility"], rate=0.04
    )
    expected = evaluate(options).values["price"][0]
    assert body["figures"]["price"]["values"] == [pytest.approx(expected, rel=1e-14)]
    assert unknown.status_code == 404
    assert catalogue.status_code == 200


async def test_ranges_of_stored_bars_estimate_volatility_on_both_sides_of_a_split(
    published_url: str, valkey_url: str, settings_for: Callable[..., Settings]
) -> None:
    settings = settings_for(published_url, redis_url=valkey_url)
    asked = {"option_type": "put", "strike_price": 50.0, "time_to_expiry": 0.5, "exercise": "american"}
    rows = traded_bars()
    async with running(settings, cache_namespace=published_url) as api:
        await store(api, rows)
        found, closes_alone = {}, []
        for name in RANGED:
            told = asked | {"volatility_estimator": name}
            answered = await api.client.post(PATH, json=told | {"symbol": "RNGE"})
            assert answered.status_code == 200, answered.text
            found[name] = answered.json()
            closes_alone.append(await api.client.post(PATH, json=told | {"symbol": "AAPL"}))
    kept = np.arange(len(DAYS)) != LACKING
    for name, answer in found.items():
        estimator = VOLATILITY_ESTIMATORS[name]
        told = answer["estimated_volatility"]
        expected = estimate(
            Bars(**{column: one[kept] for column, one in rows.items()}),
            estimator=estimator,
            window=252,
            periods_per_year=252.0,
        )
        assert told["volatility"] == pytest.approx(expected.volatility, rel=1e-12)
        assert (told["estimator"], told["window"], told["bars"]) == (name, 252, 252 + estimator.before)
        assert (told["left_out"], told["adjust"], told["last"]) == (1, "all", str(DAYS[-1]))
        assert answer["figures"]["price"]["values"][0] > 0.0
    assert len({one["estimated_volatility"]["volatility"] for one in found.values()}) == len(RANGED)
    for answered in closes_alone:
        assert answered.status_code == 422, "the sample market has closes alone"
        assert answered.json()["errors"][0]["field"] == "volatility_estimator"


async def test_many_options_of_a_table_are_valued_by_processes_as_the_domain_does(
    published_url: str, valkey_url: str, settings_for: Callable[..., Settings]
) -> None:
    settings = settings_for(published_url, redis_url=valkey_url)
    strikes, body = np.linspace(100.0, 200.0, 80_000), io.BytesIO()
    pl.DataFrame({"strike_price": strikes}).write_ipc_stream(body, compat_level=pl.CompatLevel.oldest())
    how = {"option_type": "put", "time_to_expiry": 0.5, "risk_free_rate": 0.04, "spot_price": 150.0}
    headers = {"Content-Type": ARROW, "Accept": ARROW}
    async with running(settings, cache_namespace=published_url) as api:
        params = {"settings": json.dumps(how | {"volatility": 0.3})}
        answered = await api.client.post(PATH, content=body.getvalue(), params=params, headers=headers)
        broken = await api.client.post(PATH, content=body.getvalue()[:-900], params=params, headers=headers)
    assert answered.status_code == 200, answered.text
    frame = pl.read_ipc_stream(answered.content)
    expected = evaluate(
        Options.of(spot=150.0, strike=strikes, time=0.5, volatility=0.3, rate=0.04, is_call=False)
    )
    for name, column in expected.values.items():
        np.testing.assert_array_equal(frame[name].to_numpy(), column)
    assert broken.status_code == 422


def traded_bars() -> dict[str, np.ndarray]:
    """Return bars of ``DAYS`` adjusted for the split; the high of one is not known."""
    random = np.random.default_rng(11)
    close = 50.0 * np.exp(random.normal(0.0, 0.02, len(DAYS)).cumsum())
    opened = close * np.exp(random.normal(0.0, 0.01, len(DAYS)))
    high = np.maximum(opened, close) * np.exp(random.random(len(DAYS)) * 0.01)
    low = np.minimum(opened, close) * np.exp(-random.random(len(DAYS)) * 0.01)
    high[LACKING] = np.nan
    return {"open": opened, "high": high, "low": low, "close": close}


async def store(api: Api, rows: dict[str, np.ndarray]) -> None:
    """Store the bars as they were traded, before and after a split of one into four."""
    facts, prices = await api.container.get(MarketFacts), await api.container.get(PriceStore)
    (asset,) = (await facts.register_assets([a_listing("RNGE")])).values()
    key = SeriesKey(asset=asset, source="sample", adjustment=Adjustment.RAW, currency="USD", quote_unit="USD")
    series = (await facts.register_series([key]))[key]
    factor = np.where(np.arange(len(DAYS)) < SPLIT, 4.0, 1.0)
    size = len(DAYS)
    await prices.write(
        PriceColumns(
            series=np.full(size, series, dtype=np.int64),
            day=DAYS,
            volume=np.full(size, np.nan),
            **{name: one * factor for name, one in rows.items()},
        )
    )
    split = ActionFact(
        asset=asset,
        key="split",
        source="sample",
        kind="split",
        status="confirmed",
        ex_date=DAYS[SPLIT].astype(object),
        ratio="4",
    )
    await facts.write_actions([split])
