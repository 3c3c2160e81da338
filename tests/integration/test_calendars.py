"""Packaged sessions: what the calendar library computes, for every exchange, bit for bit."""

import hashlib
import warnings
from pathlib import Path

import numpy as np
import pytest
from scripts.materialise_sessions import EXCHANGES, sessions

from waardhaven.adapters.outbound.market_data.calendars import DATA, PackagedCalendars
from waardhaven.application.ports.market_data import CorruptSource
from waardhaven.domain.market.asset import ROUND_THE_CLOCK

EVERY = sorted((mic, name) for name, mics in EXCHANGES.items() for mic in mics)


def test_checksums_name_every_file_and_match():
    lines = dict(line.split()[::-1] for line in (DATA / "CHECKSUMS").read_text().splitlines())
    assert set(lines) == {path.name for path in DATA.iterdir()} - {"CHECKSUMS"}
    assert lines == {name: hashlib.sha256((DATA / name).read_bytes()).hexdigest() for name in lines}


@pytest.mark.parametrize("calendar", ["XNYS", "XLON", "XASX", "XHKG", "XTKS", "XSAU"])
async def test_packaged_sessions_are_those_of_the_library(calendar: str):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = sessions(calendar)
    midnight = theirs["day"].to_numpy().astype("datetime64[s]")
    found = await PackagedCalendars().sessions(EXCHANGES[calendar])
    assert [one.mic for one in found] == list(EXCHANGES[calendar])
    for ours in found:
        assert ours.day.tolist() == theirs["day"].to_list()
        for name in ("open", "close"):
            minutes = theirs[f"{name}_minute"].to_numpy().astype("timedelta64[m]")
            assert getattr(ours, f"{name}_at").tolist() == (midnight + minutes).tolist()


async def test_every_listed_exchange_has_sessions_up_to_the_end_of_2026_at_least():
    found = await PackagedCalendars().sessions([mic for mic, _ in EVERY])
    assert [one.mic for one in found] == [mic for mic, _ in EVERY]
    assert min(one.day[-1] for one in found) >= np.datetime64("2026-12-30")


async def test_early_close_of_2024_is_known_in_new_york():
    (found,) = await PackagedCalendars().sessions(["XNAS"])
    row = int(np.searchsorted(found.day, np.datetime64("2024-11-29")))
    assert str(found.close_at[row]) == "2024-11-29T18:00:00"


async def test_crypto_trades_every_day_from_midnight_to_midnight():
    (found,) = await PackagedCalendars().sessions([ROUND_THE_CLOCK])
    assert (np.diff(found.day) == np.timedelta64(1, "D")).all()
    assert (found.close_at - found.open_at == np.timedelta64(1, "D")).all()


async def test_corrupt_file_is_refused(tmp_path: Path):
    for path in DATA.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    (tmp_path / "exchanges.csv").write_text("mic,calendar\nXNYS,XLON\n")
    with pytest.raises(CorruptSource, match=r"exchanges\.csv"):
        await PackagedCalendars(tmp_path).sessions(["XNYS"])
