"""Private PostgreSQL and Valkey servers, started from installed packages and supervised here.

Linux and macOS only; import this package only where embedded servers are wanted.
"""

from waardhaven.adapters.outbound.embedded.child import Command
from waardhaven.adapters.outbound.embedded.errors import EmbeddedServerError
from waardhaven.adapters.outbound.embedded.orphans import reap_orphans
from waardhaven.adapters.outbound.embedded.process import ProcessSpec, SupervisedProcess
from waardhaven.adapters.outbound.embedded.restart import RestartPolicy
from waardhaven.adapters.outbound.embedded.servers import EmbeddedServers
from waardhaven.adapters.outbound.embedded.state import Endpoints, attach

__all__ = [
    "Command",
    "EmbeddedServerError",
    "EmbeddedServers",
    "Endpoints",
    "ProcessSpec",
    "RestartPolicy",
    "SupervisedProcess",
    "attach",
    "reap_orphans",
]
