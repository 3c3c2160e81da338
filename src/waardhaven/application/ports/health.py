"""Dependencies that can be out of reach."""

from abc import abstractmethod
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class DependencyHealth:
    """What a probe found. ``detail`` is fit for a person and holds no secret."""

    name: str
    ready: bool
    required: bool
    detail: str
    latency_ms: float | None


class Probe(Protocol):
    """Asks one dependency whether it answers; never raises, never takes longer than its timeout."""

    @abstractmethod
    async def check(self) -> DependencyHealth:
        """Return what was found."""
