"""The notifier for the container. Needs NotifySettings and Clock from outside."""

from dataclasses import dataclass, field
from pathlib import Path

from dishka import Provider, Scope, provide

from waardhaven.adapters.outbound.notify.files import FileNotifier
from waardhaven.application.ports.clock import Clock
from waardhaven.application.ports.notifier import Notifier


@dataclass(frozen=True, slots=True, kw_only=True)
class NotifySettings:
    """``smtp_url`` None: messages become files in ``folder``."""

    folder: Path
    smtp_url: str | None = field(default=None, repr=False)
    sender: str = "waardhaven@localhost"


class NotifyProvider(Provider):
    """One notifier a process."""

    scope = Scope.APP

    @provide
    def notifier(self, settings: NotifySettings, clock: Clock) -> Notifier:
        """Return how people are told something."""
        if settings.smtp_url is None:
            return FileNotifier(settings.folder, settings.sender, clock)
        from waardhaven.adapters.outbound.notify.smtp import SmtpNotifier

        return SmtpNotifier(settings.smtp_url, settings.sender, clock)
