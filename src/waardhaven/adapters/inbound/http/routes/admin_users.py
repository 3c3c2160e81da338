"""Accounts as administrators see them."""

from typing import Annotated, Any
from uuid import UUID

from dishka.integrations.litestar import FromDishka
from litestar import Request, get, put
from litestar.params import JSONBody, PathParameter, QueryParameter
from msgspec import Struct

from waardhaven.adapters.inbound.http.params import DEFAULT_LIMIT, NO_CONTROLS, Cursor, Limit
from waardhaven.adapters.inbound.http.policy import POLICY, needs
from waardhaven.adapters.inbound.http.tags import ADMINISTRATION
from waardhaven.application.identity.manage_users import ManageUser
from waardhaven.application.identity.queries import ListUsers, ViewUser
from waardhaven.application.identity.views import UserPage, UserView
from waardhaven.domain.identity.roles import Permission, Role
from waardhaven.domain.types import UserId

Asked = Request[Any, Any, Any]
UserPath = Annotated[UUID, PathParameter(description="Id of an account.")]
RoleFilter = Annotated[Role | None, QueryParameter(name="role", description="Only accounts of this role.")]
ActiveFilter = Annotated[
    bool | None, QueryParameter(name="active", description="Only active accounts, or only inactive ones.")
]
DeletedFilter = Annotated[bool, QueryParameter(name="deleted", description="Closed accounts instead.")]
Search = Annotated[
    str | None,
    QueryParameter(
        name="search",
        max_length=100,
        pattern=NO_CONTROLS,
        description="A part of the address or username, taken literally.",
    ),
]
MANAGE = needs(Permission.MANAGE_USERS)


class ManageBody(Struct, kw_only=True, forbid_unknown_fields=True):
    """What is to change; what is left out stays."""

    role: Role | None = None
    is_active: bool | None = None


@get(
    "/admin/users",
    opt={POLICY: MANAGE},
    operation_id="users",
    summary="All accounts",
    tags=[ADMINISTRATION],
)
async def users(
    request: Asked,
    find: FromDishka[ListUsers],
    *,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
    role: RoleFilter = None,
    active: ActiveFilter = None,
    deleted: DeletedFilter = False,
    search: Search = None,
) -> UserPage:
    """Page through the accounts."""
    return await find(
        request.user, limit=limit, cursor=cursor, role=role, active=active, deleted=deleted, search=search
    )


@get(
    "/admin/users/{user:uuid}",
    opt={POLICY: MANAGE},
    operation_id="user",
    summary="One account",
    tags=[ADMINISTRATION],
)
async def user(request: Asked, user: UserPath, view: FromDishka[ViewUser]) -> UserView:
    """Show an account, also a closed one."""
    return await view(request.user, UserId(user))


@put(
    "/admin/users/{user:uuid}",
    opt={POLICY: MANAGE},
    operation_id="manageUser",
    summary="Change role or state",
    tags=[ADMINISTRATION],
)
async def manage_user(
    request: Asked, user: UserPath, data: JSONBody[ManageBody], manage: FromDishka[ManageUser]
) -> UserView:
    """Change the role of an account, close it to its owner or open it again: within 5 seconds everywhere."""
    return await manage(request.user, UserId(user), role=data.role, active=data.is_active)


HANDLERS = (users, user, manage_user)
