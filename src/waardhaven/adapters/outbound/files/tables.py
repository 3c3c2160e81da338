"""PolarsTableWriter: columns as an Arrow IPC stream."""

import asyncio
import io
from collections.abc import Mapping

from waardhaven.application.ports.table_writer import TableWriter
from waardhaven.domain.types import Days, Floats, Ids


class PolarsTableWriter(TableWriter):
    """Writes with polars, which is imported on first use."""

    async def arrow(self, columns: Mapping[str, Floats | Ids | Days]) -> bytes:
        """See TableWriter."""
        return await asyncio.to_thread(_arrow, columns)


def _arrow(columns: Mapping[str, Floats | Ids | Days]) -> bytes:
    import polars as pl

    written = io.BytesIO()
    frame = pl.DataFrame({name: pl.Series(name, values) for name, values in columns.items()})
    frame.write_ipc_stream(written, compat_level=pl.CompatLevel.oldest())
    return written.getvalue()
