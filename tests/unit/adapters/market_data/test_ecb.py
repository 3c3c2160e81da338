import asyncio
import io
import zipfile
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from waardhaven.adapters.outbound.http_session.addresses import Reach
from waardhaven.adapters.outbound.http_session.session import HttpSession
from waardhaven.adapters.outbound.market_data import ecb, ecb_files
from waardhaven.adapters.outbound.market_data.ecb import EcbRates
from waardhaven.adapters.outbound.market_data.ecb_files import read_rates
from waardhaven.application.ports.fx_rates import FxRates
from waardhaven.application.ports.market_data import CorruptSource, SourceUnavailable

Table = Mapping[date, Mapping[str, str]]
TABLE: Table = {
    date(2024, 1, 4): {"USD": "1.0953", "ISK": "N/A", "JPY": "157.46"},
    date(2024, 1, 3): {"USD": "1.0919", "ISK": "150.7", "JPY": "155.85"},
    date(2024, 1, 2): {"USD": "1.0956", "ISK": "N/A", "JPY": "155.65"},
}


def as_csv(table: Table) -> bytes:
    """Write the history as the ECB does: newest first, a comma behind the last column."""
    codes = sorted({code for row in table.values() for code in row})
    lines = [",".join(["Date", *codes, ""])]
    lines += [
        ",".join([day.isoformat(), *(row.get(code, "N/A") for code in codes), ""])
        for day, row in table.items()
    ]
    return "\n".join(lines).encode()


def as_xml(table: Table) -> bytes:
    def cubes(row: Mapping[str, str]) -> str:
        return "".join(
            f'<Cube currency="{code}" rate="{rate}"/>' for code, rate in row.items() if rate != "N/A"
        )

    days = "".join(f'<Cube time="{day}">{cubes(row)}</Cube>' for day, row in table.items())
    return (
        '<?xml version="1.0" encoding="UTF-8"?><gesmes:Envelope '
        'xmlns:gesmes="http://www.gesmes.org/xml/2002-08-01" '
        'xmlns="http://www.ecb.int/vocabulary/2002-08-01/eurofxref"><gesmes:subject>Reference rates'
        f"</gesmes:subject><Cube>{days}</Cube></gesmes:Envelope>"
    ).encode()


def as_zip(content: bytes, name: str = "eurofxref-hist.csv") -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, content)
    return packed.getvalue()


def plain(content: bytes) -> dict[str, dict[str, float]]:
    return {
        code: dict(zip(day.astype(str).tolist(), rate.tolist(), strict=True))
        for code, (day, rate) in read_rates(content).items()
    }


WRITTEN = {
    "csv": as_csv(TABLE),
    "xml": as_xml(TABLE),
    "zip of csv": as_zip(as_csv(TABLE)),
    "zip of xml": as_zip(as_xml(TABLE), "eurofxref-hist.xml"),
    "csv with a mark": b"\xef\xbb\xbf" + as_csv(TABLE),
}


@pytest.mark.parametrize("form", WRITTEN)
def test_every_form_reads_as_the_same_rates_oldest_first_without_the_unknown(form: str) -> None:
    found = plain(WRITTEN[form])
    assert found == {
        "USD": {"2024-01-02": 1.0956, "2024-01-03": 1.0919, "2024-01-04": 1.0953},
        "ISK": {"2024-01-03": 150.7},
        "JPY": {"2024-01-02": 155.65, "2024-01-03": 155.85, "2024-01-04": 157.46},
    }
    assert list(found["USD"]) == ["2024-01-02", "2024-01-03", "2024-01-04"]


def test_the_file_of_a_single_day_is_read_as_well() -> None:
    assert plain(b"Date, USD, JPY, \n31 May 2024, 1.0852, 170.52, \n") == {
        "USD": {"2024-05-31": 1.0852},
        "JPY": {"2024-05-31": 170.52},
    }


rate = st.one_of(st.just("N/A"), st.decimals("0.0001", "30000", places=4).map(str))
tables = st.dictionaries(
    st.dates(date(1999, 1, 4), date(2026, 1, 1)),
    st.fixed_dictionaries({"USD": rate, "GBP": rate, "ISK": rate}),
    min_size=1,
    max_size=8,
)


@given(tables)
def test_zip_csv_and_xml_of_the_same_rates_agree(table: Table) -> None:
    known = {code for row in table.values() for code, text in row.items() if text != "N/A"}
    if not known:
        return
    read = plain(as_csv(table))
    assert set(read) == known
    assert {
        code: {str(day): float(row[code]) for day, row in table.items() if row[code] != "N/A"}
        for code in known
    } == read
    assert plain(as_xml(table)) == read
    assert plain(as_zip(as_csv(table))) == read


def spoilt(content: bytes, at: int) -> bytes:
    return content[:at] + bytes([content[at] ^ 0xFF]) + content[at + 1 :]


BOMB = b"<!DOCTYPE x [<!ENTITY a 'aaaaaaaaaa'><!ENTITY b '&a;&a;&a;&a;'>]><Cube time='2024-01-02'>&b;</Cube>"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "holds no rates|no table"),
        (b"<html>Service unavailable</html>", "no rates"),
        (b"Not Found", "column Date"),
        (b"Date,USD\n2024-01-02,abc\n", "no number"),
        (b"Date,USD\n2024-01-02,-1\n", "not above zero"),
        (b"Date,USD\n2024-01-02,inf\n", "not above zero"),
        (b"Date,USD\n2024-13-02,1\n", "a date that is none"),
        (b"Date,USD\n,1\n", "a date that is none"),
        (b"Date,USD\n2024-01-02,1\n2024-01-02,2\n", "a day twice for USD"),
        (b"Date,usd\n2024-01-02,1\n", "a column 'usd'"),
        (b"Date,USD,\n2024-01-02,1,7\n", "a column ''"),
        (b"Date,USD\n2024-01-02,N/A\n", "no rates"),
        (as_xml(TABLE)[:-40], "no XML"),
        (b"<Cube><Cube currency='USD' rate='1'/></Cube>", "without a day"),
        (b"<Cube time='2024-01-02'><Cube currency='US' rate='1'/></Cube>", "a currency 'US'"),
        (b"<Cube time='2.1.2024'><Cube currency='USD' rate='1'/></Cube>", "a date that is none"),
        (BOMB, "entities"),
        (b"<!DOCTYPE x SYSTEM 'file:///etc/passwd'><x/>", "entities"),
        (BOMB.decode().encode("utf-16"), "column Date|no table|no XML"),
        (as_zip(as_csv(TABLE))[:-30], "damaged"),
        (spoilt(as_zip(as_csv(TABLE)), 70), "damaged"),
        (as_zip(b"x", "readme.txt"), "0 tables"),
        (b"PK\x03\x04", "damaged"),
    ],
)
def test_what_is_no_file_of_rates_is_corrupt(content: bytes, said: str) -> None:
    with pytest.raises(CorruptSource, match=said):
        read_rates(content)


def test_an_archive_that_unpacks_to_too_much_is_refused_whatever_it_says_of_itself(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(ecb_files, "MOST_UNPACKED", 1_000)
    packed = as_zip(b"0" * 100_000)
    assert len(packed) < 1_000
    with pytest.raises(CorruptSource, match="unpacks to too much"):
        read_rates(packed)
    size = (100_000).to_bytes(4, "little")
    assert packed.count(size) == 2
    with pytest.raises(CorruptSource, match="damaged"):
        read_rates(packed.replace(size, (900).to_bytes(4, "little")))


class NoHttp(HttpSession):
    """Fails the test when anybody calls out."""

    async def get(self, *_: object, **__: object):
        raise AssertionError


async def test_a_local_file_is_read_without_calling_out(tmp_path: Path) -> None:
    place = tmp_path / "rates.zip"
    place.write_bytes(WRITTEN["zip of csv"])
    source: FxRates = EcbRates(str(place), NoHttp())
    every = await source.rates()
    assert [(one.base, one.quote, one.source, one.fixing) for one in every] == [
        ("EUR", code, "ecb", "ECB") for code in ("ISK", "JPY", "USD")
    ]
    assert (source.name, source.fixing) == ("ecb", "ECB")
    some = await source.rates(start=date(2024, 1, 4), end=date(2024, 1, 4))
    assert [(one.quote, one.day.astype(str).tolist(), one.rate.tolist()) for one in some] == [
        ("JPY", ["2024-01-04"], [157.46]),
        ("USD", ["2024-01-04"], [1.0953]),
    ]
    assert await source.rates(start=date(2025, 1, 1)) == []
    assert await source.spot("EUR", "USD") is None


@pytest.mark.parametrize("place", ["missing.csv", ".", "a\0b"])
async def test_a_file_that_is_not_there_is_a_source_out_of_reach(tmp_path: Path, place: str) -> None:
    with pytest.raises(SourceUnavailable) as caught:
        await EcbRates(str(tmp_path / place), NoHttp()).rates()
    assert str(tmp_path) not in str(caught.value)


async def test_a_file_that_is_too_large_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ecb, "LARGEST", 100)
    place = tmp_path / "rates.csv"
    place.write_bytes(as_csv(TABLE))
    with pytest.raises(CorruptSource, match="more than"):
        await EcbRates(str(place), NoHttp()).rates()


@asynccontextmanager
async def site(status: str, body: bytes) -> AsyncIterator[str]:
    """Answer every request with the same."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        head = f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        writer.write(head.encode() + body)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/eurofxref-hist.zip"


@pytest.fixture
async def http() -> AsyncIterator[HttpSession]:
    session = HttpSession()
    yield session
    await session.close()


async def test_rates_are_fetched_from_an_address(http: HttpSession) -> None:
    async with site("200 OK", WRITTEN["zip of xml"]) as address:
        found = await EcbRates(address, http, reach=Reach.LOOPBACK).rates()
    assert {one.quote: len(one.day) for one in found} == {"ISK": 1, "JPY": 3, "USD": 3}
    np.testing.assert_array_equal(found[-1].rate, [1.0956, 1.0919, 1.0953])


@pytest.mark.parametrize("status", ["404 Not Found", "503 Service Unavailable", "301 Moved Permanently"])
async def test_an_answer_that_is_no_file_is_a_source_out_of_reach(http: HttpSession, status: str) -> None:
    async with site(status, b"") as address:
        with pytest.raises(SourceUnavailable, match=status[:3]):
            await EcbRates(address, http, reach=Reach.LOOPBACK).rates()


async def test_a_site_that_is_away_or_too_near_is_out_of_reach(http: HttpSession) -> None:
    async with site("200 OK", b"") as address:
        with pytest.raises(SourceUnavailable):
            await EcbRates(address, http).rates()
    with pytest.raises(SourceUnavailable):
        await EcbRates(address, http, reach=Reach.LOOPBACK).rates()


async def test_the_loop_runs_on_while_a_long_history_is_read(tmp_path: Path) -> None:
    first = date(1999, 1, 4)
    place = tmp_path / "rates.xml"
    place.write_bytes(
        as_xml({first + timedelta(days=n): dict.fromkeys(("USD", "GBP", "JPY"), "1.5") for n in range(5_000)})
    )
    beats = 0
    reading = asyncio.create_task(EcbRates(str(place), NoHttp()).rates())
    while not reading.done():
        beats += 1
        await asyncio.sleep(0)
    assert len((await reading)[0].day) == 5_000
    assert beats > 3
