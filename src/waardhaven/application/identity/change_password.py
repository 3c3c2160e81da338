"""Set a new password, knowing the old one."""

from dataclasses import dataclass, replace

from waardhaven.application.identity.mails import Mails
from waardhaven.application.identity.owner import Owner
from waardhaven.application.identity.passwords import broken_rules
from waardhaven.application.identity.register_user import InvalidRegistration
from waardhaven.application.ports.clock import Clock
from waardhaven.application.ports.security import PasswordHasher, PasswordStrength
from waardhaven.application.ports.unit_of_work import UnitOfWork
from waardhaven.domain.identity.roles import Principal
from waardhaven.domain.identity.session import EndReason


@dataclass(frozen=True, slots=True)
class ChangePassword:
    """Set a new password with the present one; all other sessions of the account end.

    Who came through an identity provider alone asks for a password by mail instead.
    """

    uow: UnitOfWork
    owner: Owner
    hasher: PasswordHasher
    strength: PasswordStrength
    mails: Mails
    clock: Clock

    async def __call__(self, by: Principal, *, password: str, new_password: str) -> None:
        """Raise WrongPassword or InvalidRegistration."""
        checked = await self.owner.proved(by, password)
        errors = await broken_rules(
            self.strength,
            new_password,
            email=checked.email,
            also=[checked.username, password],
            field="new_password",
        )
        if errors:
            raise InvalidRegistration("The new password breaks a rule.", errors=errors)
        password_hash, now = await self.hasher.hash(new_password), self.clock.now()
        async with self.uow() as tx:
            user = await self.owner.unchanged(tx, checked)
            saved = await tx.users.save(replace(user, password_hash=password_hash, updated_at=now))
            await tx.one_time_tokens.void(user.id, at=now)
            ended = await tx.sessions.end(user.id, EndReason.PASSWORD, at=now, but=by.session)
            await self.mails.changed(tx, saved, "The password of your account was changed.")
            await tx.audit.record(
                "user.password_changed",
                by=by,
                target=f"user:{user.id}",
                before=user.audited(),
                after=saved.audited(),
                detail={"sessions_ended": ended},
            )
            await tx.commit()
