"""Definitions of indices: create, change, archive, compare, carry away as rule files, review by hand."""

from dataclasses import dataclass
from typing import Annotated, Any, Final

from dishka.integrations.litestar import FromDishka
from litestar import Request, Response, delete, get, post, put
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import JSONBody, QueryParameter

from waardhaven.adapters.inbound.http.answers import PERSONAL
from waardhaven.adapters.inbound.http.bodies import UnsupportedMediaType
from waardhaven.adapters.inbound.http.definition_bodies import ForcedReviewBody, IndexBody, IndexPartBody
from waardhaven.adapters.inbound.http.documents import PageDocument
from waardhaven.adapters.inbound.http.job_answers import LOCATION
from waardhaven.adapters.inbound.http.params import (
    DEFAULT_LIMIT,
    NO_CONTROLS,
    Cursor,
    Fields,
    InvalidParameters,
    Limit,
    Slug,
)
from waardhaven.adapters.inbound.http.policy import POLICY, needs
from waardhaven.adapters.inbound.http.reading import answer_page
from waardhaven.adapters.inbound.http.tags import ALSO, INDICES, UPLOAD
from waardhaven.application.indexes import DEFAULT_SLUG
from waardhaven.application.indexes.archive_index import ArchiveIndex
from waardhaven.application.indexes.change_index import ChangeIndex, CreateIndex, ImportRules
from waardhaven.application.indexes.force_review import ForceReview
from waardhaven.application.indexes.rule_queries import ExportRules, ListVersions
from waardhaven.application.indexes.rule_views import RulesView, VersionView
from waardhaven.application.jobs.names import JobName
from waardhaven.application.jobs.submit_job import SubmitJob
from waardhaven.application.jobs.views import JobView, job_view
from waardhaven.domain.errors import FieldError
from waardhaven.domain.identity.roles import Permission
from waardhaven.domain.index.build_record import ForcedReview

Asked = Request[Any, Any, Any]
TOML: Final = "application/toml"
READS: Final = needs(Permission.READ_INDICES)
WRITES: Final = needs(Permission.BUILD_INDICES, per_minute=60)
INDEX: Final = "/api/v1/indices/"
Version = Annotated[
    int | None, QueryParameter(name="version", ge=1, le=2**31 - 1, description="Without it the newest.")
]
Why = Annotated[
    str | None,
    QueryParameter(name="reason", max_length=500, pattern=NO_CONTROLS, description="Kept with the version."),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewView:
    """A review that was asked for, and the job that carries it out once there is a session after it."""

    review: ForcedReview
    job: JobView


@post(
    "/indices",
    status_code=201,
    opt={POLICY: WRITES, ALSO: (409,)},
    operation_id="createIndex",
    summary="Define an index",
    tags=[INDICES],
)
async def create_index(
    request: Asked, data: JSONBody[IndexBody], create: FromDishka[CreateIndex]
) -> Response[RulesView]:
    """Define an index of yours: private until you share it. Every broken rule is told at once."""
    made = await create(request.user, document=data.rules(), reason=data.why())
    return Response(made, status_code=201, headers={"Location": f"{INDEX}{made.slug}"})


@put(
    "/indices/{slug:str}",
    status_code=200,
    opt={POLICY: WRITES},
    operation_id="changeIndex",
    summary="Change an index",
    tags=[INDICES],
)
async def change_index(
    request: Asked, slug: Slug, data: JSONBody[IndexPartBody], change: FromDishka[ChangeIndex]
) -> RulesView:
    """Change rules: a part is merged into what is stored, then all is checked. From the next build on."""
    return await change(request.user, slug=slug, changes=data.rules(), reason=data.why())


@delete(
    "/indices/{slug:str}",
    status_code=204,
    opt={POLICY: WRITES},
    operation_id="archiveIndex",
    summary="Archive an index",
    tags=[INDICES],
)
async def archive_index(request: Asked, slug: Slug, archive: FromDishka[ArchiveIndex]) -> None:
    """Take an index of yours out of sight; defined again, it comes back with all that was published."""
    await archive(request.user, slug=slug)


@get(
    "/indices/{slug:str}/versions",
    opt={POLICY: READS, PERSONAL: True},
    operation_id="versions",
    summary="How rules changed",
    tags=[INDICES],
)
async def versions(
    request: Asked, slug: Slug, limit: Limit = DEFAULT_LIMIT, cursor: Cursor = None, fields: Fields = None
) -> Response[PageDocument[VersionView]]:
    """Page through the versions of the rules, newest first, each with its changes, old and new."""
    return await answer_page(
        request, ListVersions, VersionView, fields, slug=slug, limit=limit, cursor=cursor
    )


@get(
    "/indices/{slug:str}/rules",
    opt={POLICY: needs(Permission.READ_INDICES, per_minute=120)},
    operation_id="rules",
    summary="The rule file",
    tags=[INDICES],
    responses={
        200: ResponseSpec(str, description="The rules as TOML.", media_type=TOML, generate_examples=False)
    },
)
async def rules(
    request: Asked, slug: Slug, export: FromDishka[ExportRules], version: Version = None
) -> Response[str]:
    """Download the rules as a TOML file that says what each field means, and can be sent back."""
    text = await export(request.user, slug=slug, version=version)
    headers = {"Content-Disposition": f'attachment; filename="{slug}.toml"', "Cache-Control": "no-store"}
    return Response(text, media_type=f"{TOML}; charset=utf-8", headers=headers)


@put(
    "/indices/{slug:str}/rules",
    status_code=200,
    opt={POLICY: WRITES, UPLOAD: (TOML,), ALSO: (413, 415, 422)},
    operation_id="importRules",
    summary="Replace the rules by a file",
    tags=[INDICES],
)
async def import_rules(
    request: Asked, slug: Slug, replace: FromDishka[ImportRules], reason: Why = None
) -> RulesView:
    """Take a TOML rule file as the body in place of the stored rules: what it leaves out has its default."""
    sent = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if sent != TOML:
        raise UnsupportedMediaType(f"Send the body as {TOML}.", headers={"Accept": TOML})
    return await replace(request.user, text=_text(await request.body()), slug=slug, reason=reason)


@post(
    "/indices/{slug:str}/rebalance",
    status_code=202,
    opt={POLICY: WRITES},
    operation_id="rebalance",
    summary="Review weights out of schedule",
    tags=[INDICES],
)
async def rebalance(
    request: Asked,
    slug: Slug,
    force: FromDishka[ForceReview],
    submit: FromDishka[SubmitJob],
    data: JSONBody[ForcedReviewBody | None] = None,
) -> Response[ReviewView]:
    """Have weights reviewed at the first session after the last official day; asked again, nothing more."""
    return await _reviewed(request, slug, force, submit, data)


@post(
    "/strategy/rebalance",
    status_code=202,
    opt={POLICY: WRITES, ALSO: (404, 409)},
    operation_id="strategyRebalance",
    summary="Review the default index out of schedule",
    tags=[INDICES],
)
async def strategy_rebalance(
    request: Asked,
    force: FromDishka[ForceReview],
    submit: FromDishka[SubmitJob],
    data: JSONBody[ForcedReviewBody | None] = None,
) -> Response[ReviewView]:
    """Have the default index reviewed at the first session after its last official day."""
    return await _reviewed(request, DEFAULT_SLUG, force, submit, data)


async def _reviewed(
    request: Asked, slug: str, force: ForceReview, submit: SubmitJob, data: ForcedReviewBody | None
) -> Response[ReviewView]:
    review = await force(request.user, slug=slug, reason=None if data is None else data.reason)
    key = f"review:{review.id}"
    job = await submit(request.user, job_type=str(JobName.COMPUTE), params={"index": slug}, key=key)
    view = ReviewView(review=review, job=job_view(job))
    return Response(view, status_code=202, headers={"Location": f"{LOCATION}{job.id}"})


def _text(body: bytes) -> str:
    try:
        return body.decode()
    except UnicodeDecodeError:
        error = FieldError(field="rules", rule="must be UTF-8")
        raise InvalidParameters("The rule file can not be read.", errors=[error]) from None


HANDLERS = (
    create_index,
    change_index,
    archive_index,
    versions,
    rules,
    import_rules,
    rebalance,
    strategy_rebalance,
)
