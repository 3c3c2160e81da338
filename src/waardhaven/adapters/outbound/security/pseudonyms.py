"""Keyed digests under a key derived from SECRET_KEY."""

import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256

from waardhaven.application.ports.pseudonyms import Pseudonyms

LABEL = b"waardhaven:pseudonyms"


@dataclass(frozen=True, slots=True)
class KeyedPseudonyms(Pseudonyms):
    """HMAC-SHA-256. The key is derived, so that a digest says nothing about other uses of the secret."""

    secret: str = field(repr=False)

    def of_text(self, text: str) -> str:
        """See Pseudonyms."""
        return self._digest(b"text:" + text.encode()).hex()[:32]

    def of_state(self, state: Mapping[str, object]) -> bytes:
        """See Pseudonyms. Values that JSON does not know count as their text."""
        canonical = json.dumps(state, sort_keys=True, separators=(",", ":"), default=str)
        return self._digest(b"state:" + canonical.encode())

    def _digest(self, message: bytes) -> bytes:
        key = hmac.digest(self.secret.encode(), LABEL, sha256)
        return hmac.digest(key, message, sha256)
