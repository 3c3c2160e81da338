"""The use cases of identity over fakes, and what a person does with them."""

import re
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TypeVar

from tests.fakes.clock import FakeClock
from tests.fakes.identity import FakeNotifier, FakeRevocations
from tests.fakes.sealing import FakeSealing
from tests.fakes.security import TOKENS, FakePasswordHasher, FakePasswordStrength
from tests.fakes.unit_of_work import FakeUnitOfWork

from waardhaven.adapters.outbound.security.access_tokens import JwtAccessTokens
from waardhaven.application.identity.api_keys import CreateApiKey, RevokeApiKey
from waardhaven.application.identity.authenticate import Authenticate, BreakGlass
from waardhaven.application.identity.change_password import ChangePassword
from waardhaven.application.identity.end_sessions import EndSessions, LogoutUser
from waardhaven.application.identity.ensure_administrator import EnsureAdministrator
from waardhaven.application.identity.federated import LinkIdentity, ProveOwner, SignInWithIdentity
from waardhaven.application.identity.login_user import LoginUser
from waardhaven.application.identity.mails import Links, Mails
from waardhaven.application.identity.manage_users import CreateUser, EraseUser, FindUser, ManageUser
from waardhaven.application.identity.owner import Owner
from waardhaven.application.identity.queries import ListApiKeys, ListSessions, ListUsers, ViewMe, ViewUser
from waardhaven.application.identity.refresh_session import RefreshSession
from waardhaven.application.identity.register_user import RegisterUser
from waardhaven.application.identity.reset_password import RequestPasswordReset, ResetPassword
from waardhaven.application.identity.send_mails import SendMails
from waardhaven.application.identity.signing_in import SessionRules, SigningIn
from waardhaven.application.identity.update_me import CloseAccount, UpdateMe
from waardhaven.application.identity.verification import VerificationRule
from waardhaven.application.identity.verify_email import VerifyEmail
from waardhaven.application.identity.views import SignedInView
from waardhaven.application.ports.identity_provider import ProvenIdentity
from waardhaven.application.ports.notifier import Message
from waardhaven.domain.identity.roles import OPERATOR, Principal, Role
from waardhaven.domain.identity.user import User

T = TypeVar("T")
PASSWORD, OTHER = "correct horse", "battery staple"
ADMIN_TOKEN = "the token behind the glass, long enough"


@dataclass
class House:
    """Every collaborator in the open, every use case made from them."""

    uow: FakeUnitOfWork = field(default_factory=FakeUnitOfWork)
    hasher: FakePasswordHasher = field(default_factory=FakePasswordHasher)
    strength: FakePasswordStrength = field(default_factory=FakePasswordStrength)
    clock: FakeClock = field(default_factory=FakeClock)
    notifier: FakeNotifier = field(default_factory=FakeNotifier)
    revocations: FakeRevocations = field(default_factory=FakeRevocations)
    rule: VerificationRule = field(default_factory=VerificationRule)

    def __post_init__(self) -> None:
        self.tokens = JwtAccessTokens(TOKENS, self.clock)
        self.mails = Mails(FakeSealing(self.clock), self.clock, Links(frontend_url=None))
        self.owner = Owner(self.uow, self.hasher)
        self.signing_in = SigningIn(self.tokens, self.clock, SessionRules())
        self.authenticate = Authenticate(
            self.tokens, self.revocations, self.uow, self.clock, BreakGlass(token=ADMIN_TOKEN)
        )
        known = {
            "uow": self.uow,
            "hasher": self.hasher,
            "strength": self.strength,
            "clock": self.clock,
            "notifier": self.notifier,
            "rule": self.rule,
            "mails": self.mails,
            "owner": self.owner,
            "signing_in": self.signing_in,
        }

        def made(kind: type[T]) -> T:
            return kind(**{name: known[name] for name in kind.__dataclass_fields__})  # type: ignore[attr-defined]

        self.register = made(RegisterUser)
        self.verify = made(VerifyEmail)
        self.login = made(LoginUser)
        self.refresh = made(RefreshSession)
        self.logout = made(LogoutUser)
        self.end_sessions = made(EndSessions)
        self.ask_reset = made(RequestPasswordReset)
        self.reset = made(ResetPassword)
        self.change_password = made(ChangePassword)
        self.update = made(UpdateMe)
        self.close = made(CloseAccount)
        self.me = made(ViewMe)
        self.sessions = made(ListSessions)
        self.create_key = made(CreateApiKey)
        self.revoke_key = made(RevokeApiKey)
        self.keys = made(ListApiKeys)
        self.users = made(ListUsers)
        self.user = made(ViewUser)
        self.find = made(FindUser)
        self.create = made(CreateUser)
        self.manage = made(ManageUser)
        self.erase = made(EraseUser)
        self.ensure = made(EnsureAdministrator)
        self.send = made(SendMails)
        self.sign_in = made(SignInWithIdentity)
        self.prove = made(ProveOwner)
        self.link = made(LinkIdentity)

    async def inbox(self) -> list[Message]:
        """Send what waits, and return what arrived since the last look."""
        before = len(self.notifier.sent)
        await self.send(OPERATOR)
        return self.notifier.sent[before:]

    async def mailed_token(self) -> str:
        """Return the token of the newest mail."""
        found = re.search(r"Token: (\S+)", (await self.inbox())[-1].text)
        assert found
        return found[1]

    async def person(self, name: str = "ada", role: Role = Role.VIEWER) -> User:
        """Return the account of somebody who registered and proved the address."""
        await self.register(email=f"{name}@example.org", password=PASSWORD, username=name)
        await self.verify(token=await self.mailed_token())
        user = await self.uow.users.by_login(name)
        assert user
        self.change(user, role=role)
        return self.uow.users.rows[user.id]

    async def signed_in(self, name: str = "ada") -> SignedInView:
        """Return a new session of a person."""
        return await self.login(login=name, password=PASSWORD)

    async def principal(self, name: str = "ada") -> Principal:
        """Return a person as a request knows them."""
        return await self.authenticate((await self.signed_in(name)).access_token)

    def change(self, user: User, **changes: object) -> None:
        """Change an account behind everybody's back."""
        self.uow.users.rows[user.id] = replace(self.uow.users.rows[user.id], **changes)  # type: ignore[arg-type]

    def actions(self) -> list[str]:
        """Return what the audit trail says was done."""
        return [action for action, _, _ in self.uow.audit.entries]


def proven(clock: FakeClock, subject: str = "1", **changes: object) -> ProvenIdentity:
    """Return what a provider proved."""
    plain = ProvenIdentity(
        provider="google",
        subject=subject,
        email="ada@example.org",
        proof_digest=subject.encode().ljust(32, b"-"),
        expires_at=clock.now() + timedelta(hours=1),
    )
    return replace(plain, **changes)


def later(moment: datetime, **by: float) -> datetime:
    """Return a later moment."""
    return moment + timedelta(**by)
