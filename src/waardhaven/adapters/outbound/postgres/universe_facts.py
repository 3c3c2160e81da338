"""What a build reads of the names of a universe, in one statement: each fact a row of arrays."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import numpy as np

from waardhaven.adapters.outbound.postgres.engine import Connection
from waardhaven.adapters.outbound.postgres.vintages import known
from waardhaven.application.ports.reference_store import (
    KnownAction,
    MemberColumns,
    SeriesRef,
    SharesColumns,
    UniverseFacts,
)
from waardhaven.domain.index.definition import SeriesPolicy
from waardhaven.domain.market.actions import ActionKind, ActionStatus, CorporateAction
from waardhaven.domain.types import AssetId, Days, SeriesId, Vintage

ACTION = (
    "asset_id, source, key, kind, status, ex_date, announced_at, record_date, pay_date, "
    "trim_scale(amount) AS amount, currency, trim_scale(ratio) AS ratio, other_asset_id"
)
"""Columns of an action, as ``known_action`` takes them."""
_ACTION_NAMES = tuple(part.split()[-1] for part in ACTION.split(", "))
_LASTING = 2**31 - 1
"""The day of a membership without an end: no date of the database is that late."""
_READ = f"""
WITH member AS MATERIALIZED (
    SELECT asset_id, valid_from, valid_to FROM universe_member WHERE universe = $1 AND {known("$8")}
), chosen AS MATERIALIZED (
    SELECT k.asset_id, s.id, s.quote_unit
    FROM (SELECT asset_id FROM member UNION SELECT unnest($2::bigint[])) k
    CROSS JOIN LATERAL (
        SELECT id, quote_unit FROM series
        WHERE asset_id = k.asset_id AND source = $3 AND adjustment = $4 ORDER BY id LIMIT 1
    ) s
)
SELECT m.*, c.*, n.*, s.*, a.* FROM
(SELECT string_agg(int8send(asset_id), ''::bytea ORDER BY asset_id, valid_from) AS member,
        string_agg(int4send(valid_from - DATE '1970-01-01'), ''::bytea ORDER BY asset_id, valid_from)
            AS since,
        string_agg(int4send(coalesce(valid_to - DATE '1970-01-01', {_LASTING})), ''::bytea
                   ORDER BY asset_id, valid_from) AS until FROM member) m,
(SELECT string_agg(int8send(asset_id), ''::bytea ORDER BY asset_id) AS asset,
        string_agg(int8send(id), ''::bytea ORDER BY asset_id) AS series,
        array_agg(quote_unit ORDER BY asset_id) AS quote_unit FROM chosen) c,
(SELECT string_agg(int4send(day - DATE '1970-01-01'), ''::bytea ORDER BY day) AS session
 FROM session WHERE mic = $5 AND ($6::date IS NULL OR day >= $6) AND ($7::date IS NULL OR day <= $7)
     AND {known("$8")}) n,
(SELECT string_agg(int8send(asset_id), ''::bytea ORDER BY asset_id, day, source) AS share_asset,
        string_agg(int4send(day - DATE '1970-01-01'), ''::bytea ORDER BY asset_id, day, source) AS share_day,
        string_agg(float8send(shares), ''::bytea ORDER BY asset_id, day, source) AS shares,
        string_agg(float8send(coalesce(float_factor, 'NaN')), ''::bytea ORDER BY asset_id, day, source)
            AS float_factor
 FROM shares_outstanding WHERE asset_id IN (SELECT asset_id FROM chosen) AND {known("$8")}) s,
(SELECT array_agg(f ORDER BY f.asset_id, f.ex_date, f.source, f.key) AS actions
 FROM (SELECT {ACTION} FROM corporate_action
       WHERE asset_id IN (SELECT asset_id FROM chosen) AND {known("$8")}) f) a
"""


async def universe_facts(
    connection: Connection,
    universe: str,
    policy: SeriesPolicy,
    *,
    calendar: str,
    also: Sequence[AssetId],
    start: date | None,
    end: date | None,
    vintage: Vintage | None,
) -> UniverseFacts:
    """See ReferenceStore."""
    row = await connection.fetchrow(
        _READ, universe, list(also), policy.source, str(policy.adjustment), calendar, start, end, vintage
    )
    return UniverseFacts(
        members=MemberColumns(
            asset=_numbers(row["member"], ">i8"), since=_days(row["since"]), until=_days(row["until"])
        ),
        series={
            AssetId(asset): SeriesRef(id=SeriesId(one), quote_unit=unit)
            for asset, one, unit in zip(
                _numbers(row["asset"], ">i8").tolist(),
                _numbers(row["series"], ">i8").tolist(),
                row["quote_unit"] or (),
                strict=True,
            )
        },
        sessions=_days(row["session"]),
        shares=SharesColumns(
            asset=_numbers(row["share_asset"], ">i8"),
            day=_days(row["share_day"]),
            shares=_numbers(row["shares"], ">f8"),
            float_factor=_numbers(row["float_factor"], ">f8"),
        ),
        actions=[known_action(dict(zip(_ACTION_NAMES, one, strict=True))) for one in row["actions"] or ()],
    )


def _numbers(data: bytes | None, kind: str) -> np.ndarray[tuple[int], np.dtype[Any]]:
    """Return numbers in network byte order as native ones; null is none of them."""
    return np.frombuffer(data or b"", kind).astype(np.dtype(kind).newbyteorder("="))


def _days(data: bytes | None) -> Days:
    """Return days from their numbers since 1970; ``_LASTING`` is none."""
    numbers = _numbers(data, ">i4")
    days = numbers.astype("datetime64[D]")
    days[numbers == _LASTING] = np.datetime64("NaT")
    return days


def known_action(row: Mapping[str, Any]) -> KnownAction:
    """Return an action from the columns ``ACTION``."""
    plain = ("ex_date", "announced_at", "record_date", "pay_date", "amount", "currency", "ratio")
    action = CorporateAction(
        asset=AssetId(row["asset_id"]),
        kind=ActionKind(row["kind"]),
        status=ActionStatus(row["status"]),
        other_asset=row["other_asset_id"],
        **{name: row[name] for name in plain},
    )
    return KnownAction(source=row["source"], key=row["key"], action=action)
