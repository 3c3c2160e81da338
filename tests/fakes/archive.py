from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from tests.fakes.clock import FakeClock

from waardhaven.application.ports.archive import Archive, ArchiveBatch, Archived
from waardhaven.application.ports.clock import Clock


@dataclass
class FakeArchive(Archive):
    """Rows of each kind by key: when they ended, and what they hold."""

    clock: Clock = field(default_factory=FakeClock)
    rows: dict[Archived, dict[str, tuple[datetime, Any]]] = field(
        default_factory=lambda: {kind: {} for kind in Archived}
    )

    async def batch(self, kind: Archived, *, older_than: timedelta, limit: int) -> ArchiveBatch | None:
        before = self.clock.now() - older_than
        old = sorted((at, key) for key, (at, _) in self.rows[kind].items() if at < before)[:limit]
        if not old:
            return None
        keys = tuple(key for _, key in old)
        return ArchiveBatch(
            kind=kind,
            name=f"{kind}-{keys[0]}-{keys[-1]}-{len(keys)}.parquet",
            keys=keys,
            content=repr([self.rows[kind][key] for key in keys]).encode(),
        )

    async def remove(self, batch: ArchiveBatch) -> int:
        found = [self.rows[batch.kind].pop(key, None) for key in batch.keys]
        return sum(one is not None for one in found)
