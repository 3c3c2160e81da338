"""A clock that waiting alone moves on."""

from dataclasses import dataclass, field

from tests.twelvedata_site import NOON


@dataclass
class Hand:
    """Tells seconds since 1970; ``waited``: how long each wait was to be."""

    at: float = NOON
    waited: list[float] = field(default_factory=list)

    def __call__(self) -> float:
        return self.at

    async def pause(self, seconds: float) -> None:
        self.waited.append(seconds)
        self.at += seconds
