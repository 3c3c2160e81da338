import pickle
from collections.abc import Mapping

from waardhaven.application.ports.table_writer import TableWriter
from waardhaven.domain.types import Days, Floats, Ids


class FakeTableWriter(TableWriter):
    """Writes tables that only it can read."""

    async def arrow(self, columns: Mapping[str, Floats | Ids | Days]) -> bytes:
        return pickle.dumps(dict(columns))

    @staticmethod
    def read(content: bytes) -> dict[str, Floats | Ids | Days]:
        found: dict[str, Floats | Ids | Days] = pickle.loads(content)
        return found
