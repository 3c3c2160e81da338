import io
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.adapters.market_data.reading import closes, read, rows, told

from waardhaven.adapters.outbound.market_data.file_prices import parquet_file as files_parquet
from waardhaven.adapters.outbound.market_data.file_prices import parquet_size
from waardhaven.adapters.outbound.market_data.file_prices.parquet_size import read_size
from waardhaven.adapters.outbound.market_data.file_prices.thrift_compact import CompactReader, MalformedThrift
from waardhaven.adapters.outbound.market_data.sample import DATA
from waardhaven.application.ports.price_files import UnreadableFile
from waardhaven.domain.market.imports import FileFormat, FileMapping, Layout

DAYS = [date(2024, 1, 2), date(2024, 1, 3)]
MIDNIGHTS = pl.Series(DAYS).cast(pl.Datetime("ms"))
nan, inf = float("nan"), float("inf")


def parquet(table: dict[str, Any] | pl.DataFrame, **options: Any) -> bytes:
    file = io.BytesIO()
    pl.DataFrame(table).write_parquet(file, **options)
    return file.getvalue()


def bars(date_: Any = DAYS, **columns: Any) -> dict[str, Any]:
    return {"date": date_, "symbol": ["A", "A"], "close": [1.5, 2.5]} | columns


CLOSES = {"A": {"2024-01-02": 1.5, "2024-01-03": 2.5}}


@pytest.mark.parametrize(
    "table",
    [
        bars(),
        bars(MIDNIGHTS),
        bars(MIDNIGHTS.dt.replace_time_zone("Asia/Tokyo")),
        bars(["2024-01-02", "2024-01-03"]),
        bars([19724, 19725]),
        bars([20240102, 20240103]),
        bars(close=[Decimal("1.50"), Decimal("2.50")]),
        bars(close=pl.Series([1.5, 2.5], dtype=pl.Float32)),
        bars(close=["1,5", "2,5"]),
        bars(symbol=pl.Series(["A", "A"], dtype=pl.Categorical)),
        {"date": DAYS, "A": [1.5, 2.5]},
        {"date": DAYS, "A": [1.5, 2.5], "B": [None, None]},
        {"": DAYS, "A": ["1.5", "2.5"], "B": pl.Series([None, None], dtype=pl.Float64)},
        {"A": [1.5, 2.5], "__index_level_0__": DAYS},
    ],
)
def test_columns_of_many_kinds_are_read_alike(table: dict[str, Any]) -> None:
    parsed = read(parquet(table))
    assert told(parsed) == []
    assert closes(parsed) == CLOSES
    assert (parsed.mapping.format, parsed.rows) == (FileFormat.PARQUET, 2)
    assert closes(read(parquet(table), **_given(parsed.mapping))) == CLOSES


def _given(mapping: FileMapping) -> dict[str, Any]:
    return {name: getattr(mapping, name) for name in FileMapping.__slots__}


def test_unknown_figures_are_null_or_nan() -> None:
    parsed = read(parquet(bars(open=[nan, 1.5], high=[None, 3], low=[None, None], volume=[7, None])))
    assert rows(parsed.bars[0]) == [
        ("2024-01-02", None, None, None, 1.5, 7.0),
        ("2024-01-03", 1.5, 3.0, None, 2.5, None),
    ]


@pytest.mark.parametrize(
    ("columns", "issue"),
    [
        ({"close": [1.5, inf]}, (3, "close", "inf", "is not finite")),
        ({"close": [1.5, nan]}, (3, "close", None, "has no close")),
        ({"close": [1.5, -1.0]}, (3, "close", "-1.0", "is not above zero")),
        ({"symbol": ["A", None]}, (3, "symbol", None, "has no symbol")),
        ({"date_": [DAYS[0], None]}, (3, "date", None, "has no date")),
        ({"date_": [DAYS[0], date(2025, 1, 1)]}, (3, "date", "2025-01-01", "is in the future")),
        ({"date_": [DAYS[0], DAYS[0]]}, (3, "date", "2024-01-02", "contradicts line 2")),
        (
            {"date_": MIDNIGHTS + pl.Series([timedelta(0), timedelta(hours=16)])},
            (3, "date", "2024-01-03 16:00:00", "has a time of day: daily bars have none"),
        ),
    ],
)
def test_a_bad_row_is_named_by_its_number_and_one(columns: dict[str, Any], issue: tuple[object, ...]) -> None:
    parsed = read(parquet(bars(**columns)))
    assert told(parsed) == [issue]
    assert parsed.rows == 2


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({"close": [[1.5], [2.5]]}, "close holds List"),
        ({"close": [True, False]}, "close holds Boolean"),
        ({"symbol": [1.5, 2.5]}, "symbol holds Float64"),
        ({"date_": [1.5, 2.5]}, "dates holds Float64"),
        ({"symbol": ["A" * 1_001, "A"]}, "more than 1,000 bytes"),
        ({"close": [{"a": 1}, {"a": 2}]}, "close holds Struct"),
    ],
)
def test_columns_that_hold_no_prices_are_refused(columns: dict[str, Any], said: str) -> None:
    with pytest.raises(UnreadableFile, match=said):
        read(parquet(bars(**columns)))


@pytest.mark.parametrize("name", ["prices.parquet", "factors.parquet", "ohlcv_raw.parquet"])
def test_sample_files_are_read_to_the_last_bit(name: str) -> None:
    parsed = read((DATA / name).read_bytes())
    table = pl.read_parquet((DATA / name).read_bytes())
    assert (parsed.rows, parsed.issue_count) == (len(table), 0)
    for one in parsed.bars:
        mine = table.filter(pl.col("symbol") == one.listing.symbol)
        assert one.close.tobytes() == mine["close"].to_numpy().tobytes()
        assert one.day.astype(str).tolist() == mine["date"].cast(pl.String).to_list()


@pytest.mark.parametrize("compression", ["zstd", "snappy", "gzip", "lz4", "uncompressed"])
def test_sizes_are_found_without_unpacking(compression: str) -> None:
    table = pl.DataFrame({"x": pl.Series(range(10_000)) * 0.5, "s": ["abc"] * 10_000})
    content = parquet(table, compression=compression, row_group_size=3_000, data_page_size=8_000)
    size = read_size(content)
    assert (size.rows, list(size.chunks)) == (10_000, ["x", "s"])
    assert 80_000 <= size.unpacked(content, ["x"]) < 100_000
    assert size.unpacked(content, ["s"]) < 10_000
    assert size.unpacked(content, []) == 0


def test_a_small_file_of_a_huge_table_is_refused_before_it_is_unpacked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError

    huge = pl.select(
        date=pl.repeat(DAYS[0], 2_000_000),
        symbol=pl.lit("A"),
        close=pl.int_range(2_000_000) // 1_000_000 * 1.0,
    )
    huge = huge.with_columns(**{f"c{n}": pl.lit("x" * 1_000) for n in range(3)})
    many = parquet(huge.vstack(huge))
    text = parquet(
        {"date": DAYS * 200, "symbol": [f"{n:03d}" + "x" * 50_000 for n in range(400)], "close": [1.0] * 400},
        use_pyarrow=False,
        statistics=False,
    )
    monkeypatch.setattr(pl, "read_parquet", refuse)
    monkeypatch.setattr(files_parquet, "MOST_UNPACKED", 10 << 20)
    assert len(many) < 100_000
    with pytest.raises(UnreadableFile, match="4,000,000 rows"):
        read(many)
    assert len(text) < 100_000
    with pytest.raises(UnreadableFile, match="unpacks to 19 MiB"):
        read(text)


def test_a_dictionary_that_multiplies_one_long_text_is_refused() -> None:
    bomb = parquet(pl.select(symbol=pl.repeat("x" * 1_000_000, 600), date=pl.lit(DAYS[0]), close=pl.lit(1.0)))
    assert len(bomb) < 10_000
    with pytest.raises(UnreadableFile, match="more than 1,000 bytes"):
        read(bomb)


def test_too_many_columns_are_refused_before_their_names_are_looked_at() -> None:
    with pytest.raises(UnreadableFile, match="2,001 columns"):
        read(parquet({f"c{n}": [1] for n in range(2_001)}))
    wide = {"date": [DAYS[0]] * 1_500} | {f"c{n}": [1.0] * 1_500 for n in range(1_900)}
    with pytest.raises(UnreadableFile, match="2,850,000 cells"):
        read(parquet(wide))


def test_a_table_without_rows_is_refused() -> None:
    with pytest.raises(UnreadableFile, match="no rows"):
        read(parquet(pl.DataFrame(bars()).clear()))


def test_more_pages_than_anybody_needs_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    content = parquet({"x": range(10_000)}, data_page_size=100, row_group_size=100)
    monkeypatch.setattr(parquet_size, "MOST_PAGES", 10)
    with pytest.raises(MalformedThrift, match="too many"):
        read_size(content).unpacked(content, ["x"])


GOOD = parquet(bars(open=[1.5, None]), compression="uncompressed")


@pytest.mark.parametrize(
    "content",
    [
        b"PAR1",
        b"PAR1" + b"\0" * 20 + b"PAR1",
        GOOD[:-1],
        GOOD[: len(GOOD) // 2],
        GOOD[:-8] + (1 << 31).to_bytes(4, "little") + b"PAR1",
        GOOD[:4] + b"\0" * 60 + GOOD[64:],
        GOOD[:4] + b"\xff" * 60 + GOOD[64:],
    ],
)
def test_a_damaged_file_is_refused(content: bytes) -> None:
    with pytest.raises(UnreadableFile, match="damaged"):
        read(content)


@pytest.mark.parametrize("kind", [pl.Date, pl.Datetime("ms"), pl.Datetime("us", "Asia/Tokyo")])
@pytest.mark.parametrize("day", [-(2**31) + 1, 2**31 - 1, 2_932_897, -719_163])
def test_day_of_no_calendar_is_named_with_its_line(kind: Any, day: int) -> None:
    per_day = 86_400_000 if kind == pl.Datetime("ms") else 86_400_000_000
    numbers = pl.Series([19_724, day], dtype=pl.Int64) * (1 if kind == pl.Date else per_day)
    days = numbers.cast(pl.Int32).cast(pl.Date) if kind == pl.Date else numbers.cast(kind)
    with pytest.raises(UnreadableFile, match="Line 3 has a date outside the years"):
        read(parquet(bars(days)))


@given(st.lists(st.tuples(st.integers(4, len(GOOD) - 1), st.integers(0, 255)), min_size=1, max_size=4))
def test_whatever_is_spoilt_the_file_is_read_or_refused(spoilt: list[tuple[int, int]]) -> None:
    content = bytearray(GOOD)
    for place, byte in spoilt:
        content[place] = byte
    try:
        parsed = read(bytes(content))
    except UnreadableFile:
        return
    assert parsed.rows <= 2
    assert parsed.mapping.layout in set(Layout)


@given(st.binary(max_size=200))
def test_any_bytes_are_metadata_or_malformed(data: bytes) -> None:
    try:
        fields = CompactReader(data).struct()
    except MalformedThrift:
        return
    assert isinstance(fields, dict)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "ends too early"),
        (b"\x18\x05ab", "ends too early"),
        (b"\x15" + b"\xff" * 11, "without end"),
        (b"\x1c" * 30, "too deep"),
        (b"\x1d\x00", "a kind"),
        (b"\x19\xf5\xff\xff\x03", "ends too early"),
    ],
)
def test_metadata_that_makes_no_sense_is_malformed(data: bytes, said: str) -> None:
    with pytest.raises(MalformedThrift, match=said):
        CompactReader(data).struct()


def test_metadata_of_every_kind_is_read() -> None:
    data = (
        b"\x11\x12\x13\x07\x15\x03\x18\x02ab\x19\x21\x01\x02\x1c\x15\x02\x00\x17"
        + b"\0" * 8
        + b"\x05\x28\x01\x00"
    )
    fields = CompactReader(data).struct()
    assert fields[1] is True
    assert fields[2] is False
    assert (fields[3], fields[4], fields[5], fields[6]) == (7, -2, b"ab", [True, False])
    assert fields[7] == {1: 1}
    assert (fields[8], fields[20]) == (b"\0" * 8, -1)


def test_metadata_of_more_values_than_allowed_is_malformed() -> None:
    with pytest.raises(MalformedThrift, match="too many values"):
        CompactReader(b"\x15\x02" * 5 + b"\x00", most=4).struct()
