"""Prove that the trail is what it was."""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from waardhaven.application.audit.views import AuditHeadView, AuditVerdict
from waardhaven.application.ports.audit_trail import AuditTrail
from waardhaven.application.ports.clock import Clock
from waardhaven.application.ports.head_export import HeadExport
from waardhaven.domain.identity.audit import ChainBreak, ChainHead, ChainReader
from waardhaven.domain.identity.roles import Permission, Principal

SEALED_WITHIN = timedelta(hours=1)
"""An entry this old is sealed, or was hidden from the sealer."""


@dataclass(slots=True)
class _Counted:
    """Counts the heads that were compared."""

    heads: Iterator[ChainHead]
    taken: int = 0

    def __iter__(self) -> Iterator[ChainHead]:
        for one in self.heads:
            self.taken += 1
            yield one


@dataclass(frozen=True, slots=True)
class VerifyAudit:
    """Compute every digest of the chain again and compare it with what is stored and what was exported.

    A changed, removed, swapped or inserted entry breaks the chain itself. Cutting off its end, or
    computing all of it anew, is only found by heads kept elsewhere: every exported one is compared.
    """

    trail: AuditTrail
    export: HeadExport
    clock: Clock

    async def __call__(
        self, by: Principal, *, expected: Sequence[ChainHead] = (), source: Path | None = None
    ) -> AuditVerdict:
        """Return what was found; ``expected`` heads, or those of ``source``, stand in for the exported ones.

        Raises MalformedHeads.
        """
        by.require(Permission.READ_AUDIT)
        known = sorted(expected, key=lambda one: one.position)
        heads = _Counted(iter(known) if known else self.export.heads(source))
        reader = ChainReader(heads)
        broken = await self._walk(reader) or reader.end()
        return AuditVerdict(
            head=AuditHeadView.of(reader.head),
            heads=heads.taken,
            unsealed=await self.trail.unsealed(until=self.clock.now() - SEALED_WITHIN),
            broken=broken,
        )

    async def _walk(self, reader: ChainReader) -> ChainBreak | None:
        async for batch in self.trail.walk():
            broken = await asyncio.to_thread(reader.read, batch)
            if broken is not None:
                return broken
        return None
