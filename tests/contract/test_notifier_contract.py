"""Notifier: what every implementation must do, over files and over a real SMTP server."""

import socket
import stat
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from tests.fakes.clock import FakeClock
from tests.fakes.identity import FakeNotifier

from waardhaven.adapters.outbound.notify.files import FileNotifier
from waardhaven.adapters.outbound.notify.smtp import SmtpNotifier
from waardhaven.application.ports.notifier import Message, NotDelivered, Notifier

SENDER = "Waardhaven <index@example.org>"
MESSAGE = Message(to="ada@example.org", subject="Bevestig ✓", text="Token: geheim-ß\n\nSecond line.\n")
Arrived = tuple[str, str, str]


@dataclass
class Post:
    """A notifier, and what arrived: to, subject, text."""

    notifier: Notifier
    arrived: Callable[[], list[Arrived]]
    fail: Callable[[], Awaitable[None]]


class Inbox:
    """Takes every mail."""

    def __init__(self) -> None:
        self.mails: list[bytes] = []

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802 (the server calls it so)
        self.mails.append(envelope.content)
        return "250 taken"


def parsed(raw: bytes) -> Arrived:
    mail = message_from_bytes(raw, policy=policy.default)
    assert isinstance(mail, EmailMessage)
    assert mail["From"] == SENDER
    return mail["To"], mail["Subject"], mail.get_content().replace("\r\n", "\n")


@pytest.fixture(params=["fake", "files", "smtp"])
async def post(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Post]:
    kind = request.param
    if kind == "fake":
        fake = FakeNotifier()

        async def refuse() -> None:
            fake.failures = 1

        yield Post(fake, lambda: [(one.to, one.subject, one.text) for one in fake.sent], refuse)
    elif kind == "files":
        folder = tmp_path / "mail"

        async def occupy() -> None:
            folder.write_text("in the way")

        yield Post(
            FileNotifier(folder, SENDER, FakeClock()),
            lambda: [parsed(one.read_bytes()) for one in sorted(folder.glob("*.eml"))],
            occupy,
        )
    else:
        inbox = Inbox()
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        server = Controller(inbox, hostname="127.0.0.1", port=port)
        server.start()

        async def stop() -> None:
            server.stop()

        notifier = SmtpNotifier(f"smtp://127.0.0.1:{port}", SENDER, FakeClock(), timeout_seconds=5.0)
        yield Post(notifier, lambda: [parsed(one) for one in inbox.mails], stop)
        if server.server is not None:
            server.stop()


async def test_message_arrives_as_it_was_written(post: Post):
    await post.notifier.send(MESSAGE)
    assert post.arrived() == [(MESSAGE.to, MESSAGE.subject, MESSAGE.text)]


async def test_message_that_can_not_be_handed_over_is_told(post: Post):
    await post.fail()
    with pytest.raises(NotDelivered):
        await post.notifier.send(MESSAGE)


@pytest.mark.parametrize("field", ["to", "subject"])
async def test_line_break_in_a_header_is_refused_and_sends_nothing(tmp_path: Path, field: str):
    notifier = FileNotifier(tmp_path / "mail", SENDER, FakeClock())
    parts = {"to": MESSAGE.to, "subject": MESSAGE.subject, "text": "x"}
    evil = parts | {field: f"{parts[field]}\r\nBcc: eve@example.org"}
    with pytest.raises(NotDelivered):
        await notifier.send(Message(**evil))
    assert not (tmp_path / "mail").is_dir()


async def test_files_are_for_their_owner_alone(tmp_path: Path):
    folder = tmp_path / "mail"
    await FileNotifier(folder, SENDER, FakeClock()).send(MESSAGE)
    (file,) = folder.iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


async def test_secrets_are_not_in_what_is_printed():
    assert "geheim" not in repr(MESSAGE)
    assert "geheim" not in repr(SmtpNotifier("smtp://u:geheim@mail.example.org", SENDER, FakeClock()))
