"""Answers that are jobs: what was queued, and of models the answer itself where there is one."""

from typing import Final

from litestar import Response
from litestar.openapi.datastructures import ResponseSpec

from waardhaven.adapters.inbound.http.encode import json_bytes
from waardhaven.adapters.inbound.http.negotiation import JSON
from waardhaven.application.jobs.views import JobView, job_view
from waardhaven.domain.jobs.job import Job

LOCATION: Final = "/api/v1/jobs/"
QUEUED: Final = {
    202: ResponseSpec(
        JobView,
        description="The question is large, or too much is being computed: the job answers it.",
        generate_examples=False,
    )
}


def accepted(job: Job) -> Response[JobView]:
    """Answer that a job is queued, and where it can be watched."""
    return Response(job_view(job), status_code=202, headers={"Location": f"{LOCATION}{job.id}"})


def model_answer(found: object) -> Response[object]:
    """Answer with what a model found, or with the job that will."""
    if isinstance(found, Job):
        return accepted(found)  # type: ignore[return-value]
    return Response(json_bytes(found), media_type=JSON)
