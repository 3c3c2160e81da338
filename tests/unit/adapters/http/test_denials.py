"""Refused requests are counted in bounded memory and recorded, whatever happens on the way."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import pytest

from waardhaven.adapters.inbound.http.auth import CALLER
from waardhaven.adapters.inbound.http.denials import ACTIONS, MOST_KINDS, OTHERS, Denials, tried_login
from waardhaven.application.audit.record_denials import Denial
from waardhaven.domain.errors import Unavailable
from waardhaven.domain.identity.roles import SYSTEM, Credential, Principal, Role
from waardhaven.domain.types import UserId

ADA = Principal(user=UserId(UUID(int=1)), role=Role.VIEWER, credential=Credential.API_KEY)


@dataclass
class Recorder:
    """Stands for the container and for the use case it gives out."""

    recorded: list[tuple[Denial, int]] = field(default_factory=list)
    error: Exception | None = None
    tries: int = 0

    @asynccontextmanager
    async def __call__(self) -> AsyncIterator["Recorder"]:
        yield self

    async def get(self, _: type) -> Any:
        return self._record

    async def _record(self, by: Principal, denials: list[tuple[Denial, int]]) -> int:
        assert by is SYSTEM
        self.tries += 1
        if self.error is not None:
            raise self.error
        self.recorded += denials
        return len(denials)

    @property
    def container(self) -> "Recorder":
        return self


def a_scope(**changes: Any) -> dict[str, Any]:
    plain = {
        "method": "GET",
        "path_template": "/api/v1/indices",
        "client": ("203.0.113.9", 1),
        CALLER: None,
    }
    return {**plain, **changes}


def denials(recorder: Recorder, **options: Any) -> Denials:
    return Denials(recorder, **options)  # type: ignore[arg-type]


async def test_like_refusals_are_one_denial_with_their_number():
    recorder = Recorder()
    counted = denials(recorder)
    for _ in range(3):
        counted.note(a_scope(), 401)
    counted.note(a_scope(**{CALLER: ADA}), 403)
    await counted.flush()
    (anonymous, three), (known, one) = recorder.recorded
    assert (three, one) == (3, 1)
    assert (anonymous.action, anonymous.user, anonymous.address) == (
        "access.unauthenticated",
        None,
        "203.0.113.9",
    )
    assert (anonymous.target, anonymous.status) == ("GET /api/v1/indices", 401)
    assert (known.action, known.user, known.credential) == ("access.denied", ADA.user, Credential.API_KEY)
    assert known.address is None


@pytest.mark.parametrize("status", [200, 204, 304, 400, 404, 409, 422, 500, 503])
async def test_other_answers_are_no_denials(status: int):
    recorder = Recorder()
    counted = denials(recorder)
    counted.note(a_scope(), status)
    await counted.flush()
    assert recorder.tries == 0


@pytest.mark.parametrize(
    ("status", "action"), [(401, "login.failed"), (429, "login.failed"), (403, ACTIONS[403])]
)
async def test_refused_login_says_what_was_tried(status: int, action: str):
    recorder = Recorder()
    counted = denials(recorder)
    scope = a_scope(method="POST", path_template="/api/v1/auth/login")
    tried_login(scope, "ada")
    counted.note(scope, status)
    await counted.flush()
    ((denial, _),) = recorder.recorded
    assert (denial.action, denial.login) == (action, "ada")


async def test_method_nobody_knows_and_address_of_no_route_make_one_kind():
    recorder = Recorder()
    counted = denials(recorder)
    for number in range(5):
        counted.note(a_scope(method=f"X{number}", path_template=None), 401)
    await counted.flush()
    ((denial, count),) = recorder.recorded
    assert (denial.target, count) == ("OTHER unmatched", 5)


async def test_flood_from_everywhere_stays_within_bounds_and_loses_no_count():
    recorder = Recorder()
    counted = denials(recorder)
    for number in range(3 * MOST_KINDS):
        counted.note(a_scope(client=(f"10.0.{number // 250}.{number % 250}", 1)), 401)
    await counted.flush()
    assert len(recorder.recorded) == MOST_KINDS + 1
    assert sum(count for _, count in recorder.recorded) == 3 * MOST_KINDS
    assert recorder.recorded[-1][0].target == OTHERS


async def test_what_could_not_be_recorded_is_kept_and_recorded_later():
    recorder = Recorder(error=Unavailable("The database is away."))
    counted = denials(recorder)
    counted.note(a_scope(), 401)
    await counted.flush()
    counted.note(a_scope(), 401)
    await counted.flush()
    recorder.error = None
    await counted.flush()
    await counted.flush()
    assert [count for _, count in recorder.recorded] == [2]
    assert recorder.tries == 3


async def test_counts_are_recorded_every_few_seconds_and_at_the_end():
    recorder = Recorder()
    counted = denials(recorder, seconds=0.01)
    async with counted.running():
        counted.note(a_scope(), 401)
        async with asyncio.timeout(20):
            while not recorder.recorded:
                await asyncio.sleep(0.001)
        counted.note(a_scope(), 403)
    assert [denial.status for denial, _ in recorder.recorded] == [401, 403]
