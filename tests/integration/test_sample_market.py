"""The packaged market: whole, true to its sources, and in the store exactly as it is in the files."""

import hashlib
import shutil
from datetime import date
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from tests.integration.conftest import Service

from waardhaven.adapters.outbound.market_data.calendars import PackagedCalendars
from waardhaven.adapters.outbound.market_data.sample import DATA, UNIVERSE, SampleMarketData
from waardhaven.application.ports.market_data import CorruptSource, Wanted
from waardhaven.application.ports.price_store import PriceStore
from waardhaven.application.ports.reference_store import ReferenceStore
from waardhaven.domain.index.definition import Adjustment, SeriesPolicy
from waardhaven.domain.market.asset import SymbolRef

FIRST, LAST = date(1990, 1, 2), date(2022, 12, 28)
SESSIONS = 8_313
SPLITS = {
    ("AAPL", date(2000, 6, 21), "2"),
    ("AAPL", date(2005, 2, 28), "2"),
    ("MSFT", date(2003, 2, 18), "2"),
}
VALUES = ("open", "high", "low", "close", "volume")


def packaged() -> dict[str, str]:
    """Return the SHA-256 of each file as CHECKSUMS has it."""
    lines = (DATA / "CHECKSUMS").read_text().splitlines()
    return {name: digest for digest, name in (line.split() for line in lines)}


def test_checksums_name_every_file_and_match():
    files = {path.name for path in DATA.iterdir()} - {"README.md", "CHECKSUMS"}
    assert set(packaged()) == files
    for name, digest in packaged().items():
        assert hashlib.sha256((DATA / name).read_bytes()).hexdigest() == digest, name


def test_readme_names_every_file():
    text = (DATA / "README.md").read_text()
    assert [name for name in packaged() if f"`{name}`" not in text and f"## {name}" not in text] == []


def test_readme_repeats_no_checksum_that_is_not_right():
    text = (DATA / "README.md").read_text()
    found = [
        line.split() for line in text.splitlines() if len(line.split()) == 2 and len(line.split()[0]) == 64
    ]
    assert found
    assert all(packaged()[name] == digest for digest, name in found)


async def test_every_stock_has_a_bar_on_every_session_and_on_no_other_day():
    source = SampleMarketData()
    (sessions,) = await PackagedCalendars().sessions(["XNYS"])
    axis = sessions.day[(sessions.day >= np.datetime64(FIRST)) & (sessions.day <= np.datetime64(LAST))]
    (universe,) = await source.universes()
    found = [
        one
        async for one in source.bars([Wanted(listing=one) for one in universe.listings])
        if one.adjustment is Adjustment.ALL
    ]
    assert (universe.slug, len(universe.listings)) == (UNIVERSE, 20)
    assert {one.listing for one in found} == set(universe.listings)
    for bars in found:
        assert len(bars.day) == SESSIONS
        assert bars.day.tolist() == axis.tolist(), bars.listing.symbol


async def test_splits_are_there_and_the_raw_closes_show_them():
    source = SampleMarketData()
    wanted = [Wanted(listing=one) for one in await source.listings()]
    actions = [action async for one in source.actions(wanted) for action in one.actions]
    assert {(one.listing.symbol, one.ex_date, one.ratio) for one in actions} == SPLITS
    assert {one.kind for one in actions} == {"split"}
    raw = [
        one
        async for one in source.bars([one for one in wanted if one.listing.symbol in {"AAPL", "MSFT"}])
        if one.adjustment is Adjustment.RAW
    ]
    closes = {one.listing.symbol: one for one in raw}
    for symbol, ex_date, _ in SPLITS:
        bars = closes[symbol]
        row = int(np.searchsorted(bars.day, np.datetime64(ex_date)))
        assert bars.day[row] == np.datetime64(ex_date)
        assert 0.4 < bars.close[row] / bars.close[row - 1] < 0.6


@pytest.mark.parametrize("name", sorted(packaged()))
async def test_corrupt_or_missing_file_is_refused_before_anything_is_read_from_it(tmp_path: Path, name: str):
    folder = shutil.copytree(DATA, tmp_path / "data")
    data = bytearray((folder / name).read_bytes())
    data[len(data) // 2] ^= 1
    (folder / name).write_bytes(bytes(data))
    with pytest.raises(CorruptSource, match=name):
        await _read_everything(SampleMarketData(folder))
    (folder / name).unlink()
    with pytest.raises(CorruptSource, match=name):
        await _read_everything(SampleMarketData(folder))


async def _read_everything(source: SampleMarketData) -> None:
    listings = await source.listings()
    wanted = [Wanted(listing=one) for one in listings]
    await source.rates()
    await source.universes()
    for answers in (source.shares(listings), source.actions(wanted), source.bars(wanted)):
        async for _ in answers:
            pass


async def test_folder_without_checksums_is_refused(tmp_path: Path):
    folder = shutil.copytree(DATA, tmp_path / "data", ignore=shutil.ignore_patterns("CHECKSUMS"))
    with pytest.raises(CorruptSource, match="CHECKSUMS"):
        await SampleMarketData(folder).listings()


# --- in the store


async def _stored(service: Service, symbol: str, adjustment: Adjustment) -> object:
    reference, prices = await service.get(ReferenceStore), await service.get(PriceStore)
    asset = await reference.resolve(SymbolRef.parse(symbol))
    policy = SeriesPolicy(source="sample", adjustment=adjustment)
    series = await reference.series_of([asset.id], policy)
    return await prices.bars([series[asset.id].id])


def _column(part: pl.DataFrame, name: str) -> np.ndarray:
    if name not in part.columns:
        return np.full(part.height, np.nan)
    return part[name].cast(pl.Float64).fill_null(float("nan")).to_numpy()


async def test_every_bar_of_the_files_is_in_the_store_unchanged(published: Service):
    rows = 0
    for file, mode in (
        ("prices.parquet", Adjustment.ALL),
        ("factors.parquet", Adjustment.ALL),
        ("ohlcv_raw.parquet", Adjustment.RAW),
    ):
        for part in pl.read_parquet(DATA / file).partition_by("symbol"):
            found = await _stored(published, part["symbol"][0], mode)
            assert found.day.tolist() == part["date"].to_list()
            for name in VALUES:
                np.testing.assert_array_equal(getattr(found, name), _column(part, name))
            rows += len(found)
    async with (await published.database).acquire() as connection:
        stored = await connection.fetchval("SELECT count(*) FROM price")
        chunked = await connection.fetchval("SELECT sum(n) FROM price_chunk")
    assert rows == stored == chunked == 174_573 + 11_320 + 12_154


async def test_every_rate_of_the_file_is_in_the_store_unchanged(published: Service):
    table = pl.read_parquet(DATA / "fx.parquet")
    found = await (await published.get(ReferenceStore)).fx(table["quote"].unique().to_list(), fixing="ECB")
    assert len(found.rate) == table.height == 221_702
    for place, quote in enumerate(found.quote):
        part = table.filter(pl.col("quote") == quote)
        assert found.day[found.code == place].tolist() == part["date"].to_list()
        assert found.rate[found.code == place].tobytes() == part["rate"].to_numpy().tobytes()


async def test_sessions_splits_shares_and_members_are_in_the_store(published: Service):
    reference = await published.get(ReferenceStore)
    (sessions,) = await PackagedCalendars().sessions(["XNYS"])
    assert (await reference.sessions("XNYS")).tolist() == sessions.day.tolist()
    members = await reference.universe(UNIVERSE)
    assert len(members) == 20
    shares = await reference.shares([asset for asset, _, _ in members])
    assert len(shares.shares) == 20
    async with (await published.database).acquire() as connection:
        rows = await connection.fetch(
            "SELECT i.value, c.ex_date, trim_scale(c.ratio)::text AS ratio FROM corporate_action c "
            "JOIN asset_identifier i USING (asset_id) WHERE c.vintage_to IS NULL"
        )
    assert {tuple(row) for row in rows} == SPLITS
