"""Seals by AES-256-GCM, under keys derived from the secret key."""

import binascii
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from functools import lru_cache

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from waardhaven.application.ports.clock import Clock
from waardhaven.application.ports.sealing import BrokenSeal, Sealing

VERSION = b"\x01"
TIME_BYTES, NONCE_BYTES, TAG_BYTES, KEY_BYTES = 8, 12, 16, 32
HEAD_BYTES = len(VERSION) + TIME_BYTES
LABEL = "waardhaven-seal:1:"
MIN_SECRET = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class SealingSettings:
    """``secret`` seals; it and ``previous`` open. Each has at least 32 characters."""

    secret: str = field(repr=False)
    previous: tuple[str, ...] = field(default=(), repr=False)

    def __post_init__(self) -> None:
        """Refuse a secret that could be guessed."""
        if any(len(one) < MIN_SECRET for one in self.secrets):
            raise ValueError(f"SECRET_KEY must have at least {MIN_SECRET} characters.")

    @property
    def secrets(self) -> tuple[str, ...]:
        """All secrets, the present one first."""
        return (self.secret, *self.previous)


class AesSealing(Sealing):
    """Version, expiry, nonce and ciphertext, the first two authenticated, in base64url without padding."""

    def __init__(self, settings: SealingSettings, clock: Clock) -> None:
        """Seal with ``settings``, tell the time by ``clock``."""
        self._settings = settings
        self._clock = clock
        self._cipher = lru_cache(maxsize=64)(_cipher)

    def seal(self, purpose: str, value: bytes, *, lifetime: timedelta) -> str:
        """Return text that only ``open`` can read, for as long as ``lifetime``."""
        ends = int(self._clock.now().timestamp() + lifetime.total_seconds())
        head = VERSION + ends.to_bytes(TIME_BYTES, "big")
        nonce = secrets.token_bytes(NONCE_BYTES)
        hidden = self._cipher(self._settings.secret, purpose).encrypt(nonce, value, head)
        return urlsafe_b64encode(head + nonce + hidden).rstrip(b"=").decode()

    def open(self, purpose: str, sealed: str) -> bytes:
        """Return the value; raise BrokenSeal."""
        raw = _bytes(sealed)
        head, nonce, hidden = _parts(raw)
        value = next(self._opened(purpose, head, nonce, hidden), None)
        if value is None:
            raise BrokenSeal("The seal is broken.")
        if self._clock.now().timestamp() >= int.from_bytes(head[len(VERSION) :], "big"):
            raise BrokenSeal("The seal is too old.")
        return value

    def _opened(self, purpose: str, head: bytes, nonce: bytes, hidden: bytes) -> Iterator[bytes]:
        for secret in self._settings.secrets:
            try:
                yield self._cipher(secret, purpose).decrypt(nonce, hidden, head)
            except InvalidTag:
                continue


def _cipher(secret: str, purpose: str) -> AESGCM:
    derivation = HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=None, info=f"{LABEL}{purpose}".encode())
    return AESGCM(derivation.derive(secret.encode()))


def _bytes(sealed: str) -> bytes:
    """Return what the text encodes; one spelling only, so that a seal can be recognised again."""
    try:
        raw = urlsafe_b64decode(sealed + "=" * (-len(sealed) % 4))
    except (binascii.Error, ValueError) as error:
        raise BrokenSeal("The seal is broken.") from error
    if urlsafe_b64encode(raw).rstrip(b"=").decode() != sealed:
        raise BrokenSeal("The seal is broken.")
    return raw


def _parts(raw: bytes) -> tuple[bytes, bytes, bytes]:
    if len(raw) < HEAD_BYTES + NONCE_BYTES + TAG_BYTES or not raw.startswith(VERSION):
        raise BrokenSeal("The seal is broken.")
    body = HEAD_BYTES + NONCE_BYTES
    return raw[:HEAD_BYTES], raw[HEAD_BYTES:body], raw[body:]
