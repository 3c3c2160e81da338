"""kill -9 of a part while people sign in and mails are sent: nothing is lost, nothing is half done."""

import asyncio
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import httpx
import psutil
import pytest
from aiosmtpd.controller import Controller
from tests.e2e.identity_tools import AUTH, ME, REFRESH, Person, Visitor, assert_sessions_whole, new_person
from tests.e2e.up_tools import HISTORY, Place, Running, client, free_port, is_ready, wait_until

pytestmark = pytest.mark.timeout(180)
KILLS = 3
REFRESHERS = 6


@dataclass
class Crowd:
    """People who do something over and over in threads of their own until the block ends."""

    stop: threading.Event = field(default_factory=threading.Event)

    @contextmanager
    def doing(self, *works: Any) -> Iterator[None]:
        with ThreadPoolExecutor(len(works)) as pool:
            going = [pool.submit(self._repeat, work) for work in works]
            try:
                yield
            finally:
                self.stop.set()
                for one in going:
                    one.result(60)

    def _repeat(self, work: Any) -> None:
        while not self.stop.is_set():
            with suppress(httpx.TransportError):
                work()


@pytest.mark.parametrize("name", ["postgres", "valkey-server"])
def test_killed_server_costs_nobody_a_session_and_no_answer_is_a_500(sturdy_up: Running, name: str):
    url = sturdy_up.url()
    ada, reader = new_person(url, f"ada-{name}"), new_person(url, f"reader-{name}")
    strangers = Visitor(client(url))
    with Crowd().doing(
        lambda: reader.get(HISTORY, reader.access),
        lambda: reader.get(ME, reader.access),
        lambda: strangers.get(HISTORY, reader.key),
    ):
        began = time.monotonic()
        sturdy_up.place.servers(name)[0].kill()
        sturdy_up.wait_for("is back as process")
        wait_until(lambda: is_ready(url), "it is ready again")
        wait_until(lambda: reader.answers[-1][1] == 200, "people read again")
        recovered = time.monotonic() - began
    answers = [*reader.answers, *strangers.answers]
    assert {code for _, code, _ in answers} <= {200, 503}
    assert ada.get(ME, ada.access).status_code == 200
    assert ada.get(HISTORY, ada.key).status_code == 200
    assert ada.refresh(ada.refresh_token).status_code == 200
    away = sum(code == 503 for _, code, _ in answers)
    print(f"{name} killed: recovered in {recovered:.2f} s, {away} of {len(answers)} answers were 503")  # noqa: T201


@dataclass
class Refresher:
    """Somebody whose program keeps a session alive, and logs in again when it has ended."""

    person: Person
    refreshed: int = 0
    ended: int = 0

    def work(self) -> None:
        answer = self.person.ask("POST", REFRESH, body={"refresh_token": self.person.refresh_token})
        if answer.status_code == 200:
            self.refreshed += 1
        elif answer.status_code == 401:
            self.ended += 1
            answer = self.person.log_in(self.person.email)
        if answer.status_code == 200:
            self.person.refresh_token = answer.json()["refresh_token"]


async def test_api_killed_amid_refreshes_leaves_every_session_with_one_refresh_token_or_none(
    published_place: Place,
):
    up = published_place.up("--port", str(free_port()))
    url = up.url()
    crowd = [Refresher(new_person(url, f"user{number}")) for number in range(REFRESHERS)]
    with Crowd().doing(*(one.work for one in crowd)):
        for number in range(KILLS):
            goal = {one.person.email: one.refreshed + 2 for one in crowd}
            await asyncio.to_thread(
                wait_until, lambda goal=goal: _reached(crowd, goal), "everybody refreshes", 60
            )
            victim = up.child("serve")
            victim.kill()
            await asyncio.to_thread(
                wait_until, lambda victim=victim: _replaced(up, victim), f"there is another API ({number})"
            )
        goal = {one.person.email: one.refreshed + 2 for one in crowd}
        await asyncio.to_thread(wait_until, lambda: _reached(crowd, goal), "everybody refreshes again", 60)
    await assert_sessions_whole(published_place)
    for one in crowd:
        assert {code for _, code, _ in one.person.answers} <= {200, 401, 503}
        one.work()
        assert one.person.answers[-1][1] == 200
    total, ended = sum(one.refreshed for one in crowd), sum(one.ended for one in crowd)
    print(f"{total} refreshes over {KILLS} kills of the API; {ended} sessions ended by a lost answer")  # noqa: T201
    assert ended <= KILLS * REFRESHERS
    assert up.stop() == 0


def _reached(crowd: list[Refresher], goal: dict[str, int]) -> bool:
    return all(one.refreshed >= goal[one.person.email] for one in crowd)


def _replaced(up: Running, victim: psutil.Process) -> bool:
    child = up.find("serve")
    return child is not None and child.pid != victim.pid


class Postman:
    """A mail server that holds the first mail back until its sender is gone, and takes what comes then."""

    def __init__(self) -> None:
        self.mails: list[bytes] = []
        self.holds = threading.Event()
        self.takes = False

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802 (the server calls it so)
        if not self.takes:
            self.holds.set()
            await asyncio.Event().wait()
        self.mails.append(envelope.content)
        return "250 taken"


@pytest.fixture
def postman() -> Iterator[tuple[Postman, str]]:
    """A mail server on this machine, and its address."""
    postman = Postman()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    controller = Controller(postman, hostname="127.0.0.1", port=port)
    controller.start()
    yield postman, f"smtp://127.0.0.1:{port}"
    controller.stop()


async def test_mail_is_sent_later_when_the_worker_is_killed_while_it_hands_it_over(
    published_place: Place, postman: tuple[Postman, str]
):
    server, address = postman
    up = published_place.up(SMTP_URL=address)
    ada = new_person(up.url(), "ada")
    assert ada.ask("POST", f"{AUTH}/forgot-password", body={"email": ada.email}).status_code == 202
    assert await asyncio.to_thread(server.holds.wait, 40), "the worker hands the mail over"
    up.child("worker").kill()
    waiting = "SELECT attempts, sealed IS NOT NULL AS kept, due_at > now() AS put_off FROM mail"
    (row,) = await published_place.sql(f"{waiting} WHERE user_id IS NOT NULL")
    assert (row["attempts"], row["kept"], row["put_off"]) == (1, True, True)
    server.takes = True
    await published_place.sql("UPDATE mail SET due_at = now()")  # instead of waiting for a minute
    await asyncio.to_thread(wait_until, lambda: server.mails, "the mail is sent", 60)
    assert b"Subject: Set a new password" in server.mails[0]

    async def done() -> bool:
        kept = "SELECT done_at IS NOT NULL AND sealed IS NULL AS done FROM mail WHERE user_id IS NOT NULL"
        (row,) = await published_place.sql(kept)
        return bool(row["done"])

    async with asyncio.timeout(30):
        while not await done():
            await asyncio.sleep(0.02)
    assert len(server.mails) == 1
    assert up.stop() == 0
