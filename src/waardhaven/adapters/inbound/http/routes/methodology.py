"""How an index is made, in words."""

from typing import Any

from litestar import Request, Response, get

from waardhaven.adapters.inbound.http.answers import PERSONAL
from waardhaven.adapters.inbound.http.params import Fields, Slug
from waardhaven.adapters.inbound.http.policy import POLICY, needs
from waardhaven.adapters.inbound.http.reading import answer_record
from waardhaven.adapters.inbound.http.tags import INDICES
from waardhaven.application.indexes.methodology import MethodologyView, ReadMethodology
from waardhaven.domain.identity.roles import Permission


@get(
    "/indices/{slug:str}/methodology",
    opt={POLICY: needs(Permission.READ_INDICES), PERSONAL: True},
    operation_id="methodology",
    summary="How an index is made",
    tags=[INDICES],
)
async def methodology(
    request: Request[Any, Any, Any], slug: Slug, fields: Fields = None
) -> Response[MethodologyView]:
    """Read the methodology, written from the rules in force: by section, and whole as Markdown."""
    return await answer_record(request, ReadMethodology, fields, slug=slug)


HANDLERS = (methodology,)
