"""Bodies and schemas of jobs, made from the parameters each type declares."""

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct

from waardhaven.application.jobs.params import Param, describe
from waardhaven.application.jobs.registry import JOBS
from waardhaven.application.jobs.specs import JobSpec
from waardhaven.application.questions.question import Question

PREFIX = "#/components/schemas/"
JOB_BODY = "JobBody"


IdempotencyKey = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=200,
        description="The same key again gives the same job. Also as the header `Idempotency-Key`.",
    ),
]


class JobBody(Struct, kw_only=True, forbid_unknown_fields=True):
    """A job to be done. ``type`` says which ``params`` there are; each has a default."""

    type: Annotated[str, Meta(min_length=1, max_length=60, examples=["report"])]
    params: Annotated[dict[str, Any], Meta(max_length=50, examples=[{"report_type": "allocation"}])] = {}
    idempotency_key: IdempotencyKey | None = None


def params_body(spec: JobSpec) -> type[Struct]:
    """Return a body that holds the parameters of one type."""
    if issubclass(spec.params, Question):
        return spec.params
    return msgspec.defstruct(
        f"{spec.name.title()}Params",
        [(one.name, _annotation(one), one.default) for one in describe(spec.params)],
        kw_only=True,
        forbid_unknown_fields=True,
        namespace={"__doc__": spec.params.__doc__},
    )


def job_schemas() -> dict[str, Any]:
    """Return the schemas of job bodies: one for each type, told apart by ``type``."""
    _, schemas = msgspec.json.schema_components(list(PARAMS.values()), ref_template=PREFIX + "{name}")
    found: dict[str, Any] = dict(schemas)
    mapping: dict[str, str] = {}
    key = {"type": ["string", "null"], "minLength": 1, "maxLength": 200}
    for name, params in PARAMS.items():
        variant = f"{name.title()}Job"
        mapping[name] = PREFIX + variant
        found[variant] = {
            "title": variant,
            "description": f"A job of the type `{name}`.",
            "type": "object",
            "required": ["type"],
            "additionalProperties": False,
            "properties": {
                "type": {"const": name, "type": "string"},
                "params": {"$ref": PREFIX + params.__name__},
                "idempotency_key": key,
            },
        }
    found[JOB_BODY] = {
        "title": JOB_BODY,
        "description": JobBody.__doc__,
        "oneOf": [{"$ref": one} for one in mapping.values()],
        "discriminator": {"propertyName": "type", "mapping": mapping},
    }
    return found


def _annotation(one: Param) -> Any:
    meta: dict[str, Any] = {"description": one.doc}
    if one.kind == "integer":
        return Annotated[int, Meta(ge=one.minimum, le=one.maximum, **meta)]
    if one.kind == "choice":
        return Annotated[Literal[one.options], Meta(**meta)]
    if one.kind == "day":
        return Annotated[date | None, Meta(**meta)]
    return Annotated[str, Meta(pattern=f"^{one.pattern}$", **meta)]


PARAMS: Mapping[str, type[Struct]] = {str(spec.name): params_body(spec) for spec in JOBS}
