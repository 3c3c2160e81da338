"""What a worker process is told."""

from collections.abc import Mapping
from dataclasses import dataclass

from waardhaven.domain.jobs.job import Queue


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """What lies in Valkey: queues, the channels that tell of new messages, the channel of nudges."""

    function: str
    queues: Mapping[Queue, str]
    wakes: Mapping[Queue, str]
    nudges: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerConfig:
    """``concurrency``: how many jobs of each queue run at once; ``drain``: seconds they may go on."""

    id: str
    names: Names
    queues: tuple[Queue, ...]
    concurrency: int
    drain: float
