"""Building and publishing an index, and what was published then beside what is known now."""

from datetime import date
from typing import Annotated, Any
from uuid import UUID

from dishka.integrations.litestar import FromDishka
from litestar import Request, Response, get, post
from litestar.params import JSONBody
from msgspec import Meta, Struct

from waardhaven.adapters.inbound.http.answers import PERSONAL
from waardhaven.adapters.inbound.http.documents import KnownNowDocument, PageDocument
from waardhaven.adapters.inbound.http.params import (
    DEFAULT_LIMIT,
    Cursor,
    End,
    Fields,
    Limit,
    Slug,
    Start,
    checked_window,
)
from waardhaven.adapters.inbound.http.policy import POLICY, needs
from waardhaven.adapters.inbound.http.reading import answer_page, answer_series
from waardhaven.adapters.inbound.http.tags import ALSO, INDICES
from waardhaven.application.indexes.compare_history import ListRevisions, ReadKnownNow
from waardhaven.application.indexes.publish_build import PublishBuild
from waardhaven.application.indexes.run_build import RunBuild
from waardhaven.application.ports.build_store import BuildSummary, Revision
from waardhaven.domain.identity.roles import Permission
from waardhaven.domain.index.build_record import Publication
from waardhaven.domain.types import BuildId

Asked = Request[Any, Any, Any]
READS = needs(Permission.READ_INDICES)
BUILDS = needs(Permission.BUILD_INDICES, per_minute=60)


class BuildBody(Struct, kw_only=True, forbid_unknown_fields=True):
    """What to compute: new days after the published ones, or published days again."""

    restate_from: Annotated[
        date | None, Meta(description="First day to compute again; without it only new days.")
    ] = None
    through: Annotated[date | None, Meta(description="Last day; without it the newest with prices.")] = None


class PublishBody(Struct, kw_only=True, forbid_unknown_fields=True):
    """Which build becomes official, and why."""

    build: Annotated[UUID, Meta(description="Id of a build of the index.")]
    reason: Annotated[str, Meta(min_length=1, max_length=500, description="Kept with the publication.")]


@post(
    "/indices/{slug:str}/builds",
    status_code=201,
    opt={POLICY: BUILDS, ALSO: (409,)},
    operation_id="buildIndex",
    summary="Compute an index",
    tags=[INDICES],
)
async def build_index(
    request: Asked, slug: Slug, data: JSONBody[BuildBody], build: FromDishka[RunBuild]
) -> BuildSummary:
    """Compute an index from the facts known now and keep the result; nothing is published."""
    return await build(request.user, slug=slug, restate_from=data.restate_from, through=data.through)


@post(
    "/indices/{slug:str}/publish",
    status_code=201,
    opt={POLICY: BUILDS, ALSO: (409,)},
    operation_id="publishBuild",
    summary="Publish a build",
    tags=[INDICES],
)
async def publish_build(
    request: Asked, slug: Slug, data: JSONBody[PublishBody], publish: FromDishka[PublishBuild]
) -> Publication:
    """Make the days of a build official; publishing it again gives the publication it has."""
    return await publish(request.user, BuildId(data.build), reason=data.reason, slug=slug)


@get(
    "/indices/{slug:str}/revisions",
    opt={POLICY: READS, PERSONAL: True},
    operation_id="revisions",
    summary="Published then, known later",
    tags=[INDICES],
)
async def revisions(
    request: Asked, slug: Slug, limit: Limit = DEFAULT_LIMIT, cursor: Cursor = None, fields: Fields = None
) -> Response[PageDocument[Revision]]:
    """Page through the comparisons of what was published with what was known later, newest first."""
    return await answer_page(request, ListRevisions, Revision, fields, slug=slug, limit=limit, cursor=cursor)


@get(
    "/indices/{slug:str}/known-now",
    opt={POLICY: READS, PERSONAL: True},
    operation_id="knownNow",
    summary="Published and known levels",
    tags=[INDICES],
)
async def known_now(
    request: Asked, *, slug: Slug, start: Start = None, end: End = None, fields: Fields = None
) -> Response[KnownNowDocument]:
    """Read the published levels beside those that the same rules give with the facts known now."""
    return await answer_series(request, ReadKnownNow, fields, slug=slug, **checked_window(start, end))


HANDLERS = (build_index, publish_build, revisions, known_now)
