"""Prove an e-mail address."""

from dataclasses import dataclass, replace

from waardhaven.application.identity.secrets import digest_of
from waardhaven.application.identity.views import UserView
from waardhaven.application.ports.clock import Clock
from waardhaven.application.ports.unit_of_work import UnitOfWork
from waardhaven.domain.errors import Unauthenticated
from waardhaven.domain.identity.one_time_token import Purpose
from waardhaven.domain.identity.roles import Principal


class InvalidOneTimeToken(Unauthenticated):
    """The token of the mail is unknown, was used, or is too old."""


@dataclass(frozen=True, slots=True)
class VerifyEmail:
    """Prove an address with the token that was sent to it; a changed address takes effect now."""

    uow: UnitOfWork
    clock: Clock

    async def __call__(self, *, token: str) -> UserView:
        """Raise InvalidOneTimeToken, or EmailTaken when another account proved the address first."""
        now = self.clock.now()
        async with self.uow() as tx:
            spent = await tx.one_time_tokens.spend(digest_of(token), Purpose.VERIFY_EMAIL, at=now)
            user = await tx.users.by_id(spent.user, lock=True) if spent else None
            if spent is None or user is None or not user.may_sign_in:
                raise InvalidOneTimeToken("The token is not valid any more. Ask for a new one.")
            proved = replace(user, email=spent.email or user.email, is_verified=True, updated_at=now)
            saved = await tx.users.save(proved)
            await tx.audit.record(
                "user.email_verified",
                by=Principal(user=user.id, role=user.role),
                target=f"user:{user.id}",
                before=user.audited(),
                after=saved.audited(),
            )
            await tx.commit()
        return UserView.of(saved)
