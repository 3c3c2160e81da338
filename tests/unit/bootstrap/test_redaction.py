"""Secrets stay out of the log, whoever writes the line."""

import io
import json
import logging
import sys
import time
from collections.abc import Iterator

import pytest
import structlog

from waardhaven.bootstrap.logging import configure_logging
from waardhaven.bootstrap.redaction import RedactedStream, redacted, redacted_text

JWT = "eyJhbGciOiJIUzI1NiIsInR5cCI6ImF0K2p3dCJ9.eyJzdWIiOiI3ZWM2In0.f_L8g1qwmrgefal1"
KEY = "whk_0123456789abcdef_Zm9vYmFyYmF6cXV4"
HIDDEN = "swordfish"


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    """The stream of a process that logs as ours do."""
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stream)
    root = logging.getLogger()
    before, level = root.handlers, root.level
    configure_logging("INFO", process="test")
    yield stream
    structlog.reset_defaults()
    root.handlers = before
    root.setLevel(level)


@pytest.mark.parametrize(
    "text",
    [
        f"password={HIDDEN}",
        f"LoginBody(email='a@b.c', password='{HIDDEN}')",
        f'{{"refresh_token": "{HIDDEN}", "n": 1}}',
        f'nested \\"client_secret\\": \\"{HIDDEN}\\"',
        f"Authorization: Bearer {HIDDEN}",
        f"authorization: Basic {HIDDEN}",
        f"Cookie: a=1; waardhaven_refresh={HIDDEN}; b=2",
        f"Set-Cookie: x={HIDDEN}",
        f"GET /callback?api_key={HIDDEN}&state=1",
        f"postgresql://waardhaven:{HIDDEN}@host/db",
        f"{{'secret_key': b'{HIDDEN}'}}",
        f"password='{HIDDEN} without an end",
        f"sent Bearer {HIDDEN}-and-more",
    ],
)
def test_what_is_named_a_secret_is_taken_out_of_a_text(text: str) -> None:
    assert HIDDEN not in redacted_text(text)
    assert "[redacted]" in redacted_text(text)


@pytest.mark.parametrize("secret", [JWT, KEY, KEY.replace("whk", "whr")])
def test_what_looks_like_a_secret_is_taken_out_wherever_it_stands(secret: str) -> None:
    for text in (secret, f"got {secret}, sorry", f"/verify/{secret}/now", f'"{secret}"', f"({secret})"):
        assert secret not in redacted_text(text)


@pytest.mark.parametrize(
    "text",
    [
        "the token expired",
        "token_expired",
        "request_failed",
        "hardware_abstraction_layer",
        "whatever_it_may_be_called",
        "https://example.org/path?x=1",
        "GET /api/v1/index/history",
        "2024-06-03T09:30:00Z",
    ],
)
def test_plain_words_stay(text: str) -> None:
    assert redacted_text(text) == text


def test_values_are_redacted_at_any_depth_and_counts_are_not() -> None:
    found = redacted(
        {
            "tokens": 3,
            "token": None,
            "is_secret": True,
            "api_key": "x",
            "cookies": ["a", "b"],
            "body": {
                "Password": "x",
                "name": "ada",
                "list": [f"Bearer {JWT}", b"token=abc", {"secret": "x"}],
            },
        }
    )
    assert found == {
        "tokens": 3,
        "token": None,
        "is_secret": True,
        "api_key": "[redacted]",
        "cookies": "[redacted]",
        "body": {
            "Password": "[redacted]",
            "name": "ada",
            "list": ["Bearer [redacted]", "b'token=[redacted]'", {"secret": "[redacted]"}],
        },
    }


def test_endless_values_are_cut() -> None:
    loop: dict[str, object] = {}
    loop["self"] = loop
    assert "self" in str(redacted(loop))


@pytest.mark.parametrize(
    "part",
    [
        '"token":"',
        "a-",
        "token ",
        "token='",
        "eyJ",
        "eyJaaaaaaa-",
        "://a:b",
        "://a:bbbbbb",
        "wha_",
        "Bearer ",
    ],
)
def test_no_text_makes_redaction_slow(part: str) -> None:
    started = time.perf_counter()
    redacted_text(part * (64_000 // len(part)))
    assert time.perf_counter() - started < 2


class Failure(Exception):
    """Tells too much."""


def handle(token: str) -> None:
    held = {"authorization": token}
    raise Failure(f"could not use {token} with password={HIDDEN}", held)


def test_a_failing_handler_leaves_no_secret_in_the_log(log: io.StringIO) -> None:
    for secret in (JWT, KEY):
        try:
            handle(secret)
        except Failure as error:
            structlog.get_logger("a").error(
                "request_failed", exc_info=error, token=secret, detail={"k": secret}
            )
            logging.getLogger("b").exception("failed with %s", secret)
    text = log.getvalue()
    assert "Failure" in text
    assert "Traceback" in text
    for hidden in (JWT, KEY, HIDDEN):
        assert hidden not in text
    lines = [json.loads(line) for line in text.splitlines()]
    assert len(lines) == 4
    assert {line["event"] for line in lines} == {"request_failed", "failed with [redacted]"}
    assert {line["process"] for line in lines} == {"test"}


def test_lines_of_requests_are_redacted_as_they_are_written() -> None:
    stream = io.StringIO()
    redacting = RedactedStream(stream)
    line = json.dumps({"event": "request", "path": f"/verify/{KEY}?token={HIDDEN}", "status": 404}) + "\n"
    assert redacting.write(line) == len(line)
    redacting.flush()
    assert json.loads(stream.getvalue()) == {
        "event": "request",
        "path": "/verify/[redacted]?token=[redacted]",
        "status": 404,
    }
