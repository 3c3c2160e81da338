"""An address that asks for TLS gets it, or no connection: the password never travels in the clear."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import asyncpg
import pytest

from waardhaven.adapters.outbound.postgres.engine import Database
from waardhaven.domain.errors import Unavailable

ASKS_FOR_TLS = (8).to_bytes(4, "big") + (80_877_103).to_bytes(4, "big")


class PlainServer:
    """A PostgreSQL that speaks no TLS; it notes what clients say."""

    def __init__(self) -> None:
        self.heard: list[bytes] = []
        self.port = 0

    async def meet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.heard.append(await reader.read(1024))
        writer.write(b"N")
        self.heard.append(await reader.read(1024))
        writer.close()


@pytest.fixture
async def server() -> AsyncIterator[PlainServer]:
    plain = PlainServer()
    listening = await asyncio.start_server(plain.meet, "127.0.0.1", 0)
    plain.port = listening.sockets[0].getsockname()[1]
    async with listening:
        yield plain


async def by_pool(database: Database) -> None:
    async with database.acquire():
        pass


async def beside_pool(database: Database) -> None:
    await asyncpg.connect(database.dsn, timeout=5)


@pytest.mark.parametrize("connect", [by_pool, beside_pool])
@pytest.mark.parametrize("asked", ["sslmode=require", "ssl=require"])
async def test_server_without_tls_is_told_nothing_when_the_address_asks_for_tls(
    server: PlainServer, asked: str, connect: Callable[[Database], Awaitable[None]]
):
    database = Database(f"postgresql://ada:secret@127.0.0.1:{server.port}/index?{asked}")
    with pytest.raises((Unavailable, ConnectionError)):
        await connect(database)
    await database.close()
    async with asyncio.timeout(5):
        while len(server.heard) < 2:
            await asyncio.sleep(0)
    assert server.heard == [ASKS_FOR_TLS, b""]
