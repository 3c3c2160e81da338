from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from waardhaven.application.ports.head_export import HeadExport, MalformedHeads
from waardhaven.domain.identity.audit import GENESIS, ChainHead


@dataclass
class FakeHeadExport(HeadExport):
    """Heads with the instants they were kept at, and copies under other names."""

    kept: list[tuple[datetime, ChainHead]] = field(default_factory=list)
    copies: dict[Path, list[ChainHead]] = field(default_factory=dict)

    async def offer(self, head: ChainHead, *, at: datetime) -> bool:
        if head == GENESIS:
            return False
        if self.kept:
            last_at, last = self.kept[-1]
            if last == head or timedelta(0) <= at - last_at < timedelta(minutes=1):
                return False
        self.kept.append((at, head))
        return True

    def heads(self, source: Path | None = None) -> Iterator[ChainHead]:
        if source is None:
            return iter([head for _, head in self.kept])
        if source not in self.copies:
            raise MalformedHeads(f"There is no file {source}.")
        return iter(list(self.copies[source]))
