"""Who wrote a version of rules, for those who may know."""

from collections.abc import Sequence
from dataclasses import dataclass

from waardhaven.application.ports.unit_of_work import UnitOfWork
from waardhaven.domain.identity.roles import Principal
from waardhaven.domain.index.build_record import IndexRecord
from waardhaven.domain.types import UserId


@dataclass(frozen=True, slots=True)
class Authors:
    """Usernames of the authors of versions: people who only read an index are told none."""

    uow: UnitOfWork

    async def names(self, by: Principal, versions: Sequence[IndexRecord]) -> dict[UserId, str]:
        """Return the usernames of the authors by id, none of them to those who may not edit."""
        people = {one.author for one in versions if one.author is not None and one.access.may_edit(by)}
        if not people:
            return {}
        async with self.uow() as tx:
            return dict(await tx.users.usernames(sorted(people)))

    async def name_for(self, by: Principal, version: IndexRecord) -> str | None:
        """Return the username of the author of one version, None where there is none to tell."""
        found = await self.names(by, [version])
        return None if version.author is None else found.get(version.author)
