from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import msgspec
import pytest
import structlog
from httpx import AsyncClient
from tests.unit.adapters.http.world import World


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    """Keep log lines out of the test output; a test that reads them captures them itself."""
    structlog.configure(processors=[_dropped], cache_logger_on_first_use=False)
    yield
    structlog.reset_defaults()


def _dropped(logger: object, name: str, event: object) -> object:
    raise structlog.DropEvent


@pytest.fixture
def vendored(tmp_path: Path) -> Path:
    """A stand-in for what ``scripts/vendor_assets.py`` installs."""
    manifest = {}
    for name in ("swagger-ui-bundle.js", "swagger-ui.css", "favicon-32x32.png", "redoc.standalone.js"):
        stem, _, suffix = name.rpartition(".")
        file = f"{stem}.0123456789ab.{suffix}"
        (tmp_path / file).write_bytes(f"/* {name} */".encode() * 400)
        manifest[name] = {"file": file, "integrity": "sha384-x"}
    (tmp_path / "manifest.json").write_bytes(msgspec.json.encode(manifest))
    return tmp_path


@pytest.fixture
def world(vendored: Path) -> World:
    return World(vendored=vendored)


@pytest.fixture
async def client(world: World) -> AsyncIterator[AsyncClient]:
    async with world.client() as opened:
        yield opened


@pytest.fixture
async def reader(world: World) -> AsyncIterator[AsyncClient]:
    """A client that may read."""
    async with world.client() as opened:
        opened.headers.update(world.bearer())
        yield opened
