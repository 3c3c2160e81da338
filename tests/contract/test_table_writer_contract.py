"""TableWriter: what every implementation must do."""

import io
from collections.abc import Callable

import numpy as np
import polars as pl
import pytest
from tests.fakes.table_writer import FakeTableWriter

from waardhaven.adapters.outbound.files.tables import PolarsTableWriter
from waardhaven.application.answers import Column
from waardhaven.application.ports.table_writer import TableWriter

Reader = Callable[[bytes], dict[str, Column]]


def read_arrow(content: bytes) -> dict[str, Column]:
    frame = pl.read_ipc_stream(io.BytesIO(content))
    return {name: frame[name].to_numpy() for name in frame.columns}


WRITERS: dict[str, tuple[TableWriter, Reader]] = {
    "fake": (FakeTableWriter(), FakeTableWriter.read),
    "polars": (PolarsTableWriter(), read_arrow),
}


@pytest.fixture(params=list(WRITERS))
def writer(request: pytest.FixtureRequest) -> tuple[TableWriter, Reader]:
    return WRITERS[request.param]


async def test_columns_come_back_in_their_order_with_every_bit(writer: tuple[TableWriter, Reader]):
    write, read = writer
    columns = {
        "step": np.arange(4, dtype=np.int64),
        "worth": np.array([1 / 3, np.nan, -0.0, 5e-324]),
        "day": np.arange("2024-01-01", "2024-01-05", dtype="datetime64[D]"),
    }
    found = read(await write.arrow(columns))
    assert list(found) == list(columns)
    assert found["worth"].tobytes() == columns["worth"].tobytes()
    assert found["step"].tolist() == [0, 1, 2, 3]
    assert found["day"].astype("datetime64[D]").tolist() == columns["day"].tolist()


async def test_a_table_without_rows_keeps_its_columns(writer: tuple[TableWriter, Reader]):
    write, read = writer
    found = read(await write.arrow({"worth": np.empty(0)}))
    assert list(found) == ["worth"]
    assert len(found["worth"]) == 0
