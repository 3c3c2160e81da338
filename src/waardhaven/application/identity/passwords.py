"""What every use case that takes a new password asks of it."""

from collections.abc import Sequence

from waardhaven.application.ports.security import PasswordStrength
from waardhaven.domain.errors import FieldError
from waardhaven.domain.identity.password import MAX_LENGTH, MIN_SCORE, broken_password_rules


async def broken_rules(
    strength: PasswordStrength,
    password: str,
    *,
    email: str,
    also: Sequence[str] = (),
    field: str = "password",
) -> list[FieldError]:
    """Return every rule a new password breaks; one of a wrong length is not estimated."""
    personal = [email, *email.partition("@")[::2], *also]
    too_long = len(password) > MAX_LENGTH
    score = MIN_SCORE if too_long else await strength.score(password, personal=personal)
    return broken_password_rules(password, score=score, email=email, field=field)
