"""Settings of market data: what stops the start, and what they come to."""

import pytest
from tests.conftest import SECRET

from waardhaven.adapters.outbound.http_session.addresses import Reach
from waardhaven.adapters.outbound.market_data.cached import KeepFor
from waardhaven.adapters.outbound.market_data.registry import MarketSettings
from waardhaven.bootstrap.settings import InvalidSettings, read_settings
from waardhaven.bootstrap.settings_provider import ECB_ADDRESS, market_settings

KEY = "a-key-of-somebody"


def meant(**environ: str) -> MarketSettings:
    return market_settings(read_settings({"SECRET_KEY": SECRET, **environ}))


@pytest.mark.parametrize(
    ("name", "value", "rule"),
    [
        ("ASSET_UNIVERSE", "AAPL,a b", "must be symbols as SYM or SYM:MIC"),
        ("TWELVEDATA_PLAN", "gold", "Invalid enum value"),
        ("TWELVEDATA_RATE_LIMIT", "0", ">= 1"),
        ("TWELVEDATA_URL", "http://example.org", "must be https://"),
        ("EODHD_URL", "ftp://example.org", "must start with https://"),
        ("ECB_RATES", "http://example.org/x.zip", "must be https://"),
        ("TWELVEDATA_URL", "https://user:secret@example.org", "must be https://"),
        ("QUOTE_CACHE_SECONDS", "59", ">= 60"),
        ("RATE_CACHE_SECONDS", "3601", "<= 3600"),
    ],
)
def test_malformed_value_stops_the_start_and_is_named(name: str, value: str, rule: str):
    with pytest.raises(InvalidSettings) as refused:
        read_settings({name: value})
    assert [one.field for one in refused.value.errors] == [name]
    assert rule in refused.value.errors[0].rule


def test_keys_are_shown_nowhere():
    settings = meant(TWELVEDATA_API_KEY=KEY, EODHD_API_KEY=KEY)
    assert KEY not in repr(settings)


def test_euro_fixing_is_read_beside_a_provider_and_where_it_is_asked_for():
    assert meant().ecb_rates is None
    assert meant(TWELVEDATA_API_KEY=KEY).ecb_rates == ECB_ADDRESS
    assert meant(ECB_RATES="ecb").ecb_rates == ECB_ADDRESS
    assert meant(ECB_RATES="/data/rates.zip", EODHD_API_KEY=KEY).ecb_rates == "/data/rates.zip"


def test_this_machine_is_reached_only_where_it_was_named():
    assert meant(TWELVEDATA_API_KEY=KEY).reach is Reach.PUBLIC
    assert meant(TWELVEDATA_URL="https://proxy.example.org").reach is Reach.PUBLIC
    assert meant(TWELVEDATA_URL="http://127.0.0.1:9000").reach is Reach.LOOPBACK


def test_answers_are_kept_as_long_as_was_set():
    kept = meant(QUOTE_CACHE_SECONDS="120", SEARCH_CACHE_SECONDS="60").keep
    assert kept == KeepFor(quotes=120, rates=300, searches=60)
