"""One published database for each module of attacks; a fresh application for each attack."""

from collections.abc import AsyncIterator, Callable, Iterator
from functools import partial
from typing import Any

import msgspec
import pytest
import structlog
from tests.conftest import Servers, make_settings
from tests.security.site import Site, Socket, listening, running

from waardhaven.bootstrap.settings import Settings


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    """Keep log lines out of the test output; a test that reads them captures them itself."""
    structlog.configure(processors=[_dropped], cache_logger_on_first_use=False)
    yield
    structlog.reset_defaults()


def _dropped(logger: object, name: str, event: object) -> object:
    raise structlog.DropEvent


@pytest.fixture(scope="module")
def url(servers: Servers, published_template: str) -> Iterator[str]:
    """A database with the published sample index, shared by the tests of a module."""
    url = servers.database(published_template)
    yield url
    servers.drop(url)


@pytest.fixture
def chosen(servers: Servers, url: str) -> Callable[..., Settings]:
    """Return a function from changes to settings over the database of the module."""
    usual = {"email_verification": False, "redis_timeout": 5.0, "database_pool_size": 5}
    usual_settings = make_settings(url, servers.valkey_url, **usual)
    return lambda **changes: msgspec.structs.replace(usual_settings, **changes)


@pytest.fixture
def begin(chosen: Callable[..., Settings]) -> Callable[..., Any]:
    """Return a function that runs the application with changes to its HTTP settings."""
    return partial(_begin, chosen)


def _begin(chosen: Callable[..., Settings], settings: dict[str, Any] | None = None, **config: Any) -> Any:
    return running(chosen(**(settings or {})), **config)


@pytest.fixture
async def site(begin: Callable[..., Any]) -> AsyncIterator[Site]:
    async with begin() as site:
        yield site


@pytest.fixture
async def socket(site: Site) -> AsyncIterator[Socket]:
    async with listening(site) as socket:
        yield socket
