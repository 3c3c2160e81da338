"""The authorisation-code flow with PKCE, as far as all providers share it (RFC 6749, RFC 7636)."""

import re
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from hashlib import sha256
from urllib.parse import urlencode

import msgspec

from waardhaven.adapters.outbound.http_session.session import Answer
from waardhaven.adapters.outbound.identity_providers.distrust import Refused, Unusable
from waardhaven.application.ports.identity_provider import Flow

OUR_FAULT = frozenset(
    {"invalid_client", "unauthorized_client", "incorrect_client_credentials", "redirect_uri_mismatch"}
    | {"unsupported_grant_type", "invalid_scope", "temporarily_unavailable", "server_error"}
)
"""What a token endpoint says when not the proof but our registration, or itself, is at fault."""
_CODE = re.compile(r"[\x21-\x7e]{1,2048}")
_VERIFIER = re.compile(r"[A-Za-z0-9._~-]{43,128}")
_WORD = re.compile(r"[a-z_]{1,40}")


class TokenAnswer(msgspec.Struct):
    """What a token endpoint answers: tokens or an error, whatever the status."""

    error: str | None = None
    access_token: str | None = None
    token_type: str | None = None
    id_token: str | None = None


def with_query(address: str, query: Mapping[str, str]) -> str:
    """Return an address with parameters after those it has."""
    return f"{address}{'&' if '?' in address else '?'}{urlencode(query)}"


def authorization_query(flow: Flow, *, client_id: str, scope: str) -> dict[str, str]:
    """Return what the browser takes to the provider."""
    return {
        "response_type": "code",
        "client_id": client_id,
        "redirect_uri": flow.redirect_uri,
        "scope": scope,
        "state": flow.state,
        "code_challenge": challenge(flow.code_verifier),
        "code_challenge_method": "S256",
    }


def challenge(verifier: str) -> str:
    """Return the S256 challenge of a verifier (RFC 7636 §4.2)."""
    return urlsafe_b64encode(sha256(verifier.encode()).digest()).rstrip(b"=").decode()


def token_form(code: str, flow: Flow, *, provider: str) -> dict[str, str]:
    """Return what a code is exchanged with; raise Refused for what is no code of this flow."""
    if flow.provider != provider:
        raise Refused("the flow began at another provider")
    if not _CODE.fullmatch(code) or not _VERIFIER.fullmatch(flow.code_verifier):
        raise Refused("it is no code or no verifier")
    return {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": flow.redirect_uri,
        "code_verifier": flow.code_verifier,
    }


def read_tokens(answer: Answer) -> TokenAnswer:
    """Return the tokens; raise Refused when the code is not accepted, Unusable when nothing makes sense."""
    if answer.status not in {200, 400, 401, 403}:
        raise Unusable(f"the token endpoint answered with {answer.status}")
    tokens = answer.json(TokenAnswer)
    if tokens.error is not None:
        word = tokens.error if _WORD.fullmatch(tokens.error) else "an unknown error"
        reason = f"the token endpoint says {word}"
        raise Unusable(reason) if word in OUR_FAULT else Refused(reason)
    if answer.status != 200 or (tokens.token_type or "").lower() != "bearer":
        raise Unusable("the token endpoint answered without tokens")
    return tokens
