"""Which series of rates answers for a currency, and its rates at a vintage."""

from collections.abc import Sequence
from datetime import date

import numpy as np

from waardhaven.adapters.outbound.postgres.copy_binary import bigint, copy_out, day, double
from waardhaven.adapters.outbound.postgres.engine import Connection
from waardhaven.domain.market.currency import RateColumns
from waardhaven.domain.types import Vintage

_FIELDS = (bigint("fx_series_id"), day("day"), double("rate"))
_SERIES = """
SELECT id, quote FROM (
    SELECT DISTINCT ON (quote) id, quote FROM fx_series WHERE base = 'EUR' AND quote = ANY($2)
    ORDER BY quote, fixing <> $1, id
) chosen ORDER BY id
"""
"""One series for each currency: of the fixing asked for, else of any other; the oldest of several."""


async def read_rates(
    connection: Connection,
    currencies: Sequence[str],
    fixing: str,
    start: date | None,
    end: date | None,
    vintage: Vintage | None,
) -> RateColumns:
    """See ReferenceStore.fx."""
    series = await connection.fetch(_SERIES, fixing, list(currencies))
    ids = [row["id"] for row in series]
    columns = await copy_out(connection, _rates(ids, start, end, vintage), _FIELDS)
    code = np.searchsorted(np.array(ids, dtype=np.int64), columns["fx_series_id"])
    return RateColumns(
        quote=tuple(row["quote"] for row in series),
        code=code.astype(np.int64),
        day=columns["day"],
        rate=columns["rate"],
    )


def _rates(ids: Sequence[int], start: date | None, end: date | None, vintage: Vintage | None) -> str:
    where = f"fx_series_id = ANY(ARRAY[{','.join(str(int(one)) for one in ids)}]::bigint[])"
    where += f" AND day >= DATE '{start.isoformat()}'" if start else ""
    where += f" AND day <= DATE '{end.isoformat()}'" if end else ""
    if vintage is None:
        return f"SELECT fx_series_id, day, rate FROM fx_rate WHERE {where} ORDER BY 1, 2"
    at = int(vintage)
    return (
        f"SELECT fx_series_id, day, rate FROM fx_rate WHERE {where} AND vintage <= {at} UNION ALL "
        f"SELECT fx_series_id, day, rate FROM fx_rate_revision WHERE {where} "
        f"AND vintage_from <= {at} AND vintage_to > {at} ORDER BY 1, 2"
    )
