"""A local issuer and a local GitHub, and the adapters over them with short timeouts."""

from collections.abc import AsyncIterator, Callable
from dataclasses import replace

import pytest
from tests.fakes.clock import FakeClock
from tests.github_site import LocalGithub
from tests.issuer import CLIENT, NONCE, REDIRECT, SECRET, VERIFIER, LocalIssuer

from waardhaven.adapters.outbound.http_session.addresses import Reach
from waardhaven.adapters.outbound.http_session.session import HttpSession
from waardhaven.adapters.outbound.identity_providers.github import (
    GithubClient,
    GithubIdentityProvider,
    GithubSite,
)
from waardhaven.adapters.outbound.identity_providers.oidc import Issuer, OidcIdentityProvider
from waardhaven.application.ports.identity_provider import Flow

FLOW = Flow(provider="oidc", state="af0ifjsldkj", nonce=NONCE, code_verifier=VERIFIER, redirect_uri=REDIRECT)
SHORT = 2.0
"""Seconds an exchange may take in these tests, a hundred times what it takes."""


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
async def http() -> AsyncIterator[HttpSession]:
    session = HttpSession(timeout_seconds=SHORT)
    yield session
    await session.close()


@pytest.fixture
async def issuer(clock: FakeClock) -> AsyncIterator[LocalIssuer]:
    issuer = await LocalIssuer(clock).start()
    yield issuer
    await issuer.stop()


@pytest.fixture
async def stranger(clock: FakeClock) -> AsyncIterator[LocalIssuer]:
    """Another server, that nobody should be led to."""
    stranger = await LocalIssuer(clock).start()
    yield stranger
    await stranger.stop()


@pytest.fixture
def make_oidc(
    issuer: LocalIssuer, http: HttpSession, clock: FakeClock
) -> Callable[..., OidcIdentityProvider]:
    """Return a function from changes of our registration to an adapter over the local issuer."""
    registered = Issuer(name="oidc", url=issuer.url, client_id=CLIENT, client_secret=SECRET)
    return lambda **changes: OidcIdentityProvider(replace(registered, **changes), http, clock)


@pytest.fixture
def oidc(make_oidc: Callable[..., OidcIdentityProvider]) -> OidcIdentityProvider:
    return make_oidc()


@pytest.fixture
async def site() -> AsyncIterator[LocalGithub]:
    site = await LocalGithub().start()
    yield site
    await site.stop()


@pytest.fixture
def github(site: LocalGithub, http: HttpSession, clock: FakeClock) -> GithubIdentityProvider:
    client = GithubClient(id=CLIENT, secret=SECRET)
    here = GithubSite(web=site.url, api=site.url, reach=Reach.LOOPBACK)
    return GithubIdentityProvider(client, http, clock, site=here)
