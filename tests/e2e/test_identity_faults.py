"""People log in, read and are limited without Valkey; without PostgreSQL they are told to come back."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from itertools import count

import pytest
from redis import Redis
from tests.conftest import Background
from tests.e2e.conftest import FirstStart
from tests.e2e.identity_tools import (
    GIVING_UP_SECONDS,
    HANGING,
    KEYS,
    ME,
    REQUEST_SECONDS,
    SLACK_SECONDS,
    STOPPED,
    House,
    Person,
    Server,
    Visitor,
    new_house,
    new_person,
    suspended,
)
from tests.e2e.up_tools import HISTORY, client, is_ready, new_place, status, wait_until

pytestmark = pytest.mark.timeout(180)
NAMES = count()
LOGINS_OF_A_NAME = 10
KEY_LIMIT = 20
READY = "/health/ready"


@pytest.fixture(scope="module")
def house(first_start: FirstStart) -> Iterator[House]:
    """An API over a PostgreSQL and a Valkey that tests take away and bring back."""
    with new_place(first_start.data_dir) as data, new_place() as cache, new_place() as place:
        background = Background()
        postgres, valkey = (
            Server(data, "postgres", background),
            Server(cache, "valkey-server", background),
        )
        try:
            house = new_house(place, postgres, valkey)
            wait_until(lambda: is_ready(house.url), "it is ready")
            yield house
            house.serve.stop()
        finally:
            postgres.stop()
            valkey.stop()
            background.close()


@pytest.fixture
def ada(house: House) -> Person:
    """Somebody whom no other test knows."""
    wait_until(lambda: is_ready(house.url), "it is ready")
    return new_person(house.url, f"ada{next(NAMES)}", per_minute=KEY_LIMIT)


@pytest.mark.parametrize("how", [STOPPED, HANGING])
def test_without_valkey_people_log_in_refresh_and_read(house: House, ada: Person, how: str):
    with house.valkey.away(how):
        assert ada.log_in(ada.email).status_code == 200
        again = ada.refresh(ada.refresh_token)
        assert again.status_code == 200
        for path in (ME, HISTORY, KEYS):
            assert ada.get(path, again.json()["access_token"]).status_code == 200
        assert ada.get(HISTORY, ada.key).status_code == 200
        assert status(house.url, "/health") == 200
        assert status(house.url, READY) == 200
    print(f"slowest answer, Valkey {how}: {ada.slowest:.3f} s")  # noqa: T201 (shown by -rP)
    assert ada.slowest < SLACK_SECONDS


@pytest.mark.parametrize("how", [STOPPED, HANGING])
def test_without_valkey_attempts_to_log_in_are_still_limited(house: House, ada: Person, how: str):
    guesser, nobody = Visitor(client(house.url)), f"nobody{next(NAMES)}"
    username = ada.email.partition("@")[0]
    with house.valkey.away(how):
        right = [ada.log_in(username) for _ in range(LOGINS_OF_A_NAME + 2)]
        wrong = [guesser.log_in(nobody, "wrong horse battery") for _ in range(LOGINS_OF_A_NAME)]
    assert [one.status_code for one in right] == [200] * LOGINS_OF_A_NAME + [429] * 2
    assert int(right[-1].headers["retry-after"]) >= 1
    refused = [one.status_code for one in wrong]
    assert refused == sorted(refused)
    assert set(refused) == {401, 429}


@pytest.mark.parametrize("how", [STOPPED, HANGING])
def test_without_valkey_the_quota_of_a_key_is_told_and_holds(house: House, ada: Person, how: str):
    with house.valkey.away(how):
        answers = [ada.get(HISTORY, ada.key) for _ in range(KEY_LIMIT + 5)]
    assert [one.status_code for one in answers] == [200] * KEY_LIMIT + [429] * 5
    left = [int(one.headers["ratelimit-remaining"]) for one in answers]
    assert left == [*range(KEY_LIMIT - 1, -1, -1), *[0] * 5]
    assert {one.headers["ratelimit-limit"] for one in answers} == {str(KEY_LIMIT)}
    assert 0 < int(answers[-1].headers["retry-after"]) <= 60


def test_when_valkey_is_back_attempts_are_counted_there_again(house: House, ada: Person):
    name = "waardhaven:limit:" + sha256(f"login:name:{ada.email}".encode()).hexdigest()
    with house.valkey.away(STOPPED):
        assert ada.log_in(ada.email).status_code == 200
    with Redis.from_url(house.valkey.url) as valkey:
        before = valkey.llen(name)
        began = time.monotonic()
        counted = wait_until(
            lambda: ada.log_in(ada.email).status_code == 200 and valkey.llen(name) > before,
            "an attempt is counted in Valkey",
        )
    assert counted
    print(f"Valkey counts again after {time.monotonic() - began:.2f} s")  # noqa: T201 (shown by -rP)


def test_when_valkey_is_back_requests_are_counted_there_again(house: House):
    bob = new_person(house.url, f"bob{next(NAMES)}", per_minute=1_000)
    with Redis.from_url(house.valkey.url) as valkey:
        valkey.flushall()
    with house.valkey.away(STOPPED):
        assert bob.get(HISTORY, bob.key).status_code == 200
    with Redis.from_url(house.valkey.url) as valkey:
        wait_until(
            lambda: bob.get(HISTORY, bob.key).status_code == 200 and list(valkey.keys("*:quota:*")),
            "a request is counted in Valkey",
        )


def everything(person: Person) -> dict[str, int]:
    """Ask for what needs the database, in every way that proves who asks; logins are of strangers."""
    stranger = Visitor(client(str(person.http.base_url)), person.answers)
    return {
        "token": person.get(ME, person.access).status_code,
        "history": person.get(HISTORY, person.access).status_code,
        "key": person.get(HISTORY, person.key).status_code,
        "login": stranger.log_in(f"stranger{next(NAMES)}@example.org").status_code,
        "refresh": person.refresh(person.refresh_token).status_code,
    }


@pytest.mark.parametrize("how", [STOPPED, HANGING])
def test_without_postgres_everybody_is_told_to_come_back_and_nobody_is_refused(
    house: House, ada: Person, how: str
):
    began = time.monotonic()
    with house.postgres.away(how):
        first = everything(ada)
        assert set(first.values()) <= {200, 503}
        assert first["login"] == first["refresh"] == 503
        wait_until(lambda: set(everything(ada).values()) == {503}, "nothing is believed any more")
        until_refused = time.monotonic() - began
        assert status(house.url, "/health") == 200
        assert status(house.url, READY) == 503
    back = time.monotonic()
    wait_until(lambda: is_ready(house.url), "it is ready again")
    wait_until(lambda: ada.get(ME, ada.access).status_code == 200, "the access token counts again")
    recovered = time.monotonic() - back
    assert ada.get(HISTORY, ada.key).status_code == 200
    assert ada.refresh(ada.refresh_token).status_code == 200
    assert new_person(house.url, f"eve{next(NAMES)}").access
    assert {code for _, code, _ in ada.answers} <= {200, 503}
    assert house.serve.process.poll() is None
    print(  # noqa: T201 (shown by -rP)
        f"PostgreSQL {how}: all 503 after {until_refused:.1f} s, slowest answer {ada.slowest:.2f} s,"
        f" recovered {recovered:.2f} s after it was back"
    )
    assert ada.slowest < REQUEST_SECONDS + GIVING_UP_SECONDS + SLACK_SECONDS


def test_forty_logins_at_a_silent_postgres_leave_no_connection_behind(house: House, ada: Person):
    visitors = [Visitor(client(house.url)) for _ in range(40)]
    with house.postgres.away(HANGING), ThreadPoolExecutor(40) as pool:
        found = list(
            pool.map(lambda one: one[1].log_in(f"n{one[0]}@example.org").status_code, enumerate(visitors))
        )
    assert set(found) == {503}
    wait_until(lambda: is_ready(house.url), "it is ready again")
    began = time.monotonic()
    assert ada.log_in(ada.email).status_code == 200
    assert time.monotonic() - began < REQUEST_SECONDS


def test_deactivation_while_the_api_could_not_see_the_database_counts_when_it_can(house: House, ada: Person):
    house.postgres.stop()
    try:
        wait_until(lambda: ada.get(ME, ada.access).status_code == 503, "the token is not believed")
        with suspended([house.api]):
            house.postgres.start()
            done = house.place.run("user", "deactivate", ada.email, **house.settings)
        assert done.returncode == 0, done.stderr
    finally:
        house.postgres.start()
    wait_until(lambda: ada.get(ME, ada.access).status_code == 401, "the token is refused")
    asked = [code for path, code, _ in ada.answers if path == ME]
    assert set(asked[asked.index(503) :]) == {503, 401}
    assert ada.get(HISTORY, ada.key).status_code == 401
    assert ada.log_in(ada.email).status_code == 401
    assert ada.refresh(ada.refresh_token).status_code == 401
