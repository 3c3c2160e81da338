"""Sign in through somebody who knows the person already: Google, an OpenID Connect issuer, GitHub."""

from dataclasses import dataclass, replace
from uuid import uuid4

from waardhaven.application.identity.login_user import InvalidCredentials
from waardhaven.application.identity.owner import AccountClosed, Owner
from waardhaven.application.identity.register_user import RegistrationClosed
from waardhaven.application.identity.signing_in import Client, SigningIn
from waardhaven.application.identity.verification import VerificationRule
from waardhaven.application.identity.views import SignedInView
from waardhaven.application.ports.clock import Clock
from waardhaven.application.ports.identity_provider import ProvenIdentity
from waardhaven.application.ports.unit_of_work import Transaction, UnitOfWork
from waardhaven.domain.errors import Conflict
from waardhaven.domain.identity.names import broken_email_rules, normalised, username_from
from waardhaven.domain.identity.roles import Principal, Role
from waardhaven.domain.identity.session import EndReason
from waardhaven.domain.identity.user import User
from waardhaven.domain.types import UserId


class LinkRequired(Conflict):
    """The address has an account already: log in to it and link the identity there."""


@dataclass(frozen=True, slots=True)
class SignInWithIdentity:
    """Open a session for an identity that a provider proved; each proof counts once.

    A known identity signs in to the account it is linked to. An address nobody has opens a new account
    without a password. An address whose owner proved it here is never taken over: the owner has to log
    in and link the identity. An account nobody ever proved gives way: its password and sessions end.
    """

    uow: UnitOfWork
    signing_in: SigningIn
    clock: Clock
    rule: VerificationRule

    async def __call__(self, proven: ProvenIdentity, client: Client) -> SignedInView:
        """Raise LinkRequired, RegistrationClosed, ProofSpent or InvalidCredentials."""
        async with self.uow() as tx:
            await tx.links.spend_proof(proven.proof_digest, expires_at=proven.expires_at)
            user = await self._account(tx, proven)
            view = await self.signing_in.open(tx, user, client, how=proven.provider)
            await tx.commit()
        return view

    async def _account(self, tx: Transaction, proven: ProvenIdentity) -> User:
        linked = await tx.links.find(proven.provider, proven.subject)
        if linked is not None:
            user = await tx.users.by_id(linked)
            if user is None or not user.may_sign_in:
                raise InvalidCredentials("The account of this identity is closed.")
            return user
        email = normalised(proven.email)
        known = await tx.users.by_login(email)
        if known is not None and (known.is_verified or known.email != email):
            raise LinkRequired(
                "There is an account with this address. Log in to it, then link the identity there."
            )
        user = await (self._new(tx, email) if known is None else self._proved(tx, known))
        await tx.links.add(proven.provider, proven.subject, user.id, at=self.clock.now())
        return user

    async def _new(self, tx: Transaction, email: str) -> User:
        if not self.rule.registration_open:
            raise RegistrationClosed("Ask an administrator for an account.")
        if broken_email_rules(email):
            raise InvalidCredentials("The provider gave an address that can not be used here.")
        now, base = self.clock.now(), username_from(email)
        taken = await tx.users.by_login(base)
        user = User(
            id=UserId(uuid4()),
            email=email,
            username=f"{base}-{uuid4().hex[:6]}" if taken else base,
            password_hash=None,
            role=Role.VIEWER,
            is_active=True,
            is_verified=True,
            created_at=now,
            updated_at=now,
        )
        await tx.users.add(user)
        await tx.audit.record(
            "user.registered",
            by=Principal(user=user.id, role=user.role),
            target=f"user:{user.id}",
            after=user.audited(),
        )
        return user

    async def _proved(self, tx: Transaction, known: User) -> User:
        """Give an account whose address was never proved to the one who proved it."""
        if not known.may_sign_in:
            raise InvalidCredentials("The account of this address is closed.")
        now = self.clock.now()
        proved = replace(known, password_hash=None, is_verified=True, updated_at=now)
        saved = await tx.users.save(proved)
        await tx.sessions.end(known.id, EndReason.REVOKED, at=now)
        await tx.api_keys.revoke(known.id, at=now)
        await tx.one_time_tokens.void(known.id, at=now)
        await tx.audit.record(
            "user.email_verified",
            by=Principal(user=known.id, role=known.role),
            target=f"user:{known.id}",
            before=known.audited(),
            after=saved.audited(),
        )
        return saved


@dataclass(frozen=True, slots=True)
class ProveOwner:
    """Check the caller's password before a browser is sent away to link an identity."""

    owner: Owner

    async def __call__(self, by: Principal, *, password: str | None) -> UserId:
        """Return whose account the identity will be linked to; raise WrongPassword."""
        return (await self.owner.proved(by, password)).id


@dataclass(frozen=True, slots=True)
class LinkIdentity:
    """Let the owner of an account sign in with an identity, too: needs the proof of both.

    The account's is its password (see ProveOwner), the identity's comes from the provider.
    """

    uow: UnitOfWork
    clock: Clock

    async def __call__(self, owner: UserId, proven: ProvenIdentity) -> None:
        """Raise ProofSpent, IdentityTaken or AccountClosed; linking again changes nothing."""
        async with self.uow() as tx:
            user = await tx.users.by_id(owner, lock=True)
            if user is None or not user.may_sign_in:
                raise AccountClosed("The account is closed.")
            by = Principal(user=user.id, role=user.role)
            await tx.links.spend_proof(proven.proof_digest, expires_at=proven.expires_at)
            await tx.links.add(proven.provider, proven.subject, user.id, at=self.clock.now())
            await tx.audit.record(
                "user.identity_linked",
                by=by,
                target=f"user:{user.id}",
                detail={"provider": proven.provider},
            )
            await tx.commit()
