"""What every IdentityProvider promises: the fake, an OpenID Connect issuer, GitHub."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from urllib.parse import parse_qsl, urlsplit

import pytest
from tests import replies
from tests.fakes.clock import FakeClock
from tests.fakes.identity_provider import FakeIdentityProvider, FakeIdentityProviders
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
from waardhaven.adapters.outbound.identity_providers.registry import ProviderSettings, configured
from waardhaven.application.ports.identity_provider import (
    Flow,
    IdentityProvider,
    IdentityProviders,
    InvalidProof,
    ProviderUnavailable,
    UnknownProvider,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """A provider and the hands that move what is behind it. ``issue`` None: there are no ID tokens."""

    provider: IdentityProvider
    approve: Callable[[str], str]
    issue: Callable[[str], str] | None
    unverify: Callable[[], None]
    fail: Callable[[], None]

    @property
    def flow(self) -> Flow:
        return Flow(
            provider=self.provider.name,
            state="af0ifjsldkj",
            nonce=NONCE,
            code_verifier=VERIFIER,
            redirect_uri=REDIRECT,
        )

    async def code(self) -> str:
        return self.approve(await self.provider.authorization_url(self.flow))


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


def fake_side(clock: FakeClock) -> Side:
    fake = FakeIdentityProvider(clock=clock)
    return Side(
        provider=fake,
        approve=fake.approve,
        issue=fake.issue,
        unverify=lambda: setattr(fake, "verified", False),
        fail=lambda: setattr(fake, "failing", True),
    )


async def oidc_side(http: HttpSession, clock: FakeClock, issuer: LocalIssuer) -> Side:
    registered = Issuer(name="oidc", url=issuer.url, client_id=CLIENT, client_secret=SECRET)

    def fail() -> None:
        for path in ("/.well-known/openid-configuration", "/jwks", "/token"):
            issuer.replies[path] = replies.hang_up

    return Side(
        provider=OidcIdentityProvider(registered, http, clock),
        approve=issuer.approve,
        issue=issuer.token,
        unverify=lambda: issuer.claims.update(email_verified=False),
        fail=fail,
    )


def github_side(http: HttpSession, clock: FakeClock, site: LocalGithub) -> Side:
    here = GithubSite(web=site.url, api=site.url, reach=Reach.LOOPBACK)
    return Side(
        provider=GithubIdentityProvider(GithubClient(id=CLIENT, secret=SECRET), http, clock, site=here),
        approve=site.approve,
        issue=None,
        unverify=lambda: setattr(site, "emails", []),
        fail=lambda: site.replies.update({"/login/oauth/access_token": replies.hang_up}),
    )


@pytest.fixture(params=["fake", "oidc", "github"])
async def side(request: pytest.FixtureRequest, clock: FakeClock) -> AsyncIterator[Side]:
    if request.param == "fake":
        yield fake_side(clock)
        return
    http = HttpSession(timeout_seconds=0.5)
    if request.param == "oidc":
        issuer = await LocalIssuer(clock).start()
        yield await oidc_side(http, clock, issuer)
        await issuer.stop()
    else:
        site = await LocalGithub().start()
        yield github_side(http, clock, site)
        await site.stop()
    await http.close()


async def test_code_proves_who_came_back(side: Side, clock: FakeClock) -> None:
    proven = await side.provider.identity_of_code(await side.code(), side.flow)
    assert proven.provider == side.provider.name
    assert proven.subject.isdecimal()
    assert proven.email == "ada@example.org"
    assert len(proven.proof_digest) == 32
    assert timedelta(0) < proven.expires_at - clock.now() <= timedelta(minutes=11)


async def test_browser_carries_the_state_and_no_secret(side: Side) -> None:
    address = await side.provider.authorization_url(side.flow)
    query = dict(parse_qsl(urlsplit(address).query))
    assert (query["state"], query["redirect_uri"]) == (side.flow.state, REDIRECT)
    assert query["code_challenge_method"] == "S256"
    assert VERIFIER not in address
    assert SECRET not in address


async def test_code_counts_once(side: Side) -> None:
    code = await side.code()
    await side.provider.identity_of_code(code, side.flow)
    with pytest.raises(InvalidProof):
        await side.provider.identity_of_code(code, side.flow)


async def test_two_sign_ins_are_two_proofs_of_one_subject(side: Side, clock: FakeClock) -> None:
    first = await side.provider.identity_of_code(await side.code(), side.flow)
    clock.advance(timedelta(seconds=1))
    second = await side.provider.identity_of_code(await side.code(), side.flow)
    assert first.subject == second.subject
    assert first.proof_digest != second.proof_digest


@pytest.mark.parametrize("changes", [{"code_verifier": VERIFIER[::-1]}, {"provider": "another"}], ids=str)
async def test_code_of_another_flow_is_refused(side: Side, changes: dict[str, str]) -> None:
    code = await side.code()
    with pytest.raises(InvalidProof):
        await side.provider.identity_of_code(code, replace(side.flow, **changes))


@pytest.mark.parametrize("code", ["", "unknown", "ä"])
async def test_unknown_code_is_refused(side: Side, code: str) -> None:
    with pytest.raises(InvalidProof):
        await side.provider.identity_of_code(code, side.flow)


async def test_address_that_is_not_verified_is_refused(side: Side) -> None:
    side.unverify()
    with pytest.raises(InvalidProof):
        await side.provider.identity_of_code(await side.code(), side.flow)


async def test_provider_that_is_gone_is_unavailable(side: Side) -> None:
    code = await side.code()
    side.fail()
    with pytest.raises(ProviderUnavailable):
        await side.provider.identity_of_code(code, side.flow)


async def test_id_token_proves_the_same_person_while_it_is_new(side: Side, clock: FakeClock) -> None:
    if side.issue is None:
        with pytest.raises(InvalidProof):
            await side.provider.identity_of_token("e30.e30.e30", nonce=NONCE)
        return
    token = side.issue(NONCE)
    first = await side.provider.identity_of_token(token, nonce=NONCE)
    second = await side.provider.identity_of_token(token, nonce=NONCE)
    assert first == second
    clock.advance(timedelta(minutes=10))
    with pytest.raises(InvalidProof):
        await side.provider.identity_of_token(token, nonce=NONCE)


async def test_id_token_of_another_sign_in_is_refused(side: Side) -> None:
    token = side.issue("another") if side.issue else "another"
    for spoilt in (token, "", "unknown"):
        with pytest.raises(InvalidProof):
            await side.provider.identity_of_token(spoilt, nonce=NONCE)


ALL = ProviderSettings(
    google_client_id="g",
    oidc_issuer="https://issuer.example",
    oidc_client_id="o",
    github_client_id="h",
    github_client_secret=SECRET,
)


@pytest.fixture(params=["fake", "configured"])
def providers(request: pytest.FixtureRequest, clock: FakeClock) -> IdentityProviders:
    if request.param == "fake":
        return FakeIdentityProviders(FakeIdentityProvider(called=one) for one in ("google", "oidc", "github"))
    return configured(ALL, HttpSession(), clock)


def test_providers_are_found_by_the_names_they_have(providers: IdentityProviders) -> None:
    assert providers.names() == ("google", "oidc", "github")
    assert [providers.get(one).name for one in providers.names()] == list(providers.names())


@pytest.mark.parametrize("name", ["", "Google", "facebook", "__class__"])
def test_unknown_provider_is_an_error(providers: IdentityProviders, name: str) -> None:
    with pytest.raises(UnknownProvider):
        providers.get(name)


@pytest.mark.parametrize(
    ("missing", "left"),
    [
        ("google_client_id", ("oidc", "github")),
        ("oidc_issuer", ("google", "github")),
        ("oidc_client_id", ("google", "github")),
        ("github_client_secret", ("google", "oidc")),
    ],
)
def test_provider_that_lacks_a_part_is_not_offered(
    clock: FakeClock, missing: str, left: tuple[str, ...]
) -> None:
    assert configured(replace(ALL, **{missing: None}), HttpSession(), clock).names() == left


def test_settings_show_no_secret() -> None:
    assert SECRET not in repr(replace(ALL, oidc_client_secret=SECRET))
