"""A question about options, answered while the caller waits or as a job."""

from collections.abc import Callable
from dataclasses import dataclass

from waardhaven.application.answers import Sent
from waardhaven.application.jobs.names import JobName
from waardhaven.application.jobs.submit_job import SubmitJob
from waardhaven.application.ports.compute_pool import (
    ComputeBusy,
    ComputeOutOfMemory,
    ComputePool,
    ComputeTimedOut,
)
from waardhaven.application.quant.asked_options import job_params
from waardhaven.application.quant.option_question import AMERICAN_AT_ONCE, OptionQuestion
from waardhaven.application.quant.price_options import Priced, PriceOptions, understood
from waardhaven.application.questions.options import MOST
from waardhaven.domain.identity.roles import Permission, Principal
from waardhaven.domain.jobs.job import Job


@dataclass(frozen=True, slots=True)
class AskOptions:
    """Value options, or queue that as a job: many American ones, or where too much is being computed.

    What can not be answered at all is refused first. More options than a job takes are answered at once or
    not at all: European ones are valued in blocks, each within its deadline.
    """

    pool: ComputePool
    price: PriceOptions
    submit: SubmitJob

    async def __call__(
        self,
        by: Principal,
        *,
        content: Sent,
        read: Callable[[Sent], OptionQuestion],
        write: Callable[[Priced], bytes],
    ) -> bytes | Job:
        """Return the written answer to what ``read`` makes of ``content``, or the Job.

        Raise what PriceOptions raises; what its processes raise for more options than a job takes alone.
        """
        by.require(Permission.READ_INDICES)
        question = await self.pool.run(understood, content, read)
        if not is_long(question):
            try:
                return await self.price(by, question=question, write=write)
            except (ComputeBusy, ComputeTimedOut, ComputeOutOfMemory):
                if question.size > MOST:
                    raise
        params = await self.pool.run(job_params, question)
        return await self.submit(by, job_type=JobName.BLACKSCHOLES, params=params)


def is_long(question: OptionQuestion) -> bool:
    """Whether the options take longer than a caller can wait."""
    return question.is_american and question.size > AMERICAN_AT_ONCE
