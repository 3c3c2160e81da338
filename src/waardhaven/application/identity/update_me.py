"""Change one's own account, or close it."""

from dataclasses import dataclass, replace

from waardhaven.application.identity.administrators import require_another_administrator
from waardhaven.application.identity.mails import Mails
from waardhaven.application.identity.owner import Owner
from waardhaven.application.identity.register_user import InvalidRegistration
from waardhaven.application.identity.views import UserView
from waardhaven.application.ports.clock import Clock
from waardhaven.application.ports.unit_of_work import UnitOfWork
from waardhaven.domain.events import UserChanged
from waardhaven.domain.identity.names import broken_email_rules, broken_username_rules, normalised
from waardhaven.domain.identity.roles import Principal
from waardhaven.domain.identity.session import EndReason


@dataclass(frozen=True, slots=True)
class UpdateMe:
    """Change the caller's username or e-mail address.

    A new address takes effect when the mail sent to it is answered; until then, and if it belongs to
    somebody else, nothing changes and nobody is told the difference. It needs the present password.
    """

    uow: UnitOfWork
    owner: Owner
    mails: Mails
    clock: Clock

    async def __call__(
        self,
        by: Principal,
        *,
        username: str | None = None,
        email: str | None = None,
        password: str | None = None,
    ) -> UserView:
        """Return the account as it is now; raise InvalidRegistration, WrongPassword or UsernameTaken."""
        name, address = normalised(username or ""), normalised(email or "")
        errors = [
            *(broken_username_rules(name) if username is not None else ()),
            *(broken_email_rules(address) if email is not None else ()),
        ]
        if errors:
            raise InvalidRegistration("The change breaks a rule.", errors=errors)
        moves = email is not None
        user = await (self.owner.proved(by, password) if moves else self.owner.account(by))
        async with self.uow() as tx:
            user = await self.owner.unchanged(tx, user)
            changed = replace(user, username=name or user.username, updated_at=self.clock.now())
            saved = await tx.users.save(changed)
            if moves and address != user.email:
                taken = await tx.users.by_login(address)
                await (self.mails.decoy(tx) if taken else self.mails.verification(tx, saved, email=address))
                await self.mails.changed(tx, user, "A change of your e-mail address was asked for.")
            await tx.audit.record(
                "user.updated",
                by=by,
                target=f"user:{user.id}",
                before=user.audited(),
                after=saved.audited(),
                detail={"asked_for": [name for name, on in (("username", username), ("email", email)) if on]},
            )
            await tx.commit()
        return UserView.of(saved)


@dataclass(frozen=True, slots=True)
class CloseAccount:
    """Close the caller's account: its sessions and API keys end at once, its address becomes free.

    The account is kept, closed; an operator can have its personal data erased. The last administrator
    can not leave.
    """

    uow: UnitOfWork
    owner: Owner
    clock: Clock

    async def __call__(self, by: Principal, *, password: str | None = None) -> None:
        """Raise WrongPassword or LastAdministrator."""
        checked = await self.owner.proved(by, password)
        now = self.clock.now()
        async with self.uow() as tx:
            await require_another_administrator(tx, checked)
            user = await self.owner.unchanged(tx, checked)
            saved = await tx.users.save(replace(user, deleted_at=now, updated_at=now))
            await tx.sessions.end(user.id, EndReason.CLOSED, at=now)
            await tx.api_keys.revoke(user.id, at=now)
            await tx.one_time_tokens.void(user.id, at=now)
            await tx.audit.record(
                "user.closed", by=by, target=f"user:{user.id}", before=user.audited(), after=saved.audited()
            )
            await tx.emit(UserChanged(user=user.id))
            await tx.commit()
