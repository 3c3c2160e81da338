"""The use cases of definitions over fakes, and two analysts who use them."""

from dataclasses import dataclass, field
from datetime import date
from typing import Any

import pytest
from tests.contract.test_unit_of_work_contract import a_user
from tests.fakes.unit_of_work import FakeUnitOfWork
from tests.unit.application.world import BASE, SYMBOLS, World

from waardhaven.application.indexes.archive_index import ArchiveIndex
from waardhaven.application.indexes.authors import Authors
from waardhaven.application.indexes.buildable import CheckBuildable
from waardhaven.application.indexes.change_index import ChangeIndex, CreateIndex, ImportRules, KeepRules
from waardhaven.application.indexes.own_universe import OwnUniverse
from waardhaven.application.indexes.rule_documents import RuleDocuments
from waardhaven.application.indexes.rule_queries import ExportRules, ListVersions, ReadRules
from waardhaven.application.indexes.rule_views import RulesView
from waardhaven.domain.errors import Invalid
from waardhaven.domain.identity.roles import Principal, Role

ALL = [f"{one}:XNYS" for one in SYMBOLS]
RULES: dict[str, Any] = {
    "slug": "mine",
    "name": "Mine",
    "base_date": BASE.isoformat(),
    "base_value": 100,
    "currency": "USD",
    "members": ["AAA", "bbb:xnys"],
    "strategy": {"name": "equal_weight"},
    "series": {"source": "sample", "adjustment": "all"},
}


@dataclass
class Desk:
    """The use cases of definitions, and two analysts."""

    world: World = field(default_factory=World)
    uow: FakeUnitOfWork = field(default_factory=FakeUnitOfWork)

    def __post_init__(self) -> None:
        self.indexes = self.world.indexes
        market = self.world.market
        self.documents = RuleDocuments(market)
        self.authors = Authors(self.uow)
        self.keep = KeepRules(
            self.indexes,
            self.documents,
            OwnUniverse(market, self.world.builds, market),
            CheckBuildable(self.indexes, market),
            self.authors,
        )
        self.create = CreateIndex(self.indexes, self.keep)
        self.change = ChangeIndex(self.indexes, self.keep)
        self.replace = ImportRules(self.indexes, self.keep)
        self.archive = ArchiveIndex(self.indexes)
        self.versions = ListVersions(self.indexes, self.documents, self.authors)
        self.read = ReadRules(self.indexes, self.documents, self.authors)
        self.export = ExportRules(self.read)

    async def open(self) -> None:
        """Load the market, and give two analysts accounts."""
        await self.world.open()
        ada, grace = a_user("ada"), a_user("grace")
        async with self.uow() as tx:
            await tx.users.add(ada)
            await tx.users.add(grace)
            await tx.commit()
        self.ada = Principal(user=ada.id, role=Role.ANALYST)
        self.grace = Principal(user=grace.id, role=Role.ANALYST)

    async def make(self, **changes: Any) -> RulesView:
        """Create an index of Ada's."""
        return await self.create(self.ada, document=RULES | changes)

    async def members(self, slug: str = "index-mine") -> dict[str, tuple[date, date | None]]:
        """Return the memberships of a universe by symbol."""
        names = {one.id: one.symbol for one in await self.world.market.assets(self.world.assets)}
        found = await self.world.market.universe(slug)
        return {names[asset]: (since, until) for asset, since, until in found}


def rules_of(error: pytest.ExceptionInfo[Any]) -> dict[str, str]:
    invalid: Invalid = error.value
    return {one.field: one.rule for one in invalid.errors}
