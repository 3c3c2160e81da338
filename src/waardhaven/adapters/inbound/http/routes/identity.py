"""Accounts and how to get a token."""

from typing import Annotated, Any

from dishka.integrations.litestar import FromDishka
from litestar import Request, get, post
from litestar.params import JSONBody
from msgspec import Meta, Struct

from waardhaven.adapters.inbound.http.auth import PUBLIC
from waardhaven.adapters.inbound.http.limits import Limits
from waardhaven.adapters.inbound.http.tags import ACCOUNTS
from waardhaven.application.identity.login_user import LoginUser
from waardhaven.application.identity.queries import ViewMe
from waardhaven.application.identity.register_user import RegisterUser
from waardhaven.application.identity.views import SignedInView, UserView

NO_CONTROLS = r"^[^\x00-\x1f\x7f]*$"


class RegisterBody(Struct, kw_only=True, forbid_unknown_fields=True):
    """A new account."""

    email: Annotated[str, Meta(max_length=254, pattern=NO_CONTROLS, examples=["ada@example.org"])]
    password: Annotated[
        str,
        Meta(
            max_length=1024,
            examples=["correct horse battery"],
            description="10 to 128 characters; not one that everybody tries first.",
        ),
    ]
    username: (
        Annotated[
            str,
            Meta(
                max_length=32,
                pattern=NO_CONTROLS,
                examples=["ada"],
                description="3 to 32 letters, digits or . _ -; without it one is made from the address.",
            ),
        ]
        | None
    ) = None


class LoginBody(Struct, kw_only=True, forbid_unknown_fields=True):
    """A login: ``email`` takes the username as well."""

    email: Annotated[
        str,
        Meta(
            max_length=254,
            pattern=NO_CONTROLS,
            examples=["ada@example.org"],
            description="E-mail address or username, in any case.",
        ),
    ]
    password: Annotated[str, Meta(max_length=1024, examples=["correct horse battery"])]


@post(
    "/auth/register", opt={PUBLIC: True}, operation_id="register", summary="Open an account", tags=[ACCOUNTS]
)
async def register(
    request: Request[Any, Any, Any],
    data: JSONBody[RegisterBody],
    register_user: FromDishka[RegisterUser],
    login_user: FromDishka[LoginUser],
) -> SignedInView:
    """Open an account that may read, and answer with an access token for it."""
    limits: Limits = request.app.state.limits
    await limits.admit_registration(request.scope)
    await register_user(email=data.email, password=data.password, username=data.username)
    return await login_user(login=data.email, password=data.password)


@post(
    "/auth/login",
    opt={PUBLIC: True},
    status_code=200,
    operation_id="login",
    summary="Get an access token",
    tags=[ACCOUNTS],
)
async def login(
    request: Request[Any, Any, Any], data: JSONBody[LoginBody], login_user: FromDishka[LoginUser]
) -> SignedInView:
    """Exchange a password for a short-lived access token.

    Attempts are counted by address and by login, whether there is such an account or not.
    """
    limits: Limits = request.app.state.limits
    await limits.admit_login(request.scope, data.email)
    return await login_user(login=data.email, password=data.password)


@get("/auth/me", operation_id="me", summary="Your account", tags=[ACCOUNTS])
async def me(request: Request[Any, Any, Any], view_me: FromDishka[ViewMe]) -> UserView:
    """Show the account of the token."""
    return await view_me(request.user)
