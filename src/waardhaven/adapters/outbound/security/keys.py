"""The keys access tokens are signed and verified with; each knows its one algorithm."""

import hashlib
import json
from dataclasses import dataclass, field
from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)
from jwt.algorithms import get_default_algorithms

MIN_SECRET = 32
MIN_RSA_BITS = 2048
END = "-----END"


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """``verify`` is the secret or the public key, ``sign`` the secret or the private key (None: not ours)."""

    id: str
    algorithm: str
    verify: Any = field(repr=False)
    sign: Any = field(default=None, repr=False)

    def public(self) -> dict[str, str] | None:
        """Return the public key as a JSON Web Key, None for a shared secret."""
        if isinstance(self.verify, str):
            return None
        text = get_default_algorithms()[self.algorithm].to_jwk(self.verify)
        key: dict[str, str] = json.loads(text) if isinstance(text, str) else dict(text)
        key.pop("key_ops", None)
        return key | {"kid": self.id, "alg": self.algorithm, "use": "sig"}


def shared_key(secret: str) -> Key:
    """Return the HS256 key of a secret of at least 32 characters; raise ValueError."""
    if len(secret) < MIN_SECRET:
        raise ValueError(f"SECRET_KEY must have at least {MIN_SECRET} characters.")
    name = hashlib.sha256(b"waardhaven-kid:" + secret.encode()).hexdigest()[:16]
    return Key(id=name, algorithm="HS256", verify=secret, sign=secret)


def pem_keys(text: str) -> list[Key]:
    """Return the keys of PEM blocks, private or public: EC P-256, Ed25519 or RSA; raise ValueError."""
    blocks = [f"{part}{END}{rest}" for part, rest in _blocks(text)]
    if not blocks:
        raise ValueError("holds no PEM block")
    return [_pem_key(block) for block in blocks]


def _blocks(text: str) -> list[tuple[str, str]]:
    found, rest = [], text.strip()
    while END in rest:
        head, _, tail = rest.partition(END)
        line, _, rest = tail.partition("\n")
        found.append((head, line + "\n"))
    return found


def _pem_key(block: str) -> Key:
    raw = block.encode()
    try:
        private = load_pem_private_key(raw, password=None) if "PRIVATE" in block else None
        public = private.public_key() if private is not None else load_pem_public_key(raw)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise ValueError("holds a PEM block that is no unencrypted key") from error
    der = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    name = hashlib.sha256(der).hexdigest()[:16]
    return Key(id=name, algorithm=_algorithm(public), verify=public, sign=private)


def _algorithm(public: object) -> str:
    if isinstance(public, EllipticCurvePublicKey) and isinstance(public.curve, SECP256R1):
        return "ES256"
    if isinstance(public, Ed25519PublicKey):
        return "EdDSA"
    if isinstance(public, RSAPublicKey) and public.key_size >= MIN_RSA_BITS:
        return "RS256"
    raise ValueError(f"holds a key that is not EC P-256, Ed25519 or RSA of at least {MIN_RSA_BITS} bits")
