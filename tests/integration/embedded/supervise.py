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


def leave_orphan(script: str) -> None:
    """Start a process whose parent ends at once, so that process 1 inherits it."""
    subprocess.run(["/bin/sh", "-c", f"{script} &"], check=True)


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
            loop = asyncio.get_running_loop()
            loop.add_signal_handler(signal.SIGTERM, lambda: loop.create_task(servers.stop()))
        say(
            ready=True,
            pid=os.getpid(),
            database_url=endpoints.database_url,
            redis_url=endpoints.redis_url,
        )
        if "orphan" in options:
            leave_orphan(options["orphan"])
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
