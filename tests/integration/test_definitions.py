"""Indices defined, changed, archived and carried away over PostgreSQL and through HTTP."""

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from tests.contract.test_unit_of_work_contract import a_user
from tests.integration.test_http_over_real_servers import Api, Begin, running
from tests.unit.adapters.http.expect import problem
from tests.unit.adapters.http.shapes import body_schema, deviations

from waardhaven.application.indexes.change_index import ImportRules
from waardhaven.application.indexes.run_build import RunBuild
from waardhaven.application.indexes.verify_index import VerifyIndex
from waardhaven.application.ports.security import AccessTokens
from waardhaven.application.ports.unit_of_work import UnitOfWork
from waardhaven.bootstrap.settings import Settings
from waardhaven.domain.identity.roles import OPERATOR, Role
from waardhaven.domain.types import SessionId

V1 = "/api/v1"
MINE = f"{V1}/indices/mine"
TOML = {"Content-Type": "application/toml"}
RULES: dict[str, Any] = {
    "slug": "mine",
    "name": "Mine",
    "base_date": "2015-01-02",
    "base_value": 100,
    "currency": "USD",
    "members": ["AAPL", "MSFT", "JPM", "KO", "XOM"],
    "strategy": {"name": "inverse_volatility"},
    "series": {"source": "sample", "adjustment": "all"},
}


@pytest.fixture
def begin(published_url: str, valkey_url: str, settings_for: Callable[..., Settings]) -> Begin:
    """Return a function that runs an application over the published sample."""
    return lambda: running(settings_for(published_url, redis_url=valkey_url), cache_namespace=published_url)


async def sign_in(api: Api, name: str, role: Role = Role.ANALYST) -> dict[str, str]:
    """Return the header of somebody new."""
    somebody = a_user(name)
    async with (await api.container.get(UnitOfWork))() as tx:
        await tx.users.add(somebody)
        await tx.commit()
    tokens = await api.container.get(AccessTokens)
    token = tokens.issue(somebody.id, role, session=SessionId(somebody.id), version=1)
    return {"Authorization": f"Bearer {token.value}"}


async def published_levels(api: Api, ada: dict[str, str]) -> dict[str, Any]:
    """Build and publish what is not, and return the official levels."""
    build = await api.client.post(f"{MINE}/builds", json={}, headers=ada)
    assert build.status_code == 201, build.text
    body = {"build": build.json()["id"], "reason": "a test"}
    assert (await api.client.post(f"{MINE}/publish", json=body, headers=ada)).status_code == 201
    return dict((await api.client.get(f"{MINE}/history", headers=ada)).json())


async def test_an_index_is_defined_built_changed_archived_and_back(begin: Begin):
    async with begin() as api:
        ada, grace = await sign_in(api, "ada"), await sign_in(api, "grace")
        made = await api.client.post(f"{V1}/indices", json=RULES, headers=ada)
        assert made.status_code == 201, made.text
        assert made.json()["author"] == "ada"
        assert made.json()["rules"]["members"][0] == "AAPL:XNAS"
        problem(await api.client.post(f"{V1}/indices", json=RULES, headers=grace), 409, "slug_taken")
        levels = await published_levels(api, ada)
        assert (levels["dates"][0], levels["values"][0]) == ("2015-01-02", 100.0)

        capped = {"constraints": {"max_weight": 0.1}}
        found = problem(await api.client.put(MINE, json=capped, headers=ada), 422, "not_buildable")
        (error,) = found["errors"]
        assert (error["field"], error["rule"].rpartition(" ")[2]) == ("constraints.max_weight", "0.2")
        changed = {"schedule": {"frequency": "monthly"}, "reason": "fewer reviews"}
        assert (await api.client.put(MINE, json=changed, headers=ada)).json()["version"] == 2
        versions = (await api.client.get(f"{MINE}/versions", headers=ada)).json()["items"]
        assert versions[0]["changes"] == [{"field": "schedule.frequency", "old": "weekly", "new": "monthly"}]
        assert (versions[0]["author"], versions[0]["reason"]) == ("ada", "fewer reviews")

        file = await api.client.get(f"{MINE}/rules", headers=ada)
        back = await api.client.put(f"{MINE}/rules", content=file.content, headers=ada | TOML)
        assert back.json()["version"] == 2
        methodology = (await api.client.get(f"{MINE}/methodology", headers=ada)).json()
        assert "A list of 5: AAPL:XNAS" in methodology["markdown"]

        problem(await api.client.delete(MINE, headers=grace), 404)
        assert (await api.client.delete(MINE, headers=ada)).status_code == 204
        for path in ("", "/history", "/versions", "/rules", "/methodology"):
            problem(await api.client.get(f"{MINE}{path}", headers=ada), 404)
        problem(await api.client.post(f"{V1}/indices", json=RULES, headers=grace), 409)
        again = await api.client.post(f"{V1}/indices", json=RULES, headers=ada)
        assert (again.status_code, again.json()["version"]) == (201, 3)
        assert (await api.client.get(f"{MINE}/history", headers=ada)).json()["values"] == levels["values"]


async def test_the_default_index_is_configured_and_reviewed_by_administrators(begin: Begin):
    async with begin() as api:
        ada, root = await sign_in(api, "ada"), await sign_in(api, "root", Role.ADMIN)
        config = f"{V1}/strategy/config"
        weights = {"momentum_weight": 0.5, "risk_parity_weight": 0.2}
        problem(await api.client.put(config, json=weights, headers=ada), 403)
        before = (await api.client.get(f"{V1}/index/history")).json()
        problem(await api.client.put(config, json={"momentum_weight": 0.5}, headers=root), 422)
        changed = await api.client.put(config, json=weights | {"reason": "a test"}, headers=root)
        assert changed.status_code == 202, changed.text
        assert changed.json()["job"]["params"]["mode"] == "extend"
        assert (await api.client.get(config)).json()["momentum_weight"] == 0.5
        history = (await api.client.get(f"{config}/history", headers=root)).json()["items"]
        assert [one["field"] for one in history[0]["changes"]] == [*weights]
        assert (history[0]["author"], history[0]["reason"]) == ("root", "a test")
        first = await api.client.post(f"{V1}/strategy/rebalance", headers=root)
        again = await api.client.post(f"{V1}/indices/autoindex/rebalance", headers=root)
        assert first.json()["review"] == again.json()["review"]
        assert first.json()["review"]["after_day"] == before["dates"][-1]
        problem(await api.client.post(f"{V1}/strategy/rebalance", headers=ada), 403)
        assert (await api.client.get(f"{V1}/index/history")).json()["values"] == before["values"]
        async with api.container() as scope:
            verdicts = await (await scope.get(VerifyIndex))(OPERATOR, slug="autoindex")
        assert all(one.passed for one in verdicts)


async def test_answers_have_the_shape_the_document_says(begin: Begin):
    async with begin() as api:
        ada = await sign_in(api, "ada")
        document = (await api.client.get("/openapi.json")).json()
        await api.client.post(f"{V1}/indices", json=RULES, headers=ada)
        await api.client.put(MINE, json={"name": "Renamed"}, headers=ada)
        for path in ("versions", "methodology"):
            address = f"{V1}/indices/{{slug}}/{path}"
            schema = body_schema(document, address, "get", 200, "application/json")
            answer = (await api.client.get(f"{MINE}/{path}", headers=ada)).json()
            assert not [*deviations(document, schema, answer)]


async def test_rule_file_of_the_documentation_is_an_index(begin: Begin):
    text = (Path(__file__).parents[2] / "docs/methodology/definitions.md").read_text(encoding="utf-8")
    file = text.partition("```toml\n")[2].partition("```")[0]
    async with begin() as api:
        async with api.container() as scope:
            made = await (await scope.get(ImportRules))(OPERATOR, text=file)
            build = await (await scope.get(RunBuild))(OPERATOR, slug=made.slug)
        assert (made.slug, made.version, build.start) == ("five", 1, date(2015, 1, 2))
