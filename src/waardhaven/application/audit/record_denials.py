"""Keep what was refused."""

from collections.abc import Sequence
from dataclasses import dataclass

from waardhaven.application.ports.pseudonyms import Pseudonyms
from waardhaven.application.ports.unit_of_work import Transaction, UnitOfWork
from waardhaven.domain.identity.roles import ANONYMOUS, Credential, Permission, Principal, Role
from waardhaven.domain.types import UserId


@dataclass(frozen=True, slots=True, kw_only=True)
class Denial:
    """A kind of refusal and whom it met: a known ``user``, or somebody at an ``address``.

    ``login`` is the name that was tried, None when none was. ``target`` is what was asked for, by the
    template of its route.
    """

    action: str
    user: UserId | None
    credential: Credential
    address: str | None
    login: str | None
    target: str
    status: int


@dataclass(frozen=True, slots=True)
class RecordDenials:
    """Record refused attempts, like ones in one entry with their number.

    Of an address or a login only its keyed digest is kept, so that attempts of one origin can be told
    from those of another, and nobody can tell whose they were.
    """

    uow: UnitOfWork
    pseudonyms: Pseudonyms

    async def __call__(self, by: Principal, denials: Sequence[tuple[Denial, int]]) -> int:
        """Record every denial with how often it happened, all or none; return how many entries that made."""
        by.require(Permission.OPERATE)
        async with self.uow() as tx:
            known = {
                user: await tx.users.any_by_id(user) is not None
                for user in {denial.user for denial, _ in denials if denial.user is not None}
            }
            for denial, occurrences in denials:
                is_known = denial.user is not None and known[denial.user]
                await self._record(tx, denial, occurrences, is_known=is_known)
            await tx.commit()
        return len(denials)

    async def _record(self, tx: Transaction, denial: Denial, occurrences: int, *, is_known: bool) -> None:
        detail: dict[str, object] = {"status": denial.status}
        if denial.user is not None and not is_known:
            detail["user"] = str(denial.user)
        for name, text in (("address", denial.address), ("login", denial.login)):
            if text is not None:
                detail[name] = self.pseudonyms.of_text(text)
        await tx.audit.record(
            denial.action,
            by=_caller(denial, is_known=is_known),
            target=denial.target,
            detail=detail,
            occurrences=occurrences,
        )


def _caller(denial: Denial, *, is_known: bool) -> Principal:
    """Return who was refused; an account that is gone can not be referred to, its id is in the detail."""
    if denial.user is None:
        return ANONYMOUS
    return Principal(
        user=denial.user if is_known else None,
        role=Role.VIEWER,
        credential=denial.credential,
        scopes=frozenset(),
    )
