"""Store the rules of an index."""

from dataclasses import dataclass

from waardhaven.application.ports.indexes import IndexStore
from waardhaven.domain.identity.roles import Permission, Principal
from waardhaven.domain.index.build_record import IndexRecord
from waardhaven.domain.index.definition import IndexDefinition
from waardhaven.domain.index.validation import validated


@dataclass(frozen=True, slots=True)
class DefineIndex:
    """Store the rules of an index as the next version of its slug; equal rules change nothing."""

    indexes: IndexStore

    async def __call__(self, by: Principal, definition: IndexDefinition) -> IndexRecord:
        """Check every rule of the definition, then store it."""
        by.require(Permission.BUILD_INDICES)
        return await self.indexes.define(validated(definition), by=by)
