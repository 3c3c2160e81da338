"""Valkey: its configuration, its address and its readiness probe."""

import asyncio
import signal
from urllib.parse import quote

from waardhaven.adapters.outbound.embedded.errors import EmbeddedServerError
from waardhaven.adapters.outbound.embedded.place import Place
from waardhaven.adapters.outbound.embedded.private_file import write_private
from waardhaven.adapters.outbound.embedded.process import Probe, ProcessSpec
from waardhaven.adapters.outbound.embedded.surroundings import Surroundings
from waardhaven.adapters.outbound.embedded.sweep import stop_tagged

VALKEY = "valkey"
SOCKET = "valkey.sock"
CONFIG = "valkey.conf"
PROGRAMS = frozenset({"valkey-server"})
START_SECONDS = 120.0  # a big append-only file takes a while to load
STOP_SECONDS = 10.0
ANSWER_SECONDS = 5.0


def redis_url(around: Surroundings) -> str:
    """Return the URL of database 0 for redis-py."""
    path = quote(str(around.sockets.path / SOCKET), safe="/")
    return f"unix://:{around.passwords.valkey}@{path}?db=0"


def open_valkey_place(around: Surroundings) -> Place:
    """Return the server's directory with a fresh configuration file (0600) in it."""
    place = Place.open(around.data_dir / VALKEY, around.account)
    write_private(place.path / CONFIG, _configuration(around), around.account)
    return place


def valkey_spec(around: Surroundings, place: Place) -> ProcessSpec:
    """Return how to run the server in `place`."""

    async def stop_old_server() -> None:
        await stop_tagged(around.tag, around.account, PROGRAMS)

    argv = (
        str(around.binaries.valkey),
        f"{place.seen_as}/{CONFIG}",
        # the server replaces its command line by this, the sweep finds it by the tag
        *("--proc-title-template", f"valkey-server {around.tag}"),
    )
    return ProcessSpec(
        name="Valkey",
        command=around.command(argv, place, log=around.log(VALKEY)),
        ready=_probe(around),
        before_start=stop_old_server,
        start_timeout=START_SECONDS,
        stop_signal=signal.SIGTERM,
        stop_timeout=STOP_SECONDS,
    )


def _configuration(around: Surroundings) -> str:
    settings = {
        "port": "0",
        "unixsocket": _quoted(f"{around.sockets.seen_as}/{SOCKET}"),
        "unixsocketperm": "700",
        "requirepass": around.passwords.valkey,
        "dir": "./",
        "appendonly": "yes",
        "appendfsync": "everysec",
        "save": '""',
        "maxmemory-policy": "noeviction",
        "daemonize": "no",
        "logfile": '""',
        "shutdown-timeout": "1",
    }
    return "".join(f"{name} {value}\n" for name, value in settings.items())


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def _probe(around: Surroundings) -> Probe:
    async def answers() -> bool:
        async with asyncio.timeout(ANSWER_SECONDS):
            path = str(around.sockets.path / SOCKET)
            reader, writer = await asyncio.open_unix_connection(path)
            try:
                writer.write(f"AUTH {around.passwords.valkey}\r\nPING\r\n".encode())
                replies = [await reader.readline(), await reader.readline()]
            finally:
                writer.close()
        if replies[0].startswith(b"-WRONGPASS"):
            message = "Valkey does not accept our password: another server uses its socket"
            raise EmbeddedServerError(message)
        return replies == [b"+OK\r\n", b"+PONG\r\n"]

    return answers
