"""What is to come: the next review, and rules that are not stored yet."""

from typing import Any, Final

from litestar import Request, Response, get, post
from litestar.params import JSONBody

from waardhaven.adapters.inbound.http.answers import PERSONAL
from waardhaven.adapters.inbound.http.definition_bodies import IndexPartBody
from waardhaven.adapters.inbound.http.params import Fields, Slug
from waardhaven.adapters.inbound.http.policy import POLICY, needs
from waardhaven.adapters.inbound.http.reading import answer_record, answer_series
from waardhaven.adapters.inbound.http.tags import INDICES
from waardhaven.adapters.inbound.http.working_documents import PreviewDocument
from waardhaven.application.indexes.preview import PreviewIndex
from waardhaven.application.indexes.pro_forma import ProFormaView, ReadProForma
from waardhaven.domain.identity.roles import Permission

Asked = Request[Any, Any, Any]
READS: Final = needs(Permission.READ_INDICES)
COMPUTES: Final = needs(Permission.READ_INDICES, per_minute=30)


@get(
    "/indices/{slug:str}/pro-forma",
    opt={POLICY: READS, PERSONAL: True},
    operation_id="proForma",
    summary="The next review",
    tags=[INDICES],
)
async def pro_forma(request: Asked, slug: Slug, fields: Fields = None) -> Response[ProFormaView]:
    """Compute the next review as if the newest close were its selection day; provisional until it is."""
    return await answer_record(request, ReadProForma, fields, slug=slug)


@post(
    "/indices/{slug:str}/preview",
    status_code=200,
    opt={POLICY: COMPUTES, PERSONAL: True},
    operation_id="preview",
    summary="Changed rules beside the live ones",
    tags=[INDICES],
)
async def preview(
    request: Asked, slug: Slug, data: JSONBody[IndexPartBody], fields: Fields = None
) -> Response[PreviewDocument]:
    """Compute an index under changed rules, merged into the stored ones, and as it is; nothing is stored."""
    return await answer_series(request, PreviewIndex, fields, slug=slug, changes=data.rules())


HANDLERS = (pro_forma, preview)
