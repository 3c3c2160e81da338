"""Which sources are set up, from what was configured."""

from collections.abc import Mapping
from typing import Any

import pytest
from tests.fakes.clock import FakeClock
from tests.fakes.provider_gate import FakeProviderGate

from waardhaven.adapters.outbound.http_session.session import HttpSession
from waardhaven.adapters.outbound.market_data.registry import (
    BEYOND_ECB,
    SOURCES,
    MarketSettings,
    Offer,
    Surroundings,
    fixings,
    offers,
)
from waardhaven.adapters.outbound.market_data.twelvedata.plans import PLANS
from waardhaven.application.ports.market_data import Capability, MarketData
from waardhaven.domain.market.currency import CURRENCIES

TWELVE: Mapping[str, Any] = {"twelvedata_api_key": "key-of-twelve-data"}
EODHD: Mapping[str, Any] = {"eodhd_api_key": "key-of-eodhd"}


def around(**configured: Any) -> Surroundings:
    return Surroundings(
        settings=MarketSettings(**configured), http=HttpSession(), gate=FakeProviderGate(), clock=FakeClock()
    )


def only(**configured: Any) -> Offer:
    (offer,) = offers(around(**configured))
    return offer


def test_nothing_is_set_up_without_a_key():
    assert offers(around()) == []
    assert fixings(around(), []) == ()


def test_twelve_data_is_asked_before_eodhd():
    found = offers(around(**EODHD, **TWELVE))
    assert [one.source.name for one in found] == ["twelvedata", "eodhd"]
    assert len(SOURCES) == 2


@pytest.mark.parametrize("configured", [TWELVE, EODHD])
def test_key_sets_its_own_provider_up_and_no_other(configured: Mapping[str, Any]):
    offer = only(**configured)
    assert MarketData in type(offer.source).__mro__
    assert offer.info.name == offer.source.name
    assert offer.info.capabilities == offer.source.capabilities
    assert offer.info.keyed


def test_eodhd_offers_all_but_shares_and_is_refreshed_with_what_is_new():
    offer = only(**EODHD)
    assert offer.info.capabilities == frozenset(Capability) - {Capability.SHARES}
    assert (offer.refresh_mode, offer.fx) == ("smart", ())
    assert (offer.info.per_minute, offer.info.per_day, offer.info.plan) == (1000, 100_000, None)


@pytest.mark.parametrize("plan", PLANS)
def test_twelve_data_offers_what_its_plan_has(plan: str):
    offer = only(**TWELVE, twelvedata_plan=plan)
    assert offer.info.plan == plan
    assert offer.info.capabilities == PLANS[plan].capabilities
    assert offer.info.per_minute == PLANS[plan].allotment.per_minute
    assert offer.refresh_mode == PLANS[plan].refresh


def test_higher_step_of_a_plan_has_more_a_minute():
    assert only(**TWELVE, twelvedata_plan="grow", twelvedata_rate_limit=377).info.per_minute == 377


@pytest.mark.parametrize("key", ["", "with space", "clé"])
def test_key_that_can_be_none_is_refused_without_being_repeated(key: str):
    for name in ("twelvedata_api_key", "eodhd_api_key"):
        with pytest.raises(ValueError, match="The key of") as caught:
            offers(around(**{name: key}))
        assert not key or key not in str(caught.value)


def test_nothing_that_is_set_up_shows_a_key():
    made = around(**EODHD, **TWELVE)
    texts = [repr(made), repr(offers(made)), repr([vars(one.source) for one in offers(made)])]
    assert not [one for one in texts if "key-of" in one]


def test_euro_fixing_comes_before_the_rates_of_providers():
    made = around(**TWELVE, ecb_rates="rates.csv")
    ecb, twelve = fixings(made, offers(made))
    assert (ecb.name, ecb.fixing, twelve.name, twelve.fixing) == ("ecb", "ECB", "twelvedata", "TWELVEDATA")


def test_every_fixing_has_a_name_of_its_own():
    made = around(**TWELVE, **EODHD, ecb_rates="rates.csv")
    found = fixings(made, offers(made))
    assert len({one.fixing for one in found}) == len(found) == 2


def test_currencies_beyond_the_euro_fixing_are_ones_that_can_be_chosen():
    assert set(BEYOND_ECB) <= set(CURRENCIES)
