"""Key sets (RFC 7517): which public key may check a signature of which algorithm."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import jwt
import msgspec
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

from waardhaven.adapters.outbound.http_session.session import Answer
from waardhaven.adapters.outbound.identity_providers.distrust import Unusable

LARGEST_SET = 256 * 1024
MOST_KEYS = 100
RSA_BITS = range(2048, 8193)
LARGEST_EXPONENT = 2**32
ALGORITHMS: Mapping[str, tuple[str, str | None]] = {
    **dict.fromkeys(("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"), ("RSA", None)),
    "ES256": ("EC", "P-256"),
    "ES384": ("EC", "P-384"),
    "EdDSA": ("OKP", "Ed25519"),
}
"""The algorithms accepted, with the type and curve of their keys: never a shared secret, never none."""
MEMBERS = {"RSA": ("n", "e"), "EC": ("crv", "x", "y"), "OKP": ("crv", "x")}
READERS: Mapping[str, Any] = {"RSA": RSAAlgorithm, "EC": ECAlgorithm, "OKP": OKPAlgorithm}
SECRET_MEMBERS = frozenset({"d", "k", "p", "q", "dp", "dq", "qi", "oth"})


class _Document(msgspec.Struct):
    keys: list[dict[str, Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicKey:
    """One key of a set; ``algorithm`` is the only one it may be used with, when it says so."""

    id: str | None
    kind: tuple[str, str | None]
    algorithm: str | None
    key: Any

    def fits(self, key_id: str | None, algorithm: str) -> bool:
        """Tell whether a token that names ``key_id`` and ``algorithm`` may be checked with it."""
        return (
            key_id in {None, self.id}
            and self.kind == ALGORITHMS[algorithm]
            and self.algorithm in {None, algorithm}
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class KeySet:
    """The signing keys of an issuer."""

    keys: tuple[PublicKey, ...]

    def find(self, key_id: str | None, algorithm: str) -> PublicKey | None:
        """Return the one key that fits; None when there is none, or more than one to choose from.

        A token need not name a key while only one fits (OpenID Connect Core §10.1).
        """
        found = [one for one in self.keys if one.fits(key_id, algorithm)]
        return found[0] if len(found) == 1 else None


def read_key_set(answer: Answer) -> KeySet:
    """Return the usable keys of an answer; raise Unusable or RequestFailed.

    Keys of other uses, kinds or sizes are passed over (RFC 7517 §5). A set that holds anything secret is
    refused: its issuer does not know what is public.
    """
    if answer.status != 200:
        raise Unusable(f"the key set was answered with {answer.status}")
    keys = answer.json(_Document).keys
    if len(keys) > MOST_KEYS:
        raise Unusable("the key set has too many keys")
    if any(one.get("kty") == "oct" or not SECRET_MEMBERS.isdisjoint(one) for one in keys):
        raise Unusable("the key set holds secret keys")
    return KeySet(keys=tuple(key for key in map(_public_key, keys) if key is not None))


def _public_key(member: Mapping[str, Any]) -> PublicKey | None:
    kty, key_id, algorithm = member.get("kty"), member.get("kid"), member.get("alg")
    if not isinstance(kty, str) or not isinstance(key_id, str | None) or not _signs(member):
        return None
    curve = member.get("crv") if kty != "RSA" else None
    if (kty, curve) not in ALGORITHMS.values() or algorithm not in (None, *ALGORITHMS):
        return None
    key = _key(kty, member)
    return None if key is None else PublicKey(id=key_id, kind=(kty, curve), algorithm=algorithm, key=key)


def _signs(member: Mapping[str, Any]) -> bool:
    operations = member.get("key_ops", ["verify"])
    return member.get("use", "sig") == "sig" and isinstance(operations, list) and "verify" in operations


def _key(kty: str, member: Mapping[str, Any]) -> Any:
    parts = {name: member.get(name) for name in MEMBERS[kty]}
    if not all(isinstance(part, str) and part.isascii() for part in parts.values()):
        return None
    try:
        key = READERS[kty].from_jwk({"kty": kty, **parts})
    except (jwt.PyJWTError, UnsupportedAlgorithm, ValueError, OverflowError):
        return None
    return None if isinstance(key, RSAPublicKey) and not _is_sound(key) else key


def _is_sound(key: RSAPublicKey) -> bool:
    return key.key_size in RSA_BITS and key.public_numbers().e < LARGEST_EXPONENT
