"""PriceFiles: what every implementation must do."""

from collections.abc import Callable

import numpy as np
import pytest
from tests.fakes.clock import FakeClock
from tests.fakes.price_files import FakePriceFiles

from waardhaven.adapters.outbound.compute_pool.pools import (
    ComputeSettings,
    ProcessComputePool,
    ThreadComputePool,
)
from waardhaven.adapters.outbound.market_data.file_prices.reader import FilePrices
from waardhaven.application.ports.price_files import PriceFiles, UnreadableFile
from waardhaven.domain.market.imports import (
    DateForm,
    FileFormat,
    FileMapping,
    Layout,
    LineIssue,
    NumberForm,
)

SHELF: dict[str, Callable[[], PriceFiles]] = {
    "fake": FakePriceFiles,
    "threads": lambda: FilePrices(ThreadComputePool(), FakeClock()),
    "processes": lambda: FilePrices(ProcessComputePool(ComputeSettings(processes=1)), FakeClock()),
}
GOOD = b"date,symbol,close\n2024-01-02,BBB,9\n2024-01-03,AAA,1.5\n2024-01-02,AAA,1.25\n"
MAPPING = FileMapping(mic="XNAS", currency="EUR", asset_type="etf", source="mine", adjustment="splits")


@pytest.fixture(params=list(SHELF))
async def files(request: pytest.FixtureRequest) -> PriceFiles:
    return SHELF[request.param]()


async def test_bars_come_by_symbol_in_the_order_of_the_file_and_each_by_day(files: PriceFiles):
    read = await files.read(GOOD, MAPPING)
    assert [bars.listing.symbol for bars in read.bars] == ["BBB", "AAA"]
    assert read.bars[1].day.astype(str).tolist() == ["2024-01-02", "2024-01-03"]
    assert read.bars[1].close.tolist() == [1.25, 1.5]
    assert [bool(np.isnan(one).all()) for one in (read.bars[1].open, read.bars[1].volume)] == [True] * 2
    assert (read.rows, read.issues, read.issue_count) == (3, (), 0)


async def test_bars_are_of_the_exchange_the_type_and_the_currency_that_the_mapping_names(files: PriceFiles):
    first = (await files.read(GOOD, MAPPING)).bars[0]
    one = first.listing
    assert (one.mic, one.asset_type, one.currency) == ("XNAS", "etf", "EUR")
    assert (first.source, first.adjustment.value, first.quote_unit) == ("mine", "splits", "EUR")


async def test_mapping_returned_says_what_was_found_out_and_reads_the_same_again(files: PriceFiles):
    read = await files.read(GOOD, MAPPING)
    found = read.mapping
    assert (found.format, found.layout) == (FileFormat.CSV, Layout.LONG)
    assert (found.numbers, found.dates) == (NumberForm.US, DateForm.ISO)
    assert (found.delimiter, found.encoding) == (",", "utf-8")
    assert found.columns == {"date": "date", "symbol": "symbol", "close": "close"}
    again = await files.read(GOOD, found)
    assert again.mapping == found
    assert [one.close.tolist() for one in again.bars] == [one.close.tolist() for one in read.bars]


async def test_rows_with_an_issue_are_named_and_left_out(files: PriceFiles):
    bad = GOOD + b"2024-01-33,AAA,2\n2024-01-05,AAA,dear\n2024-01-06,BBB,-1\n2024-01-03,AAA,1.5\n"
    read = await files.read(bad, MAPPING)
    assert [(one.line, one.column) for one in read.issues] == [
        (5, "date"),
        (6, "close"),
        (7, "close"),
        (8, "date"),
    ]
    assert isinstance(read.issues[0], LineIssue)
    assert read.issues[0].value == "2024-01-33"
    assert (read.rows, read.issue_count) == (7, 4)
    assert [len(bars) for bars in read.bars] == [1, 2]


async def test_a_thousand_issues_are_kept_and_all_are_counted(files: PriceFiles):
    read = await files.read(GOOD + b"2024-01-02,AAA,x\n" * 1_200, MAPPING)
    assert (len(read.issues), read.issue_count) == (1_000, 1_200)
    assert read.issues[-1].line == 1_004


@pytest.mark.parametrize("content", [b"", b" \n\n", b"date,symbol,close\n"])
async def test_file_without_rows_is_unreadable(files: PriceFiles, content: bytes):
    with pytest.raises(UnreadableFile):
        await files.read(content, MAPPING)


async def test_the_next_file_is_read_after_one_that_could_not_be(files: PriceFiles):
    with pytest.raises(UnreadableFile):
        await files.read(b"", MAPPING)
    assert (await files.read(GOOD, MAPPING)).rows == 3
