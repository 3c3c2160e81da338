"""Places to run the command in; one first start a test process, copied for every test that can."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.e2e.up_tools import CURRENT, HISTORY, PASSWORD, Place, Running, client, is_ready, log_in, new_place


@dataclass(frozen=True, slots=True, kw_only=True)
class FirstStart:
    """What the first start on an empty directory said and served."""

    place: Place
    said: str
    complained: str
    seconds: float
    email: str
    password: str
    history: dict[str, list[object]]
    current: dict[str, list[dict[str, float]]]
    exit_code: int

    @property
    def data_dir(self) -> Path:
        return self.place.data_dir


@pytest.fixture(scope="session")
def first_start() -> Iterator[FirstStart]:
    """Start on an empty directory, look, stop; the directory stays to be copied."""
    with new_place() as place:
        up = place.up()
        url = up.url(120)
        seconds = time.monotonic() - up.began
        assert is_ready(url)
        found = PASSWORD.search(up.said)
        assert found, up.said
        email, password = found.groups()
        with client(url, log_in(url, email, password)) as http:
            history = http.get(HISTORY).raise_for_status().json()
            current = http.get(CURRENT).raise_for_status().json()
        yield FirstStart(
            exit_code=up.stop(),
            place=place,
            said=up.said,
            complained=up.complained,
            seconds=seconds,
            email=email,
            password=password,
            history=history,
            current=current,
        )


@pytest.fixture
def empty_place() -> Iterator[Place]:
    """An empty data directory (not made yet)."""
    with new_place() as place:
        yield place


@pytest.fixture
def published_place(first_start: FirstStart) -> Iterator[Place]:
    """A data directory with the index published; nothing runs on it."""
    with new_place(first_start.data_dir) as place:
        yield place


@pytest.fixture(scope="module")
def shared_up(first_start: FirstStart) -> Iterator[Running]:
    """A running `up` that tests of a module share and leave as they found it."""
    with new_place(first_start.data_dir) as place:
        up = place.up()
        up.url()
        yield up


@pytest.fixture(scope="module")
def sturdy_up(first_start: FirstStart) -> Iterator[Running]:
    """A running `up` that tests of a module hurt and leave recovered."""
    with new_place(first_start.data_dir) as place:
        up = place.up()
        up.url()
        yield up
