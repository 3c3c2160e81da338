"""Taking back what an import wrote: former bars return, added ones are withdrawn, all of it stays known."""

from waardhaven.adapters.outbound.postgres.chunks import refresh_chunks
from waardhaven.adapters.outbound.postgres.engine import Connection
from waardhaven.adapters.outbound.postgres.imports import mark_undone, require_committed
from waardhaven.adapters.outbound.postgres.price_writing import announce
from waardhaven.adapters.outbound.postgres.vintages import next_vintage
from waardhaven.application.ports.price_store import ChangedSince, WriteReport
from waardhaven.domain.errors import Invalid
from waardhaven.domain.types import ImportId, SeriesId, Vintage

_VALUES = "open, high, low, close, volume"
_FORMER = ", ".join(f"f.{name} AS former_{name}" for name in _VALUES.split(", "))
_BACK = ", ".join(f"{name} = w.former_{name}" for name in _VALUES.split(", "))
_WRITTEN = f"""
CREATE TEMP TABLE price_written ON COMMIT DROP AS
SELECT w.*, f.day IS NOT NULL AS had, {_FORMER} FROM (
    SELECT series_id, day, {_VALUES} FROM price WHERE vintage = {{vintage}}
    UNION ALL
    SELECT series_id, day, {_VALUES} FROM price_revision WHERE vintage_from = {{vintage}}
) w LEFT JOIN price_revision f
    ON f.vintage_to = {{vintage}} AND f.series_id = w.series_id AND f.day = w.day
"""
"""What a vintage wrote, whoever wrote there later, beside what was known before it."""
_OTHERWISE = """
SELECT count(*) FROM price_written w LEFT JOIN price p USING (series_id, day)
WHERE (p.open, p.high, p.low, p.close, p.volume) IS DISTINCT FROM (w.open, w.high, w.low, w.close, w.volume)
"""
_KEEP = f"""
INSERT INTO price_revision (series_id, day, vintage_from, vintage_to, {_VALUES}, withdrawn)
SELECT series_id, day, p.vintage, $1, p.open, p.high, p.low, p.close, p.volume,
       CASE WHEN NOT w.had THEN $2 END
FROM price_written w JOIN price p USING (series_id, day)
"""
_RESTORE = f"""
UPDATE price p SET {_BACK}, vintage = $1 FROM price_written w
WHERE w.had AND p.series_id = w.series_id AND p.day = w.day
"""
_WITHDRAW = """
DELETE FROM price p USING price_written w
WHERE NOT w.had AND p.series_id = w.series_id AND p.day = w.day
"""
_TOUCHED = "SELECT DISTINCT series_id, extract(year FROM day)::smallint AS year FROM price_written"


async def undo_import(connection: Connection, import_: ImportId, reason: str) -> WriteReport:
    """Restore what was known before an import; the caller holds the facts lock. See PriceStore.undo."""
    if not reason:
        raise Invalid("Undoing an import needs a reason.")
    written = await require_committed(connection, import_)
    if written is None:
        await mark_undone(connection, import_, None)
        return WriteReport(inserted=0, changed=0, unchanged=0, vintage=None)
    await connection.execute(_WRITTEN.format(vintage=int(written)))
    otherwise = await connection.fetchval(_OTHERWISE)
    if otherwise:
        raise ChangedSince(
            f"{otherwise} bars of the import were written again after it.", context={"bars": otherwise}
        )
    vintage = await next_vintage(connection, f"undone: {reason}")
    report = await _restore(connection, vintage, reason)
    await mark_undone(connection, import_, vintage)
    return report


async def _restore(connection: Connection, vintage: Vintage, reason: str) -> WriteReport:
    await connection.execute(_KEEP, vintage, reason)
    await connection.execute(_RESTORE, vintage)
    await connection.execute(_WITHDRAW)
    touched = await connection.fetch(_TOUCHED)
    await refresh_chunks(connection, touched, vintage)
    changed = await connection.fetchval("SELECT count(*) FROM price_written")
    series = frozenset(SeriesId(row["series_id"]) for row in touched)
    report = WriteReport(inserted=0, changed=changed, unchanged=0, vintage=vintage, touched=series)
    await announce(connection, report)
    return report
