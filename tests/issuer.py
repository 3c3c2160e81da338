"""An OpenID Connect issuer on this machine, over real sockets, that can be told to misbehave in every way.

``claims``, ``header`` and ``discovery`` hold changes to what it would say (None takes a member away);
``replies`` replaces the answer at a path; ``key``, ``published`` and ``forge`` decide how tokens are signed.
"""

import hmac
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from hashlib import sha256
from itertools import count
from typing import Any
from urllib.parse import parse_qsl, unquote_plus, urlsplit

import jwt
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

from waardhaven.application.ports.clock import Clock

CLIENT = "our client"
SECRET = "our secret, with + / & ? = : signs"
REDIRECT = "https://waardhaven.example/auth/callback"
NONCE = "n-0S6_WzA2Mj"
VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
Reply = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True)
class Key:
    """A key pair with a name and the algorithm it signs with."""

    id: str
    algorithm: str
    private: Any

    @property
    def public(self) -> dict[str, Any]:
        """The key as a member of a key set."""
        writer: Any = {"R": RSAAlgorithm, "P": RSAAlgorithm, "E": ECAlgorithm}[self.algorithm[0]]
        writer = OKPAlgorithm if self.algorithm == "EdDSA" else writer
        member = writer.to_jwk(self.private.public_key(), as_dict=True)
        return {**member, "kid": self.id, "use": "sig", "alg": self.algorithm}

    @property
    def pem(self) -> bytes:
        """The public key as text: what algorithm confusion takes for a shared secret."""
        return bytes(self.private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))


@cache
def private_key(algorithm: str, bits: int = 2048, copy: int = 0) -> Any:
    if algorithm == "EdDSA":
        return ed25519.Ed25519PrivateKey.generate()
    if algorithm.startswith("ES"):
        return ec.generate_private_key(ec.SECP384R1() if algorithm == "ES384" else ec.SECP256R1())
    return rsa.generate_private_key(65537, bits)


def key(key_id: str = "one", algorithm: str = "RS256", *, bits: int = 2048, copy: int = 0) -> Key:
    """Return a key pair, the same for the same question; ``copy`` tells pairs of one kind apart."""
    kind = "RS" if algorithm[0] in "RP" else algorithm
    return Key(key_id, algorithm, private_key(kind, bits, copy))


def encoded(part: bytes) -> str:
    return urlsafe_b64encode(part).rstrip(b"=").decode()


def signed(header: Mapping[str, Any], payload: Mapping[str, Any] | bytes, private: Any) -> str:
    """Sign whatever is asked, also what no library would."""
    body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    text = f"{encoded(json.dumps(header).encode())}.{encoded(body)}"
    algorithm = str(header.get("alg"))
    if algorithm == "none":
        return f"{text}."
    if algorithm.startswith("HS"):
        return f"{text}.{encoded(hmac.new(private, text.encode(), sha256).digest())}"
    signer: Any = jwt.PyJWS()._algorithms[algorithm]
    return f"{text}.{encoded(signer.sign(text.encode(), private))}"


def changed(whole: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in {**whole, **changes}.items() if value is not None}


@dataclass
class LocalIssuer:
    clock: Clock
    key: Key = field(default_factory=key)
    published: list[dict[str, Any]] = field(default_factory=list)
    claims: dict[str, Any] = field(default_factory=dict)
    header: dict[str, Any] = field(default_factory=dict)
    discovery: dict[str, Any] = field(default_factory=dict)
    tokens: dict[str, Any] = field(default_factory=dict)
    replies: dict[str, Reply] = field(default_factory=dict)
    forge: Callable[[dict[str, Any], dict[str, Any]], str] | None = None
    cache_control: str | None = None
    secret: str | None = SECRET
    asked: Counter[str] = field(default_factory=Counter)
    authentications: list[str] = field(default_factory=list)
    url: str = ""
    _codes: dict[str, dict[str, str]] = field(default_factory=dict)
    _numbers: Iterator[int] = field(default_factory=count)
    _runner: web.AppRunner | None = None
    _port: int = 0

    async def start(self) -> "LocalIssuer":
        self.published = self.published or [self.key.public]
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._answer)
        self._runner = web.AppRunner(app, shutdown_timeout=0.01, handler_cancellation=True)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self._port)
        await site.start()
        self._port = self._runner.addresses[0][1]
        self.url = f"http://127.0.0.1:{self._port}"
        return self

    async def stop(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    def roll(self, new: Key, *, withdraw: bool = True) -> None:
        """Sign with a new key from now on."""
        self.key = new
        self.published = [new.public] if withdraw else [*self.published, new.public]

    def token(self, nonce: str | None = NONCE, **claims: Any) -> str:
        """Return an ID token as the issuer would now give it."""
        now = int(self.clock.now().timestamp())
        payload = {
            "iss": self.url,
            "sub": "248289761001",
            "aud": CLIENT,
            "iat": now,
            "exp": now + 3600,
            "nonce": nonce,
            "email": "Ada@Example.org",
            "email_verified": True,
            "name": "Ada Lovelace",
        }
        header = {"alg": self.key.algorithm, "typ": "JWT", "kid": self.key.id}
        payload, header = changed(payload, {**self.claims, **claims}), changed(header, self.header)
        if self.forge is not None:
            return self.forge(header, payload)
        return signed(header, payload, self.key.private)

    def approve(self, address: str) -> str:
        """Be the person who agrees at the authorization endpoint; return the code of the redirect."""
        query = dict(parse_qsl(urlsplit(address).query, strict_parsing=True))
        assert address.startswith(f"{self.url}/authorize?")
        assert (query["response_type"], query["code_challenge_method"]) == ("code", "S256")
        assert (query["client_id"], query["redirect_uri"]) == (CLIENT, REDIRECT)
        assert {"openid", "email"} <= set(query["scope"].split())
        code = f"code-{next(self._numbers)}"
        self._codes[code] = query
        return code

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        self.asked[request.path] += 1
        reply = self.replies.get(request.path)
        if reply is not None:
            return await reply(request)
        if request.path == "/.well-known/openid-configuration":
            return self._json(self._discovery())
        if request.path == "/jwks":
            return self._json({"keys": self.published})
        if request.path == "/token":
            return await self._token(request)
        return web.Response(status=404)

    def _discovery(self) -> dict[str, Any]:
        document = {
            "issuer": self.url,
            "authorization_endpoint": f"{self.url}/authorize",
            "token_endpoint": f"{self.url}/token",
            "jwks_uri": f"{self.url}/jwks",
            "userinfo_endpoint": f"{self.url}/userinfo",
            "id_token_signing_alg_values_supported": ["RS256"],
        }
        return changed(document, self.discovery)

    async def _token(self, request: web.Request) -> web.Response:
        form = dict(parse_qsl((await request.read()).decode(), keep_blank_values=True))
        if not self._is_client(request.headers.get("Authorization"), form):
            return web.json_response({"error": "invalid_client"}, status=401)
        asked = self._codes.pop(form.get("code", ""), None)
        challenge = encoded(sha256(form.get("code_verifier", "").encode()).digest())
        if asked is None or asked["code_challenge"] != challenge or asked["redirect_uri"] != REDIRECT:
            return web.json_response({"error": "invalid_grant"}, status=400)
        access = "an access token"
        tokens = {
            "access_token": access,
            "token_type": "Bearer",
            "expires_in": 3600,
            "id_token": self.token(asked.get("nonce"), at_hash=self.claims.get("at_hash", at_hash(access))),
        }
        return self._json(changed(tokens, self.tokens))

    def _is_client(self, authorization: str | None, form: Mapping[str, str]) -> bool:
        self.authentications.append("basic" if authorization else "post")
        if authorization is None:
            return (form.get("client_id"), form.get("client_secret")) == (CLIENT, self.secret)
        name, _, secret = urlsafe_b64decode(authorization.removeprefix("Basic ")).decode().partition(":")
        return (unquote_plus(name), unquote_plus(secret)) == (CLIENT, self.secret)

    def _json(self, value: Any) -> web.Response:
        headers = {} if self.cache_control is None else {"Cache-Control": self.cache_control}
        return web.json_response(value, headers=headers)


def at_hash(access_token: str) -> str:
    """Return half a SHA-256 digest, as tokens signed by a 256-bit algorithm carry it."""
    return encoded(sha256(access_token.encode()).digest()[:16])
