"""Whatever the API document allows, and much it does not, is sent to every operation by every role.

``SCHEMATHESIS_EXAMPLES`` says how many requests an operation gets of each kind; a few by default.
"""

import asyncio
import os
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import msgspec
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, Verbosity, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import Case, GenerationMode
from schemathesis.checks import CHECKS, load_all_checks
from schemathesis.core.failures import FailureGroup
from tests.conftest import Background, Servers, make_settings
from tests.security.document import is_stream
from tests.security.site import Person, Site, listening, running

from waardhaven.application.ports.security import AccessTokens
from waardhaven.domain.identity.roles import Role
from waardhaven.domain.types import SessionId, UserId

EXAMPLES = int(os.environ.get("SCHEMATHESIS_EXAMPLES", "8"))
EXCLUDED = {
    "positive_data_acceptance": "rules no schema can say: how strong a password is, what an address is, "
    "that a range does not end before it starts; these are 422 by right",
}
"""Checks that are not run, and why."""
REACHED = {None: 9, Role.VIEWER: 23, Role.ANALYST: 23, Role.ADMIN: 30}
"""How many operations have to answer with a success now and then, or too little is tested."""
ROLES = (None, Role.VIEWER, Role.ANALYST, Role.ADMIN)


@schemathesis.serializer("application/toml")
def toml(_: object, value: object) -> bytes:
    """Send a text as it is: a rule file is text of which no schema can say more."""
    text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
    return text.encode("utf-8", "surrogatepass")


@schemathesis.serializer("application/vnd.apache.arrow.stream")
def stream(_: object, value: object) -> bytes:
    """Send bytes as they are, which are hardly ever a table: tables are sent in test_analytics_tables.py."""
    found = getattr(value, "data", value)
    return found if isinstance(found, bytes) else msgspec.json.encode(found)


@dataclass
class Target:
    """A served application, people of every role, and the document as it is served."""

    site: Site
    url: str
    people: dict[Role, Person]
    tokens: AccessTokens
    document: dict[str, Any]
    known: dict[str, str]

    def headers(self, role: Role | None) -> dict[str, str]:
        """Return a fresh token, so that what ends a session ends no other example."""
        if role is None:
            return {}
        user = UserId(self.people[role].id)
        token = self.tokens.issue(user, role, session=SessionId(uuid4()), version=1)
        return {"Authorization": f"Bearer {token.value}"}


@pytest.fixture(scope="module")
def target(servers: Servers, url: str) -> Iterator[Target]:
    """The application in a loop and thread of its own: the requests are sent by blocking code."""
    background, stop, made = Background(), asyncio.Event(), asyncio.Event()
    found: list[Target] = []
    chosen = make_settings(url, servers.valkey_url, email_verification=False, redis_timeout=5.0)

    async def live() -> None:
        async with AsyncExitStack() as stack:
            site = await stack.enter_async_context(running(chosen))
            socket = await stack.enter_async_context(listening(site))
            found.append(await _target(site, socket.url))
            made.set()
            await stop.wait()

    task = background.run(_started(live()))
    background.run(_first(made, task))
    yield found[0]
    background.run(_stopped(stop, task))
    background.close()


async def _target(site: Site, url: str) -> Target:
    people = {role: await site.person(role) for role in Role}
    tokens = await site.container.get(AccessTokens)
    spare = await site.person()
    known = {"slug": "autoindex", "symbol": "AAPL", "user": str(spare.id), "provider": "google"}
    return Target(site, url, people, tokens, await site.operations(), known)


async def _started(work: Any) -> "asyncio.Task[None]":
    return asyncio.create_task(work)


async def _first(made: asyncio.Event, task: "asyncio.Task[None]") -> None:
    """Wait until the application answers; raise what stopped it."""
    waiting = asyncio.create_task(made.wait())
    await asyncio.wait({waiting, task}, return_when=asyncio.FIRST_COMPLETED)
    if task.done():
        await task
    await waiting


async def _stopped(stop: asyncio.Event, task: "asyncio.Task[None]") -> None:
    stop.set()
    await task


def attack(strategy: Any, examples: int, check: Callable[[Case], None]) -> str | None:
    """Run a check over examples, the same ones every time; return what broke."""

    @settings(
        max_examples=examples,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        verbosity=Verbosity.quiet,
        print_blob=False,
        report_multiple_bugs=False,
        suppress_health_check=list(HealthCheck),
    )
    @given(case=strategy)
    def run(case: Case) -> None:
        check(case)

    try:
        run()
    except Unsatisfiable:
        return None  # an operation that takes nothing can be given nothing wrong
    except (Exception, FailureGroup) as error:  # noqa: BLE001 - whatever it is, it belongs to the operation
        return f"{type(error).__name__}: {error}"
    return None


@pytest.mark.timeout(1200)
@pytest.mark.parametrize("role", ROLES, ids=lambda role: str(role or "anonymous"))
def test_every_operation_keeps_to_its_document(target: Target, role: Role | None) -> None:
    load_all_checks()
    excluded = [CHECKS.get_one(name) for name in EXCLUDED]
    loaded = schemathesis.openapi.from_dict(msgspec.json.decode(msgspec.json.encode(target.document)))
    loaded.config.generation.with_security_parameters = False  # the token is ours to choose
    loaded.config.generation.allow_extra_parameters = False  # what nobody asks for is ignored in a query
    rejections = loaded.config.checks.negative_data_rejection
    rejections.expected_statuses = [*rejections.expected_statuses, "413"]  # a long list is a large body too
    broken: dict[str, str] = {}
    reached: set[str] = set()

    def check(case: Case) -> None:
        headers = target.headers(role)
        response = case.call(base_url=target.url, headers=headers)
        if response.status_code < 400:
            reached.add(case.operation.label)
        case.validate_response(
            response,
            excluded_checks=excluded,
            headers=headers,
            transport_kwargs={"base_url": target.url, "headers": headers},
        )

    asked = 0
    for found in loaded.get_all_operations():
        operation = found.ok()
        asked += 1
        if is_stream(operation.definition.raw):
            continue
        own = {
            one.name: target.known[one.name] for one in operation.path_parameters if one.name in target.known
        }
        strategies = {mode.value: operation.as_strategy(mode) for mode in GenerationMode}
        if own:
            strategies["known"] = operation.as_strategy(path_parameters=own)
        for kind, strategy in strategies.items():
            failure = attack(strategy, EXAMPLES, check)
            if failure is not None:
                broken[f"{operation.label} ({kind})"] = failure[:1500]
    assert asked == sum(len(item) for item in target.document["paths"].values())
    assert len(reached) >= REACHED[role], sorted(reached)
    assert broken == {}, "\n\n".join(f"{name}\n{text}" for name, text in broken.items())
