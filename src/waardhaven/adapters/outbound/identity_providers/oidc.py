"""Sign-in through an OpenID Connect issuer."""

from base64 import b64encode
from dataclasses import dataclass, field
from datetime import timedelta
from urllib.parse import quote_plus

from waardhaven.adapters.outbound.http_session.addresses import Reach
from waardhaven.adapters.outbound.http_session.session import HttpSession
from waardhaven.adapters.outbound.identity_providers import codes, id_token
from waardhaven.adapters.outbound.identity_providers.discovery import Metadata, discovery_url, read_metadata
from waardhaven.adapters.outbound.identity_providers.distrust import (
    Refused,
    Unusable,
    shown_name,
    translated,
    trusted_email,
)
from waardhaven.adapters.outbound.identity_providers.jwks import LARGEST_SET, KeySet, PublicKey, read_key_set
from waardhaven.adapters.outbound.identity_providers.remembered import Remembered, lifetime
from waardhaven.application.ports.clock import Clock
from waardhaven.application.ports.identity_provider import (
    Flow,
    IdentityProvider,
    ProvenIdentity,
    UnknownProvider,
)

SCOPE = "openid email profile"
LARGEST_DOCUMENT = 64 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Issuer:
    """An issuer and what we are called there.

    ``spellings`` are other forms of its name in tokens. ``reach`` bounds where it may lie: an operator may
    name an issuer on the own network. ``browsers``: whether it also takes the code flow.
    """

    name: str
    url: str
    client_id: str
    client_secret: str | None = field(default=None, repr=False)
    spellings: tuple[str, ...] = ()
    reach: Reach = Reach.LOOPBACK
    browsers: bool = True


def google(client_id: str) -> Issuer:
    """Return Google, which writes its name in two ways and is asked for ID tokens only.

    Source: https://developers.google.com/identity/openid-connect/openid-connect#validatinganidtoken
    """
    return Issuer(
        name="google",
        url="https://accounts.google.com",
        client_id=client_id,
        spellings=("accounts.google.com",),
        reach=Reach.PUBLIC,
        browsers=False,
    )


class OidcIdentityProvider(IdentityProvider):
    """Believes an issuer's ID tokens after every check of OpenID Connect Core §3.1.3.7."""

    def __init__(self, issuer: Issuer, http: HttpSession, clock: Clock) -> None:
        """Ask nothing before the first sign-in."""
        self._issuer = issuer
        self._http = http
        self._clock = clock
        self._metadata = Remembered(self._fetch_metadata, clock)
        self._keys = Remembered(self._fetch_keys, clock)

    @property
    def name(self) -> str:
        """The provider's name."""
        return self._issuer.name

    async def identity_of_token(self, id_token: str, *, nonce: str) -> ProvenIdentity:
        """Verify an ID token a client obtained itself; raise InvalidProof or ProviderUnavailable."""
        with translated(self.name):
            return await self._proven(id_token, nonce)

    async def authorization_url(self, flow: Flow) -> str:
        """Return where to send the browser; raise ProviderUnavailable, UnknownProvider without code flow."""
        self._require_browsers()
        with translated(self.name):
            metadata = await self._metadata.get()
        query = codes.authorization_query(flow, client_id=self._issuer.client_id, scope=SCOPE)
        return codes.with_query(metadata.authorization_endpoint, query | {"nonce": flow.nonce})

    async def identity_of_code(self, code: str, flow: Flow) -> ProvenIdentity:
        """Exchange a code and verify the ID token that comes back; raise InvalidProof and the like."""
        self._require_browsers()
        with translated(self.name):
            form = codes.token_form(code, flow, provider=self.name)
            tokens = await self._exchanged(form)
            if tokens.id_token is None or tokens.access_token is None:
                raise Refused("no ID token came with the code")
            return await self._proven(tokens.id_token, flow.nonce, access_token=tokens.access_token)

    def _require_browsers(self) -> None:
        if not self._issuer.browsers:
            raise UnknownProvider("This provider signs in with ID tokens only, not through the browser.")

    async def _proven(self, token: str, nonce: str, *, access_token: str | None = None) -> ProvenIdentity:
        header = id_token.read_header(token)
        key = await self._key(header)
        claims = id_token.read_claims(token, key.key, header.alg)
        expected = id_token.Expected(
            issuers=(self._issuer.url, *self._issuer.spellings),
            client_id=self._issuer.client_id,
            nonce=nonce,
            now=self._clock.now(),
        )
        id_token.check_claims(claims, expected)
        if access_token is not None:
            id_token.check_access_token(claims, access_token, header.alg)
        return ProvenIdentity(
            provider=self.name,
            subject=claims.sub,
            email=trusted_email(claims.email),
            name=shown_name(claims.name),
            proof_digest=id_token.proof_digest(token),
            expires_at=id_token.proof_ends(claims),
        )

    async def _key(self, header: id_token.Header) -> PublicKey:
        key = (await self._keys.get()).find(header.kid, header.alg)
        if key is None:
            key = (await self._keys.newer()).find(header.kid, header.alg)
        if key is None:
            raise Refused("no key of the issuer fits")
        return key

    async def _exchanged(self, form: dict[str, str]) -> codes.TokenAnswer:
        metadata = await self._metadata.get()
        headers, extra = self._authentication(metadata)
        answer = await self._http.post_form(
            metadata.token_endpoint,
            form | extra,
            headers=headers,
            reach=metadata.reach,
            limit=LARGEST_DOCUMENT,
        )
        return codes.read_tokens(answer)

    def _authentication(self, metadata: Metadata) -> tuple[dict[str, str], dict[str, str]]:
        """Return headers and form fields that say who we are (OpenID Connect Core §9)."""
        client, secret = self._issuer.client_id, self._issuer.client_secret
        if secret is None:
            return {}, {"client_id": client}
        if "client_secret_basic" in metadata.methods:
            pair = f"{quote_plus(client)}:{quote_plus(secret)}".encode()
            return {"Authorization": f"Basic {b64encode(pair).decode()}"}, {}
        if "client_secret_post" in metadata.methods:
            return {}, {"client_id": client, "client_secret": secret}
        raise Unusable("the token endpoint takes no way of authentication we know")

    async def _fetch_metadata(self) -> tuple[Metadata, timedelta]:
        url = discovery_url(self._issuer.url)
        answer = await self._http.get(url, reach=self._issuer.reach, limit=LARGEST_DOCUMENT)
        return read_metadata(answer, self._issuer.url), lifetime(answer)

    async def _fetch_keys(self) -> tuple[KeySet, timedelta]:
        metadata = await self._metadata.get()
        answer = await self._http.get(metadata.jwks_uri, reach=metadata.reach, limit=LARGEST_SET)
        return read_key_set(answer), lifetime(answer)
