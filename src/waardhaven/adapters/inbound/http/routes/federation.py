"""Signing in through somebody who knows the person already."""

from typing import Annotated, Any
from urllib.parse import urlsplit

from dishka.integrations.litestar import FromDishka
from litestar import Request, Response, get, post
from litestar.datastructures import Cookie
from litestar.params import JSONBody, PathParameter, QueryParameter
from msgspec import Meta, Struct

from waardhaven.adapters.inbound.http import flows
from waardhaven.adapters.inbound.http.config import HttpConfig
from waardhaven.adapters.inbound.http.cookies import signed_in_cookies
from waardhaven.adapters.inbound.http.documents import LocationDocument, NonceDocument, ProvidersDocument
from waardhaven.adapters.inbound.http.limits import limits_of
from waardhaven.adapters.inbound.http.params import NO_CONTROLS
from waardhaven.adapters.inbound.http.policy import POLICY, PUBLIC, SIGNED_IN
from waardhaven.adapters.inbound.http.routes.fields import Password, UseCookie
from waardhaven.adapters.inbound.http.signed_in import client_of, signed_in
from waardhaven.adapters.inbound.http.tags import ACCOUNTS, ALSO
from waardhaven.application.identity.federated import LinkIdentity, ProveOwner, SignInWithIdentity
from waardhaven.application.identity.views import SignedInView
from waardhaven.application.ports.identity_provider import IdentityProvider, IdentityProviders
from waardhaven.application.ports.sealing import Sealing

Asked = Request[Any, Any, Any]
GOOGLE = "google"
LOCAL_PATH = r"^/(?![/\\])[^\x00-\x20\x7f\\]*$"
IdToken = Annotated[
    str, Meta(max_length=8192, pattern=NO_CONTROLS, description="The ID token of the provider.")
]
Nonce = Annotated[
    str,
    Meta(
        max_length=400,
        pattern=r"^[A-Za-z0-9_-]+$",
        description="What `POST /auth/nonce` answered with and the ID token was asked for with.",
    ),
]
Provider = Annotated[str, PathParameter(pattern=r"^[a-z][a-z0-9_]{0,31}$", description="Name of a provider.")]
ReturnTo = Annotated[
    str | None,
    QueryParameter(
        name="return_to",
        max_length=500,
        pattern=LOCAL_PATH,
        description="Path of the front end to end at.",
    ),
]
Code = Annotated[
    str | None,
    QueryParameter(name="code", max_length=4096, pattern=NO_CONTROLS, description="The provider's code."),
]
State = Annotated[
    str | None,
    QueryParameter(name="state", max_length=200, pattern=NO_CONTROLS, description="Our own state."),
]
ErrorCode = Annotated[
    str | None,
    QueryParameter(
        name="error", max_length=200, pattern=NO_CONTROLS, description="Why the provider refused."
    ),
]


class IdTokenBody(Struct, kw_only=True, forbid_unknown_fields=True):
    """A proof the client obtained from the provider."""

    id_token: IdToken
    nonce: Nonce
    cookie: UseCookie = False


class LinkBody(Struct, kw_only=True, forbid_unknown_fields=True):
    """A proof of the provider and the password of the account (if it has one)."""

    id_token: IdToken
    nonce: Nonce
    password: Password | None = None


class StartLinkBody(Struct, kw_only=True, forbid_unknown_fields=True):
    """The password of the account (if it has one), and where the browser shall end."""

    password: Password | None = None
    return_to: Annotated[str, Meta(max_length=500, pattern=LOCAL_PATH)] = "/"


@get(
    "/auth/providers",
    opt={POLICY: PUBLIC},
    operation_id="providers",
    summary="Ways to sign in",
    tags=[ACCOUNTS],
)
async def providers(known: FromDishka[IdentityProviders]) -> ProvidersDocument:
    """List the providers one can sign in through here."""
    return ProvidersDocument(items=list(known.names()))


@post(
    "/auth/nonce",
    opt={POLICY: PUBLIC},
    status_code=200,
    operation_id="nonce",
    summary="A nonce for an ID token",
    tags=[ACCOUNTS],
)
async def nonce(sealing: FromDishka[Sealing]) -> NonceDocument:
    """Get a nonce to ask a provider for an ID token with; it counts for ten minutes."""
    return NonceDocument(nonce=flows.new_nonce(sealing), expires_in=int(flows.LIFETIME.total_seconds()))


@post(
    "/auth/google",
    opt={POLICY: PUBLIC, ALSO: (401, 403, 404, 409)},
    status_code=200,
    operation_id="google",
    summary="Sign in with Google",
    tags=[ACCOUNTS],
)
async def google(
    request: Asked,
    data: JSONBody[IdTokenBody],
    known: FromDishka[IdentityProviders],
    sealing: FromDishka[Sealing],
    sign_in: FromDishka[SignInWithIdentity],
) -> Response[SignedInView]:
    """Exchange a Google ID token for a session.

    An address that has an account here is not taken over: log in to it and link the identity (409).
    """
    provider = known.get(GOOGLE)
    await limits_of(request).admit_proof(request.scope)
    flows.require_nonce(sealing, data.nonce)
    proven = await provider.identity_of_token(data.id_token, nonce=data.nonce)
    view = await sign_in(proven, client_of(request))
    return signed_in(request, view, cookie=data.cookie)


@post(
    "/auth/{provider:str}/link",
    opt={POLICY: SIGNED_IN},
    status_code=204,
    operation_id="linkIdentity",
    summary="Link an identity to your account",
    tags=[ACCOUNTS],
)
async def link_identity(
    request: Asked,
    provider: Provider,
    data: JSONBody[LinkBody],
    known: FromDishka[IdentityProviders],
    sealing: FromDishka[Sealing],
    prove: FromDishka[ProveOwner],
    link: FromDishka[LinkIdentity],
) -> None:
    """Sign in through a provider from now on, too: needs its proof and your password."""
    chosen = known.get(provider)
    async with limits_of(request).attempting_login(request.scope, f"password of {request.user.user}"):
        flows.require_nonce(sealing, data.nonce)
        proven = await chosen.identity_of_token(data.id_token, nonce=data.nonce)
        await link(await prove(request.user, password=data.password), proven)


@post(
    "/auth/{provider:str}/link/start",
    opt={POLICY: SIGNED_IN},
    status_code=200,
    operation_id="startLink",
    summary="Go to a provider to link an identity",
    tags=[ACCOUNTS],
)
async def start_link(
    request: Asked,
    provider: Provider,
    data: JSONBody[StartLinkBody],
    known: FromDishka[IdentityProviders],
    sealing: FromDishka[Sealing],
    prove: FromDishka[ProveOwner],
) -> Response[LocationDocument]:
    """Get the provider's address to send your browser to; coming back links the identity to your account."""
    chosen = known.get(provider)
    async with limits_of(request).attempting_login(request.scope, f"password of {request.user.user}"):
        owner = await prove(request.user, password=data.password)
    address, cookie = await _away(
        request, chosen, sealing, flows.Errand(return_to=data.return_to, owner=owner)
    )
    return Response(LocationDocument(location=address), cookies=[cookie])


@get(
    "/auth/{provider:str}/start",
    opt={POLICY: PUBLIC},
    status_code=303,
    operation_id="startSignIn",
    summary="Go to a provider to sign in",
    tags=[ACCOUNTS],
)
async def start_sign_in(
    request: Asked,
    provider: Provider,
    known: FromDishka[IdentityProviders],
    sealing: FromDishka[Sealing],
    return_to: ReturnTo = None,
) -> Response[None]:
    """Send a browser to the provider (authorisation code with PKCE); it comes back to ``callback``."""
    errand = flows.Errand(return_to=return_to or "/")
    address, cookie = await _away(request, known.get(provider), sealing, errand)
    return Response(None, status_code=303, headers={"Location": address}, cookies=[cookie])


@get(
    "/auth/{provider:str}/callback",
    opt={POLICY: PUBLIC, ALSO: (401, 403, 409)},
    status_code=303,
    operation_id="finishSignIn",
    summary="Come back from a provider",
    tags=[ACCOUNTS],
)
async def finish_sign_in(
    request: Asked,
    provider: Provider,
    known: FromDishka[IdentityProviders],
    sealing: FromDishka[Sealing],
    sign_in: FromDishka[SignInWithIdentity],
    link: FromDishka[LinkIdentity],
    code: Code = None,
    returned: State = None,
    error: ErrorCode = None,
) -> Response[None]:
    """Open a session for the browser that was sent away, or link the identity, and send it on."""
    chosen = known.get(provider)
    await limits_of(request).admit_proof(request.scope)
    flow, errand = flows.returned_flow(request.scope, sealing, provider, state=returned, error=error)
    proven = await chosen.identity_of_code(code or "", flow)
    cookies = [flows.cleared_flow_cookie(request.scope)]
    if errand.owner is not None:
        await link(errand.owner, proven)
    else:
        view = await sign_in(proven, client_of(request))
        cookies += signed_in_cookies(request.scope, view.refresh_token or "", view.refresh_expires_in)
    home = _front(request, errand.return_to)
    return Response(None, status_code=303, headers={"Location": home}, cookies=cookies)


async def _away(
    request: Asked, provider: IdentityProvider, sealing: Sealing, errand: flows.Errand
) -> tuple[str, Cookie]:
    """Return where to send the browser, and the cookie it comes back with."""
    flow = flows.new_flow(provider.name, _own(request, f"/api/v1/auth/{provider.name}/callback"))
    address = await provider.authorization_url(flow)
    return address, flows.flow_cookie(request.scope, sealing, flow, errand)


def _own(request: Asked, path: str) -> str:
    """Return an address of this server as the browser knows it."""
    config: HttpConfig = request.app.state.config
    front = urlsplit(config.frontend_url or str(request.base_url))
    return f"{front.scheme}://{front.netloc}{path}"


def _front(request: Asked, path: str) -> str:
    config: HttpConfig = request.app.state.config
    return f"{(config.frontend_url or '').rstrip('/')}{path}"


HANDLERS = (providers, nonce, google, link_identity, start_link, start_sign_in, finish_sign_in)
