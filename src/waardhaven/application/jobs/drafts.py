"""From a type and parameters to a job that can be queued."""

import secrets
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from waardhaven.application.jobs.params import InvalidParams, read_params, write_params
from waardhaven.application.jobs.specs import JobSpec
from waardhaven.application.ports.jobs import JobDraft
from waardhaven.domain.errors import Invalid
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
    """Return a job of ``spec`` for ``by`` with every parameter written out.

    Raise InvalidParams or UnusableQuestion.
    """
    read = read_params(spec.params, params)
    _insist(spec, read)
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


def _insist(spec: JobSpec, params: object) -> None:
    """Raise InvalidParams, with fields as they were sent, where the check of the type refuses."""
    if spec.check is None:
        return
    try:
        spec.check(params)
    except Invalid as error:
        errors = [replace(one, field=f"params.{one.field.removeprefix('params.')}") for one in error.errors]
        raise InvalidParams(error.message, errors=errors) from error
