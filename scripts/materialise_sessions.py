"""Write the session table of the sample market from exchange_calendars (development only).

Usage: python scripts/materialise_sessions.py

The running service never imports the calendar library (nor its pandas): sessions are facts in our
own table. Run again to extend the range; a test compares the file with the library.
"""

from pathlib import Path

import exchange_calendars
import polars as pl

START, END = "1990-01-01", "2027-11-19"
TARGET = (
    Path(__file__).parents[1] / "src/waardhaven/adapters/outbound/market_data/sample_data/sessions.parquet"
)


def sessions(mic: str) -> pl.DataFrame:
    """Return mic, day, open_at and close_at (UTC) of every session in the range."""
    calendar = exchange_calendars.get_calendar(mic, start=START, end=END)
    schedule = calendar.schedule
    return pl.DataFrame(
        {
            "mic": [mic] * len(schedule),
            "day": [one.date() for one in schedule.index],
            "open_at": schedule["open"].dt.tz_convert("UTC").dt.tz_localize(None).to_numpy("datetime64[ms]"),
            "close_at": schedule["close"]
            .dt.tz_convert("UTC")
            .dt.tz_localize(None)
            .to_numpy("datetime64[ms]"),
        }
    )


if __name__ == "__main__":
    sessions("XNYS").write_parquet(TARGET, compression="zstd", compression_level=19)
