import pickle

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.adapters.market_data.reading import TODAY, closes, read, rows, told

from waardhaven.adapters.outbound.market_data.file_prices import reader as files
from waardhaven.adapters.outbound.market_data.file_prices import records as csv_records
from waardhaven.adapters.outbound.market_data.file_prices.records import Records
from waardhaven.application.ports.price_files import UnreadableFile
from waardhaven.domain.market.imports import DateForm, FileMapping, Layout, NumberForm

LONG = """\
Date,Symbol,Open,High,Low,Close,Volume
2024-01-02,AAA,1.5,2,1,1.75,"1,000"
2024-01-03,AAA,,,,1.5,
2024-01-02,bbb,N/A,null,-,9.25,1e3
"""
READ = {
    "AAA": [("2024-01-02", 1.5, 2.0, 1.0, 1.75, 1000.0), ("2024-01-03", None, None, None, 1.5, None)],
    "BBB": [("2024-01-02", None, None, None, 9.25, 1000.0)],
}
EUROPEAN = LONG.replace('"1,000"', "1_000").replace(",", ";").replace(".", ",").replace("1_000", "1.000")


def everything(content: str | bytes, **mapping: object) -> dict[str, list[tuple[object, ...]]]:
    parsed = read(content, **mapping)
    assert told(parsed) == []
    return {bars.listing.symbol: rows(bars) for bars in parsed.bars}


@pytest.mark.parametrize(
    "content",
    [
        LONG,
        LONG.removesuffix("\n"),
        LONG.replace("\n", "\r\n"),
        LONG.replace("\n", "\r"),
        LONG.replace(",AAA,", ", AAA ,").replace("9.25", " 9.25\u00a0"),
        "\n\n" + LONG.replace("\n", "\n\n"),
        "sep=,\r\n" + LONG.replace("\n", "\r\n"),
        LONG.encode("utf-8-sig"),
        LONG.encode("utf-16"),
        LONG.encode("utf-16-le"),
        LONG.encode("utf-16-be"),
        EUROPEAN,
        EUROPEAN.replace(";", "\t"),
        EUROPEAN.replace(";", "|"),
        EUROPEAN.replace("Date", "Handelstag").replace("Close", "Schlußkurs").encode("cp1252"),
        "Datum;Kürzel;Eröffnung;Hoch;Tief;Schluss;Volumen" + EUROPEAN[EUROPEAN.index("\n") :],
        "datum;symbool;Openingskoers;hoogste;LAAGSTE;slotkoers;Omzet" + EUROPEAN[EUROPEAN.index("\n") :],
        "Date;Symbole;Ouverture;Plus haut;Plus bas;Clôture;Volumes" + EUROPEAN[EUROPEAN.index("\n") :],
        "TRADE_DATE,Ticker,open price,HIGH,low,Close/Last,vol" + LONG[LONG.index("\n") :],
        LONG.replace("2024-01-", "20240 1".replace(" ", "")),
        LONG.replace("2024-01-02", "2024-01-02 00:00:00").replace("2024-01-03", "2024-01-03T00:00:00Z"),
        LONG.replace("2024-01-02", "19724").replace("2024-01-03", "19725"),
        LONG.replace('"1,000"', "1'000"),
        LONG.replace('"1,000"', "1\u202f000"),
        "\n".join(
            ",".join(f'"{cell}"' for cell in line.split(","))
            for line in LONG.replace('"1,000"', "1000").split("\n")[:-1]
        ),
    ],
)
def test_one_table_written_in_many_ways_is_read_alike(content: str | bytes) -> None:
    assert everything(content) == READ


@pytest.mark.parametrize("named", ["cp1252", "latin-1", "ISO-8859-15", "UTF-8"])
def test_an_encoding_that_is_named_is_used(named: str) -> None:
    content = EUROPEAN.replace("Date", "Jour").replace("Close", "Clôture").encode(named)
    assert everything(content, encoding=named) == READ


def test_what_was_found_out_is_told_and_reads_the_same_again() -> None:
    parsed = read(EUROPEAN.replace("2024-01-02", "02.01.2024").replace("2024-01-03", "03.01.2024"))
    found = parsed.mapping
    assert (found.delimiter, found.encoding, found.layout) == (";", "utf-8", Layout.LONG)
    assert (found.numbers, found.dates) == (NumberForm.EUROPEAN, DateForm.DMY)
    assert found.columns["close"] == "Close"
    again = files.read_file(EUROPEAN.replace("2024-01-0", "0").encode(), found, TODAY)
    assert again.mapping == found


def test_result_can_be_sent_between_processes() -> None:
    parsed = read(LONG)
    assert closes(pickle.loads(pickle.dumps(parsed))) == closes(parsed)


def test_header_of_dates_and_symbols_is_read_as_wide_and_blank_cells_are_no_bars() -> None:
    wide = read("Date,AAA,LOW,msft\n2024-01-02,1.5,,3\n2024-01-03,,2.5,\n")
    assert wide.mapping.layout is Layout.WIDE
    assert closes(wide) == {
        "AAA": {"2024-01-02": 1.5},
        "LOW": {"2024-01-03": 2.5},
        "MSFT": {"2024-01-02": 3.0},
    }
    assert (wide.rows, wide.issues) == (2, ())


def test_wide_issues_name_the_column_of_the_symbol_and_a_bad_line_once() -> None:
    wide = read("Date,AAA,B B,day,line\n2024-01-02,x,1,2,3\nnever,1.5,1,2,3\n", columns={"date": "Date"})
    assert told(wide) == [
        (2, "AAA", "x", "is no number as us writes them"),
        (2, "B B", "B B", "is no symbol: up to 40 letters, digits and . _ ^ / = -"),
        (3, "Date", "never", "is no date as iso writes them"),
    ]
    assert set(closes(wide)) == {"DAY", "LINE"}


def test_index_of_dates_without_a_name_is_the_column_of_dates() -> None:
    assert closes(read(",AAA,BBB\n2024-01-02,1.5,2.5\n")) == {
        "AAA": {"2024-01-02": 1.5},
        "BBB": {"2024-01-02": 2.5},
    }


def test_long_file_without_symbols_is_about_the_symbol_given() -> None:
    assert closes(read("Date,Close\n2024-01-02,1.5\n", symbol="brk.b")) == {"BRK.B": {"2024-01-02": 1.5}}


def test_columns_that_are_mapped_are_all_that_is_read() -> None:
    text = "when,what,Close,settled,Volume\n2024-01-02,AAA,7,1.5,9\n"
    columns = {"date": "WHEN", "symbol": "what", "close": "settled"}
    assert everything(text, columns=columns) == {"AAA": [("2024-01-02", None, None, None, 1.5, None)]}


def test_exchange_and_currency_of_a_row_come_before_those_of_the_mapping() -> None:
    text = (
        "date,symbol,close,mic,currency\n2024-01-02,AAA,1,XLON,GBX\n2024-01-02,AAA,1.5,xams,EUR\n"
        "2024-01-03,AAA,1.5,XAMS,EUR\n2024-01-02,BBB,2,,\n"
    )
    listed = [
        (one.listing.symbol, one.listing.mic, one.listing.currency, one.quote_unit, len(one))
        for one in read(text).bars
    ]
    assert listed == [
        ("AAA", "XLON", "GBP", "GBX", 1),
        ("AAA", "XAMS", "EUR", "EUR", 2),
        ("BBB", "XNAS", "USD", "USD", 1),
    ]


def test_quote_unit_of_the_mapping_is_that_of_rows_in_its_currency() -> None:
    text = "date,symbol,close,currency\n2024-01-02,AAA,150.5,GBP\n2024-01-02,BBB,1.5,\n"
    units = {one.quote_unit for one in read(text, currency="GBP", quote_unit="GBX").bars}
    assert units == {"GBX"}


def test_adjusted_closes_are_read_for_an_adjusted_series_alone_and_without_raw_highs() -> None:
    text = "Date,Symbol,High,Close,Adj Close\n2024-01-02,AAA,12,11,5.5\n"
    assert everything(text)["AAA"] == [("2024-01-02", None, 12.0, None, 11.0, None)]
    adjusted = read(text, adjustment="all")
    assert rows(adjusted.bars[0]) == [("2024-01-02", None, None, None, 5.5, None)]
    assert adjusted.notes[0].startswith("The adjusted closes are read")
    assert rows(files.read_file(text.encode(), adjusted.mapping, TODAY).bars[0]) == rows(adjusted.bars[0])


def test_columns_not_used_and_days_out_of_order_are_noted() -> None:
    parsed = read("Date,Symbol,Close,Sector\n2024-01-03,A,3,x\n2024-01-02,A,2,x\n2024-01-02,B,2,x\n")
    assert parsed.notes == (
        "Columns that are not used: Sector.",
        "The days of 1 symbols are not in order: they are sorted.",
    )
    assert closes(parsed)["A"] == {"2024-01-02": 2.0, "2024-01-03": 3.0}


BAD_ROWS = [
    ("2024-02-30,A,,,,1,", (2, "Date", "2024-02-30", "is no date as iso writes them")),
    ("2024-06-04,A,,,,1,", (2, "Date", "2024-06-04", "is in the future")),
    ("1899-12-29,A,,,,1,", (2, "Date", "1899-12-29", "is before 1900")),
    (",A,,,,1,", (2, "Date", None, "has no date")),
    ("2024-01-02 16:00,A,,,,1,", (2, "Date", "2024-01-02 16:00", "has a time of day: daily bars have none")),
    ("2024-01-02,A,,,,dear,", (2, "Close", "dear", "is no number as us writes them")),
    ("2024-01-02,A,,,,1.2.3,", (2, "Close", "1.2.3", "is no number as us writes them")),
    ("2024-01-02,A,,,,inf,", (2, "Close", "inf", "is no number as us writes them")),
    ("2024-01-02,A,,,,1e999,", (2, "Close", "1e999", "is no number as us writes them")),
    ("2024-01-02,A,,,,$1.5,", (2, "Close", "$1.5", "has a currency sign")),
    ("2024-01-02,A,,,,1.5 EUR,", (2, "Close", "1.5 EUR", "has a currency sign")),
    ("2024-01-02,A,,,,1.5%,", (2, "Close", "1.5%", "has a percent sign")),
    ("2024-01-02,A,,,,,", (2, "Close", None, "has no close")),
    ("2024-01-02,A,,,,0,", (2, "Close", "0.0", "is not above zero")),
    ("2024-01-02,A,-1,,,1,", (2, "Open", "-1.0", "is not above zero")),
    ("2024-01-02,A,,,,1,-5", (2, "Volume", "-5.0", "is below zero")),
    ("2024-01-02,A,3,2,1,1.5,", (2, "High", "2.0", "is below open, low or close")),
    ("2024-01-02,A,3,4,3.5,4,", (2, "Low", "3.5", "is above open or close")),
    ("2024-01-02,A B,,,,1,", (2, "Symbol", "A B", "is no symbol: up to 40 letters, digits and . _ ^ / = -")),
    ("2024-01-02,,,,,1,", (2, "Symbol", None, "has no symbol")),
    ("2024-01-02,A,,,,1", (2, None, None, "has 6 fields, the header has 7")),
    ("2024-01-02,A,,,,1,,", (2, None, None, "has 8 fields, the header has 7")),
    ("2024-01-02,A,,,," + "x" * 50 + ",", (2, "Close", "x" * 40, "is no number as us writes them")),
]


@pytest.mark.parametrize(("row", "issue"), BAD_ROWS)
def test_a_bad_row_is_named_with_line_column_value_and_reason_and_left_out(
    row: str, issue: tuple[object, ...]
) -> None:
    parsed = read(f"Date,Symbol,Open,High,Low,Close,Volume\n{row}\n2024-01-02,GOOD,,,,1.5,\n")
    assert told(parsed) == [issue]
    assert (parsed.rows, parsed.issue_count) == (2, 1)
    assert closes(parsed) == {"GOOD": {"2024-01-02": 1.5}}


def test_rows_that_repeat_or_contradict_each_other_name_both_lines() -> None:
    day = "2024-01-02"
    parsed = read(f"Date,Symbol,Close\n{day},A,1.5\n{day},B,1.5\n{day},A,1.5\n{day},b,1.6\n2024-01-03,B,2\n")
    assert told(parsed) == [(4, "Date", day, "repeats line 2"), (5, "Date", day, "contradicts line 3")]
    assert closes(parsed) == {"A": {day: 1.5}, "B": {"2024-01-03": 2.0}}


def test_repeated_rows_are_found_among_days_out_of_order() -> None:
    parsed = read("Date,Symbol,Close\n2024-01-03,A,1.5\n2024-01-02,A,1\n2024-01-03,A,1.5\n")
    assert told(parsed) == [(4, "Date", "2024-01-03", "repeats line 2")]


def test_another_currency_within_a_symbol_and_what_is_no_currency_or_exchange_are_issues() -> None:
    text = "Date,Symbol,Close,Currency,MIC\n2024-01-02,A,1,EUR,\n2024-01-03,A,1,USD,\n"
    text += "2024-01-02,B,1,GBp,\n2024-01-02,C,1,,NYSE2\n"
    parsed = read(text)
    assert told(parsed) == [
        (3, "Currency", "USD", "is another currency than before"),
        (4, "Currency", "GBp", "is no currency: three capital letters, such as USD"),
        (5, "MIC", "NYSE2", "is no MIC: four letters or digits, such as XNAS"),
    ]
    assert [(one.quote_unit, len(one)) for one in parsed.bars] == [("EUR", 1)]


def test_line_numbers_are_physical_with_blank_lines_and_line_ends_in_quotes() -> None:
    text = '\nDate,"Sym\nbol",Close,Note\n\n2024-01-02,A,1.5,"one\n\ntwo"\n,,,\n2024-01-03,A,x,"a ""b"""\n'
    parsed = read(text, columns={"date": "Date", "symbol": "Sym\nbol", "close": "Close"})
    assert told(parsed) == [(9, "Close", "x", "is no number as us writes them")]
    assert closes(parsed) == {"A": {"2024-01-02": 1.5}}
    assert parsed.notes[-1] == "2 empty lines are left out."
    assert parsed.rows == 2


def test_file_whose_rows_are_all_bad_has_no_bars() -> None:
    parsed = read("Date,Symbol,Close\nx,A,y\nz\n")
    assert (parsed.bars, parsed.rows, parsed.issue_count) == ((), 2, 3)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        (["1,234"], "'1,234' on line 2. Set numbers to us"),
        (["1.234", "100"], "'1.234' on line 2. Set numbers to us"),
        (["1.234,5", "1,234.5"], "'1,234.5' on line 3, '1.234,5' on line 2"),
    ],
)
def test_numbers_that_can_be_read_in_two_ways_are_never_guessed(values: list[str], said: str) -> None:
    text = "Date;Symbol;Close\n" + "".join(f"2024-01-0{n};A;{value}\n" for n, value in enumerate(values, 2))
    with pytest.raises(UnreadableFile, match=said):
        read(text)


@pytest.mark.parametrize(
    ("form", "value", "close"),
    [
        (NumberForm.US, "1,234", 1234.0),
        (NumberForm.EUROPEAN, "1,234", 1.234),
        (NumberForm.EUROPEAN, "1.234", 1234.0),
        (NumberForm.US, "1.234", 1.234),
        (NumberForm.US, "1,234,567.5", 1_234_567.5),
        (NumberForm.EUROPEAN, "1 234 567,5", 1_234_567.5),
        (NumberForm.US, "+1.", 1.0),
        (NumberForm.EUROPEAN, ",5", 0.5),
        (NumberForm.US, "1.5E-2", 0.015),
    ],
)
def test_numbers_are_read_in_the_form_that_is_named(form: NumberForm, value: str, close: float) -> None:
    parsed = read(f"Date;Symbol;Close\n2024-01-02;A;{value}\n", numbers=form)
    assert closes(parsed) == {"A": {"2024-01-02": close}}


def test_one_telling_number_decides_for_all_columns() -> None:
    text = "Date;Symbol;Close;Volume\n2024-01-02;A;1,234;5\n2024-01-03;A;1,235;1.234.567\n"
    assert closes(read(text))["A"] == {"2024-01-02": 1.234, "2024-01-03": 1.235}


@pytest.mark.parametrize("value", ["0,123", "1234,5", "12,34", "1,2345"])
def test_a_comma_that_can_part_no_thousands_is_decimal(value: str) -> None:
    assert closes(read(f"Date;Symbol;Close\n2024-01-02;A;{value}\n"))["A"]["2024-01-02"] == float(
        value.replace(",", ".")
    )


@given(st.lists(st.floats(1e-6, 1e12), min_size=1, max_size=20))
def test_numbers_are_read_to_the_last_bit(values: list[float]) -> None:
    text = "Date,Symbol,Close\n" + "".join(f"2024-01-02,S{n},{value!r}\n" for n, value in enumerate(values))
    parsed = read(text, numbers=NumberForm.US)
    assert [one.close[0] for one in parsed.bars] == values


@pytest.mark.parametrize(
    ("dates", "found"),
    [
        (["01/02/2024", "13/02/2024"], "2024-02-01"),
        (["01/02/2024", "02/13/2024"], "2024-01-02"),
        (["1.2.2024"], "2024-02-01"),
        (["05-05-2024"], "2024-05-05"),
        (["2024/02/01"], "2024-02-01"),
        (["19754", "-25567"], "1900-01-01"),
    ],
)
def test_order_of_day_and_month_is_found_from_all_dates(dates: list[str], found: str) -> None:
    text = "Date,Symbol,Close\n" + "".join(f"{one},A,1\n" for one in dates)
    assert next(iter(closes(read(text))["A"])) == found


@pytest.mark.parametrize(
    ("dates", "said"),
    [
        (["01/02/2024", "3/4/2024"], "'01/02/2024' on line 2. Set dates to dmy"),
        (["13/02/2024", "02/14/2024"], "'13/02/2024' on line 2.*'02/14/2024' on line 3"),
    ],
)
def test_dates_that_can_be_read_in_two_ways_are_never_guessed(dates: list[str], said: str) -> None:
    with pytest.raises(UnreadableFile, match=said):
        read("Date,Symbol,Close\n" + "".join(f"{one},A,1\n" for one in dates))


def test_dates_are_read_in_the_form_that_is_named() -> None:
    text = "Date,Symbol,Close\n01/02/2024,A,1\n13/02/2024,A,1\n"
    parsed = read(text, dates=DateForm.MDY)
    assert told(parsed) == [(3, "Date", "13/02/2024", "is no date as mdy writes them")]
    assert list(closes(parsed)["A"]) == ["2024-01-02"]


UNREADABLE = [
    (b"", "empty"),
    (b"\xef\xbb\xbf\r\n ", "empty"),
    (b"Date,Symbol,Close\n", "a header and no rows"),
    (b"Date,Symbol,Close\n,,\n", "a header and no rows"),
    (b"hello\nworld\n", "delimiter"),
    (b"a,b;c\n1,2;3\n", "',' and ';' alike"),
    (bytes(range(256)) * 40, "not cp1252"),
    (b"Date,Symbol,Close\n2024-01-02,A\0,1\n", "control characters"),
    (b"Date,Symbol,Close\n2024-01-02,\x81,1\n", "not cp1252 text"),
    (b"\xff\xfeD\x00a", "not utf-16"),
    (b'Date,Symbol,Close\n2024-01-02,"A,1\n', "opened and never closed"),
    (b'Date,Symbol,Close\n2024-01-02,A"B"C,1\n2024-01-03,A,1\n', "Line 2 has a quotation mark"),
    (b"x" * 300_000, "longer than 256 KiB"),
    (b",".join(b"S%d" % n for n in range(1_000_000)), "longer than 256 KiB"),
    (
        b"Date," + b",".join(b"S%d" % n for n in range(5_000)) + b"\n2024-01-02" + b",1" * 5_000,
        "5,001 columns",
    ),
    (
        b"Date," + b",".join(b"S%d" % n for n in range(1_999)) + b"\n" + (b"," * 1_999 + b"\n") * 1_400,
        "2,798,600 cells",
    ),
    (b"Date,Symbol,Close\n" + b"2,A,1\n" * 2_600_001, "2,600,001 rows"),
    (
        b"Date,Symbol,Close\n" + b"".join(b"2024-01-02,S%d,1\n" % n for n in range(2_001)),
        "2,000 values of symbol",
    ),
    (b"Date,Time,Symbol,Close\n2024-01-02,09:00,A,1\n", "Several columns may be date: 'Date' and 'Time'"),
    (b"Date,AAA,aaa\n2024-01-02,1,2\n", "Several columns are named 'AAA'"),
    (b"Symbol,Close\nA,1\n", "no column for date"),
    (b"AAA,BBB\n1,2\n", "no column for date"),
    (b"Date,Symbol,High\n2024-01-02,A,1\n", "no column for close"),
    (b"Date,Close\n2024-01-02,1\n", "no column of symbols"),
    (b"Date,Symbol,Adj Close\n2024-01-02,A,1\n", "adjusted closes alone"),
    (b"Date,\n2024-01-02,\n", "dates and nothing else"),
    (b"PK\x03\x04....", "archive or a workbook"),
    (b"\x1f\x8b....", "gzip"),
    (b"%PDF-1.7", "PDF"),
]


@pytest.mark.parametrize(("content", "said"), UNREADABLE, ids=lambda one: str(one)[:40])
def test_a_file_that_can_not_be_read_is_refused_with_what_to_do(content: bytes, said: str) -> None:
    with pytest.raises(UnreadableFile, match=said):
        read(content)


@pytest.mark.parametrize(
    ("mapping", "said"),
    [
        ({"adjustment": "twice"}, "adjustment must be one of raw, splits, all"),
        ({"delimiter": "x"}, "delimiter must be"),
        ({"encoding": "zlib"}, "encoding must be one of"),
        ({"encoding": "utf-16"}, "not utf-16 text|hold"),
        ({"format": "parquet"}, "no parquet file"),
        ({"currency": "usd"}, "three capital letters"),
        ({"quote_unit": "GBX"}, "GBX is no unit of USD"),
        ({"mic": "NASDAQ"}, "mic: 'NASDAQ' is no MIC"),
        ({"symbol": "A"}, "symbol is given too"),
        ({"columns": {"price": "Close"}}, "columns names price"),
        ({"columns": {"date": "Day", "close": "Close"}}, "no column 'Day' for date; it has 'Date', 'Symbol'"),
        ({"columns": {"date": "Date"}, "layout": "long"}, "no column for close"),
    ],
)
def test_a_mapping_that_can_not_be_followed_is_refused(mapping: dict[str, object], said: str) -> None:
    from waardhaven.domain.market.imports import FileFormat

    if "format" in mapping:
        mapping = {"format": FileFormat.PARQUET}
    if "layout" in mapping:
        mapping = {**mapping, "layout": Layout.LONG}
    with pytest.raises(UnreadableFile, match=said):
        read(LONG, **mapping)


async def test_a_file_beyond_the_bound_is_refused_before_it_is_sent_anywhere(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from tests.fakes.clock import FakeClock
    from tests.fakes.compute_pool import FakeComputePool

    pool = FakeComputePool()
    monkeypatch.setattr(files, "LARGEST_FILE", 10)
    with pytest.raises(UnreadableFile, match="Cut it in parts"):
        await files.FilePrices(pool, FakeClock()).read(LONG.encode(), FileMapping())
    assert pool.computed == []
    monkeypatch.undo()
    parsed = await files.FilePrices(pool, FakeClock()).read(LONG.encode(), FileMapping())
    assert pool.computed == ["read_file"]
    assert [one.listing.mic for one in parsed.bars] == ["", ""]


def test_a_header_of_many_lines_is_no_header() -> None:
    with pytest.raises(UnreadableFile, match="header is longer than 256 KiB"):
        read('Date,Symbol,"' + "Close\n" * 60_000 + '"\n2024-01-02,A,1\n')


@pytest.mark.parametrize("fails", [True, False])
def test_lines_that_the_library_splits_otherwise_are_refused(
    monkeypatch: pytest.MonkeyPatch, fails: bool
) -> None:
    def other(*_: object, columns: list[str], **__: object) -> pl.DataFrame:
        if fails:
            raise pl.exceptions.ComputeError
        return pl.DataFrame({name: ["x"] for name in columns})

    monkeypatch.setattr(pl, "read_csv", other)
    with pytest.raises(UnreadableFile, match="can not be split into fields"):
        read(LONG)


cells = st.text(alphabet='a,;"\n', max_size=6)


@given(
    st.lists(st.lists(cells, min_size=2, max_size=4), min_size=1, max_size=8),
    st.sampled_from([1, 2, 3, 1 << 22]),
)
def test_records_are_found_wherever_blocks_end(table: list[list[str]], block: int) -> None:
    quoted = [
        [f'"{cell.replace(chr(34), chr(34) * 2)}"' if set(cell) & set(',"\n') else cell for cell in row]
        for row in table
    ]
    lines = [",".join(row) for row in quoted]
    text = "\n".join(lines)
    before = csv_records.BLOCK
    csv_records.BLOCK = block
    try:
        found = Records.of(text.encode(), ",")
    finally:
        csv_records.BLOCK = before
    starts = np.cumsum([1] + [line.count("\n") + 1 for line in lines])[:-1]
    assert found.fields.tolist() == [len(row) for row in table]
    assert found.line.tolist() == starts.tolist()
    assert found.end[-1] == len(text)
