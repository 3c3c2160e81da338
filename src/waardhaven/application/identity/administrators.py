"""There is always somebody who can administer the system."""

from waardhaven.application.ports.unit_of_work import Transaction
from waardhaven.domain.errors import Conflict
from waardhaven.domain.identity.roles import Role
from waardhaven.domain.identity.user import User


class LastAdministrator(Conflict):
    """Without this account nobody could administer the system."""


async def require_another_administrator(tx: Transaction, leaving: User) -> None:
    """Raise LastAdministrator when ``leaving`` is the only one; two can not leave at the same time."""
    if leaving.role is not Role.ADMIN or not leaving.may_sign_in:
        return
    if await tx.users.lock_administrators() < 2:
        raise LastAdministrator("This is the last administrator. Make somebody else one first.")
