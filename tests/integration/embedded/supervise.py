"""A supervisor in a process of its own, for tests that kill it. Run as a script.

Takes its options as JSON in the first argument and writes one JSON object a line: the endpoints
once ready, every event, and why it ended.
"""

import asyncio
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

from waardhaven.adapters.outbound.embedded import EmbeddedServerError, EmbeddedServers


def say(**facts: Any) -> None:
    """Write one line that the test reads."""
    sys.stdout.write(json.dumps(facts) + "\n")
    sys.stdout.flush()


async def supervise(options: dict[str, Any]) -> None:
    """Run until SIGTERM (if `graceful`) or until the servers fail."""
    servers = EmbeddedServers(
        Path(options["data_dir"]),
        postgres=options.get("postgres", True),
        valkey=options.get("valkey", True),
        die_with_parent=options.get("die_with_parent", True),
        on_event=lambda event: say(event=event),
        **({"copies": Path(options["copies"])} if "copies" in options else {}),
    )
    async with servers as endpoints:
        if options.get("graceful"):
            stop = lambda: asyncio.ensure_future(servers.stop())
            asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop)
        say(
            ready=True,
            pid=os.getpid(),
            database_url=endpoints.database_url,
            redis_url=endpoints.redis_url,
        )
        if "orphan" in options:
            with subprocess.Popen(["/bin/sh", "-c", f"{options['orphan']} &"]):
                pass
        await servers.failed()
    say(stopped=True)


def main() -> None:
    """Report an error as one line too."""
    try:
        asyncio.run(supervise(json.loads(sys.argv[1])))
    except EmbeddedServerError as error:
        say(error=str(error))


if __name__ == "__main__":
    main()
