"""The owner of an account, who proves it once more before something that matters."""

from dataclasses import dataclass

from waardhaven.application.ports.security import PasswordHasher
from waardhaven.application.ports.unit_of_work import Transaction, UnitOfWork
from waardhaven.domain.errors import Conflict, FieldError, Invalid, Unauthenticated
from waardhaven.domain.identity.password import MAX_LENGTH
from waardhaven.domain.identity.roles import Principal
from waardhaven.domain.identity.user import User


class AccountClosed(Unauthenticated):
    """The token is genuine, its account is closed or gone."""


class WrongPassword(Invalid):
    """The present password is not that."""


class ChangedMeanwhile(Conflict):
    """The account was changed by somebody else at the same time."""


@dataclass(frozen=True, slots=True)
class Owner:
    """Finds callers' own accounts and checks their passwords."""

    uow: UnitOfWork
    hasher: PasswordHasher

    async def account(self, by: Principal) -> User:
        """Return the caller's account; raise NotAPerson or AccountClosed."""
        person = by.person()
        async with self.uow() as tx:
            user = await tx.users.by_id(person)
        if user is None or not user.may_sign_in:
            raise AccountClosed("The account of this token is closed.")
        return user

    async def proved(self, by: Principal, password: str | None) -> User:
        """Return the caller's account after checking its password, if it has one; raise WrongPassword.

        No transaction is open while the hash is computed: hand the account to ``unchanged`` afterwards.
        """
        user = await self.account(by)
        if user.password_hash is None:
            return user
        if not await self.hasher.verify((password or "")[: MAX_LENGTH + 1], user.password_hash):
            raise WrongPassword(
                "The present password is wrong.",
                errors=[FieldError(field="password", rule="must be your present password")],
            )
        return user

    async def unchanged(self, tx: Transaction, checked: User) -> User:
        """Return the account, locked; raise ChangedMeanwhile when it is not the one that was checked."""
        user = await tx.users.by_id(checked.id, lock=True)
        if user != checked:
            raise ChangedMeanwhile("The account was changed meanwhile. Try again.")
        return checked
