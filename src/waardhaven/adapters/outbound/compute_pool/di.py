"""The compute pool for the container: threads, unless a worker replaces them by processes."""

from dishka import Provider, Scope, provide

from waardhaven.adapters.outbound.compute_pool.pools import (
    ComputeSettings,
    ProcessComputePool,
    ThreadComputePool,
)
from waardhaven.application.ports.compute_pool import ComputePool


class ThreadPoolProvider(Provider):
    """For short-lived processes."""

    scope = Scope.APP
    pool = provide(ThreadComputePool, provides=ComputePool)


class ProcessPoolProvider(Provider):
    """For workers."""

    scope = Scope.APP

    @provide(override=True)
    def pool(self, settings: ComputeSettings) -> ComputePool:
        """Return a pool that starts its processes when they are needed."""
        return ProcessComputePool(settings)
