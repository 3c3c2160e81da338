"""Risk over the wire: questions as JSON or Arrow, read within a bounded memory, and answers as Arrow."""

from collections.abc import Mapping
from typing import Annotated, Final

import msgspec
import numpy as np
from msgspec import Meta, Raw

from waardhaven.adapters.inbound.http.analytics_bodies import Dates, RiskBody, RiskSettings, TableSettings
from waardhaven.adapters.inbound.http.number_arrays import ShortBody
from waardhaven.adapters.inbound.http.sent_bodies import LISTED_BYTES, check_count, decoded
from waardhaven.application.answers import Sent
from waardhaven.application.metrics.risk_question import (
    MOST_SERIES,
    MOST_VALUES,
    Kind,
    RiskQuestion,
    UnusableQuestion,
)
from waardhaven.application.metrics.risk_views import RiskView
from waardhaven.application.rule_texts import told
from waardhaven.domain.errors import FieldError
from waardhaven.domain.types import Floats

NOTHING: Final = Raw()
ONE: Final = "series"
"""Name of a series that has none."""
MOST_ITEMS: Final = 4_010_000
"""Values of a whole body: of one series with dates, benchmark and rates, or of MOST_VALUES and a little."""


class _RiskText(RiskSettings, kw_only=True, forbid_unknown_fields=True):
    """A ``RiskBody`` whose arrays are text still.

    Numbers of Python take three times the memory of the matrix: so each series is decoded by itself and kept
    as a row of the matrix alone.
    """

    returns: Raw = NOTHING
    levels: Raw = NOTHING
    dates: Dates | None = None
    benchmark: Raw = NOTHING
    risk_free_series: Raw = NOTHING


_TEXT: Final = msgspec.json.Decoder(_RiskText)
_NAMED: Final = msgspec.json.Decoder(Annotated[dict[str, Raw], Meta(max_length=MOST_SERIES)])
_SETTINGS: Final = msgspec.json.Decoder(TableSettings)


def risk_of_json(content: Sent) -> RiskQuestion:
    """Return what a JSON body asks; raise an Invalid that names fields, or ClientException."""
    check_count(content, MOST_ITEMS)
    short = ShortBody.of(content) if len(content) > LISTED_BYTES else ShortBody(content)
    body = decoded(short.text, _TEXT, RiskBody, most=MOST_ITEMS, listed=not short.arrays)
    given = {Kind.RETURNS: body.returns, Kind.LEVELS: body.levels}
    sent = [(kind, one) for kind, one in given.items() if _is_given(one)]
    if len(sent) != 1:
        raise _unusable("returns", "must be given, or levels, but not both")
    ((kind, series),) = sent
    names, values = _series(kind, series, short)
    return body.asked(
        kind=kind,
        names=names,
        values=values.T,
        dates=None if body.dates is None else np.array(body.dates, dtype="datetime64[D]"),
        benchmark=short.numbers("benchmark", body.benchmark) if _is_given(body.benchmark) else None,
        risk_free_series=(
            short.numbers("risk_free_series", body.risk_free_series)
            if _is_given(body.risk_free_series)
            else None
        ),
    )


def _is_given(text: Raw) -> bool:
    return bytes(memoryview(text)[:5]) not in {b"", b"null"}


def risk_of_arrow(content: Sent, *, settings: str) -> RiskQuestion:
    """Return what an Arrow stream asks with ``settings``, a TableSettings as JSON."""
    from waardhaven.adapters.inbound.http.arrow_tables import read_table

    how = decoded(settings.encode(), _SETTINGS, TableSettings, within="settings.")
    table = read_table(content)
    return how.asked(
        kind=Kind(how.kind),
        names=table.names,
        values=table.values,
        dates=table.dates,
        benchmark=table.benchmark,
        risk_free_series=table.risk_free,
    )


def risk_arrow(view: RiskView) -> bytes:
    """Return an answer as an Arrow stream; see ``written_table``."""
    from waardhaven.adapters.inbound.http.arrow_tables import written_table

    return written_table(view)


def _series(kind: Kind, text: Raw, short: ShortBody) -> tuple[tuple[str, ...], Floats]:
    """Return names and (series, day) values of one array, or of arrays by name."""
    if bytes(memoryview(text)[:1]) != b"{":
        return (ONE,), short.numbers(kind, text)[None]
    try:
        return _named(kind, _NAMED.decode(text), short)
    except msgspec.ValidationError as error:
        raise _unusable(kind, told(str(error))[1]) from None


def _named(kind: Kind, series: Mapping[str, Raw], short: ShortBody) -> tuple[tuple[str, ...], Floats]:
    """Return names and (series, day) values, of no more than MOST_VALUES in all."""
    if not series:
        raise _unusable(kind, "must hold at least one series")
    values = np.empty((0, 0))
    first = next(iter(series))
    for row, (name, text) in enumerate(series.items()):
        column = short.numbers(f"{kind}.{name}", text)
        if not row:
            values = np.empty((len(series), _bounded(kind, len(column), len(series))))
        if len(column) != values.shape[1]:
            told_of = f"{name!r} has {len(column)} values, {first!r} {values.shape[1]}"
            raise _unusable(kind, f"must hold arrays of one length; {told_of}")
        values[row] = column
    return tuple(series), values


def _bounded(kind: Kind, days: int, series: int) -> int:
    """Return the number of days of a matrix, before room is made for it."""
    if days * series > MOST_VALUES:
        rule = f"must be at most {MOST_VALUES} values, so {MOST_VALUES // series} for each of {series} series"
        raise _unusable(kind, f"{rule}, not {days}")
    return days


def _unusable(field: str, rule: str) -> UnusableQuestion:
    errors = [FieldError(field=field, rule=rule)]
    return UnusableQuestion("The series can not be measured.", errors=errors)
