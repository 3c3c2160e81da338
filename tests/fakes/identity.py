"""Accounts and proofs of identity, in memory."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from uuid import uuid4

from waardhaven.application.ports.access_rules import AccessRules, Governed, Kind
from waardhaven.application.ports.api_keys import ApiKeys
from waardhaven.application.ports.audit_log import AuditLog
from waardhaven.application.ports.identity_links import IdentityLinks, IdentityTaken, ProofSpent
from waardhaven.application.ports.mailbox import Mailbox, WaitingMail
from waardhaven.application.ports.notifier import Message, NotDelivered, Notifier
from waardhaven.application.ports.one_time_tokens import OneTimeTokens
from waardhaven.application.ports.pseudonyms import Pseudonyms
from waardhaven.application.ports.revocations import Revocations
from waardhaven.application.ports.security import Claims
from waardhaven.application.ports.sessions import FoundSession, Sessions
from waardhaven.application.ports.users import EmailTaken, UsernameTaken, Users
from waardhaven.domain.identity.access import Access
from waardhaven.domain.identity.api_key import ApiKey
from waardhaven.domain.identity.one_time_token import OneTimeToken, Purpose
from waardhaven.domain.identity.roles import Principal, Role
from waardhaven.domain.identity.session import EndReason, LoginSession
from waardhaven.domain.identity.user import User
from waardhaven.domain.types import ApiKeyId, SessionId, UserId


@dataclass
class FakeUsers(Users):
    """Accounts in a dictionary."""

    rows: dict[UserId, User] = field(default_factory=dict)

    async def add(self, user: User) -> None:
        self._check(user)
        self.rows[user.id] = user

    def _check(self, user: User) -> None:
        others = [one for one in self.rows.values() if one.id != user.id and one.deleted_at is None]
        if any(one.email == user.email for one in others):
            raise EmailTaken("An account with that e-mail address exists already.")
        if any(one.username == user.username for one in others):
            raise UsernameTaken("An account with that username exists already.")

    async def by_id(self, user: UserId, *, lock: bool = False) -> User | None:
        found = self.rows.get(user)
        return found if found and found.deleted_at is None else None

    async def any_by_id(self, user: UserId, *, lock: bool = False) -> User | None:
        return self.rows.get(user)

    async def by_login(self, login: str) -> User | None:
        named = (one for one in self.rows.values() if login.lower() in {one.email, one.username})
        return next((one for one in named if one.deleted_at is None), None)

    async def save(self, user: User) -> User:
        if user.deleted_at is None:
            self._check(user)
        old = self.rows[user.id]
        ends = (user.role, user.is_active, user.deleted_at is None) != (
            old.role,
            old.is_active,
            old.deleted_at is None,
        )
        self.rows[user.id] = replace(user, token_version=old.token_version + ends)
        return self.rows[user.id]

    async def lock_administrators(self) -> int:
        return sum(one.role is Role.ADMIN and one.may_sign_in for one in self.rows.values())

    async def by_usernames(self, names: Collection[str]) -> Mapping[str, UserId]:
        return {
            one.username: one.id for one in self.rows.values() if one.username in names and not one.deleted_at
        }

    async def usernames(self, users: Collection[UserId]) -> Mapping[UserId, str]:
        return {one.id: one.username for one in self.rows.values() if one.id in users and not one.deleted_at}

    async def page(
        self,
        *,
        limit: int,
        after: UserId | None = None,
        role: Role | None = None,
        active: bool | None = None,
        deleted: bool = False,
        search: str | None = None,
    ) -> list[User]:
        found = [
            one
            for one in sorted(self.rows.values(), key=lambda one: one.id)
            if (one.deleted_at is not None) == deleted
            and (after is None or one.id > after)
            and (role is None or one.role is role)
            and (active is None or one.is_active == active)
            and (not search or search.lower() in one.email or search.lower() in one.username)
        ]
        return found[:limit]


@dataclass
class FakeSessions(Sessions):
    """Sessions, and digests with the session they belong to and whether they were used."""

    rows: dict[SessionId, LoginSession] = field(default_factory=dict)
    tokens: dict[bytes, tuple[SessionId, bool]] = field(default_factory=dict)

    async def open(self, session: LoginSession, digest: bytes) -> None:
        self.rows[session.id] = session
        self.tokens[digest] = session.id, False

    async def by_token(self, digest: bytes) -> FoundSession | None:
        if digest not in self.tokens:
            return None
        session, used = self.tokens[digest]
        return FoundSession(session=self.rows[session], token_was_used=used)

    async def rotate(self, session: SessionId, *, used: bytes, issued: bytes, at: datetime) -> None:
        self.tokens[used] = session, True
        self.tokens[issued] = session, False
        self.rows[session] = replace(self.rows[session], last_used_at=at)

    async def of_user(self, user: UserId, *, now: datetime) -> Sequence[LoginSession]:
        found = [one for one in self.rows.values() if one.user == user and one.is_open(now)]
        return sorted(found, key=lambda one: (-one.last_used_at.timestamp(), one.id))

    async def end(
        self,
        user: UserId,
        reason: EndReason,
        *,
        at: datetime,
        only: SessionId | None = None,
        but: SessionId | None = None,
    ) -> int:
        ends = [
            one
            for one in self.rows.values()
            if one.user == user and one.ended_at is None and only in {None, one.id} and one.id != but
        ]
        for one in ends:
            self.rows[one.id] = replace(one, ended_at=at, end_reason=reason)
        return len(ends)

    async def forget(self, user: UserId) -> None:
        for one in [one for one in self.rows.values() if one.user == user]:
            self.rows[one.id] = replace(one, device=None, address=None)


@dataclass
class FakeApiKeys(ApiKeys):
    """Keys in a dictionary."""

    rows: dict[ApiKeyId, ApiKey] = field(default_factory=dict)

    async def add(self, key: ApiKey) -> None:
        self.rows[key.id] = key

    async def by_prefix(self, prefix: str) -> ApiKey | None:
        return next((one for one in self.rows.values() if one.prefix == prefix), None)

    async def of_user(self, user: UserId) -> Sequence[ApiKey]:
        found = [one for one in self.rows.values() if one.user == user]
        return sorted(found, key=lambda one: (-one.created_at.timestamp(), one.id))

    async def used(self, key: ApiKeyId, at: datetime) -> None:
        self.rows[key] = replace(self.rows[key], last_used_at=at)

    async def revoke(self, user: UserId, *, at: datetime, only: ApiKeyId | None = None) -> int:
        ends = [
            one
            for one in self.rows.values()
            if one.user == user and one.is_usable(at) and only in {None, one.id}
        ]
        for one in ends:
            self.rows[one.id] = replace(one, revoked_at=at)
        return len(ends)


@dataclass
class FakeOneTimeTokens(OneTimeTokens):
    """Tokens, and the digests of those used up."""

    rows: dict[bytes, OneTimeToken] = field(default_factory=dict)
    used: set[bytes] = field(default_factory=set)

    async def issue(self, token: OneTimeToken) -> None:
        self.used |= {
            one.digest for one in self.rows.values() if (one.user, one.purpose) == (token.user, token.purpose)
        }
        self.rows[token.digest] = token

    async def spend(self, digest: bytes, purpose: Purpose, *, at: datetime) -> OneTimeToken | None:
        found = self.rows.get(digest)
        if found is None or found.purpose is not purpose or digest in self.used or found.expires_at <= at:
            return None
        self.used.add(digest)
        return found

    async def void(self, user: UserId, *, at: datetime) -> None:
        for one in [one for one in self.rows.values() if one.user == user]:
            self.used.add(one.digest)
            self.rows[one.digest] = replace(one, email=None)


@dataclass
class FakeIdentityLinks(IdentityLinks):
    """Links and spent proofs."""

    rows: dict[tuple[str, str], UserId] = field(default_factory=dict)
    spent: set[bytes] = field(default_factory=set)

    async def find(self, provider: str, subject: str) -> UserId | None:
        return self.rows.get((provider, subject))

    async def add(self, provider: str, subject: str, user: UserId, *, at: datetime) -> None:
        if self.rows.setdefault((provider, subject), user) != user:
            raise IdentityTaken("That identity belongs to another account already.")

    async def of_user(self, user: UserId) -> Sequence[str]:
        return sorted({provider for (provider, _), owner in self.rows.items() if owner == user})

    async def spend_proof(self, digest: bytes, *, expires_at: datetime) -> None:
        if digest in self.spent:
            raise ProofSpent("This proof of identity was used already. Sign in at the provider again.")
        self.spent.add(digest)

    async def forget(self, user: UserId) -> None:
        for key in [key for key, owner in self.rows.items() if owner == user]:
            self.rows[key[0], f"erased:{uuid4()}"] = self.rows.pop(key)


@dataclass
class FakeMailbox(Mailbox):
    """Mails with when they are due; None when they are done."""

    rows: dict[int, tuple[WaitingMail, datetime | None]] = field(default_factory=dict)

    async def put(self, user: UserId | None, sealed: bytes, *, due_at: datetime) -> None:
        number = len(self.rows) + 1
        self.rows[number] = WaitingMail(id=number, user=user, sealed=sealed, attempts=0), due_at

    async def take_due(self, *, now: datetime, again_at: datetime, limit: int) -> Sequence[WaitingMail]:
        due = [mail for mail, at in self.rows.values() if at is not None and at <= now][:limit]
        taken = [replace(one, attempts=one.attempts + 1) for one in due]
        self.rows |= {one.id: (one, again_at) for one in taken}
        return taken

    async def done(self, mail_id: int, *, at: datetime) -> None:
        self.rows[mail_id] = replace(self.rows[mail_id][0], sealed=b""), None

    async def forget(self, user: UserId, *, at: datetime) -> None:
        for number in [number for number, (mail, _) in self.rows.items() if mail.user == user]:
            await self.done(number, at=at)


@dataclass
class FakeAccessRules(AccessRules):
    """Rules by kind and name; a thing's id is its place."""

    rows: dict[tuple[Kind, str], Access] = field(default_factory=dict)

    async def find(self, kind: Kind, name: str) -> Governed | None:
        if (kind, name) not in self.rows:
            return None
        return Governed(id=str(list(self.rows).index((kind, name)) + 1), access=self.rows[kind, name])

    async def change(self, kind: Kind, thing: str, access: Access, *, by: UserId | None) -> None:
        key = list(self.rows)[int(thing) - 1]
        self.rows[key] = replace(access, owner=self.rows[key].owner)


@dataclass
class FakeAuditLog(AuditLog):
    """Entries in a list: action, actor, target."""

    entries: list[tuple[str, UserId | None, str]] = field(default_factory=list)
    details: list[Mapping[str, object]] = field(default_factory=list)

    async def record(
        self,
        action: str,
        *,
        by: Principal,
        target: str,
        before: Mapping[str, object] | None = None,
        after: Mapping[str, object] | None = None,
        detail: Mapping[str, object] | None = None,
        occurrences: int = 1,
    ) -> None:
        self.entries.append((action, by.user, target))
        self.details.append(dict(detail or {}))


@dataclass
class FakeNotifier(Notifier):
    """What was handed over; ``failures`` counts down the refusals to come."""

    sent: list[Message] = field(default_factory=list)
    failures: int = 0

    async def send(self, message: Message) -> None:
        if self.failures:
            self.failures -= 1
            raise NotDelivered("The mail server is away.")
        self.sent.append(message)


@dataclass
class FakeRevocations(Revocations):
    """What a test says was ended."""

    current: bool = True
    sessions: set[SessionId] = field(default_factory=set)
    versions: dict[UserId, int] = field(default_factory=dict)

    def is_current(self) -> bool:
        return self.current

    async def settled(self) -> None:
        return None

    def refuses(self, claims: Claims) -> bool:
        return claims.session in self.sessions or claims.version < self.versions.get(claims.user, 0)


class FakePseudonyms(Pseudonyms):
    """No digest at all, but of the right shape."""

    def of_text(self, text: str) -> str:
        return text.encode().hex().ljust(32, "0")[:32]

    def of_state(self, state: Mapping[str, object]) -> bytes:
        return repr(sorted(state.items())).encode().ljust(32, b"0")[:32]
