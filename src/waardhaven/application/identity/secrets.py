"""Random secrets that are shown once, and the digests we keep of them."""

import secrets
from hashlib import sha256

SECRET_BYTES = 32


def new_secret() -> str:
    """Return 256 random bits as 43 characters that need no escaping."""
    return secrets.token_urlsafe(SECRET_BYTES)


def digest_of(secret: str) -> bytes:
    """Return the SHA-256: secrets of 256 random bits need no slow hash."""
    return sha256(secret.encode()).digest()
