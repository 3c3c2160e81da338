"""The audit trail, for administrators."""

from typing import Annotated, Any, Final
from uuid import UUID

from dishka.integrations.litestar import FromDishka
from litestar import Request, get
from litestar.params import QueryParameter

from waardhaven.adapters.inbound.http.documents import PageDocument
from waardhaven.adapters.inbound.http.params import (
    DEFAULT_LIMIT,
    IDENTIFIER,
    NO_CONTROLS,
    Cursor,
    Limit,
    Since,
    Until,
    checked_period,
)
from waardhaven.adapters.inbound.http.policy import POLICY, needs
from waardhaven.adapters.inbound.http.tags import ADMINISTRATION
from waardhaven.application.audit.queries import ListAudit, ReadAuditHead
from waardhaven.application.audit.views import AuditEntryView, AuditHeadView
from waardhaven.domain.identity.roles import Credential, Permission

READS_AUDIT: Final = needs(Permission.READ_AUDIT)

Actor = Annotated[
    str | None,
    QueryParameter(name="actor", pattern=IDENTIFIER, description="Id of the account that acted."),
]
Action = Annotated[
    str | None,
    QueryParameter(
        name="action",
        pattern=r"^[a-z_.]{1,60}$",
        description="What was done, or how its name begins: `user.` finds `user.registered`.",
    ),
]
Target = Annotated[
    str | None,
    QueryParameter(
        name="target", max_length=200, pattern=NO_CONTROLS, description="What it was done to, in full."
    ),
]
CorrelationId = Annotated[
    str | None,
    QueryParameter(
        name="correlation_id",
        pattern=r"^[A-Za-z0-9._:-]{1,64}$",
        description="The `X-Correlation-Id` of the request it was done in.",
    ),
]
CredentialKind = Annotated[
    Credential | None,
    QueryParameter(name="credential", description="How the caller proved to be somebody."),
]


@get(
    "/admin/audit",
    opt={POLICY: READS_AUDIT},
    operation_id="audit",
    summary="What was done and refused",
    tags=[ADMINISTRATION],
)
async def audit(
    request: Request[Any, Any, Any],
    list_audit: FromDishka[ListAudit],
    *,
    actor: Actor = None,
    action: Action = None,
    target: Target = None,
    since: Since = None,
    until: Until = None,
    correlation_id: CorrelationId = None,
    credential: CredentialKind = None,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
) -> PageDocument[AuditEntryView]:
    """Page through the audit trail, newest first.

    People appear by id or by keyed digests alone. Like refusals of ten seconds are one entry.
    """
    page = await list_audit(
        request.user,
        actor=None if actor is None else UUID(actor),
        action=action,
        target=target,
        **checked_period(since, until),
        correlation_id=correlation_id,
        credential=None if credential is None else str(credential),
        limit=limit,
        cursor=cursor,
    )
    return PageDocument(items=list(page.items), next_cursor=page.next_cursor)


@get(
    "/admin/audit/head",
    opt={POLICY: READS_AUDIT},
    operation_id="auditHead",
    summary="The head of the sealed trail",
    tags=[ADMINISTRATION],
)
async def audit_head(
    request: Request[Any, Any, Any], read_audit_head: FromDishka[ReadAuditHead]
) -> AuditHeadView:
    """Tell how far the sealed trail reaches and the digest that stands for all of it.

    Keep it elsewhere: `waardhaven audit verify --head POSITION:DIGEST` then tells if it was rewritten.
    """
    return await read_audit_head(request.user)


HANDLERS = (audit, audit_head)
