from dataclasses import dataclass, field
from datetime import datetime, timedelta

from tests.fakes.clock import FakeClock

from waardhaven.application.ports.clock import Clock
from waardhaven.application.ports.sealing import BrokenSeal, Sealing


@dataclass
class FakeSealing(Sealing):
    """Keeps what it sealed in a drawer and gives out the number of the drawer."""

    clock: Clock = field(default_factory=FakeClock)
    kept: dict[str, tuple[str, bytes, datetime]] = field(default_factory=dict)

    def seal(self, purpose: str, value: bytes, *, lifetime: timedelta) -> str:
        sealed = f"sealed-{len(self.kept)}"
        self.kept[sealed] = (purpose, value, self.clock.now() + lifetime)
        return sealed

    def open(self, purpose: str, sealed: str) -> bytes:
        sealed_for, value, ends = self.kept.get(sealed, ("", b"", self.clock.now()))
        if sealed_for != purpose or self.clock.now() >= ends:
            raise BrokenSeal("The seal is broken.")
        return value
