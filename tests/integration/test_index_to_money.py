"""Money in the published sample index, over PostgreSQL and Valkey and through HTTP."""

import io
from collections.abc import Callable
from decimal import Decimal

import numpy as np
import polars as pl
import pytest
from tests.integration.test_http_over_real_servers import Begin, running
from tests.unit.adapters.http.shapes import body_schema, deviations

from waardhaven.bootstrap.settings import Settings

V1 = "/api/v1"
SIMULATE, TARGETS, HISTORY = f"{V1}/index/simulate", f"{V1}/index/targets", f"{V1}/index/history"
SINCE_2015 = {"amount": 1000, "start_date": "2015-01-01"}


@pytest.fixture
def begin(published_url: str, valkey_url: str, settings_for: Callable[..., Settings]) -> Begin:
    """Return a function that runs an application over the published sample."""
    return lambda: running(settings_for(published_url, redis_url=valkey_url), cache_namespace=published_url)


async def test_a_thousand_dollars_of_2015_are_what_the_published_levels_say(begin: Begin):
    async with begin() as api:
        found = (await api.client.post(SIMULATE, json=SINCE_2015)).json()
        levels = (await api.client.get(f"{HISTORY}?start=2015-01-02")).json()
        expected = 1000 * np.array(levels["values"]) / levels["values"][0]
        assert found["dates"] == levels["dates"]
        np.testing.assert_allclose(found["values"], expected, rtol=0, atol=0.00501)
        assert (found["start_date"], found["end_date"]) == ("2015-01-02", "2022-12-28")
        assert (found["start_value"], found["end_value"]) == (316.60551, 1215.601849)
        assert (found["amount_final"], found["profit"]) == (3839.48, 2839.48)
        days = 2917
        assert found["money_weighted_return"] == pytest.approx(3.8394841867 ** (365 / days) - 1, rel=1e-9)


async def test_a_foreign_investor_earns_the_index_and_the_currency_at_dated_rates(begin: Begin):
    """1000 EUR bought dollars at 1.2043 (2 January 2015) and sold them at 1.0640 (28 December 2022): ECB."""
    async with begin() as api:
        dollars = (await api.client.post(SIMULATE, json=SINCE_2015)).json()
        euros = (await api.client.post(SIMULATE, json=SINCE_2015 | {"currency": "eur"})).json()
        assert (1 / euros["fx_start"], 1 / euros["fx_end"]) == pytest.approx((1.2043, 1.0640), rel=1e-12)
        gained = (1 + euros["roi"]) / (1 + dollars["roi"])
        assert gained == pytest.approx(1.2043 / 1.0640, rel=1e-12)
        assert euros["amount_final"] == 4345.76
        levels = (await api.client.get(f"{HISTORY}?start=2015-01-02&currency=EUR")).json()["values"]
        expected = 1000 * np.array(levels) / levels[0]
        np.testing.assert_allclose(euros["values"], expected, rtol=0, atol=0.006)


async def test_contributions_and_fees_are_taken_into_account_over_real_years(begin: Begin):
    async with begin() as api:
        asked = SINCE_2015 | {
            "contribution": 100,
            "contribution_frequency": "monthly",
            "management_fee": 0.002,
            "entry_fee": 0.001,
        }
        found = (await api.client.post(SIMULATE, json=asked)).json()
        assert found["total_invested"] == found["invested"][-1] == 1000 + 95 * 100
        assert found["entry_fees"] == pytest.approx(10.5)
        plain = (await api.client.post(SIMULATE, json=asked | {"management_fee": 0, "entry_fee": 0})).json()
        assert plain["amount_final"] > found["amount_final"] + found["management_fees"] + found["entry_fees"]
        assert found["profit"] == pytest.approx(found["amount_final"] - 10_500, abs=0.011)
        worth = sum(
            flow * (1 + found["money_weighted_return"]) ** -(_days(found["dates"][0], day) / 365)
            for day, flow in _flows(found)
        )
        assert worth == pytest.approx(0.0, abs=0.01)


def _flows(found: dict[str, list[float]]) -> list[tuple[str, float]]:
    paid = np.diff(np.array(found["invested"]), prepend=0.0)
    flows = [(found["dates"][i], -float(paid[i])) for i in np.flatnonzero(paid)]
    return [*flows, (found["dates"][-1], found["values"][-1])]


def _days(first: str, last: str) -> int:
    return int((np.datetime64(last) - np.datetime64(first)).astype(int))


@pytest.mark.parametrize(
    ("changes", "field", "nearest"),
    [
        ({"amount": 1e308}, "amount", "1000000000000.0"),
        ({"amount": 0}, "amount", "0.01"),
        ({"start_date": "1999-12-31"}, "start_date", "2000-01-03"),
        ({"start_date": "2022-12-29"}, "start_date", "2022-12-28"),
        ({"end_date": "2014-12-31"}, "end_date", "2015-01-02"),
        ({"currency": "XXX"}, "currency", "MXN"),
    ],
)
async def test_what_can_not_be_simulated_names_the_nearest_that_can(
    begin: Begin, changes: dict[str, object], field: str, nearest: str
):
    async with begin() as api:
        response = await api.client.post(SIMULATE, json=SINCE_2015 | changes)
        assert response.status_code == 422
        (broken,) = response.json()["errors"]
        assert broken["field"] == field
        assert nearest in broken["rule"]


@pytest.mark.parametrize("currency", ["USD", "EUR", "JPY"])
async def test_ten_thousand_are_held_in_whole_shares_of_every_name_to_the_cent(begin: Begin, currency: str):
    async with begin() as api:
        amount = 10_000_000 if currency == "JPY" else 10_000
        found = (await api.client.post(TARGETS, json={"amount": amount, "currency": currency})).json()
        current = (await api.client.get(f"{V1}/index/current")).json()
        assert [one["symbol"] for one in found["allocations"]] == [
            one["symbol"] for one in current["allocations"]
        ]
        assert [one["target_weight"] for one in found["allocations"]] == [
            one["weight"] for one in current["allocations"]
        ]
        total = sum(Decimal(one["value"]) for one in found["allocations"])
        assert total + Decimal(found["cash_left"]) == Decimal(found["amount"]) == amount
        assert 0 <= Decimal(found["cash_left"]) < amount // 100
        assert found["gap"] == 0.0
        for one in found["allocations"]:
            assert Decimal(one["units"]) == int(Decimal(one["units"]))
            assert abs(one["achieved_weight"] - one["target_weight"]) * amount <= float(one["price"]) * 1.0001


async def test_a_simulation_is_the_same_as_arrow_and_runs_five_statements(begin: Begin):
    async with begin() as api:
        seen: list[str] = []
        api.database.observer = lambda query: seen.append(query.query)
        asked = SINCE_2015 | {"currency": "EUR"}
        body = (await api.client.post(SIMULATE, json=asked)).json()
        own = [one for one in seen if "typeinfo_tree" not in one and "set_config('jit'" not in one]
        accept = {"Accept": "application/vnd.apache.arrow.stream"}
        stream = await api.client.post(SIMULATE, json=asked, headers=accept)
        table = pl.read_ipc_stream(io.BytesIO(stream.content))
        assert table["values"].to_list() == body["values"]
        assert len(own) == 5, own


@pytest.mark.parametrize(("path", "body"), [(SIMULATE, SINCE_2015), (TARGETS, {"amount": 10_000})])
async def test_answers_have_the_documented_shape(begin: Begin, path: str, body: dict[str, object]):
    async with begin() as api:
        document = (await api.client.get("/openapi.json")).json()
        for address in (path, path.replace("/index/", "/indices/{slug}/")):
            response = await api.client.post(address.replace("{slug}", "autoindex"), json=body)
            schema = body_schema(document, address, "post", 200, "application/json")
            assert [*deviations(document, schema, response.json())] == []
