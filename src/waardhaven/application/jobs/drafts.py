"""From a type and parameters to a job that can be queued."""

import secrets
from collections.abc import Mapping
from datetime import datetime

from waardhaven.application.jobs.params import read_params, write_params
from waardhaven.application.jobs.specs import JobSpec
from waardhaven.application.ports.jobs import JobDraft
from waardhaven.domain.identifiers import RANDOM_BYTES, ordered_id
from waardhaven.domain.identity.roles import Principal
from waardhaven.domain.types import JobId


def new_draft(
    spec: JobSpec,
    by: Principal,
    params: Mapping[str, object],
    *,
    at: datetime,
    key: str | None = None,
    parent: JobId | None = None,
) -> JobDraft:
    """Return a job of ``spec`` for ``by`` with every parameter written out; raise InvalidParams."""
    read = read_params(spec.params, params)
    return JobDraft(
        id=JobId(ordered_id(at, secrets.token_bytes(RANDOM_BYTES))),
        type=str(spec.name),
        params=write_params(read),
        queue=spec.queue,
        max_attempts=spec.tries,
        owner=by.user,
        credential=by.credential,
        scopes=by.scopes,
        idempotency_key=key,
        parent=parent,
    )
