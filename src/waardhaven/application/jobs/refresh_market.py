"""The job that brings market data in."""

from dataclasses import asdict, dataclass

from waardhaven.application.indexes import DEFAULT_SLUG
from waardhaven.application.jobs.names import JobName
from waardhaven.application.jobs.params import choice
from waardhaven.application.market.load_market import LoadMarket
from waardhaven.application.ports.job_run import Follower, JobRun, Outcome
from waardhaven.domain.identity.roles import Permission, Principal


@dataclass(frozen=True, slots=True, kw_only=True)
class RefreshParams:
    """What to bring in, and what follows."""

    mode: str = choice("full", options=("full",), doc="`full`: everything the source offers.")
    then: str = choice(
        "compute", options=("compute", "nothing"), doc="Bring the default index up to date afterwards."
    )


@dataclass(frozen=True, slots=True)
class RefreshMarket:
    """Bring everything the source offers into the store, then have the default index computed.

    Idempotent: what is there already is left alone, nothing is ever deleted, and the job that computes
    is submitted in the transaction that makes this one succeed.
    """

    load: LoadMarket

    async def __call__(self, by: Principal, params: RefreshParams, run: JobRun) -> Outcome:
        """Return what was written."""
        by.require(Permission.OPERATE)
        report = await self.load(by, progress=run.progress)
        follow = Follower(type=JobName.COMPUTE, params={"index": DEFAULT_SLUG})
        return Outcome(result=asdict(report), then=(follow,) if params.then == "compute" else ())
