"""What proves who somebody is: sessions, API keys, the keys tokens are signed with."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from dishka.integrations.litestar import FromDishka
from litestar import Request, delete, get, post
from litestar.params import JSONBody, PathParameter
from msgspec import Meta, Struct

from waardhaven.adapters.inbound.http.documents import KeySetDocument, PageDocument
from waardhaven.adapters.inbound.http.policy import POLICY, PUBLIC, SIGNED_IN
from waardhaven.adapters.inbound.http.routes.fields import NO_CONTROLS
from waardhaven.adapters.inbound.http.tags import ACCOUNTS, ALSO, SERVICE
from waardhaven.application.identity.api_keys import CreateApiKey, RevokeApiKey
from waardhaven.application.identity.end_sessions import EndSessions
from waardhaven.application.identity.queries import ListApiKeys, ListSessions
from waardhaven.application.identity.views import ApiKeyView, NewApiKeyView, SessionView
from waardhaven.application.ports.security import AccessTokens
from waardhaven.domain.identity.roles import Permission
from waardhaven.domain.types import ApiKeyId, SessionId

Asked = Request[Any, Any, Any]
SessionPath = Annotated[UUID, PathParameter(description="Id of a session of yours.")]
KeyPath = Annotated[UUID, PathParameter(description="Id of an API key of yours.")]
End = Annotated[
    datetime,
    Meta(
        tz=True, description="When it ends; without it only by revocation.", examples=["2030-01-01T00:00:00Z"]
    ),
]
OwnLimit = Annotated[
    int, Meta(ge=1, le=100_000, description="Requests a minute, in place of the usual limit.")
]


class ApiKeyBody(Struct, kw_only=True, forbid_unknown_fields=True):
    """A key for a program. Its scopes are permissions of yours; your role still bounds them later."""

    name: Annotated[str, Meta(min_length=1, max_length=80, pattern=NO_CONTROLS, examples=["nightly report"])]
    scopes: Annotated[Sequence[Permission], Meta(min_length=1, max_length=20, examples=[["indices:read"]])]
    expires_at: End | None = None
    requests_per_minute: OwnLimit | None = None


@get(
    "/auth/sessions",
    opt={POLICY: SIGNED_IN},
    operation_id="sessions",
    summary="Your sessions",
    tags=[ACCOUNTS],
)
async def sessions(request: Asked, find: FromDishka[ListSessions]) -> PageDocument[SessionView]:
    """List your open sessions, the last used first."""
    return PageDocument(items=list(await find(request.user)), next_cursor=None)


@delete(
    "/auth/sessions",
    opt={POLICY: SIGNED_IN},
    operation_id="endOtherSessions",
    summary="Log out everywhere else",
    tags=[ACCOUNTS],
)
async def end_other_sessions(request: Asked, end: FromDishka[EndSessions]) -> None:
    """End all your sessions but this one."""
    await end(request.user)


@delete(
    "/auth/sessions/{session:uuid}",
    opt={POLICY: SIGNED_IN},
    operation_id="endSession",
    summary="End one of your sessions",
    tags=[ACCOUNTS],
)
async def end_session(request: Asked, session: SessionPath, end: FromDishka[EndSessions]) -> None:
    """End a session of yours: its access tokens stop working within seconds."""
    await end(request.user, session=SessionId(session))


@get(
    "/auth/api-keys",
    opt={POLICY: SIGNED_IN},
    operation_id="apiKeys",
    summary="Your API keys",
    tags=[ACCOUNTS],
)
async def api_keys(request: Asked, find: FromDishka[ListApiKeys]) -> PageDocument[ApiKeyView]:
    """List your API keys without their secrets, the newest first, revoked ones included."""
    return PageDocument(items=list(await find(request.user)), next_cursor=None)


@post(
    "/auth/api-keys",
    opt={POLICY: SIGNED_IN, ALSO: (409,)},
    operation_id="createApiKey",
    summary="Make an API key",
    tags=[ACCOUNTS],
)
async def create_api_key(
    request: Asked, data: JSONBody[ApiKeyBody], create: FromDishka[CreateApiKey]
) -> NewApiKeyView:
    """Make a key for a program; it is shown this once."""
    return await create(
        request.user,
        name=data.name,
        scopes=data.scopes,
        expires_at=data.expires_at,
        per_minute=data.requests_per_minute,
    )


@delete(
    "/auth/api-keys/{key:uuid}",
    opt={POLICY: SIGNED_IN},
    operation_id="revokeApiKey",
    summary="Revoke an API key",
    tags=[ACCOUNTS],
)
async def revoke_api_key(request: Asked, key: KeyPath, revoke: FromDishka[RevokeApiKey]) -> None:
    """End a key of yours; it stays listed."""
    await revoke(request.user, ApiKeyId(key))


@get(
    "/.well-known/jwks.json",
    opt={POLICY: PUBLIC},
    operation_id="jwks",
    summary="Keys that verify access tokens",
    tags=[SERVICE],
)
async def jwks(tokens: FromDishka[AccessTokens]) -> KeySetDocument:
    """List the public keys of access tokens; empty while tokens are signed with a shared secret."""
    return KeySetDocument(keys=tokens.public_keys())


HANDLERS = (sessions, end_other_sessions, end_session, api_keys, create_api_key, revoke_api_key)
