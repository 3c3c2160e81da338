from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from tests.fakes.audit_trail import FakeAuditTrail

from waardhaven.adapters.outbound.postgres.errors import ConstraintBroken
from waardhaven.application.ports.price_imports import (
    ImportNotReady,
    PriceImport,
    PriceImports,
    UnknownImport,
)
from waardhaven.domain.identity.roles import Principal
from waardhaven.domain.market.imports import FileMapping, ImportState
from waardhaven.domain.types import ImportId

OPEN = (ImportState.UPLOADED, ImportState.CHECKED, ImportState.REFUSED)


@dataclass
class FakePriceImports(PriceImports):
    """Imports by id; FakeMarket moves them on."""

    trail: FakeAuditTrail = field(default_factory=FakeAuditTrail)
    records: dict[ImportId, PriceImport] = field(default_factory=dict)

    async def add(self, record: PriceImport, *, by: Principal) -> None:
        if record.id in self.records or record.state is not ImportState.UPLOADED or len(record.digest) != 64:
            raise ConstraintBroken("The database refused the change.")
        self.records[record.id] = record
        detail = {"name": record.name, "digest": record.digest, "size": record.size}
        self.trail.put("import.uploaded", by=by, target=f"import:{record.id}", detail=detail)

    async def get(self, id_: ImportId) -> PriceImport:
        if id_ not in self.records:
            raise UnknownImport("There is no such import.")
        return self.records[id_]

    async def page(self, *, limit: int, before: ImportId | None = None) -> Sequence[PriceImport]:
        found = sorted((one for one in self.records if before is None or one < before), reverse=True)
        return [self.records[one] for one in found[:limit]]

    async def checked(self, id_: ImportId, *, mapping: FileMapping, report: Mapping[str, object]) -> None:
        self.require(id_, *OPEN)
        self.move(id_, ImportState.CHECKED, mapping=mapping, report=dict(report))

    async def refused(self, id_: ImportId, *, report: Mapping[str, object]) -> None:
        self.require(id_, *OPEN)
        self.move(id_, ImportState.REFUSED, report=dict(report))

    def require(self, id_: ImportId, *states: ImportState) -> PriceImport:
        """Return an import that is in one of the states; raise as the stores do."""
        if id_ not in self.records:
            raise UnknownImport("There is no such import.")
        if self.records[id_].state not in states:
            raise ImportNotReady(f"The import is {self.records[id_].state}.")
        return self.records[id_]

    def move(self, id_: ImportId, state: ImportState, **changes: object) -> None:
        """Put an import into another state."""
        self.records[id_] = replace(self.records[id_], state=state, **changes)  # type: ignore[arg-type]
