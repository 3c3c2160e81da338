from dataclasses import dataclass

from waardhaven.application.ports.generation import Generation


@dataclass
class FakeGeneration(Generation):
    """``number`` is in the database; ``listening`` False means notifications may be missed."""

    number: int = 1
    listening: bool = True
    reads: int = 0

    def known(self) -> int | None:
        return self.number if self.listening else None

    async def read(self) -> int:
        self.reads += 1
        return self.number

    async def advance(self) -> int:
        self.number += 1
        return self.number
