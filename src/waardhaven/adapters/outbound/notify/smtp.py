"""Messages by SMTP."""

from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

import aiosmtplib

from waardhaven.adapters.outbound.notify.mime import mime
from waardhaven.application.ports.clock import Clock
from waardhaven.application.ports.notifier import Message, NotDelivered, Notifier

SUBMISSION, SUBMISSION_TLS = 587, 465
LOCAL = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True, slots=True)
class SmtpNotifier(Notifier):
    """One connection a message. ``url``: ``smtp://user:password@host:587`` (STARTTLS) or ``smtps://…:465``.

    To another machine the connection is always encrypted and the server's certificate checked.
    """

    url: str = field(repr=False)
    sender: str
    clock: Clock
    timeout_seconds: float = 20.0

    async def send(self, message: Message) -> None:
        """See Notifier."""
        server = urlsplit(self.url)
        whole = server.scheme == "smtps"
        try:
            await aiosmtplib.send(
                mime(message, self.sender, self.clock.now()),
                hostname=server.hostname,
                port=server.port or (SUBMISSION_TLS if whole else SUBMISSION),
                username=unquote(server.username) if server.username else None,
                password=unquote(server.password) if server.password else None,
                use_tls=whole,
                start_tls=None if server.hostname in LOCAL else not whole,
                timeout=self.timeout_seconds,
            )
        except (aiosmtplib.SMTPException, OSError, ValueError) as error:
            raise NotDelivered(
                f"The mail server did not take the message ({type(error).__name__})."
            ) from error
