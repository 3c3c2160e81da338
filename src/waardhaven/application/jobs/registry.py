"""JOBS: everything the worker can run, by name."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from waardhaven.application.audit.seal_audit import SealAudit
from waardhaven.application.identity.send_mails import SendMails
from waardhaven.application.indexes.update_index import UpdateIndex
from waardhaven.application.jobs.relay_outbox import RelayOutbox


class JobName(StrEnum):
    """Names jobs travel under."""

    UPDATE_INDEX = "update_index"
    RELAY_OUTBOX = "relay_outbox"
    SEAL_AUDIT = "seal_audit"
    SEND_MAILS = "send_mails"


@dataclass(frozen=True, slots=True, kw_only=True)
class JobSpec:
    """How one job runs: the use case, its argument types, bounds, and when it runs by itself.

    ``every``: seconds between scheduled runs, a divisor of 60; None: only on request.
    """

    name: JobName
    use_case: type[Any]
    arguments: Mapping[str, type] = field(default_factory=dict)
    timeout: float = 60.0
    tries: int = 3
    every: int | None = None


JOBS: tuple[JobSpec, ...] = (
    JobSpec(name=JobName.UPDATE_INDEX, use_case=UpdateIndex, arguments={"slug": str}),
    JobSpec(name=JobName.RELAY_OUTBOX, use_case=RelayOutbox, timeout=20.0, tries=1, every=5),
    JobSpec(name=JobName.SEAL_AUDIT, use_case=SealAudit, timeout=20.0, tries=1, every=1),
    JobSpec(name=JobName.SEND_MAILS, use_case=SendMails, timeout=45.0, tries=1, every=5),
)

if len({spec.name for spec in JOBS}) != len(JOBS):
    raise ValueError("Two jobs have the same name.")
