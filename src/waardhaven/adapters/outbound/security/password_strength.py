"""How guessable a password is, by zxcvbn: frequency lists, keyboard walks, dates, repeats, personal words.

Wheeler, "zxcvbn: Low-Budget Password Strength Estimation", USENIX Security 2016.
"""

import asyncio
from collections.abc import Sequence

from waardhaven.application.ports.security import PasswordStrength

LONGEST = 72
"""The estimate takes time that grows with the square of the length; the rest can only add strength."""


class ZxcvbnPasswordStrength(PasswordStrength):
    """Estimates in a thread: a few milliseconds each, and the lists are loaded on first use."""

    async def score(self, password: str, *, personal: Sequence[str]) -> int:
        """See PasswordStrength."""
        return await asyncio.to_thread(_score, password[:LONGEST], [one for one in personal if one])


def _score(password: str, personal: list[str]) -> int:
    from zxcvbn import zxcvbn

    return int(zxcvbn(password, user_inputs=[one[:LONGEST] for one in personal])["score"]) if password else 0
