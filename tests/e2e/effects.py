"""A type of jobs whose effects can be counted, and a worker that knows it: `python -m tests.e2e.effects`.

`--skew SECONDS` makes the clocks of the process wrong by so much.
"""

import argparse
import asyncio
import os
import time
from dataclasses import dataclass
from datetime import datetime, timedelta

from dishka import Provider, Scope, provide

from waardhaven.adapters.outbound.clock import SystemClock
from waardhaven.application.jobs.params import integer
from waardhaven.application.jobs.registry import JOBS
from waardhaven.application.jobs.specs import JobSpec, JobTypes
from waardhaven.application.ports.clock import Clock
from waardhaven.application.ports.job_run import JobRun, Outcome
from waardhaven.application.ports.unit_of_work import Transaction
from waardhaven.bootstrap.logging import configure_logging
from waardhaven.bootstrap.servers import connected
from waardhaven.bootstrap.settings import read_settings
from waardhaven.bootstrap.worker import work
from waardhaven.domain.errors import Unavailable
from waardhaven.domain.identity.roles import Permission, Principal

EFFECT = "test.effect"
FILE = "effect.txt"


class Unlucky(Unavailable):
    """The attempt finds something out of reach."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EffectParams:
    """How long it takes, and how often it fails before it works."""

    steps: int = integer(3, minimum=0, maximum=1000, doc="Steps of ten milliseconds.")
    unlucky: int = integer(0, minimum=0, maximum=5, doc="Attempts that find something out of reach.")


@dataclass(frozen=True, slots=True)
class CountedEffect:
    """Tells progress, leaves a file, and writes one entry of the audit trail when it succeeds."""

    async def __call__(self, by: Principal, params: EffectParams, run: JobRun) -> Outcome:
        for step in range(params.steps):
            run.progress("working", step, params.steps)
            await asyncio.sleep(0.01)
        if run.attempt <= params.unlucky:
            raise Unlucky("Nobody is there.")
        await run.keep(FILE, "text/plain", str(run.attempt).encode())

        async def effects(tx: Transaction) -> None:
            await tx.audit.record(EFFECT, by=by, target=f"job:{run.job}")

        return Outcome(result={"attempt": run.attempt}, effects=effects)


SPEC = JobSpec(
    name="effect",
    use_case=CountedEffect,
    params=EffectParams,
    permission=Permission.OPERATE,
    timeout=20.0,
    tries=100,
)


class SkewedClock(SystemClock):
    """A clock that is wrong."""

    def __init__(self, skew: timedelta) -> None:
        self._skew = skew

    def now(self) -> datetime:
        return super().now() + self._skew


class Effects(Provider):
    """The type beside those of the product, and the clock of this process."""

    scope = Scope.APP

    def __init__(self, skew: timedelta = timedelta(0)) -> None:
        super().__init__()
        self._skew = skew

    use_case = provide(CountedEffect, scope=Scope.REQUEST)

    @provide(override=True)
    def types(self) -> JobTypes:
        return JobTypes((*JOBS, SPEC))

    @provide(override=True)
    def clock(self) -> Clock:
        return SkewedClock(self._skew)


async def run(skew: float) -> None:
    settings = read_settings(os.environ)
    configure_logging(settings.log_level, process="worker")
    async with connected(settings) as (reachable, _):
        await work(reachable, overrides=(Effects(timedelta(seconds=skew)),))


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--skew", type=float, default=0.0)
    skew: float = parser.parse_args().skew
    real = time.time
    time.time = lambda: real() + skew
    asyncio.run(run(skew))


if __name__ == "__main__":
    main()
