"""Server-sent events: what a client is told, in which order, and how its stream ends."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from tests.unit.adapters.http.live_tools import (
    JOB,
    OTHERS,
    PRICES,
    SECONDS,
    Listening,
    LiveWorld,
    job_changed,
)
from tests.unit.adapters.http.world import SOMEBODY

from waardhaven.adapters.inbound.http.live import hub, missed, recheck, stream, subscription
from waardhaven.application.identity.authenticate import RevocationsUnknown
from waardhaven.application.ports.jobs import JobDraft
from waardhaven.domain.identity.roles import Credential, Principal, Role
from waardhaven.domain.jobs.job import Queue
from waardhaven.domain.types import JobId

STREAM = "/api/v1/stream"
EVENTS = f"/api/v1/jobs/{JOB}/events"


@pytest.fixture(autouse=True)
def _often(monkeypatch: pytest.MonkeyPatch) -> None:
    """Check tokens every few milliseconds, so that no test waits two seconds."""
    often = recheck.Recheck.__init__.__kwdefaults__ | {"every": 0.02}
    monkeypatch.setattr(recheck.Recheck.__init__, "__kwdefaults__", often)


@pytest.fixture
async def live() -> AsyncIterator[LiveWorld]:
    world = LiveWorld()
    async with world.running():
        yield world
    assert len(world.hub) == 0


async def queued(live: LiveWorld, job: JobId = JOB, owner: Any = SOMEBODY) -> None:
    draft = JobDraft(
        id=job,
        type="refresh",
        params={},
        queue=Queue.BULK,
        max_attempts=3,
        owner=owner,
        credential=Credential.SESSION,
    )
    await live.uow.jobs.add(draft)


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(SECONDS):
        while not condition():
            await asyncio.sleep(0)


async def test_a_stream_says_what_it_is_and_begins_where_things_are(live: LiveWorld) -> None:
    live.events.put(job_changed())
    await live.tell_progress(1)
    async with live.listening() as one:
        assert await one.answered() == 200
        assert one.sent["content-type"] == "text/event-stream; charset=utf-8"
        assert (one.sent["cache-control"], one.sent["x-accel-buffering"]) == ("no-store", "no")
        assert await one.begun() in {"1.1-0", "1.-"}, "progress is known a moment later"
        await until(lambda: str(live.hub.mark) == "1.1-0")
        live.events.put(job_changed("succeeded"))
        event = await one.next()
    assert (event.id, event.kind) == ("2.1-0", "job.changed")
    assert event.data["kind"] == "job.changed"
    assert (event.data["job"], event.data["state"]) == (str(JOB), "succeeded")


async def test_progress_and_events_come_together_each_with_its_id(live: LiveWorld) -> None:
    async with live.listening() as one:
        await one.begun()
        await until(lambda: str(live.hub.mark) == "0.0-0")
        await live.tell_progress(3)
        first = await one.next()
        live.events.put(PRICES)
        second = await one.next()
    assert (first.kind, first.id, first.data["done"], first.data["total"]) == ("progress", "0.1-0", 3, 10)
    assert (second.kind, second.id) == ("market.prices_committed", "1.1-0")


async def test_nobody_is_told_of_what_is_not_theirs_to_see(live: LiveWorld) -> None:
    async with live.listening() as one, live.listening(headers=live.bearer(Role.ADMIN)) as admin:
        await one.begun()
        await admin.begun()
        await until(lambda: str(live.hub.mark) == "0.0-0")
        live.events.put(job_changed(owner=OTHERS))
        live.events.put(job_changed(owner=None))
        await live.tell_progress(1, owner=OTHERS)
        assert sorted(await admin.kinds(3)) == ["job.changed", "job.changed", "progress"]
        live.events.put(PRICES)
        event = await one.next()
    assert (event.kind, event.id) == ("market.prices_committed", "3.1-0")


async def test_kinds_choose_by_their_beginning(live: LiveWorld) -> None:
    async with live.listening(f"{STREAM}?kinds=market.,progress") as one:
        await one.begun()
        await until(lambda: str(live.hub.mark) == "0.0-0")
        live.events.put(job_changed())
        live.events.put(PRICES)
        assert (await one.next()).kind == "market.prices_committed"
        await live.tell_progress(1)
        assert (await one.next()).kind == "progress"


@pytest.mark.parametrize("by_query", [False, True], ids=["header", "parameter"])
async def test_a_client_that_comes_back_is_told_what_it_missed_once(live: LiveWorld, by_query: bool) -> None:
    for number in range(5):
        live.events.put(job_changed())
        await live.tell_progress(number)
    path = f"{STREAM}?last_event_id=2.3-0" if by_query else STREAM
    headers = {} if by_query else {"Last-Event-ID": "2.3-0"}
    async with live.listening(path, headers) as one:
        told = [await one.next() for _ in range(5)]
        await until(lambda: str(live.hub.mark) == "5.5-0")
        live.events.put(PRICES)
        last = await one.next()
    assert [event.id for event in told] == ["3.3-0", "4.3-0", "5.3-0", "5.4-0", "5.5-0"]
    assert (last.kind, last.id) == ("market.prices_committed", "6.5-0")


async def test_the_header_goes_before_the_parameter(live: LiveWorld) -> None:
    for _ in range(3):
        live.events.put(PRICES)
    async with live.listening(f"{STREAM}?last_event_id=0.-", {"Last-Event-ID": "2.-"}) as one:
        assert (await one.next()).id.startswith("3.")


async def test_what_happens_while_a_client_catches_up_is_told_once_and_in_order(live: LiveWorld) -> None:
    """Events keep coming at every step of the reading of what was missed."""
    for _ in range(450):
        live.events.put(PRICES)
    since = live.events.since

    async def busy(position: int, **more: Any) -> Any:
        live.events.put(PRICES)
        await asyncio.sleep(0.03)
        return await since(position, **more)

    live.events.since = busy  # type: ignore[method-assign]
    async with live.listening(headers={"Last-Event-ID": "0.-"}) as one:
        told = [(await one.next()).id.partition(".")[0] for _ in range(450)]
        live.events.since = since  # type: ignore[method-assign]
        more = [(await one.next()).id.partition(".")[0] for _ in range(len(live.events.events) - 450)]
    assert [*told, *more] == [str(number) for number in range(1, len(live.events.events) + 1)]
    assert len(more) >= 4


async def test_every_message_is_an_id_to_resume_from_without_gap_or_repetition(live: LiveWorld) -> None:
    rest = []
    for number in range(6):
        live.events.put(job_changed())
        await live.tell_progress(number)
    async with live.listening(headers={"Last-Event-ID": "0.0-0"}) as one:
        ids = [(await one.next()).id for _ in range(12)]
    for place, last in enumerate(ids):
        async with live.listening(headers={"Last-Event-ID": last}) as again:
            rest = [(await again.next()).id for _ in range(11 - place)]
        assert rest == ids[place + 1 :]


async def test_an_id_from_a_database_that_is_further_resets(live: LiveWorld) -> None:
    live.events.put(PRICES)
    async with live.listening(headers={"Last-Event-ID": "900.-"}) as one:
        event = await one.next()
        assert (event.kind, event.id) == ("reset", "1.-")
        live.events.put(PRICES)
        assert (await one.next()).id.startswith("2.")


async def test_an_id_of_which_what_follows_is_gone_resets(live: LiveWorld) -> None:
    for _ in range(5):
        live.events.put(PRICES)
    since = live.events.since

    async def cleaned(position: int, **more: Any) -> Any:
        return list(await since(max(position, 3), **more))

    live.events.since = cleaned  # type: ignore[method-assign]
    async with live.listening(headers={"Last-Event-ID": "2.-"}) as one:
        assert await one.kinds(3) == ["reset", "market.prices_committed", "market.prices_committed"]
        assert one.last_id.startswith("5.")
    async with live.listening(headers={"Last-Event-ID": "3.-"}) as one:
        assert (await one.next()).kind == "market.prices_committed"


async def test_who_missed_too_much_is_told_so_and_gets_the_newest(
    live: LiveWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(missed, "MOST_MISSED", 2)
    for _ in range(5):
        live.events.put(PRICES)
    async with live.listening(headers={"Last-Event-ID": "1.-"}) as one:
        assert await one.kinds(3) == ["reset", "market.prices_committed", "market.prices_committed"]
        assert one.last_id.startswith("5.")


async def test_a_cursor_further_than_the_stream_of_progress_hears_the_new_stream(live: LiveWorld) -> None:
    await live.tell_progress(1)
    async with live.listening(headers={"Last-Event-ID": "0.900-0"}) as one:
        assert await one.begun() == "0.1-0"
        await until(lambda: str(live.hub.mark) == "0.1-0")
        await live.tell_progress(2)
        assert (await one.next()).id == "0.2-0"


@pytest.mark.parametrize("text", ["x", "1", "1.", "1.2", "-1.0-0", "1.0-0 ", "1.0-0.0", "1" * 19 + ".-"])
@pytest.mark.parametrize("where", ["header", "parameter"])
async def test_an_id_that_is_none_is_refused_by_name(live: LiveWorld, text: str, where: str) -> None:
    path = STREAM if where == "header" else f"{STREAM}?last_event_id={text.replace(' ', '%20')}"
    headers = {"Last-Event-ID": text} if where == "header" else {}
    async with live.listening(path, headers) as one:
        body = await one.body()
    assert (body["status"], body["code"]) == (422, "invalid_event_id")
    assert body["errors"][0]["field"] == ("Last-Event-ID" if where == "header" else "last_event_id")


async def test_without_a_token_there_is_no_stream(live: LiveWorld) -> None:
    for path in (STREAM, EVENTS):
        one = Listening(live, path, {})
        await one.run()
        assert (one.status, (await one.body())["code"]) == (401, "missing_token")


@pytest.mark.parametrize("path", [STREAM, EVENTS])
async def test_head_is_answered_at_once_and_opens_nothing(live: LiveWorld, path: str) -> None:
    await queued(live)
    one = Listening(live, path, live.bearer(), method="HEAD")
    await asyncio.wait_for(one.run(), SECONDS)
    assert (one.status, one.raw) == (200, b"")
    assert one.sent["content-type"].startswith("text/event-stream")
    missing = Listening(live, f"/api/v1/jobs/{UUID(int=5)}/events", live.bearer(), method="HEAD")
    await asyncio.wait_for(missing.run(), SECONDS)
    assert missing.status == 404


async def test_quiet_streams_are_kept_open_and_their_id_moves_on(
    live: LiveWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream, "PING_SECONDS", 0.02)
    async with live.listening() as one:
        await one.begun()
        await until(lambda: str(live.hub.mark) == "0.0-0")
        live.events.put(job_changed(owner=OTHERS))
        await until(lambda: b"id: 1.0-0\n: ping\n\n" in one.raw)


async def test_a_job_begins_as_it_is_and_ends_its_stream(live: LiveWorld) -> None:
    await queued(live)
    async with live.listening(EVENTS) as one:
        first = await one.next()
        assert (first.kind, first.data["id"], first.data["state"]) == ("snapshot", str(JOB), "queued")
        await until(lambda: str(live.hub.mark) == "0.0-0")
        live.events.put(job_changed(job=JobId(UUID(int=42))))
        live.events.put(job_changed("running"))
        await live.tell_progress(1, job=JobId(UUID(int=42)))
        assert (await one.next()).data["state"] == "running"
        await live.tell_progress(7)
        assert (await one.next()).data["done"] == 7
        live.events.put(job_changed("succeeded"))
        live.events.put(job_changed("running"))
        last = await one.next()
        await one.over()
    assert (last.data["state"], last.id) == ("succeeded", "3.2-0")
    assert one.raw.endswith(b"\n\n")
    assert b"bye" not in one.raw


async def test_a_job_that_has_ended_is_shown_and_the_stream_is_over(live: LiveWorld) -> None:
    await queued(live)
    await live.uow.jobs.cancel(JOB)
    async with live.listening(EVENTS) as one:
        assert (await one.next()).data["state"] == "cancelled"
        await one.over()


async def test_who_comes_back_to_a_job_is_told_what_it_missed_and_then_that_it_is_over(
    live: LiveWorld,
) -> None:
    await queued(live)
    live.events.put(job_changed("running"))
    live.events.put(PRICES)
    live.events.put(job_changed("cancelled"))
    await live.uow.jobs.cancel(JOB)
    async with live.listening(EVENTS, {"Last-Event-ID": "1.-"}) as one:
        assert await one.kinds(2) == ["snapshot", "job.changed"]
        await one.over()
        assert one.last_id == "3.-"
    async with live.listening(EVENTS, {"Last-Event-ID": "3.-"}) as one:
        await one.over()
        assert (one.status, one.raw, one.sent["cache-control"]) == (204, b"", "no-store")


async def test_jobs_of_others_and_unknown_ones_look_the_same(live: LiveWorld) -> None:
    other = JobId(UUID(int=77))
    await queued(live, other, OTHERS)
    bodies = []
    for job in (other, UUID(int=78)):
        async with live.listening(f"/api/v1/jobs/{job}/events") as one:
            bodies.append(await one.body())
    assert [(body["status"], body["code"]) for body in bodies] == [(404, "unknown_job")] * 2
    async with live.listening(f"/api/v1/jobs/{other}/events", live.bearer(Role.ADMIN)) as one:
        assert (await one.next()).kind == "snapshot"


async def test_one_caller_has_so_many_streams_and_everybody_together_so_many(
    live: LiveWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub, "MOST_OF_ONE", 1)
    async with live.listening() as one:
        await one.begun()
        async with live.listening() as second:
            body = await second.body()
            assert (body["status"], body["code"], second.sent["retry-after"]) == (
                429,
                "too_many_streams",
                "5",
            )
        monkeypatch.setattr(hub, "MOST", 1)
        async with live.listening(headers=live.bearer(user=OTHERS)) as third:
            assert (await third.body())["status"] == 429
    await until(lambda: len(live.hub) == 0)
    async with live.listening() as one:
        await one.begun()


async def test_a_token_that_expires_ends_the_stream_with_the_reason(live: LiveWorld) -> None:
    async with live.listening() as one:
        await one.begun()
        live.clock.advance(timedelta(hours=1))
        event = await one.next()
        await one.over()
    assert event.kind == "bye"
    assert "token" in event.data["code"], event.data
    assert event.data["detail"]


async def test_a_key_that_was_revoked_ends_its_stream_and_no_other(live: LiveWorld) -> None:
    key = Principal(user=SOMEBODY, role=Role.VIEWER, credential=Credential.API_KEY)
    headers = live.credential(key)
    async with live.listening(headers=headers) as one, live.listening() as other:
        await one.begun()
        await other.begun()
        live.authenticate.credentials.clear()
        assert (await one.next()).data["code"] == "invalid_token"
        await one.over()
        live.events.put(PRICES)
        assert (await other.next()).kind == "market.prices_committed"


async def test_who_loses_the_permission_is_told_nothing_more(live: LiveWorld) -> None:
    headers = live.credential(Principal(user=SOMEBODY, role=Role.VIEWER))
    async with live.listening(headers=headers) as one:
        await one.begun()
        for token, caller in live.authenticate.credentials.items():
            live.authenticate.credentials[token] = replace(caller, scopes=frozenset())
        assert (await one.next()).data["code"] == "permission_denied"


async def test_what_may_be_read_is_decided_with_the_newest_check(live: LiveWorld) -> None:
    headers = live.credential(Principal(user=SOMEBODY, role=Role.ADMIN))
    async with live.listening(headers=headers) as one:
        await one.begun()
        for token, caller in live.authenticate.credentials.items():
            live.authenticate.credentials[token] = replace(caller, role=Role.VIEWER)
        asked = len(live.authenticate.asked)
        await until(lambda: len(live.authenticate.asked) > asked + 1)
        live.events.put(job_changed(owner=OTHERS))
        live.events.put(PRICES)
        assert (await one.next()).kind == "market.prices_committed"


async def test_while_nobody_can_say_a_stream_lives_a_while_and_no_longer(
    live: LiveWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    headers = live.credential(Principal(user=SOMEBODY, role=Role.VIEWER))
    async with live.listening(headers=headers) as one:
        await one.begun()
        live.authenticate.error = RevocationsUnknown("away")
        asked = len(live.authenticate.asked)
        await until(lambda: len(live.authenticate.asked) > asked + 2)
        assert not one.is_over
        monkeypatch.setattr(recheck, "UNKNOWN_SECONDS", 0.0)
        assert (await one.next()).data["code"] == "authentication_unavailable"


async def test_the_break_glass_token_is_audited_once_and_not_at_every_check(live: LiveWorld) -> None:
    glass = Principal(user=None, role=Role.ADMIN, credential=Credential.BREAK_GLASS)
    headers = live.credential(glass)
    async with live.listening(headers=headers) as one, live.listening(headers=live.credential(KEY)) as other:
        await one.begun()
        await other.begun()
        key_token = other.headers["Authorization"].removeprefix("Bearer ")
        await until(lambda: live.authenticate.asked.count(key_token) > 3)
        assert live.authenticate.asked.count(headers["Authorization"].removeprefix("Bearer ")) == 1


KEY = Principal(user=OTHERS, role=Role.VIEWER, credential=Credential.API_KEY)


async def test_a_client_that_reads_too_slowly_loses_its_stream_and_can_resume(
    live: LiveWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(subscription, "LONGEST_QUEUE", 3)
    async with live.listening() as one:
        await one.begun()
        one.may_read.clear()
        for _ in range(20):
            live.events.put(PRICES)
        await until(lambda: live.hub.mark.position == 20)
        one.may_read.set()
        told = []
        while (event := await one.next()).kind != "bye":
            told.append(event.id.partition(".")[0])
        await one.over()
    assert event.data["code"] == "too_slow"
    assert told == [str(number) for number in range(1, len(told) + 1)]
    assert 0 < len(told) < 20
    async with live.listening(headers={"Last-Event-ID": one.last_id}) as one:
        rest = [(await one.next()).id.partition(".")[0] for _ in range(20 - len(told))]
    assert [*told, *rest] == [str(number) for number in range(1, 21)]


async def test_a_client_that_reads_nothing_is_cut(live: LiveWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subscription, "SEND_SECONDS", 0.05)
    async with live.listening() as one:
        await one.begun()
        one.may_read.clear()
        live.events.put(PRICES)
        await until(lambda: one.cut)
        await until(lambda: len(live.hub) == 0)


async def test_stopping_says_good_bye_to_everybody_and_opens_nothing_new(live: LiveWorld) -> None:
    async with live.listening() as one, live.listening(headers=live.bearer(user=OTHERS)) as other:
        await one.begun()
        await other.begun()
        await asyncio.wait_for(live.hub.close(), SECONDS)
        for each in (one, other):
            event = await each.next()
            assert (event.kind, event.data["code"]) == ("bye", "shutting_down")
            await each.over()
    async with live.listening() as late:
        assert (await late.body())["code"] == "streams_unavailable"
    await live.hub.close()


async def test_stopping_waits_a_moment_for_a_client_that_reads_nothing(
    live: LiveWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(subscription, "LAST_SEND_SECONDS", 0.05)
    async with live.listening() as one:
        await one.begun()
        one.may_read.clear()
        live.events.put(PRICES)
        await until(lambda: live.hub.mark.position == 1)
        await asyncio.wait_for(live.hub.close(), 2)
        await until(lambda: one.cut)


async def test_without_progress_events_go_on_and_progress_comes_back(live: LiveWorld) -> None:
    live.progress.fail()
    async with live.listening() as one:
        assert await one.begun() == "0.-"
        live.events.put(PRICES)
        assert (await one.next()).id == "1.-"
        live.progress.failing = False
        await until(lambda: str(live.hub.mark) == "1.0-0")
        await live.tell_progress(1)
        assert (await one.next()).id == "1.1-0"


async def test_who_resumes_while_progress_is_away_gets_the_events(live: LiveWorld) -> None:
    live.events.put(PRICES)
    await live.tell_progress(1)
    live.progress.fail()
    async with live.listening(headers={"Last-Event-ID": "0.0-0"}) as one:
        assert (await one.next()).id == "1.0-0"


async def test_while_the_database_is_away_readers_wait_and_skip_nothing(live: LiveWorld) -> None:
    async with live.listening() as one:
        await one.begun()
        head = live.events.head
        failed = asyncio.Event()

        async def away() -> int:
            failed.set()
            raise RevocationsUnknown("away")

        live.events.head = away  # type: ignore[method-assign]
        await asyncio.wait_for(failed.wait(), SECONDS)
        for _ in range(3):
            live.events.put(PRICES)
        live.events.head = head  # type: ignore[method-assign]
        assert [(await one.next()).id.partition(".")[0] for _ in range(3)] == ["1", "2", "3"]


async def test_a_stream_that_can_not_begin_is_unavailable(
    live: LiveWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away() -> int:
        raise RevocationsUnknown("away")

    live.events.head = away  # type: ignore[method-assign]
    monkeypatch.setattr(hub, "WAIT_SECONDS", 0.05)
    async with live.listening() as one:
        assert (await one.body())["status"] == 503


async def test_a_stream_that_can_not_tell_what_was_missed_says_so_and_ends(live: LiveWorld) -> None:
    since = live.events.since

    async def away(position: int, **more: Any) -> Any:
        if more["limit"] == missed.PAGE:
            raise RevocationsUnknown("away")
        return await since(position, **more)

    live.events.put(PRICES)
    live.events.since = away  # type: ignore[method-assign]
    async with live.listening(headers={"Last-Event-ID": "0.-"}) as one:
        assert (await one.next()).data["code"] == "revocations_unknown"
        await one.over()


async def test_messages_are_encoded_once_for_all(live: LiveWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    made = []
    encode = hub.of_event

    def counting(*args: Any) -> Any:
        made.append(args)
        return encode(*args)

    monkeypatch.setattr(hub, "of_event", counting)
    async with live.listening() as one, live.listening() as other:
        await one.begun()
        await other.begun()
        await until(lambda: str(live.hub.mark) == "0.0-0")
        live.events.put(PRICES)
        assert (await one.next()) == (await other.next())
    assert len(made) == 1
