"""Work the worker runs."""

from waardhaven.application.jobs.registry import JOBS
from waardhaven.application.jobs.relay_outbox import RelayOutbox

__all__ = ["JOBS", "USE_CASES"]

USE_CASES = (RelayOutbox,)
