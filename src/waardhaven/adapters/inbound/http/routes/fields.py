"""Fields that several request bodies have."""

from typing import Annotated

from msgspec import Meta

NO_CONTROLS = r"^[^\x00-\x1f\x7f]*$"
TOKEN = r"^[A-Za-z0-9_-]{43}$"  # noqa: S105 (a pattern)

Email = Annotated[str, Meta(max_length=254, pattern=NO_CONTROLS, examples=["ada@example.org"])]
Login = Annotated[
    str,
    Meta(
        max_length=254,
        pattern=NO_CONTROLS,
        examples=["ada@example.org"],
        description="E-mail address or username, in any case.",
    ),
]
Username = Annotated[
    str,
    Meta(
        max_length=32,
        pattern=NO_CONTROLS,
        examples=["ada"],
        description="3 to 32 letters, digits or . _ -.",
    ),
]
Password = Annotated[str, Meta(max_length=1024, examples=["correct horse battery"])]
NewPassword = Annotated[
    str,
    Meta(
        max_length=1024,
        examples=["correct horse battery"],
        description="10 to 128 characters that withstand a hundred million guesses.",
    ),
]
MailedToken = Annotated[
    str,
    Meta(
        pattern=TOKEN,
        examples=["Vq1pXk0Zr7mB2nC8sD4tF6gH9jL3wE5yU0iO1aR_xQ-"],
        description="The token of the mail; it works once.",
    ),
]
RefreshToken = Annotated[
    str,
    Meta(
        max_length=128,
        pattern=NO_CONTROLS,
        examples=["Vq1pXk0Zr7mB2nC8sD4tF6gH9jL3wE5yU0iO1aR_xQ-"],
        description="The newest refresh token of the session; browsers send their cookie instead.",
    ),
]
UseCookie = Annotated[
    bool,
    Meta(
        description=(
            "True (browsers): the refresh token comes as an HTTP-only cookie and not in the answer, with a "
            "readable cookie whose value has to be sent back as X-CSRF-Token."
        )
    ),
]
