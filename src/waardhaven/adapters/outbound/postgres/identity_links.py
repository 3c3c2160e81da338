"""PostgresIdentityLinks: identities elsewhere, and the proofs that were spent."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from waardhaven.adapters.outbound.postgres.tables.people import identity_link, spent_proof
from waardhaven.application.ports.identity_links import IdentityLinks, IdentityTaken, ProofSpent
from waardhaven.domain.types import UserId


class PostgresIdentityLinks(IdentityLinks):
    """Rows of identity_link and spent_proof."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def find(self, provider: str, subject: str) -> UserId | None:
        """See IdentityLinks."""
        query = select(identity_link.c.user_id).where(
            identity_link.c.provider == provider, identity_link.c.subject == subject
        )
        return (await self._connection.execute(query)).scalar_one_or_none()

    async def add(self, provider: str, subject: str, user: UserId, *, at: datetime) -> None:
        """See IdentityLinks."""
        added = insert(identity_link).values(provider=provider, subject=subject, user_id=user, linked_at=at)
        await self._connection.execute(added.on_conflict_do_nothing())
        if await self.find(provider, subject) != user:
            raise IdentityTaken("That identity belongs to another account already.")

    async def of_user(self, user: UserId) -> Sequence[str]:
        """See IdentityLinks."""
        query = select(identity_link.c.provider).where(identity_link.c.user_id == user).distinct()
        return sorted((await self._connection.execute(query)).scalars().all())

    async def spend_proof(self, digest: bytes, *, expires_at: datetime) -> None:
        """See IdentityLinks."""
        spent = insert(spent_proof).values(digest=digest, expires_at=expires_at).on_conflict_do_nothing()
        if (await self._connection.execute(spent)).rowcount == 0:
            raise ProofSpent("This proof of identity was used already. Sign in at the provider again.")

    async def forget(self, user: UserId) -> None:
        """See IdentityLinks."""
        await self._connection.execute(
            update(identity_link)
            .where(identity_link.c.user_id == user)
            .values(subject=func.concat("erased:", func.gen_random_uuid()))
        )
