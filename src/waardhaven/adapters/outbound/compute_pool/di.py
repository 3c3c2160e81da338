"""The compute pool for the container: threads, unless a worker replaces them by processes."""

from dishka import Provider, Scope, provide

from waardhaven.adapters.outbound.compute_pool.pools import (
    ComputeSettings,
    ModelSettings,
    ProcessComputePool,
    ProcessModelPool,
    ThreadComputePool,
)
from waardhaven.application.ports.compute_pool import ComputePool, ModelPool


class ThreadPoolProvider(Provider):
    """Threads for what is read and measured; processes for models, begun when the first one comes."""

    scope = Scope.APP
    pool = provide(ThreadComputePool, provides=ComputePool)

    @provide
    def models(self, settings: ModelSettings) -> ModelPool:
        """Return a pool whose callers wait."""
        return ProcessModelPool(settings)


class ProcessPoolProvider(Provider):
    """For workers."""

    scope = Scope.APP

    @provide(override=True)
    def pool(self, settings: ComputeSettings) -> ComputePool:
        """Return a pool that starts its processes when they are needed."""
        return ProcessComputePool(settings)
