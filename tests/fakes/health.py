from dataclasses import dataclass

from waardhaven.application.ports.health import DependencyHealth, Probe


@dataclass
class FakeProbe(Probe):
    """Finds what it is told."""

    name: str = "postgres"
    ready: bool = True
    required: bool = True

    async def check(self) -> DependencyHealth:
        return DependencyHealth(
            name=self.name,
            ready=self.ready,
            required=self.required,
            detail="answers" if self.ready else "no answer",
            latency_ms=1.0 if self.ready else None,
        )
