"""Accounts: opening, proving, signing in and out, changing, closing."""

from typing import Any

from dishka.integrations.litestar import FromDishka
from litestar import Request, Response, delete, get, post, put
from litestar.params import JSONBody
from msgspec import Struct

from waardhaven.adapters.inbound.http.config import HttpConfig
from waardhaven.adapters.inbound.http.cookies import cleared_cookies, refresh_cookie
from waardhaven.adapters.inbound.http.documents import MessageDocument
from waardhaven.adapters.inbound.http.limits import limits_of
from waardhaven.adapters.inbound.http.pace import at_least
from waardhaven.adapters.inbound.http.policy import POLICY, PUBLIC, SIGNED_IN, public
from waardhaven.adapters.inbound.http.routes.fields import (
    Email,
    Login,
    MailedToken,
    NewPassword,
    Password,
    RefreshToken,
    UseCookie,
    Username,
)
from waardhaven.adapters.inbound.http.signed_in import client_of, signed_in
from waardhaven.adapters.inbound.http.tags import ACCOUNTS, ALSO
from waardhaven.application.identity.change_password import ChangePassword
from waardhaven.application.identity.end_sessions import LogoutUser
from waardhaven.application.identity.login_user import LoginUser
from waardhaven.application.identity.queries import ViewMe
from waardhaven.application.identity.refresh_session import InvalidRefreshToken, RefreshSession
from waardhaven.application.identity.register_user import RegisterUser
from waardhaven.application.identity.reset_password import RequestPasswordReset, ResetPassword
from waardhaven.application.identity.update_me import CloseAccount, UpdateMe
from waardhaven.application.identity.verify_email import VerifyEmail
from waardhaven.application.identity.views import MeView, SignedInView, UserView

Asked = Request[Any, Any, Any]
LOOK = MessageDocument(detail="If the address can be used, a mail is on its way to it.")


class RegisterBody(Struct, kw_only=True, forbid_unknown_fields=True):
    """A new account. Without a username, or when it is taken, one is made from the address."""

    email: Email
    password: NewPassword
    username: Username | None = None


class LoginBody(Struct, kw_only=True, forbid_unknown_fields=True):
    """A login: ``email`` takes the username as well."""

    email: Login
    password: Password
    cookie: UseCookie = False


class RefreshBody(Struct, kw_only=True, forbid_unknown_fields=True):
    """A refresh token; without one the cookie is used."""

    refresh_token: RefreshToken | None = None


class EmailBody(Struct, kw_only=True, forbid_unknown_fields=True):
    """An address."""

    email: Email


class ResetBody(Struct, kw_only=True, forbid_unknown_fields=True):
    """A new password, with the token of the mail."""

    token: MailedToken
    password: NewPassword


class VerifyBody(Struct, kw_only=True, forbid_unknown_fields=True):
    """The token of the mail."""

    token: MailedToken


class ChangePasswordBody(Struct, kw_only=True, forbid_unknown_fields=True):
    """The present password and the new one."""

    password: Password
    new_password: NewPassword


class UpdateMeBody(Struct, kw_only=True, forbid_unknown_fields=True):
    """What is to change. A new address needs the present password."""

    username: Username | None = None
    email: Email | None = None
    password: Password | None = None


class CloseBody(Struct, kw_only=True, forbid_unknown_fields=True):
    """The present password; accounts without one leave it out."""

    password: Password | None = None


@post(
    "/auth/register",
    opt={POLICY: PUBLIC, ALSO: (403, 409)},
    status_code=202,
    operation_id="register",
    summary="Open an account",
    tags=[ACCOUNTS],
)
async def register(
    request: Asked, data: JSONBody[RegisterBody], register_user: FromDishka[RegisterUser]
) -> MessageDocument:
    """Open an account that may read, and send a mail to prove its address.

    The answer is the same when the address has an account already: its owner is told by mail.
    """
    await limits_of(request).admit_mail(request.scope, data.email)
    async with at_least(_config(request).quiet_seconds):
        await register_user(email=data.email, password=data.password, username=data.username)
    return LOOK


@post(
    "/auth/verify-email",
    opt={POLICY: PUBLIC, ALSO: (401, 409)},
    status_code=200,
    operation_id="verifyEmail",
    summary="Prove an address",
    tags=[ACCOUNTS],
)
async def verify_email(
    request: Asked, data: JSONBody[VerifyBody], verify: FromDishka[VerifyEmail]
) -> UserView:
    """Prove the address a mail was sent to, with its token."""
    await limits_of(request).admit_proof(request.scope)
    return await verify(token=data.token)


@post(
    "/auth/login",
    opt={POLICY: PUBLIC, ALSO: (401,)},
    status_code=200,
    operation_id="login",
    summary="Open a session",
    tags=[ACCOUNTS],
)
async def login(
    request: Asked, data: JSONBody[LoginBody], login_user: FromDishka[LoginUser]
) -> Response[SignedInView]:
    """Exchange a password for a short-lived access token and a refresh token.

    Attempts are counted by address and by login, whether there is such an account or not, and each
    failure makes the next attempt wait longer.
    """
    async with limits_of(request).attempting_login(request.scope, data.email):
        view = await login_user(login=data.email, password=data.password, client=client_of(request))
    return signed_in(request, view, cookie=data.cookie)


@post(
    "/auth/refresh",
    opt={POLICY: public(cookie=True), ALSO: (401,)},
    status_code=200,
    operation_id="refresh",
    summary="Keep a session alive",
    tags=[ACCOUNTS],
)
async def refresh(
    request: Asked, data: JSONBody[RefreshBody], refresh_session: FromDishka[RefreshSession]
) -> Response[SignedInView]:
    """Exchange a refresh token for the next one and a new access token.

    Each refresh token works once: one that comes again ends the session.
    """
    token = data.refresh_token or refresh_cookie(request.scope)
    if not token:
        raise InvalidRefreshToken("Send a refresh token, in the body or as our cookie.")
    view = await refresh_session(refresh_token=token)
    return signed_in(request, view, cookie=data.refresh_token is None)


@post(
    "/auth/logout",
    opt={POLICY: public(cookie=True), ALSO: (401,)},
    status_code=204,
    operation_id="logout",
    summary="End a session",
    tags=[ACCOUNTS],
)
async def logout(
    request: Asked, data: JSONBody[RefreshBody], logout_user: FromDishka[LogoutUser]
) -> Response[None]:
    """End the session of the access token, of the refresh token, or of the cookie: at once, everywhere."""
    token = data.refresh_token or refresh_cookie(request.scope)
    await logout_user(by=request.scope.get("user"), refresh_token=token)
    return Response(None, status_code=204, cookies=cleared_cookies(request.scope))


@post(
    "/auth/forgot-password",
    opt={POLICY: PUBLIC},
    status_code=202,
    operation_id="forgotPassword",
    summary="Ask for a new password",
    tags=[ACCOUNTS],
)
async def forgot_password(
    request: Asked, data: JSONBody[EmailBody], ask: FromDishka[RequestPasswordReset]
) -> MessageDocument:
    """Send a mail with which a new password can be set.

    The answer never tells whether there is an account.
    """
    await limits_of(request).admit_mail(request.scope, data.email)
    async with at_least(_config(request).quiet_seconds):
        await ask(email=data.email)
    return LOOK


@post(
    "/auth/reset-password",
    opt={POLICY: PUBLIC, ALSO: (401,)},
    status_code=204,
    operation_id="resetPassword",
    summary="Set a new password by mail",
    tags=[ACCOUNTS],
)
async def reset_password(request: Asked, data: JSONBody[ResetBody], reset: FromDishka[ResetPassword]) -> None:
    """Set a new password with the token of a mail. All sessions and API keys of the account end."""
    await limits_of(request).admit_proof(request.scope)
    await reset(token=data.token, password=data.password)


@post(
    "/auth/change-password",
    opt={POLICY: SIGNED_IN, ALSO: (409,)},
    status_code=204,
    operation_id="changePassword",
    summary="Set a new password",
    tags=[ACCOUNTS],
)
async def change_password(
    request: Asked, data: JSONBody[ChangePasswordBody], change: FromDishka[ChangePassword]
) -> None:
    """Set a new password with the present one. All other sessions of the account end."""
    async with limits_of(request).attempting_login(request.scope, f"password of {request.user.user}"):
        await change(request.user, password=data.password, new_password=data.new_password)


@get("/auth/me", opt={POLICY: SIGNED_IN}, operation_id="me", summary="Your account", tags=[ACCOUNTS])
async def me(request: Asked, view_me: FromDishka[ViewMe]) -> MeView:
    """Show the account of the token, and what it may do."""
    return await view_me(request.user)


@put(
    "/auth/me",
    opt={POLICY: SIGNED_IN, ALSO: (409,)},
    operation_id="updateMe",
    summary="Change your account",
    tags=[ACCOUNTS],
)
async def update_me(request: Asked, data: JSONBody[UpdateMeBody], update: FromDishka[UpdateMe]) -> UserView:
    """Change the username or the address; a new address counts once the mail sent to it is answered."""
    if data.email is None:  # no password is asked for, so nothing is proved
        return await update(request.user, username=data.username)
    async with limits_of(request).attempting_login(request.scope, f"password of {request.user.user}"):
        return await update(request.user, username=data.username, email=data.email, password=data.password)


@delete(
    "/auth/me",
    opt={POLICY: SIGNED_IN, ALSO: (409,)},
    operation_id="closeAccount",
    summary="Close your account",
    tags=[ACCOUNTS],
)
async def close_account(
    request: Asked, data: JSONBody[CloseBody], close: FromDishka[CloseAccount]
) -> Response[None]:
    """Close the account: its sessions and API keys end at once."""
    async with limits_of(request).attempting_login(request.scope, f"password of {request.user.user}"):
        await close(request.user, password=data.password)
    return Response(None, status_code=204, cookies=cleared_cookies(request.scope))


def _config(request: Asked) -> HttpConfig:
    found: HttpConfig = request.app.state.config
    return found


HANDLERS = (
    register,
    verify_email,
    login,
    refresh,
    logout,
    forgot_password,
    reset_password,
    change_password,
    me,
    update_me,
    close_account,
)
