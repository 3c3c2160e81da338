"""Write the sessions of the world's exchanges from exchange_calendars (development only).

Usage: python scripts/materialise_sessions.py

The running service never imports the calendar library (nor its pandas): sessions are facts in our
own table. Run again to extend the range; a test compares the files with the library.
"""

import hashlib
import warnings
from pathlib import Path

import polars as pl

START, END = "1990-01-01", "2027-11-19"
TARGET = Path(__file__).parents[1] / "src/waardhaven/adapters/outbound/market_data/calendar_data"
EXCHANGES = {
    "BVMF": ("BVMF",),
    "XAMS": ("XAMS",),
    "XASX": ("XASX",),
    "XBKK": ("XBKK",),
    "XBOG": ("XBOG",),
    "XBOM": ("XBOM", "XNSE"),
    "XBRU": ("XBRU",),
    "XBUD": ("XBUD",),
    "XBUE": ("XBUE",),
    "XCSE": ("XCSE",),
    "XDUB": ("XDUB",),
    "XETR": ("XETR", "XFRA"),
    "XHEL": ("XHEL",),
    "XHKG": ("XHKG",),
    "XICE": ("XICE",),
    "XIDX": ("XIDX",),
    "XIST": ("XIST",),
    "XJSE": ("XJSE",),
    "XKLS": ("XKLS",),
    "XKRX": ("XKRX", "XKOS"),
    "XLIM": ("XLIM",),
    "XLIS": ("XLIS",),
    "XLON": ("XLON",),
    "XMAD": ("XMAD",),
    "XMEX": ("XMEX",),
    "XMIL": ("XMIL",),
    "XNYS": ("XNYS", "XNAS", "XASE", "ARCX", "BATS", "IEXG", "OTCM"),
    "XNZE": ("XNZE",),
    "XOSL": ("XOSL",),
    "XPAR": ("XPAR",),
    "XPHS": ("XPHS",),
    "XPRA": ("XPRA",),
    "XSAU": ("XSAU",),
    "XSES": ("XSES",),
    "XSGO": ("XSGO",),
    "XSHG": ("XSHG", "XSHE"),
    "XSTO": ("XSTO",),
    "XSWX": ("XSWX",),
    "XTAI": ("XTAI",),
    "XTKS": ("XTKS",),
    "XTSE": ("XTSE", "XTSX"),
    "XWAR": ("XWAR",),
    "XWBO": ("XWBO",),
}
"""The library's calendar, and the exchanges that keep to it, by operating MIC (ISO 10383).

Athens and Tel Aviv are missing: the library can not compute them with the pandas it is installed with.
"""


def sessions(name: str) -> pl.DataFrame:
    """Return every session the library knows in the range.

    ``open_minute`` and ``close_minute`` count from midnight UTC of ``day``; Sydney opens the evening before.
    """
    import exchange_calendars as library
    import pandas as pd

    kind = library.calendar_utils._default_calendar_factories[name]  # noqa: SLF001 - bounds have no other door
    first, last = kind.bound_min(), kind.bound_max()
    start = max(pd.Timestamp(START), first) if first is not None else START
    end = min(pd.Timestamp(END), last) if last is not None else END
    schedule = library.get_calendar(name, start=start, end=end).schedule
    midnight = schedule.index.tz_localize("UTC")
    minutes = {
        f"{one}_minute": ((schedule[one] - midnight) // pd.Timedelta(minutes=1)).to_numpy("int16")
        for one in ("open", "close")
    }
    days = [one.date() for one in schedule.index]
    return pl.DataFrame({"calendar": [name] * len(days), "day": days, **minutes})


def write() -> None:
    """Write sessions, exchanges and their checksums."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        every = pl.concat([sessions(name) for name in EXCHANGES])
    TARGET.mkdir(exist_ok=True)
    every.sort("calendar", "day").write_parquet(
        TARGET / "sessions.parquet", compression="zstd", compression_level=19
    )
    rows = [(mic, name) for name, mics in EXCHANGES.items() for mic in mics]
    frame = pl.DataFrame(sorted(rows), schema=["mic", "calendar"], orient="row")
    frame.write_csv(TARGET / "exchanges.csv")
    digests = [
        f"{hashlib.sha256((TARGET / name).read_bytes()).hexdigest()}  {name}\n"
        for name in ("exchanges.csv", "sessions.parquet")
    ]
    (TARGET / "CHECKSUMS").write_text("".join(digests))


if __name__ == "__main__":
    write()
