"""What a type of jobs is, and the types a process knows."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from waardhaven.domain.errors import FieldError, Invalid
from waardhaven.domain.identity.roles import Permission
from waardhaven.domain.jobs.job import Queue


class UnknownJobType(Invalid):
    """There is no job of that type."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobSpec:
    """How jobs of a type run.

    ``use_case`` is called with the principal, the parameters and a JobRun, and returns an Outcome; it
    is idempotent. ``check`` raises Invalid for parameters that break a rule of several of them, so that no
    job is queued for what can not be done. ``permission``: what submitting takes. ``timeout``: seconds of
    one attempt.
    ``schedule``: the rule it recurs by unless somebody changes it; None: only on request.
    """

    name: str
    use_case: type[Any]
    params: type[Any]
    check: Callable[[Any], object] | None = None
    permission: Permission
    queue: Queue = Queue.INTERACTIVE
    timeout: float = 300.0
    tries: int = 5
    schedule: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChoreSpec:
    """What each worker does every so many seconds; several at once are as good as one."""

    name: str
    use_case: type[Any]
    every: float
    timeout: float = 20.0


@dataclass(frozen=True, slots=True)
class JobTypes:
    """The types of jobs a process knows, each under its own name."""

    specs: tuple[JobSpec, ...]

    def __post_init__(self) -> None:
        """Raise ValueError when two types share a name."""
        if len({one.name for one in self.specs}) != len(self.specs):
            raise ValueError("Two types of jobs have the same name.")

    def of(self, name: str) -> JobSpec:
        """Return the type called ``name``; raise UnknownJobType with those there are."""
        for spec in self.specs:
            if spec.name == name:
                return spec
        rule = f"must be one of {', '.join(one.name for one in self.specs)}"
        raise UnknownJobType(
            f"There is no job of type {name!r}.", errors=[FieldError(field="type", rule=rule)]
        )
