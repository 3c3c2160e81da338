"""How patient the machinery of jobs is."""

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class JobRules:
    """``lease``: how long a silent worker keeps a job. ``grace``: how long a message may be on its way."""

    lease: timedelta = timedelta(seconds=10)
    grace: timedelta = timedelta(seconds=2)
