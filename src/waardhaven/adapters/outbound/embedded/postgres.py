"""PostgreSQL: its command line, its address and its readiness probe."""

import signal
from collections.abc import Iterator
from urllib.parse import quote

import asyncpg

from waardhaven.adapters.outbound.embedded.cluster import CLUSTER, DATABASE, ROLE
from waardhaven.adapters.outbound.embedded.errors import EmbeddedServerError
from waardhaven.adapters.outbound.embedded.place import Place
from waardhaven.adapters.outbound.embedded.process import Probe, ProcessSpec
from waardhaven.adapters.outbound.embedded.surroundings import Surroundings
from waardhaven.adapters.outbound.embedded.sweep import stop_tagged

PROGRAMS = frozenset({"initdb", "postgres"})
CONNECT_SECONDS = 5.0
PORT = 5432  # part of the socket's name; said aloud because PGPORT may say otherwise
# Recovery after a crash in the middle of a big load takes this long on a slow disk; a server that
# dies is noticed at once all the same.
START_SECONDS = 120.0
STOP_SECONDS = 20.0

NOT_YET = (
    asyncpg.OperatorInterventionError,  # starting up, recovering, shutting down
    asyncpg.PostgresConnectionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.InterfaceError,
)

SETTINGS = {
    "port": str(PORT),
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "60",
    "shared_buffers": "128MB",
    "jit": "off",
    # No replica and no archive exist, so only crash recovery needs the log.
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_logical_replication_workers": "0",
    "fsync": "on",
    "full_page_writes": "on",
    "logging_collector": "off",
    "log_destination": "stderr",
    "log_timezone": "UTC",
    "timezone": "UTC",
}


def database_url(around: Surroundings) -> str:
    """Return the URL of our database for asyncpg and SQLAlchemy."""
    host = quote(str(around.sockets.path), safe="/")
    return f"postgresql://{ROLE}:{around.passwords.postgres}@/{DATABASE}?host={host}&port={PORT}"


def postgres_spec(around: Surroundings, cluster: Place) -> ProcessSpec:
    """Return how to run the server on `cluster`."""

    async def wait_for_old_backends() -> None:
        await stop_tagged(around.tag, around.account, PROGRAMS)

    command = around.command(
        (str(around.binaries.postgres), "-D", cluster.seen_as, *_options(around)),
        cluster,
        log=around.log(CLUSTER),
        death_signal=signal.SIGINT,  # fast: ends sessions, writes a checkpoint
    )
    return ProcessSpec(
        name="PostgreSQL",
        command=command,
        ready=_probe(around),
        before_start=wait_for_old_backends,
        start_timeout=START_SECONDS,
        stop_signal=signal.SIGINT,
        stop_timeout=STOP_SECONDS,
    )


def _options(around: Surroundings) -> Iterator[str]:
    sockets = around.sockets.seen_as.replace('"', '""')
    settings = SETTINGS | {
        "cluster_name": around.tag,
        "unix_socket_directories": f'"{sockets}"',
    }
    for name, value in settings.items():
        yield from ("-c", f"{name}={value}")


def _probe(around: Surroundings) -> Probe:
    async def answers() -> bool:
        try:
            connection = await asyncpg.connect(
                host=str(around.sockets.path),
                port=PORT,
                user=ROLE,
                password=around.passwords.postgres,
                database=DATABASE,
                ssl=False,
                timeout=CONNECT_SECONDS,
            )
        except NOT_YET:
            return False
        except asyncpg.PostgresError as error:
            message = f"PostgreSQL does not let us in ({error}): were the passwords replaced?"
            raise EmbeddedServerError(message) from error
        await connection.close()
        return True

    return answers
