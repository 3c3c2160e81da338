"""What is written to people, and how it waits sealed until it is sent."""

from dataclasses import dataclass
from datetime import timedelta

from waardhaven.application.identity.secrets import digest_of, new_secret
from waardhaven.application.ports.clock import Clock
from waardhaven.application.ports.mailbox import Mailbox
from waardhaven.application.ports.notifier import Message
from waardhaven.application.ports.sealing import Sealing
from waardhaven.application.ports.unit_of_work import Transaction
from waardhaven.domain.identity.one_time_token import LIFETIMES, OneTimeToken, Purpose
from waardhaven.domain.identity.user import User
from waardhaven.domain.types import UserId

PURPOSE = "mail"
KEPT = timedelta(days=2)
"""Longer than a mail is tried."""
SEPARATOR = "\x1f"


@dataclass(frozen=True, slots=True, kw_only=True)
class Links:
    """Where links in mails lead: the front end, or None when people copy tokens by hand."""

    frontend_url: str | None

    def to(self, page: str, token: str) -> str:
        """Return how to use a token."""
        if self.frontend_url is None:
            return f"Token: {token}"
        return f"{self.frontend_url.rstrip('/')}/{page}#token={token}"


@dataclass(frozen=True, slots=True)
class Mails:
    """Writes mails into a transaction. A mail to nobody is a decoy: it costs as much and is never sent."""

    sealing: Sealing
    clock: Clock
    links: Links

    async def verification(self, tx: Transaction, user: User, *, email: str | None = None) -> None:
        """Ask for proof that an address (``email``, else the account's) belongs to the person."""
        address = email or user.email
        link = await self._token(tx, user, Purpose.VERIFY_EMAIL, address, "verify-email")
        text = f"Confirm that this address is yours within 24 hours.\n\n{link}\n\n{_IGNORE}"
        await self._put(tx.mailbox, user.id, Message(to=address, subject="Confirm your address", text=text))

    async def reset(self, tx: Transaction, user: User) -> None:
        """Send the secret that lets a new password be set."""
        link = await self._token(tx, user, Purpose.RESET_PASSWORD, user.email, "reset-password")
        text = f"Set a new password within 30 minutes. All sessions will end.\n\n{link}\n\n{_IGNORE}"
        await self._put(tx.mailbox, user.id, Message(to=user.email, subject="Set a new password", text=text))

    async def already_registered(self, tx: Transaction, user: User) -> None:
        """Tell the owner of an address that somebody tried to register it again."""
        text = (
            "Somebody tried to open an account with this address; there is one already. "
            "If it was you: log in, or ask for a new password.\n\n" + _IGNORE
        )
        await self._put(tx.mailbox, user.id, Message(to=user.email, subject="You have an account", text=text))

    async def changed(self, tx: Transaction, user: User, what: str) -> None:
        """Tell the owner that something that protects the account was changed."""
        text = f"{what}\n\nIf that was not you, ask for a new password at once: it ends all sessions."
        await self._put(
            tx.mailbox, user.id, Message(to=user.email, subject="Your account changed", text=text)
        )

    async def decoy(self, tx: Transaction) -> None:
        """Do the work of a mail for nobody."""
        await self._put(tx.mailbox, None, Message(to="", subject="", text=f"{new_secret()}{_IGNORE}"))

    def opened(self, sealed: bytes) -> Message:
        """Return the mail; raise BrokenSeal."""
        to, subject, text = self.sealing.open(PURPOSE, sealed.decode()).decode().split(SEPARATOR, 2)
        return Message(to=to, subject=subject, text=text)

    async def _token(self, tx: Transaction, user: User, purpose: Purpose, email: str, page: str) -> str:
        secret, now = new_secret(), self.clock.now()
        token = OneTimeToken(
            digest=digest_of(secret),
            purpose=purpose,
            user=user.id,
            email=email,
            issued_at=now,
            expires_at=now + LIFETIMES[purpose],
        )
        await tx.one_time_tokens.issue(token)
        return self.links.to(page, secret)

    async def _put(self, mailbox: Mailbox, user: UserId | None, message: Message) -> None:
        plain = SEPARATOR.join((message.to, message.subject, message.text)).encode()
        sealed = self.sealing.seal(PURPOSE, plain, lifetime=KEPT)
        await mailbox.put(user, sealed.encode(), due_at=self.clock.now())


_IGNORE = "If you did not ask for this, ignore it."
