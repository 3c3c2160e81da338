"""Whether the service and everything it needs is in order."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NewType

from waardhaven.application.ports.health import DependencyHealth, Probe

Probes = NewType("Probes", tuple[Probe, ...])


@dataclass(frozen=True, slots=True, kw_only=True)
class Readiness:
    """Ready when every required dependency is."""

    ready: bool
    dependencies: tuple[DependencyHealth, ...]


@dataclass(frozen=True, slots=True)
class CheckReadiness:
    """Ask every dependency at once whether it answers."""

    probes: Probes

    async def __call__(self) -> Readiness:
        """Return what was found; a dependency that is not required may be down."""
        found: Sequence[DependencyHealth] = await asyncio.gather(*(one.check() for one in self.probes))
        return Readiness(ready=all(one.ready for one in found if one.required), dependencies=tuple(found))
