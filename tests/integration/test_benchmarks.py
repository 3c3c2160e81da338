"""Benchmarks and risk metrics of the published sample index, over PostgreSQL and Valkey and through HTTP."""

import asyncio
import io
from collections.abc import Callable

import numpy as np
import polars as pl
import pytest
from tests.integration.test_http_over_real_servers import Begin, running
from tests.unit.adapters.http.shapes import body_schema, deviations

from waardhaven.application.indexes.measure_publications import MeasurePublications
from waardhaven.application.indexes.preview import PreviewIndex
from waardhaven.bootstrap.settings import Settings
from waardhaven.domain.identity.roles import OPERATOR, SYSTEM

V1 = "/api/v1"
SP500, COMPARE = f"{V1}/benchmark/sp500", f"{V1}/benchmark/compare"
RISK, STORED = f"{V1}/indices/autoindex/risk-metrics", f"{V1}/strategy/risk-metrics"
HISTORY = f"{RISK}/history"
CONTRIBUTIONS = f"{V1}/indices/autoindex/contributions"
SINCE_2015 = "start=2015-01-01"


@pytest.fixture
def begin(published_url: str, valkey_url: str, settings_for: Callable[..., Settings]) -> Begin:
    """Return a function that runs an application over the published sample."""
    return lambda: running(settings_for(published_url, redis_url=valkey_url), cache_namespace=published_url)


async def test_the_index_and_the_sp500_begin_together_and_follow_their_own_levels(begin: Begin):
    async with begin() as api:
        found = (await api.client.get(f"{SP500}?{SINCE_2015}")).json()
        levels = (await api.client.get(f"{V1}/index/history?{SINCE_2015}")).json()
        closes = (await api.client.get(f"{V1}/index/assets/SPX/history?{SINCE_2015}")).json()
        assert found["dates"] == levels["dates"] == closes["dates"]
        assert found["dates"][0] == "2015-01-02"
        np.testing.assert_allclose(found["values"], closes["values"], rtol=1e-12)
        own = np.array(levels["values"])
        np.testing.assert_allclose(found["index_values"], 100 * own / own[0], rtol=1e-7)
        assert found["relative"][0] == 1.0
        assert found["benchmark"]["name"] == "SPX:XNYS"
        assert found["left_out"] == 0
        assert None not in found["beta"], "the window reaches back before the range"


async def test_rolling_figures_are_those_of_the_window_alone(begin: Begin):
    async with begin() as api:
        found = (await api.client.get(f"{SP500}?{SINCE_2015}&window=60&risk_free_rate=0.02")).json()
        window = f"start={found['dates'][-61]}&end={found['dates'][-1]}&risk_free_rate=0.02"
        alone = (await api.client.get(f"{RISK}?{window}")).json()["metrics"]
        for name in ("beta", "alpha", "tracking_error"):
            assert found[name][-1] == pytest.approx(alone[name]["value"], rel=1e-9)


async def test_figures_of_both_are_those_of_numpy_over_the_same_days(begin: Begin):
    async with begin() as api:
        found = (await api.client.get(f"{COMPARE}?{SINCE_2015}")).json()
        own, theirs = (np.array(found[name]) for name in ("index_values", "values"))
        mine, other = own[1:] / own[:-1] - 1, theirs[1:] / theirs[:-1] - 1
        figures = found["figures"]
        for side, moves in (("index", mine), ("benchmark", other)):
            assert figures["volatility"][side] == pytest.approx(moves.std(ddof=1) * 252**0.5, rel=1e-9)
            sharpe = moves.mean() / moves.std(ddof=1) * 252**0.5
            assert figures["sharpe"][side] == pytest.approx(sharpe, rel=1e-9)
            expected = -np.quantile(moves, 0.05)
            assert figures["var_historical"][side] == pytest.approx(expected, rel=1e-9)
        error = (mine - other).std(ddof=1) * 252**0.5
        assert figures["tracking_error"]["index"] == pytest.approx(error, rel=1e-9)
        beta = np.cov(mine, other, ddof=1)[0, 1] / other.var(ddof=1)
        assert figures["beta"]["index"] == pytest.approx(beta, rel=1e-9)
        assert figures["beta"]["benchmark_reason"] == "no_benchmark"


async def test_no_currency_changes_the_ratio_of_two_levels(begin: Begin):
    async with begin() as api:
        dollars = (await api.client.get(f"{COMPARE}?{SINCE_2015}")).json()
        euros = (await api.client.get(f"{COMPARE}?{SINCE_2015}&currency=eur")).json()
        assert euros["currency"] == "EUR"
        assert euros["dates"] == dollars["dates"]
        np.testing.assert_allclose(euros["relative"], dollars["relative"], rtol=1e-12)
        gain = (euros["values"][-1] / dollars["values"][-1]) / (1.2043 / 1.0640)
        assert gain == pytest.approx(1.0, rel=1e-12), "ECB: 2 January 2015 and 28 December 2022"


async def test_a_blend_holds_its_weights_and_an_index_is_itself(begin: Begin):
    async with begin() as api:
        one, other, blend, itself = [
            (await api.client.get(f"{V1}/benchmark/{name}?{SINCE_2015}")).json()
            for name in ("QUAL", "MTUM", "QUAL:0.6,MTUM:0.4", "index:autoindex")
        ]
        assert one["dates"] == other["dates"] == blend["dates"]
        moves = [np.array(each["values"][1:]) / each["values"][:-1] - 1 for each in (one, other, blend)]
        np.testing.assert_allclose(moves[2], 0.6 * moves[0] + 0.4 * moves[1], rtol=0, atol=1e-12)
        assert [part["weight"] for part in blend["benchmark"]["parts"]] == [0.6, 0.4]
        assert set(itself["relative"]) == {1.0}
        assert itself["tracking_error"][-1] == 0.0


async def test_every_metric_of_the_default_index_is_filled(begin: Begin):
    async with begin() as api:
        found = (await api.client.get(RISK)).json()
        assert [name for name, one in found["metrics"].items() if one["value"] is None] == []
        assert found["trials"] == 1
        assert (found["base"], found["last"], found["frequency"]) == ("2000-01-03", "2022-12-28", "daily")
        assert (found["common"], found["coverage"]) == (found["returns"], 1.0)
        assert found["metrics"]["var_historical"]["value"] > 0.0
        assert found["metrics"]["tracking_error"]["value"] > 0.0


@pytest.mark.parametrize(
    ("frequency", "year", "returns"), [("weekly", 52, 104), ("monthly", 12, 24), ("yearly", 1, 2)]
)
async def test_longer_periods_compound_to_the_same_total(
    begin: Begin, frequency: str, year: int, returns: int
):
    async with begin() as api:
        window = "start=2020-12-31&end=2022-12-28"
        daily = (await api.client.get(f"{RISK}?{window}")).json()
        found = (await api.client.get(f"{RISK}?{window}&frequency={frequency}")).json()
        assert (found["periods_per_year"], found["returns"]) == (year, pytest.approx(returns, abs=1))
        total = daily["metrics"]["total_return"]["value"]
        assert found["metrics"]["total_return"]["value"] == pytest.approx(total, rel=1e-12)
        assert found["metrics"]["cagr"]["value"] == pytest.approx(daily["metrics"]["cagr"]["value"], rel=1e-9)


@pytest.mark.parametrize(
    ("path", "status", "told"),
    [
        (f"{V1}/benchmark/NOPE", 404, "NOPE"),
        (f"{V1}/benchmark/index:nope", 404, "nope"),
        (f"{V1}/benchmark/QUAL:0.6,MTUM:0.5", 422, "1.1"),
        (f"{COMPARE}?benchmark=QUAL&end=2005-01-01", 422, "QUAL:BATS 2014-01-02"),
        (f"{COMPARE}?index=nope", 404, "nope"),
        (f"{COMPARE}?variant=gross", 422, "variant"),
        (f"{RISK}?start=2022-12-28", 422, "at least two levels"),
        (f"{RISK}?start=2020-01-02&sessions=5", 422, "left out"),
        (f"{RISK}?benchmark=NOPE", 404, "NOPE"),
        (f"{RISK}?currency=XXX", 422, "MXN"),
    ],
)
async def test_what_can_not_be_compared_is_told_in_words(begin: Begin, path: str, status: int, told: str):
    async with begin() as api:
        response = await api.client.get(path)
        assert response.status_code == status, response.text
        assert told in response.text


async def test_series_are_the_same_as_arrow_and_carry_a_tag(begin: Begin):
    async with begin() as api:
        path = f"{COMPARE}?{SINCE_2015}&window=100"
        first = await api.client.get(path)
        again = await api.client.get(path, headers={"If-None-Match": first.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")
        accept = {"Accept": "application/vnd.apache.arrow.stream"}
        table = pl.read_ipc_stream(io.BytesIO((await api.client.get(path, headers=accept)).content))
        for name in table.columns[1:]:
            assert table[name].to_list() == first.json()[name]


async def test_what_is_stored_with_a_publication_is_what_was_known_at_its_instant(begin: Begin):
    async with begin() as api:
        assert (await api.client.get(STORED)).json() == {"items": [], "next_cursor": None}
        async with api.container() as scope:
            measure = await scope.get(MeasurePublications)
            assert [await measure(SYSTEM), await measure(SYSTEM)] == [1, 0]
        page = (await api.client.get(f"{STORED}?limit=10")).json()
        assert page == (await api.client.get(f"{HISTORY}?limit=10")).json()
        days = [one["day"] for one in page["items"]]
        assert (days[0], days) == ("2022-12-28", sorted(days, reverse=True))
        assert len((await api.client.get(f"{STORED}?limit=200")).json()["items"]) == 30
        rest = (await api.client.get(f"{STORED}?cursor={page['next_cursor']}")).json()["items"]
        assert days[-1] > rest[0]["day"]
        async with api.database.acquire() as connection:
            at = await connection.fetchval("SELECT effective_at FROM publication")
        for one in page["items"][::4]:
            query = {"as_of": at.isoformat(), "end": one["day"]}
            now = (await api.client.get(RISK, params=query)).json()
            shown = {
                name: {each: metric[each] for each in ("value", "unit", "reason")}
                for name, metric in now["metrics"].items()
            }
            assert one["metrics"] == shown
        assert page["items"][0]["metrics"]["max_drawdown"]["value"] < 0.0
        assert page["items"][0]["metrics"]["var_historical"]["value"] > 0.0


async def test_a_preview_of_who_may_change_the_index_makes_the_deflated_ratio_more_severe(begin: Begin):
    async with begin() as api:
        before = (await api.client.get(RISK)).json()
        asked = f"{V1}/indices/autoindex/preview"
        assert (await api.client.post(asked, json={"cost_rate": 0.01})).status_code == 200, "by a viewer"
        async with api.container() as scope:
            preview = await scope.get(PreviewIndex)
            for cost in (0.001, 0.02):
                await preview(OPERATOR, slug="autoindex", changes={"cost_rate": cost})

        after = before
        async with asyncio.timeout(10):
            while after["trials"] != 3:  # cached answers end when the news of the commit arrives
                after = (await api.client.get(RISK)).json()
        deflated = [one["metrics"]["sharpe_deflated"]["value"] for one in (before, after)]
        assert deflated[1] < deflated[0]
        assert before["metrics"]["sharpe"] == after["metrics"]["sharpe"]


async def test_intervals_say_what_can_not_be_told_from_zero(begin: Begin):
    async with begin() as api:
        found = (await api.client.get(f"{RISK}?sessions=250&interval=0.95&draws=200&seed=4")).json()
        metrics = found["metrics"]
        assert metrics["volatility"]["interval"]["verdict"] == "above_zero"
        low, high = (metrics["sharpe"]["interval"][end] for end in ("low", "high"))
        assert low < 0.0 < high
        assert metrics["sharpe"]["interval"]["verdict"] == "cannot_be_told_from_zero"
        assert found["resampling"]["draws"] == 200


@pytest.mark.parametrize(
    "path", [SP500, COMPARE, f"{V1}/benchmark/{{benchmark}}", RISK, STORED, HISTORY, CONTRIBUTIONS]
)
async def test_answers_have_the_documented_shape(begin: Begin, path: str):
    async with begin() as api:
        document = (await api.client.get("/openapi.json")).json()
        response = await api.client.get(path.replace("{benchmark}", "SPX"))
        documented = path.replace("autoindex", "{slug}")
        schema = body_schema(document, documented, "get", 200, "application/json")
        assert [*deviations(document, schema, response.json())] == []


@pytest.mark.parametrize(
    ("path", "most"), [(f"{V1}/benchmark/SPX", 8), (SP500, 12), (f"{RISK}?benchmark=index:autoindex", 7)]
)
async def test_a_comparison_takes_a_bounded_number_of_statements(begin: Begin, path: str, most: int):
    async with begin() as api:
        seen: list[str] = []
        api.database.observer = lambda query: seen.append(query.query)
        assert (await api.client.get(path)).status_code == 200
        beside = ("typeinfo_tree", "set_config('jit'", "BEGIN", "COMMIT")
        own = [one for one in seen if not any(word in one for word in beside)]
        assert 0 < len(own) <= most, own


async def test_without_the_sp500_the_answer_is_a_404_that_says_what_to_do(begin: Begin):
    """The origin failed here, and stored no metric at all (D-W11)."""
    async with begin() as api:
        async with api.database.transaction() as connection:
            await connection.execute("ALTER TABLE asset_identifier DISABLE TRIGGER USER")
            await connection.execute("UPDATE asset_identifier SET value = 'OEX' WHERE value = 'SPX'")
        response = await api.client.get(SP500)
        assert response.status_code == 404
        assert "POST /imports/prices" in response.json()["detail"]
        found = (await api.client.get(RISK)).json()
        assert found["metrics"]["volatility"]["value"] > 0
        assert found["metrics"]["tracking_error"]["reason"] == "no_benchmark"
        assert found["notes"] == ["Metrics that need the benchmark SPX are unknown. There is no asset SPX."]


@pytest.mark.parametrize("by", ["name", "sector", "currency"])
async def test_contributions_add_up_to_the_published_return(begin: Begin, by: str):
    async with begin() as api:
        asked = f"{CONTRIBUTIONS}?by={by}&frequency=yearly"
        found = (await api.client.get(asked)).json()
        levels = (await api.client.get(f"{V1}/index/history")).json()["values"]
        assert found["total_return"] == pytest.approx(levels[-1] / levels[0] - 1.0, rel=1e-7)
        for one in found["periods"]:
            parts = sum(one["contributions"]) + one["cost"] + one["correction"]
            assert parts == pytest.approx(one["total_return"], abs=1e-12)
            assert abs(one["correction"]) < 1e-12
        assert [one["first"][:4] for one in found["periods"]] == [str(year) for year in range(2000, 2023)]
        whole = sum(one["contribution"] for one in found["groups"])
        assert whole + found["cost"] + found["correction"] == pytest.approx(found["total_return"], abs=1e-10)
