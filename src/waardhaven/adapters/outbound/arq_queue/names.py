"""Names of what lies in Valkey, and how messages are coded."""

from collections.abc import Mapping
from typing import Final

import msgspec

from waardhaven.domain.jobs.job import Queue

FUNCTION: Final = "run_job"
NUDGES: Final = "waardhaven:nudge"
"""Channel: the hex id of a job whose worker is to look at the ledger."""
QUEUES: Final[Mapping[Queue, str]] = {one: f"waardhaven:{one}" for one in Queue}
WAKES: Final[Mapping[Queue, str]] = {one: f"waardhaven:wake:{one}" for one in Queue}
"""Channels: something was put into the queue."""
encode = msgspec.msgpack.encode
decode = msgspec.msgpack.decode
