"""Seal what was recorded."""

from dataclasses import dataclass

from waardhaven.application.ports.audit_trail import AuditTrail, SealedHead
from waardhaven.application.ports.clock import Clock
from waardhaven.application.ports.head_export import HeadExport
from waardhaven.domain.identity.roles import Permission, Principal

BATCH = 1_000


@dataclass(frozen=True, slots=True)
class SealAudit:
    """Add every entry that is not sealed to the chain, then keep the head outside the database.

    Sealing twice seals nothing twice, and two sealers at once are one sealer. A head is kept at most
    once a minute, and a changed head always within a minute.
    """

    trail: AuditTrail
    export: HeadExport
    clock: Clock

    async def __call__(self, by: Principal) -> int:
        """Return how many entries were sealed; raise HeadsUnwritable after everything is sealed."""
        by.require(Permission.OPERATE)
        sealed = 0
        found: SealedHead | None = None
        while batch := await self.trail.seal(limit=BATCH):
            found = batch
            sealed += batch.sealed
            if batch.sealed < BATCH:
                break
        if found is not None:
            await self.export.offer(found.head, at=self.clock.now())
        return sealed
