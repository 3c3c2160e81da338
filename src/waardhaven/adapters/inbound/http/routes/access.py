"""Who may see and change an index."""

from typing import Annotated, Any

from dishka.integrations.litestar import FromDishka
from litestar import Request, get, put
from litestar.params import JSONBody
from msgspec import Meta, Struct

from waardhaven.adapters.inbound.http.params import Slug
from waardhaven.adapters.inbound.http.policy import POLICY, needs
from waardhaven.adapters.inbound.http.tags import INDICES
from waardhaven.application.indexes.access import AccessView, ChangeAccess, ViewAccess
from waardhaven.domain.identity.access import Right, Visibility
from waardhaven.domain.identity.roles import Permission

Asked = Request[Any, Any, Any]
Username = Annotated[str, Meta(min_length=1, max_length=50, pattern=r"^[^\x00-\x1f\x7f]*$")]
Grants = Annotated[
    dict[Username, Right],
    Meta(max_length=100, description="Rights by username.", examples=[{"grace": "read", "alan": "edit"}]),
]
READ = needs(Permission.READ_INDICES)


class AccessBody(Struct, kw_only=True, forbid_unknown_fields=True):
    """The whole of the new rules: who is not named here loses what was shared."""

    visibility: Visibility
    shared_with: Grants = {}


@get(
    "/indices/{slug:str}/access",
    opt={POLICY: READ},
    operation_id="indexAccess",
    summary="Who may see an index",
    tags=[INDICES],
)
async def index_access(request: Asked, slug: Slug, view: FromDishka[ViewAccess]) -> AccessView:
    """Show who may see and change an index of yours."""
    return await view(request.user, slug=slug)


@put(
    "/indices/{slug:str}/access",
    opt={POLICY: READ},
    operation_id="changeIndexAccess",
    summary="Share an index",
    tags=[INDICES],
)
async def change_index_access(
    request: Asked, slug: Slug, data: JSONBody[AccessBody], change: FromDishka[ChangeAccess]
) -> AccessView:
    """Keep an index of yours private, share it with people by username, or make it public."""
    return await change(request.user, slug=slug, visibility=data.visibility, shared_with=data.shared_with)


HANDLERS = (index_access, change_index_access)
