"""See and change when recurring jobs run."""

from dataclasses import dataclass
from datetime import datetime

from waardhaven.application.jobs.run_schedules import upcoming
from waardhaven.application.jobs.specs import JobTypes
from waardhaven.application.ports.schedules import Schedule, Schedules
from waardhaven.application.ports.unit_of_work import UnitOfWork
from waardhaven.domain.errors import NotFound
from waardhaven.domain.identity.roles import Permission, Principal
from waardhaven.domain.jobs.schedule import AfterClose, parse_rule

SHOWN = 3


class UnknownSchedule(NotFound):
    """No job of that name recurs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleView:
    """A recurring job: its rule, its next instants (none: ``reason`` says why), and its last run."""

    name: str
    rule: str
    enabled: bool
    next_runs: tuple[datetime, ...]
    reason: str | None
    last_run: datetime | None
    last_job: str | None


@dataclass(frozen=True, slots=True)
class ListSchedules:
    """Everything that recurs, by name."""

    uow: UnitOfWork
    types: JobTypes

    async def __call__(self, by: Principal) -> tuple[ScheduleView, ...]:
        """Return each with its next runs."""
        by.require(Permission.OPERATE)
        async with self.uow() as tx:
            await tx.schedules.ensure({one.name: one.schedule for one in self.types.specs if one.schedule})
            now = await tx.schedules.now()
            views = [await _view(tx.schedules, one, now) for one in await tx.schedules.all()]
            await tx.commit()
        return tuple(views)


@dataclass(frozen=True, slots=True)
class ChangeSchedule:
    """Have a job recur by another rule, or no more; what was submitted already stays."""

    uow: UnitOfWork
    types: JobTypes

    async def __call__(self, by: Principal, *, name: str, rule: str, enabled: bool) -> ScheduleView:
        """Return the new state; raise InvalidSchedule or UnknownSchedule."""
        by.require(Permission.OPERATE)
        parse_rule(rule)
        async with self.uow() as tx:
            await tx.schedules.ensure({one.name: one.schedule for one in self.types.specs if one.schedule})
            found = await tx.schedules.change(name, rule=rule, enabled=enabled, by=by.user)
            if found is None:
                raise UnknownSchedule(f"No job called {name!r} recurs.", context={"name": name})
            detail = {"rule": rule, "enabled": enabled}
            await tx.audit.record("schedule.changed", by=by, target=f"schedule:{name}", detail=detail)
            view = await _view(tx.schedules, found, await tx.schedules.now())
            await tx.commit()
        return view


async def _view(schedules: Schedules, one: Schedule, now: datetime) -> ScheduleView:
    rule = parse_rule(one.rule)
    runs: list[datetime] = []
    if one.enabled:
        first = [one.next_at] if one.next_at else []
        runs = first + await upcoming(schedules, rule, max([now, *first]), count=SHOWN - len(first))
    return ScheduleView(
        name=one.name,
        rule=one.rule,
        enabled=one.enabled,
        next_runs=tuple(runs),
        reason=None if runs else _reason(one, rule),
        last_run=one.last_at,
        last_job=None if one.last_job is None else str(one.last_job),
    )


def _reason(one: Schedule, rule: object) -> str:
    if not one.enabled:
        return "It is switched off."
    mic = rule.mic if isinstance(rule, AfterClose) else "the exchange"
    return f"No coming session of {mic} is known. Load its calendar: a refresh does."
