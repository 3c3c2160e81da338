import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from httpx import AsyncClient
from litestar.handlers import HTTPRouteHandler
from tests.unit.adapters.http.expect import problem
from tests.unit.adapters.http.shapes import deviations
from tests.unit.adapters.http.world import World

from waardhaven.adapters.inbound.http import assets
from waardhaven.adapters.inbound.http.config import VENDORED
from waardhaven.adapters.inbound.http.openapi import document

METHODS = {"get", "post", "put", "patch", "delete"}
FETCHED = re.compile(r"""(?:src|href|url|action)\s*[=(]\s*["']?\s*(?:https?:)?//""")


def operations(schema: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, item in schema["paths"].items():
        for method in METHODS & item.keys():
            yield f"{method} {path}", item[method]


def references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        for child in node.values():
            yield from references(child)
    elif isinstance(node, list):
        for child in node:
            yield from references(child)


@pytest.fixture
def schema(world: World) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(json.dumps(document(world.app)))
    return found


def test_the_document_is_openapi_3_1(schema: dict[str, Any]) -> None:
    assert schema["openapi"].startswith("3.1")
    assert schema["info"]["version"] == "0.1.0"


def test_every_reference_leads_somewhere(schema: dict[str, Any]) -> None:
    found = set(references(schema))
    assert found
    for reference in found:
        node = schema
        for part in reference.removeprefix("#/").split("/"):
            node = node.get(part.replace("~1", "/").replace("~0", "~"), {})
        assert node, reference


def test_every_operation_is_named_summed_up_and_secured(schema: dict[str, Any]) -> None:
    names = []
    for where, operation in operations(schema):
        names.append(operation["operationId"])
        assert operation["summary"], where
        assert operation["description"], where
        assert operation["tags"], where
        assert "security" in operation, where
    assert len(names) == len(set(names))


def test_older_names_are_told_as_deprecated_and_no_others(schema: dict[str, Any]) -> None:
    deprecated = {where for where, operation in operations(schema) if operation.get("deprecated")}
    assert deprecated == {
        "get /api/v1/background/task/{task_id}",
        "post /api/v1/background/cleanup-old-data",
        "post /api/v1/background/compute-index",
        "post /api/v1/background/generate-report",
        "post /api/v1/background/refresh-market-data",
        "post /api/v1/tasks/refresh",
    }


def test_what_needs_a_token_says_so(schema: dict[str, Any]) -> None:
    open_to_all = {where for where, operation in operations(schema) if operation["security"] == []}
    assert open_to_all == {
        "get /",
        "get /health",
        "get /health/ready",
        "get /metrics",
        "get /openapi.json",
        "get /.well-known/jwks.json",
        "get /api/v1/auth/providers",
        "get /api/v1/auth/{provider}/callback",
        "get /api/v1/auth/{provider}/start",
        "post /api/v1/auth/forgot-password",
        "post /api/v1/auth/google",
        "post /api/v1/auth/login",
        "post /api/v1/auth/logout",
        "post /api/v1/auth/nonce",
        "post /api/v1/auth/refresh",
        "post /api/v1/auth/register",
        "post /api/v1/auth/reset-password",
        "post /api/v1/auth/verify-email",
    }
    assert schema["components"]["securitySchemes"]["bearer"]["scheme"] == "bearer"


def test_every_error_is_a_problem_document(schema: dict[str, Any]) -> None:
    for where, operation in operations(schema):
        for status, response in operation["responses"].items():
            if int(status) >= 400 and where != "get /health/ready":
                found = schema["components"]["responses"][response["$ref"].rpartition("/")[2]]
                assert "application/problem+json" in found["content"], (where, status)


def test_every_parameter_is_described_with_its_bounds(schema: dict[str, Any]) -> None:
    for where, operation in operations(schema):
        for parameter in operation["parameters"]:
            assert parameter["description"], (where, parameter["name"])
            assert parameter["schema"].keys() & {"type", "$ref"}, (where, parameter["name"])
            shown = "example" in parameter or "Example:" in parameter["description"]
            assert shown or "default" in parameter["schema"], (where, parameter["name"])
            assert ("example" in parameter) == parameter["required"], "Swagger UI would fill it in"
    limit = next(
        one for one in schema["paths"]["/api/v1/indices"]["get"]["parameters"] if one["name"] == "limit"
    )
    assert limit["schema"] == {"type": "integer", "minimum": 1, "maximum": 200, "default": 50}


def test_path_parameters_stand_in_their_path(schema: dict[str, Any]) -> None:
    for path, item in schema["paths"].items():
        for method in METHODS & item.keys():
            named = {one["name"] for one in item[method]["parameters"] if one["in"] == "path"}
            assert named == set(re.findall(r"{(\w+)}", path))


def test_series_are_offered_as_arrow(schema: dict[str, Any]) -> None:
    content = schema["paths"]["/api/v1/index/history"]["get"]["responses"]["200"]["content"]
    assert content.keys() == {"application/json", "application/vnd.apache.arrow.stream"}


def test_every_route_of_the_api_is_in_the_document(world: World, schema: dict[str, Any]) -> None:
    described = {operation["operationId"] for _, operation in operations(schema)}
    for route in world.app.routes:
        for handler in getattr(route, "route_handlers", []):
            if isinstance(handler, HTTPRouteHandler) and "OPTIONS" not in handler.http_methods:
                hidden = not handler.resolve_include_in_schema()
                assert (handler.operation_id in described) != hidden
                assert not hidden or route.path.startswith(("/docs", "/redoc")), route.path


async def test_the_document_is_served_tagged_and_compressed(client: AsyncClient) -> None:
    response = await client.get("/openapi.json", headers={"Accept-Encoding": "gzip"})
    assert response.headers["content-encoding"] == "gzip"
    assert response.json()["openapi"].startswith("3.1")
    again = await client.get(
        "/openapi.json", headers={"Accept-Encoding": "gzip", "If-None-Match": response.headers["etag"]}
    )
    assert again.status_code == 304


@pytest.mark.parametrize("path", ["/docs", "/redoc"])
async def test_pages_and_what_they_load_come_from_here(client: AsyncClient, path: str) -> None:
    page = await client.get(path)
    assert page.status_code == 200
    assert "http" not in page.text.replace("https-equiv", "")
    assert "script-src 'self';" in page.headers["content-security-policy"]
    assert "unsafe" not in page.headers["content-security-policy"]
    linked = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert len(linked) >= 4
    for link in linked:
        found = await client.get(link)
        assert found.status_code == 200, link
        kept = "immutable" in found.headers["cache-control"]
        assert kept == ("0123456789ab" in link)


@pytest.mark.parametrize("name", ["..%2f..%2fapp.py", "manifest.json", "nothing.js", "%2e%2e", "page.css%00"])
async def test_no_other_file_can_be_had(client: AsyncClient, name: str) -> None:
    problem(await client.get(f"/docs/assets/{name}"), 404)


@pytest.mark.parametrize("path", ["/docs", "/redoc"])
async def test_missing_assets_name_the_command_that_installs_them(tmp_path: Path, path: str) -> None:
    async with World(vendored=tmp_path / "none").client() as client:
        body = problem(await client.get(path), 503, "missing_assets")
    assert "python scripts/vendor_assets.py" in body["detail"]


async def test_assets_installed_later_are_found_without_a_restart(tmp_path: Path, vendored: Path) -> None:
    late = tmp_path / "late"
    async with World(vendored=late).client() as client:
        problem(await client.get("/docs"), 503)
        late.symlink_to(vendored)
        assert (await client.get("/docs")).status_code == 200


def test_our_own_files_fetch_nothing_from_elsewhere() -> None:
    for path in assets.OWN.iterdir():
        assert "//" not in path.read_text(), path


@pytest.mark.skipif(not VENDORED.exists(), reason="scripts/vendor_assets.py was not run")
def test_vendored_files_fetch_nothing_from_elsewhere() -> None:
    """Their texts name many addresses (licences, schemas, links); none may be loaded by itself."""
    for path in VENDORED.glob("*.css"):
        assert not FETCHED.search(path.read_text()), path
    for path in VENDORED.glob("*.js"):
        assert "//cdn." not in path.read_text(), path


def test_every_json_answer_has_an_example_of_its_own_shape(schema: dict[str, Any]) -> None:
    for where, operation in operations(schema):
        status = min(operation["responses"])
        content = operation["responses"][status].get("content", {}).get("application/json")
        if content and where != "get /openapi.json":
            assert not [*deviations(schema, content["schema"], content["example"])], where


def test_operations_are_grouped_and_the_groups_described(schema: dict[str, Any]) -> None:
    used = {tag for _, operation in operations(schema) for tag in operation["tags"]}
    assert used == {tag["name"] for tag in schema["tags"]}
    assert all(tag["description"] for tag in schema["tags"])


def test_schemas_have_plain_names_and_descriptions(schema: dict[str, Any]) -> None:
    for name, component in schema["components"]["schemas"].items():
        assert re.fullmatch(r"\w+", name)
        assert component["title"] == name
        assert component["description"], name


def test_attempts_that_are_counted_say_so(schema: dict[str, Any]) -> None:
    unlimited = {where for where, operation in operations(schema) if "429" not in operation["responses"]}
    assert unlimited == {"get /health", "get /health/ready"}
    assert "Retry-After" in schema["components"]["responses"]["429"]["headers"]


def test_answers_are_described_in_words_of_ours(schema: dict[str, Any]) -> None:
    assert "Request fulfilled" not in json.dumps(schema)
