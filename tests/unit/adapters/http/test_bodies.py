"""Bodies and handlers have bounds of depth and time."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from httpx import AsyncClient
from hypothesis import given
from hypothesis import strategies as st
from litestar import get
from litestar.types import Message
from structlog.testing import capture_logs
from tests.unit.adapters.http.expect import problem
from tests.unit.adapters.http.world import World

from waardhaven.adapters.inbound.http.bodies import BodyTooSlow, Paced, is_deeper
from waardhaven.adapters.inbound.http.policy import POLICY, PUBLIC, public

LOGIN = "/api/v1/auth/login"
JSON = {"Content-Type": "application/json"}


def nested(levels: int, opening: str = "[", closing: str = "]") -> bytes:
    return (opening * levels + closing * levels).encode()


@pytest.mark.parametrize(
    ("raw", "deeper"),
    [
        (b"", False),
        (b"{}", False),
        (nested(64), False),
        (nested(65), True),
        (nested(64, '{"a":', "}"), False),
        (nested(65, '{"a":', "}"), True),
        (nested(33, '[{"a":', "}]"), True),
        (b"[" + b",".join([nested(63)] * 500) + b"]", False),
        (b"[" + b",".join([nested(63)] * 500 + [nested(64)]) + b"]", True),
        (b'["' + b"[" * 500 + b'"]', False),
        (b'["\\"' + b"[" * 500 + b'"]', False),
        (b'["\\\\",' + nested(64) + b"]", True),
        (b"[" * 100_000, True),
        (b"]" * 100_000, False),
        (b"[]" * 100_000, False),
        (b'"' + b"[" * 100_000, False),
    ],
)
def test_depth_is_counted_outside_strings(raw: bytes, deeper: bool) -> None:
    assert is_deeper(raw, 64) is deeper


def depth_of(value: Any) -> int:
    if isinstance(value, dict):
        return 1 + max(map(depth_of, value.values()), default=0)
    if isinstance(value, list):
        return 1 + max(map(depth_of, value), default=0)
    return 0


VALUES = st.recursive(
    st.text(st.sampled_from('[]{}"\\,:a'), max_size=8) | st.integers() | st.none(),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text('[]{}"\\', max_size=3), inner, max_size=3)
    ),
    max_leaves=30,
)


@given(value=VALUES, deepest=st.integers(0, 8))
def test_depth_agrees_with_the_decoded_value(value: Any, deepest: int) -> None:
    assert is_deeper(json.dumps(value).encode(), deepest) == (depth_of(value) > deepest)


@pytest.mark.parametrize("raw", [b'"\\' * 250_000, b'[" ' * 170_000, b"[]]" * 170_000, b"[[[]]]" * 80_000])
def test_depth_of_a_hostile_body_is_counted_quickly(raw: bytes) -> None:
    is_deeper(raw, 64)


async def test_a_body_nested_too_deep_is_refused(client: AsyncClient) -> None:
    answer = await client.post(LOGIN, content=b'{"email":' + nested(80) + b"}", headers=JSON)
    assert "64 levels" in problem(answer, 400, "malformed_request")["detail"]


async def test_a_body_that_does_not_arrive_in_time_is_408() -> None:
    async def dripping() -> AsyncIterator[bytes]:
        yield b'{"email":'
        await asyncio.sleep(5)

    world = World(config={"body_timeout_seconds": 0.05})
    async with world.client() as client:
        answer = await client.post(LOGIN, content=dripping(), headers=JSON)
    problem(answer, 408, "request_timeout")
    assert answer.headers["connection"] == "close"


async def receiving(*messages: Message | float) -> Callable[[], Awaitable[Any]]:
    waiting = list(messages)

    async def receive() -> Any:
        next_one = waiting.pop(0)
        if isinstance(next_one, float):
            await asyncio.sleep(next_one)
            return await receive()
        return next_one

    return receive


async def test_the_whole_body_has_to_arrive_in_time_not_each_part() -> None:
    part: Any = {"type": "http.request", "body": b"x", "more_body": True}
    receive = Paced(await receiving(0.05, part, 5.0, part), 0.1)
    assert await receive() == part
    with pytest.raises(BodyTooSlow):
        await receive()


@pytest.mark.parametrize("last", [{"type": "http.request", "body": b"x"}, {"type": "http.disconnect"}])
async def test_after_the_body_there_is_no_limit(last: Any) -> None:
    receive = Paced(await receiving(last, 0.1, {"type": "http.disconnect"}), 0.05)
    assert await receive() == last
    assert await receive() == {"type": "http.disconnect"}


@get("/slow", opt={POLICY: PUBLIC})
async def slow() -> str:
    """Take too long."""
    await asyncio.sleep(5)
    return "done"


@get("/stream", opt={POLICY: public(streaming=True)})
async def stream() -> str:
    """Take longer than others may."""
    await asyncio.sleep(0.1)
    return "done"


@get("/failing", opt={POLICY: PUBLIC})
async def failing() -> str:
    """Meet a time limit of somebody else."""
    raise TimeoutError("somebody else's")


async def test_a_handler_that_takes_too_long_is_given_up() -> None:
    world = World(config={"request_timeout_seconds": 0.05})
    for handler in (slow, stream, failing):
        world.app.register(handler)
    with capture_logs() as lines:
        async with world.client() as client:
            answer = await client.get("/slow")
            problem(answer, 503, "request_timed_out")
            assert answer.headers["retry-after"]
            assert (await client.get("/stream")).text == "done"
            problem(await client.get("/failing"), 500)
    assert [one["path"] for one in lines if one["event"] == "request_timed_out"] == ["/slow"]
