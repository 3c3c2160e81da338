"""Reads of identity."""

from dataclasses import dataclass

from waardhaven.application.identity.views import UserView
from waardhaven.application.ports.unit_of_work import UnitOfWork
from waardhaven.domain.errors import Unauthenticated
from waardhaven.domain.identity.roles import Principal


class AccountClosed(Unauthenticated):
    """The token is genuine, its account is closed or gone."""


@dataclass(frozen=True, slots=True)
class ViewMe:
    """Show callers their own account; everybody may see themselves."""

    uow: UnitOfWork

    async def __call__(self, by: Principal) -> UserView:
        """Return the caller's account; raise AccountClosed."""
        async with self.uow() as tx:
            user = await tx.users.by_id(by.user) if by.user else None
        if user is None or not user.is_active:
            raise AccountClosed("The account of this token is closed.")
        return UserView.of(user)
