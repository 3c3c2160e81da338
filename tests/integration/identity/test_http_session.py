"""Outgoing HTTP: what it refuses whatever the server does."""

import socket
import ssl
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from tests import replies
from tests.fakes.clock import FakeClock
from tests.issuer import LocalIssuer, key

from waardhaven.adapters.outbound.http_session.addresses import Reach, is_loopback_host, reach_of
from waardhaven.adapters.outbound.http_session.guarded import ForbiddenAddress, guarded_socket
from waardhaven.adapters.outbound.http_session.session import HttpSession, RequestFailed
from waardhaven.bootstrap.container import make_container
from waardhaven.bootstrap.settings import Settings

REACHES: dict[str, Reach | None] = {
    "8.8.8.8": Reach.PUBLIC,
    "2606:4700::1111": Reach.PUBLIC,
    "::ffff:8.8.8.8": Reach.PUBLIC,
    "64:ff9b::8.8.8.8": Reach.PUBLIC,
    "10.1.2.3": Reach.PRIVATE,
    "172.16.0.1": Reach.PRIVATE,
    "172.31.255.255": Reach.PRIVATE,
    "172.32.0.1": Reach.PUBLIC,
    "192.168.1.1": Reach.PRIVATE,
    "100.64.0.1": Reach.PRIVATE,
    "fd12:3456::1": Reach.PRIVATE,
    "::ffff:10.0.0.1": Reach.PRIVATE,
    "64:ff9b::10.0.0.1": Reach.PRIVATE,
    "2002:a00:1::1": Reach.PRIVATE,
    "127.0.0.1": Reach.LOOPBACK,
    "127.255.255.254": Reach.LOOPBACK,
    "::1": Reach.LOOPBACK,
    "::ffff:127.0.0.1": Reach.LOOPBACK,
    "169.254.169.254": None,
    "::ffff:169.254.169.254": None,
    "64:ff9b::169.254.169.254": None,
    "2002:a9fe:a9fe::1": None,
    "2001:0:4136:e378:8000:63bf:5601:5601": None,
    "fe80::1": None,
    "fe80::1%eth0": None,
    "fd00:ec2::254": None,
    "fd20:ce::254": None,
    "100.100.100.200": None,
    "168.63.129.16": None,
    "0.0.0.0": None,
    "0.1.2.3": None,
    "::": None,
    "::127.0.0.1": None,
    "224.0.0.1": None,
    "ff02::1": None,
    "fec0::1": None,
    "240.0.0.1": None,
    "255.255.255.255": None,
    "192.0.2.1": None,
    "198.18.0.1": None,
    "2001:db8::1": None,
    "localhost": None,
    "127.1": None,
    "2130706433": None,
    "0x7f.0.0.1": None,
    "": None,
}


@pytest.mark.parametrize("address", REACHES)
def test_address_lies_as_far_inside_as_its_network(address: str):
    assert reach_of(address) is REACHES[address]


@pytest.mark.parametrize("reach", Reach)
@pytest.mark.parametrize("address", [one for one in REACHES if one.replace(".", "").isdecimal()])
def test_socket_is_made_only_for_what_may_be_reached(address: str, reach: Reach):
    needed = REACHES[address]
    info = (socket.AF_INET, socket.SOCK_STREAM, 0, "", (address, 443))
    if needed is not None and needed <= reach:
        guarded_socket(reach, info).close()
    else:
        with pytest.raises(ForbiddenAddress):
            guarded_socket(reach, info)


def test_loopback_is_told_by_name_or_number():
    assert [is_loopback_host(one) for one in ("localhost", "127.9.9.9", "::1")] == [True] * 3
    assert not any(
        is_loopback_host(one) for one in ("localhost.example", "127.0.0.1.example", "", "10.0.0.1")
    )


@pytest.fixture
async def http() -> AsyncIterator[HttpSession]:
    session = HttpSession(timeout_seconds=2.0)
    yield session
    await session.close()


@pytest.fixture
async def server() -> AsyncIterator[LocalIssuer]:
    server = await LocalIssuer(FakeClock()).start()
    yield server
    await server.stop()


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "2130706433", "127.1", "0x7f000001", "[::ffff:127.0.0.1]", "0.0.0.0"]
)
async def test_this_machine_is_out_of_reach_however_it_is_spelt(
    http: HttpSession, server: LocalIssuer, host: str
):
    for reach in (Reach.PUBLIC, Reach.PRIVATE):
        with pytest.raises(RequestFailed):
            await http.get(f"http://{host}:{server.url.rpartition(':')[2]}/jwks", reach=reach)
    assert not server.asked


async def test_connection_opened_for_one_reach_serves_no_other(http: HttpSession, server: LocalIssuer):
    url = f"{server.url}/jwks"
    assert (await http.get(url, reach=Reach.LOOPBACK)).reach is Reach.LOOPBACK
    with pytest.raises(RequestFailed):
        await http.get(url, reach=Reach.PUBLIC)
    assert server.asked["/jwks"] == 1


async def test_body_is_bounded_to_the_byte(http: HttpSession, server: LocalIssuer):
    server.replies["/x"] = replies.text(b"x" * 100)
    answer = await http.get(f"{server.url}/x", reach=Reach.LOOPBACK, limit=100)
    assert len(answer.body) == 100
    with pytest.raises(RequestFailed, match="more than 99 bytes"):
        await http.get(f"{server.url}/x", reach=Reach.LOOPBACK, limit=99)


async def test_environment_names_no_proxy(
    http: HttpSession, server: LocalIssuer, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9/")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9/")
    assert (await http.get(f"{server.url}/jwks", reach=Reach.LOOPBACK)).status == 200


async def test_cookies_are_forgotten(http: HttpSession, server: LocalIssuer):
    seen: list[str | None] = []

    async def reply(request: web.Request) -> web.Response:
        seen.append(request.headers.get("Cookie"))
        return web.Response(headers={"Set-Cookie": "a=b; Path=/"})

    server.replies["/x"] = reply
    for _ in range(2):
        await http.get(f"{server.url}/x", reach=Reach.LOOPBACK)
    assert seen == [None, None]


@pytest.mark.parametrize(
    "url",
    ["", "x", "file:///etc/passwd", "ftp://127.0.0.1/", "http://", "http://[::1", f"http://{'a' * 300}/"],
)
async def test_what_is_no_address_of_http_fails(http: HttpSession, url: str):
    with pytest.raises(RequestFailed):
        await http.get(url, reach=Reach.LOOPBACK)


async def test_text_of_a_failure_holds_no_query(http: HttpSession):
    with pytest.raises(RequestFailed) as failed:
        await http.get("http://127.0.0.1:9/?code=hunter2", reach=Reach.LOOPBACK)
    assert "hunter2" not in str(failed.value)


async def test_certificate_nobody_vouches_for_is_refused(http: HttpSession, tmp_path: Path):
    asked: list[str] = []

    async def reply(request: web.Request) -> web.Response:
        asked.append(request.path)
        return web.Response()

    app = web.Application()
    app.router.add_get("/", reply)
    runner = web.AppRunner(app, shutdown_timeout=0.01)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=self_signed(tmp_path)).start()
    with pytest.raises(RequestFailed):
        await http.get(f"https://127.0.0.1:{runner.addresses[0][1]}/", reach=Reach.LOOPBACK)
    assert not asked
    await runner.cleanup()


def self_signed(folder: Path) -> ssl.SSLContext:
    private = key("tls", "ES256").private
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, private.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .sign(private, SHA256())
    )
    (folder / "cert.pem").write_bytes(certificate.public_bytes(Encoding.PEM))
    (folder / "key.pem").write_bytes(private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    return context


async def test_container_lends_one_session_and_closes_it(server: LocalIssuer):
    container = make_container(Settings(secret_key="x" * 32))
    session = await container.get(HttpSession)
    assert session is await container.get(HttpSession)
    await session.get(f"{server.url}/jwks", reach=Reach.LOOPBACK)
    opened: list[Any] = list(session._sessions.values())
    await container.close()
    assert [one.closed for one in opened] == [True]
