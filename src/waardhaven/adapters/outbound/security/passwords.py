"""Password hashes by argon2id."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from argon2 import PasswordHasher as Argon2
from argon2.exceptions import InvalidHashError, VerificationError
from argon2.low_level import Type

from waardhaven.application.ports.security import PasswordHasher
from waardhaven.domain.errors import Unavailable


class TooManyLogins(Unavailable):
    """More passwords are being checked than the machine can bear; try again shortly."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Argon2Parameters:
    """OWASP's minimum: two passes over 19 MiB in one lane; at most ``concurrent`` at a time."""

    passes: int = 2
    memory_kib: int = 19 * 1024
    lanes: int = 1
    concurrent: int = 2
    waiting: int = 64


@dataclass(slots=True)
class Argon2PasswordHasher(PasswordHasher):
    """Hashes in threads (the library lets go of the interpreter lock), a few at once, a bounded queue."""

    parameters: Argon2Parameters = field(default_factory=Argon2Parameters)
    _argon2: Argon2 = field(init=False, repr=False)
    _dummy: str = field(init=False, repr=False)
    _slots: asyncio.Semaphore = field(init=False, repr=False)
    _inside: int = field(init=False, default=0, repr=False)

    def __post_init__(self) -> None:
        """Prepare the hash that unknown accounts are checked against."""
        chosen = self.parameters
        self._argon2 = Argon2(
            time_cost=chosen.passes, memory_cost=chosen.memory_kib, parallelism=chosen.lanes, type=Type.ID
        )
        self._dummy = self._argon2.hash("the password of nobody")
        self._slots = asyncio.Semaphore(chosen.concurrent)

    async def hash(self, password: str) -> str:
        """Return an argon2id hash that carries its own parameters and salt."""
        return str(await self._in_thread(self._argon2.hash, password))

    async def verify(self, password: str, password_hash: str | None) -> bool:
        """Tell whether the password matches; None is checked against a hash of nobody's password."""
        matches = await self._in_thread(self._matches, password, password_hash or self._dummy)
        return bool(matches) and password_hash is not None

    def is_outdated(self, password_hash: str) -> bool:
        """Tell whether the hash was made with other parameters than today's."""
        try:
            return self._argon2.check_needs_rehash(password_hash)
        except InvalidHashError:
            return True

    def _matches(self, password: str, password_hash: str) -> bool:
        try:
            return self._argon2.verify(password_hash, password)
        except (VerificationError, InvalidHashError):
            return False

    async def _in_thread(self, work: Callable[..., object], *args: str) -> object:
        if self._inside >= self.parameters.waiting:
            raise TooManyLogins("Too many logins at once: try again in a moment.")
        self._inside += 1
        try:
            async with self._slots:
                return await asyncio.to_thread(work, *args)
        finally:
            self._inside -= 1
