"""What must hold in a data directory whatever was killed, and when."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import count

import httpx
import numpy as np
from tests.e2e.up_tools import USER_PASSWORD, Place, client, log_in

from waardhaven.adapters.outbound.market_data.sample import SampleMarketData
from waardhaven.application.ports.market_data import BarColumns, Wanted

WIDTHS = "CASE dtype WHEN '|i1' THEN 1 WHEN '<i4' THEN 4 ELSE 8 END"
COLUMNS = 23
"""Of a build without an opening state, which has six more, and with names in one column, not in two."""

NOTHING = {
    "a column of a build is shorter or longer than it says": (
        f"SELECT build_id, name FROM build_column WHERE octet_length(data) <> n * {WIDTHS}"
    ),
    "a build lacks columns": (
        "SELECT b.id FROM build b LEFT JOIN build_column c ON c.build_id = b.id GROUP BY b.id"
        " HAVING count(c.name) - count(*) FILTER (WHERE c.name = 'composition.holding')"
        f" <> {COLUMNS} + CASE WHEN b.opened_from IS NULL THEN 0 ELSE 6 END"
    ),
    "a build has not as many levels as sessions": (
        "SELECT b.id FROM build b JOIN build_column c ON c.build_id = b.id"
        " WHERE c.name IN ('level.day', 'level.level') AND c.n <> b.sessions"
    ),
    "a publication covers other days than its build": (
        "SELECT p.id FROM publication p JOIN build b ON b.id = p.build_id"
        " WHERE (p.from_day, p.through_day) <> (b.start_day, b.through_day)"
    ),
    "publications are no chain": (
        "SELECT id FROM (SELECT id, follows, lag(id) OVER (PARTITION BY index_id ORDER BY id) AS before"
        " FROM publication) p WHERE follows IS DISTINCT FROM before"
    ),
    "a build was not told of exactly once": (
        "SELECT b.id FROM build b LEFT JOIN outbox o ON o.kind = 'index.build_finished'"
        " AND o.payload->>'build' = b.id::text GROUP BY b.id HAVING count(o.id) <> 1"
    ),
    "a publication was not told of exactly once": (
        "SELECT p.id FROM publication p LEFT JOIN outbox o ON o.kind = 'index.published'"
        " AND (o.payload->>'publication')::bigint = p.id GROUP BY p.id HAVING count(o.id) <> 1"
    ),
    "events have places with a gap": (
        "SELECT position FROM (SELECT position, row_number() OVER (ORDER BY position) AS place FROM outbox"
        " WHERE position IS NOT NULL) o WHERE position <> place"
    ),
    "a job was told of less often than its state must have changed": (
        "SELECT j.id FROM job j LEFT JOIN outbox o ON o.kind = 'job.changed'"
        " AND o.payload->>'job' = j.id::text GROUP BY j.id"
        " HAVING count(o.id) < CASE WHEN j.state = 'queued' THEN 1"
        " WHEN j.state IN ('running', 'cancelled') THEN 2 ELSE 3 END"
    ),
    "a job is not in the state that was told of last": (
        "SELECT j.id FROM job j WHERE j.state <> (SELECT o.payload->>'state' FROM outbox o"
        " WHERE o.kind = 'job.changed' AND o.payload->>'job' = j.id::text ORDER BY o.id DESC LIMIT 1)"
    ),
    "a job ended well more than once": (
        "SELECT payload->>'job' AS job FROM outbox WHERE kind = 'job.changed'"
        " AND payload->>'state' IN ('succeeded', 'cancelled') GROUP BY 1 HAVING count(*) > 1"
    ),
    "an event tells of what is not there": (
        "SELECT o.id FROM outbox o WHERE o.kind = 'index.build_finished'"
        " AND NOT EXISTS (SELECT FROM build b WHERE b.id::text = o.payload->>'build')"
    ),
    "vintages are not numbered without a gap": (
        "SELECT id FROM (SELECT id, row_number() OVER (ORDER BY id) AS place FROM vintage) v"
        " WHERE id <> place"
    ),
    "a price is of a vintage that is not there": (
        "SELECT series_id FROM price p WHERE NOT EXISTS (SELECT FROM vintage v WHERE v.id = p.vintage)"
    ),
    "a year of closes differs from its prices": """
        SELECT * FROM (
            SELECT series_id, extract(year FROM day)::smallint AS year, count(*) AS n,
                   string_agg(int4send(day - DATE '1970-01-01'), ''::bytea ORDER BY day) AS days,
                   string_agg(float8send(close), ''::bytea ORDER BY day) AS closes
            FROM price GROUP BY 1, 2
        ) p FULL JOIN price_chunk c USING (series_id, year)
        WHERE (p.n, p.days, p.closes) IS DISTINCT FROM (c.n, c.days, c.closes)
    """,
}


async def count_sample_bars() -> int:
    """Return how many bars the sample market has."""
    source = SampleMarketData()
    wanted = [Wanted(listing=one) for one in await source.listings()]
    return sum([len(bars.day) async for bars in source.bars(wanted) if isinstance(bars, BarColumns)])


async def assert_whole(place: Place, bars: int) -> None:
    """Check every invariant of the stored data of a running place."""
    for fault, query in NOTHING.items():
        found = await place.sql(query)
        assert not found, f"{fault}: {found[:3]}"
    rows = await place.sql("SELECT count(*) AS n FROM price")
    assert rows[0]["n"] == bars
    rows = await place.sql("SELECT count(*) AS n FROM publication")
    assert rows[0]["n"] >= 1


async def generation_without_events(place: Place) -> int:
    """Return where the generation began: every event that ends cached answers advances it by one."""
    rows = await place.sql(
        "SELECT value - (SELECT count(*) FROM outbox WHERE kind LIKE 'market.%' OR kind LIKE 'index.%'"
        " OR kind LIKE 'strategy.%') AS n FROM generation"
    )
    return int(rows[0]["n"])


async def assert_delivered(place: Place) -> None:
    """Check that every event has its place in the log: numbered from 1 without a gap."""
    await place.sql("SELECT number_events()")
    rows = await place.sql("SELECT position FROM outbox ORDER BY position")
    assert [row["position"] for row in rows] == list(range(1, len(rows) + 1))
    (head,) = await place.sql("SELECT position FROM event_head")
    assert head["position"] == len(rows)


@dataclass
class Registrations:
    """Opens accounts one after the other while the service is hurt; remembers those it confirmed."""

    url: str
    accepted: list[str] = field(default_factory=list)
    _stop: threading.Event = field(default_factory=threading.Event)

    def work(self) -> None:
        for number in count():
            if self._stop.wait(0.1):
                return
            email = f"user{number}@example.org"
            body = {"email": email, "password": USER_PASSWORD}
            with client(self.url) as http, suppress(httpx.HTTPError):
                if http.post("/api/v1/auth/register", json=body, timeout=10).status_code == 202:
                    self.accepted.append(email)

    @contextmanager
    def going_on(self) -> Iterator[None]:
        thread = threading.Thread(target=self.work, daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._stop.set()
            thread.join(30)

    def assert_kept(self, url: str) -> None:
        """Check that accounts that were confirmed can still log in: the last ones, and some before."""
        for email in sorted({*self.accepted[-3:], *self.accepted[:: max(1, len(self.accepted) // 3)]}):
            assert log_in(url, email)


def same(one: list[float], other: list[float]) -> bool:
    """Tell whether two series agree bit for bit."""
    return bool(np.array(one).tobytes() == np.array(other).tobytes())
