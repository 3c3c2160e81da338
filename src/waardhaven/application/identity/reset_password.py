"""Set a new password without knowing the old one, with proof of the e-mail address."""

from dataclasses import dataclass, replace

from waardhaven.application.identity.mails import Mails
from waardhaven.application.identity.passwords import broken_rules
from waardhaven.application.identity.register_user import InvalidRegistration
from waardhaven.application.identity.secrets import digest_of
from waardhaven.application.identity.verify_email import InvalidOneTimeToken
from waardhaven.application.ports.clock import Clock
from waardhaven.application.ports.security import PasswordHasher, PasswordStrength
from waardhaven.application.ports.unit_of_work import UnitOfWork
from waardhaven.domain.identity.names import normalised
from waardhaven.domain.identity.one_time_token import Purpose
from waardhaven.domain.identity.roles import ANONYMOUS, Principal
from waardhaven.domain.identity.session import EndReason


@dataclass(frozen=True, slots=True)
class RequestPasswordReset:
    """Send a mail with which a new password can be set, if the address has an open account.

    The answer, and the work behind it, are the same when it has none.
    """

    uow: UnitOfWork
    mails: Mails

    async def __call__(self, *, email: str) -> None:
        """Never tell whether there is such an account."""
        async with self.uow() as tx:
            user = await tx.users.by_login(normalised(email))
            if user is not None and user.may_sign_in:
                await self.mails.reset(tx, user)
            else:
                await self.mails.decoy(tx)
            await tx.audit.record(
                "user.password_reset_requested",
                by=ANONYMOUS,
                target=f"user:{user.id}" if user else "user:unknown",
            )
            await tx.commit()


@dataclass(frozen=True, slots=True)
class ResetPassword:
    """Set a new password with the token of a mail; every session and API key of the account ends.

    The new password has to satisfy the same rules as at registration. The token proves the address.
    """

    uow: UnitOfWork
    hasher: PasswordHasher
    strength: PasswordStrength
    mails: Mails
    clock: Clock

    async def __call__(self, *, token: str, password: str) -> None:
        """Raise InvalidOneTimeToken or InvalidRegistration; a refused password leaves the token usable."""
        errors = await broken_rules(self.strength, password, email="")
        if errors:
            raise InvalidRegistration("The new password breaks a rule.", errors=errors)
        password_hash = await self.hasher.hash(password)
        now = self.clock.now()
        async with self.uow() as tx:
            spent = await tx.one_time_tokens.spend(digest_of(token), Purpose.RESET_PASSWORD, at=now)
            user = await tx.users.by_id(spent.user, lock=True) if spent else None
            if spent is None or user is None or not user.may_sign_in or spent.email != user.email:
                raise InvalidOneTimeToken("The token is not valid any more. Ask for a new one.")
            changed = replace(user, password_hash=password_hash, is_verified=True, updated_at=now)
            saved = await tx.users.save(changed)
            await tx.one_time_tokens.void(user.id, at=now)
            ended = await tx.sessions.end(user.id, EndReason.PASSWORD, at=now)
            revoked = await tx.api_keys.revoke(user.id, at=now)
            await self.mails.changed(tx, saved, "The password of your account was set anew by mail.")
            await tx.audit.record(
                "user.password_reset",
                by=Principal(user=user.id, role=user.role),
                target=f"user:{user.id}",
                before=user.audited(),
                after=saved.audited(),
                detail={"sessions_ended": ended, "api_keys_revoked": revoked},
            )
            await tx.commit()
