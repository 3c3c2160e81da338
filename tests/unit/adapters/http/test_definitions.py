"""Definitions over HTTP: bodies, rule files, answers, jobs that follow."""

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from httpx import AsyncClient
from tests.unit.adapters.http.expect import problem
from tests.unit.adapters.http.world import Stub, World, _strategy

from waardhaven.application.answers import Page
from waardhaven.application.indexes.archive_index import ArchiveIndex
from waardhaven.application.indexes.change_index import ChangeIndex, CreateIndex, ImportRules
from waardhaven.application.indexes.force_review import ForceReview
from waardhaven.application.indexes.methodology import MethodologyView, ReadMethodology
from waardhaven.application.indexes.rule_queries import ExportRules, ListVersions
from waardhaven.application.indexes.rule_views import ChangeView, RulesView, VersionView
from waardhaven.application.indexes.strategy_config import ChangeStrategyConfig, ListStrategyChanges
from waardhaven.domain.identity.roles import Role
from waardhaven.domain.index.build_record import ForcedReview, NothingPublished
from waardhaven.domain.index.rules.methodology import Section
from waardhaven.domain.types import IndexId

API = "/api/v1"
NOW = datetime(2024, 6, 3, tzinfo=UTC)
TOML = {"Content-Type": "application/toml; charset=utf-8"}
BODY: dict[str, Any] = {
    "slug": "mine",
    "name": "Mine",
    "base_date": "2015-01-02",
    "base_value": 100,
    "currency": "USD",
    "members": ["AAPL"],
    "strategy": {"name": "equal_weight"},
    "series": {"source": "sample", "adjustment": "all"},
}


def kept(params: dict[str, Any]) -> RulesView:
    document = params.get("document") or params.get("changes") or {}
    slug = params.get("slug") or document["slug"]
    return RulesView(
        slug=slug, version=2, defined_at=NOW, author="ada", reason=params["reason"], rules=document
    )


def reviewed(params: dict[str, Any]) -> ForcedReview:
    return ForcedReview(
        id=7,
        index=IndexId(1),
        after_day=date(2024, 5, 31),
        reason=params["reason"] or "by hand",
        requested_by=None,
        requested_at=NOW,
    )


def paged(_: dict[str, Any]) -> Page[VersionView]:
    changes = (ChangeView(field="schedule.lag", old=1, new=None),)
    one = VersionView(version=2, defined_at=NOW, author=None, reason=None, changes=changes)
    return Page(items=(one,), next_cursor="2")


@pytest.fixture
def stubs() -> dict[type, Stub]:
    told = MethodologyView(
        index="mine", name="Mine", version=1, sections=(Section(title="A", text="b"),), markdown="# A"
    )
    return {
        **{one: Stub(kept) for one in (CreateIndex, ChangeIndex, ImportRules)},
        ArchiveIndex: Stub(lambda _: None),
        ForceReview: Stub(reviewed),
        ExportRules: Stub(lambda _: 'name = "Ünïcode"\n'),
        ListVersions: Stub(paged),
        ListStrategyChanges: Stub(paged),
        ChangeStrategyConfig: Stub(lambda _: _strategy()),
        ReadMethodology: Stub(lambda _: told),
    }


@pytest.fixture
def world(vendored: Path, stubs: dict[type, Stub]) -> World:
    return World(vendored=vendored, asked=stubs)


@pytest.fixture
async def client(world: World) -> AsyncIterator[AsyncClient]:
    async with world.client() as opened:
        opened.headers.update(world.bearer(Role.ANALYST))
        yield opened


async def test_new_index_is_answered_with_where_it_is(client: AsyncClient, stubs: dict[type, Stub]):
    response = await client.post(f"{API}/indices", json=BODY | {"reason": "to begin with"})
    assert (response.status_code, response.headers["location"]) == (201, f"{API}/indices/mine")
    (asked,) = stubs[CreateIndex].calls
    assert asked == {"document": BODY, "reason": "to begin with"}
    assert response.json()["rules"] == BODY


async def test_what_a_body_leaves_out_is_not_in_the_change_and_null_is(
    client: AsyncClient, stubs: dict[type, Stub]
):
    changes = {"schedule": {"daily_drop_threshold": None, "on": {"nth": -1, "weekday": "friday"}}}
    response = await client.put(f"{API}/indices/mine", json=changes)
    assert response.status_code == 200
    assert stubs[ChangeIndex].calls == [{"slug": "mine", "changes": changes, "reason": None}]


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({"colour": "red", "owner_id": 3}, {"colour", "owner_id"}),
        ({"name": 3, "decimals": "x"}, {"name", "decimals"}),
        ({"schedule": {"lags": 2}}, {"schedule"}),
        ({"members": []}, {"members"}),
        ({"name": None}, {"name"}),
    ],
)
async def test_body_that_is_not_as_documented_names_every_field(
    client: AsyncClient, stubs: dict[type, Stub], body: dict[str, Any], fields: set[str]
):
    found = problem(await client.put(f"{API}/indices/mine", json=body), 422)
    assert {one["field"] for one in found["errors"]} == fields
    assert stubs[ChangeIndex].calls == []


async def test_new_index_says_what_it_lacks(client: AsyncClient):
    found = problem(await client.post(f"{API}/indices", json={}), 422)
    assert {one["field"] for one in found["errors"]} == {*BODY} - {"members", "base_value"}


async def test_archived_index_is_answered_with_nothing(client: AsyncClient, stubs: dict[type, Stub]):
    response = await client.delete(f"{API}/indices/mine")
    assert (response.status_code, response.content) == (204, b"")
    assert stubs[ArchiveIndex].calls == [{"slug": "mine"}]


async def test_rule_file_goes_out_and_comes_in_as_toml(client: AsyncClient, stubs: dict[type, Stub]):
    response = await client.get(f"{API}/indices/mine/rules", params={"version": 3})
    assert response.headers["content-type"] == "application/toml; charset=utf-8"
    assert response.headers["content-disposition"] == 'attachment; filename="mine.toml"'
    assert response.text == 'name = "Ünïcode"\n'
    assert stubs[ExportRules].calls == [{"slug": "mine", "version": 3}]
    back = await client.put(
        f"{API}/indices/mine/rules", content=response.content, headers=TOML, params={"reason": "a file"}
    )
    assert back.status_code == 200
    assert stubs[ImportRules].calls == [{"text": response.text, "slug": "mine", "reason": "a file"}]


async def test_rule_file_of_another_type_or_encoding_is_refused(client: AsyncClient, stubs: dict[type, Stub]):
    address = f"{API}/indices/mine/rules"
    problem(await client.put(address, json={}), 415)
    problem(await client.put(address, content=b"a = 1"), 415)
    found = problem(await client.put(address, content=b'a = "\xff"', headers=TOML), 422)
    assert found["errors"] == [{"field": "rules", "rule": "must be UTF-8"}]
    assert stubs[ImportRules].calls == []


@pytest.mark.parametrize(("path", "slug"), [("indices/mine", "mine"), ("strategy", "autoindex")])
async def test_review_out_of_schedule_is_a_job_and_asking_again_the_same_one(
    client: AsyncClient, stubs: dict[type, Stub], path: str, slug: str
):
    first = await client.post(f"{API}/{path}/rebalance")
    again = await client.post(f"{API}/{path}/rebalance", json={"reason": "a merger"})
    assert (first.status_code, again.status_code) == (202, 202)
    job = first.json()["job"]
    assert again.json()["job"]["id"] == job["id"]
    assert first.headers["location"] == f"{API}/jobs/{job['id']}"
    assert (job["type"], job["params"]["index"], job["params"]["mode"]) == ("compute", slug, "extend")
    assert first.json()["review"]["after_day"] == "2024-05-31"
    assert stubs[ForceReview].calls == [{"slug": slug, "reason": None}, {"slug": slug, "reason": "a merger"}]


async def test_review_that_is_refused_submits_nothing(
    client: AsyncClient, world: World, stubs: dict[type, Stub]
):
    stubs[ForceReview].error = NothingPublished("Nothing yet.")
    problem(await client.post(f"{API}/strategy/rebalance"), 404)
    listed = await client.get(f"{API}/jobs")
    assert listed.json()["items"] == []


@pytest.mark.parametrize(
    ("query", "mode"),
    [
        ({}, "extend"),
        ({"restate": "true"}, "restate"),
        ({"recompute": "false", "restate": "true"}, "restate"),
    ],
)
async def test_changed_configuration_is_computed_by_a_job(
    client: AsyncClient, stubs: dict[type, Stub], query: dict[str, str], mode: str
):
    body = {"momentum_weight": 0.5, "daily_drop_threshold": None, "reason": "calmer"}
    response = await client.put(f"{API}/strategy/config", json=body, params=query)
    assert response.status_code == 202
    job = response.json()["job"]
    assert (job["type"], job["params"]["index"], job["params"]["mode"]) == ("compute", "autoindex", mode)
    assert response.headers["location"] == f"{API}/jobs/{job['id']}"
    (asked,) = stubs[ChangeStrategyConfig].calls
    assert asked == {"changes": {"momentum_weight": 0.5, "daily_drop_threshold": None}, "reason": "calmer"}


async def test_configuration_can_be_changed_without_a_job(client: AsyncClient, stubs: dict[type, Stub]):
    response = await client.put(f"{API}/strategy/config", json={}, params={"recompute": "false"})
    assert (response.status_code, response.json()["job"]) == (202, None)
    assert stubs[ChangeStrategyConfig].calls == [{"changes": {}, "reason": None}]


@pytest.mark.parametrize("path", ["indices/mine/versions", "strategy/config/history"])
async def test_versions_are_a_page_of_changes(client: AsyncClient, path: str):
    response = await client.get(f"{API}/{path}", params={"limit": 1})
    body = response.json()
    assert body["next_cursor"] == "2"
    assert body["items"][0]["changes"] == [{"field": "schedule.lag", "old": 1, "new": None}]


async def test_methodology_is_sections_and_markdown(client: AsyncClient):
    body = (await client.get(f"{API}/indices/mine/methodology")).json()
    assert body["sections"] == [{"title": "A", "text": "b"}]
    assert body["markdown"] == "# A"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "indices"),
        ("PUT", "indices/mine"),
        ("DELETE", "indices/mine"),
        ("PUT", "indices/mine/rules"),
        ("POST", "indices/mine/rebalance"),
        ("POST", "strategy/rebalance"),
        ("PUT", "strategy/config"),
    ],
)
async def test_viewers_change_nothing(
    client: AsyncClient, world: World, stubs: dict[type, Stub], method: str, path: str
):
    headers = world.bearer(Role.VIEWER)
    problem(await client.request(method, f"{API}/{path}", json={}, headers=headers), 403)
    assert all(one.calls == [] for one in stubs.values())
