from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from waardhaven.adapters.outbound.security.access_tokens import TokenSettings
from waardhaven.adapters.outbound.security.passwords import Argon2Parameters
from waardhaven.application.ports.security import PasswordHasher, PasswordStrength

CHEAP = Argon2Parameters(passes=1, memory_kib=64)
"""Real argon2id, in a tenth of a millisecond."""

TOKENS = TokenSettings(
    secret="a secret for tests that is long enough for any algorithm of the family",
    lifetime=timedelta(minutes=15),
)


@dataclass
class FakePasswordHasher(PasswordHasher):
    """Reversible on purpose; ``work`` lists what was asked, ``version`` outdates former hashes."""

    version: int = 1
    work: list[str] = field(default_factory=list)

    async def hash(self, password: str) -> str:
        self.work.append("hash")
        return f"v{self.version}:{password}"

    async def verify(self, password: str, password_hash: str | None) -> bool:
        self.work.append("verify")
        return password_hash is not None and password_hash.partition(":")[2] == password

    def is_outdated(self, password_hash: str) -> bool:
        return password_hash.partition(":")[0] != f"v{self.version}"


class FakePasswordStrength(PasswordStrength):
    """Finds passwords with digits weak, and those that hold something personal."""

    async def score(self, password: str, *, personal: Sequence[str]) -> int:
        known = any(one and one.lower() in password.lower() for one in personal)
        return 1 if known or any(each.isdigit() for each in password) else 4
