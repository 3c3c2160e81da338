"""What a password must be: long enough, and not what everybody tries first."""

from waardhaven.domain.errors import FieldError

MIN_LENGTH = 10
MAX_LENGTH = 128
MIN_SCORE = 3
"""Of 0 to 4: withstands a hundred million guesses."""

COMMON = frozenset(
    (
        "1234567890",
        "12345678910",
        "0123456789",
        "0987654321",
        "9876543210",
        "1111111111",
        "0000000000",
        "1212121212",
        "1231231231",
        "123456789a",
        "a123456789",
        "1q2w3e4r5t",
        "1q2w3e4r5t6y",
        "q1w2e3r4t5",
        "1qaz2wsx3edc",
        "qazwsxedcrfv",
        "zaq12wsxcde3",
        "qwertyuiop",
        "qwertyuiop123",
        "qwerty12345",
        "qwerty123456",
        "qwertyqwerty",
        "asdfghjkl123",
        "asdfghjkl;",
        "zxcvbnm123",
        "password12",
        "password123",
        "password1234",
        "password12345",
        "passwordpassword",
        "password123!",
        "passw0rd123",
        "p@ssw0rd123",
        "p@ssword123",
        "mypassword",
        "mypassword1",
        "letmein123",
        "letmein1234",
        "welcome123",
        "welcome1234",
        "admin12345",
        "admin123456",
        "administrator",
        "changeme123",
        "changeme1234",
        "changeit123",
        "default123",
        "iloveyou12",
        "iloveyou123",
        "iloveyou1234",
        "sunshine123",
        "princess123",
        "football123",
        "baseball123",
        "superman123",
        "batman12345",
        "michael123",
        "monkey12345",
        "dragon12345",
        "shadow12345",
        "master12345",
        "trustno1trustno1",
        "abcdefghij",
        "abcdefghijk",
        "abcdefghijklmnop",
        "abcd123456",
        "abc1234567",
        "abcdef1234",
        "aaaaaaaaaa",
        "secret12345",
        "computer123",
        "internet123",
        "whatever123",
        "starwars123",
    )
)
"""The most tried passwords of at least the minimum length, in lower case."""


def broken_password_rules(
    password: str, *, score: int, email: str = "", field: str = "password"
) -> list[FieldError]:
    """Return every rule the password breaks; an empty list means it is accepted.

    ``score`` is the estimated strength, 0 (guessed at once) to 4 (out of reach).
    """
    common = _is_guessed_first(password.casefold(), email.casefold())
    rules = [
        (len(password) < MIN_LENGTH, f"must have at least {MIN_LENGTH} characters"),
        (len(password) > MAX_LENGTH, f"must have at most {MAX_LENGTH} characters"),
        (common, "is among the passwords tried first"),
        (not common and score < MIN_SCORE, "is too easy to guess: use several unrelated words"),
    ]
    return [FieldError(field=field, rule=rule) for broken, rule in rules if broken]


def _is_guessed_first(password: str, email: str) -> bool:
    monotonous = len(password) >= MIN_LENGTH and len(set(password)) <= 2
    personal = bool(email) and password in {email, email.partition("@")[0], email[::-1]}
    return password in COMMON or monotonous or personal
