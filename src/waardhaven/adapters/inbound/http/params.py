"""Query and path parameters, as they are documented and checked at the edge.

Bounds go through Litestar's own parameter classes: it ignores those of ``msgspec.Meta`` here.
"""

from datetime import UTC, date, datetime, time
from typing import Annotated

from litestar.params import PathParameter, QueryParameter

from waardhaven.domain.errors import FieldError, Invalid
from waardhaven.domain.index.definition import Variant

NO_CONTROLS = r"^[^\x00-\x1f\x7f]*$"
IDENTIFIER = r"^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$"
"""Filters are texts of a form: of another type that may be missing, the word null would mean that it is."""

Start = Annotated[
    date | None,
    QueryParameter(name="start", description="First day, inclusive (ISO date)."),
]
End = Annotated[date | None, QueryParameter(name="end", description="Last day, inclusive (ISO date).")]
AsOf = Annotated[
    str | None,
    QueryParameter(
        name="as_of",
        max_length=40,
        description=(
            "What was known and published at this instant: an ISO 8601 instant with an offset, "
            "or a date, which means the end of that day in UTC. Without it: now."
        ),
    ),
]
Since = Annotated[
    str | None,
    QueryParameter(
        name="since",
        max_length=40,
        description="From this instant on: ISO 8601 with an offset, or a date, from its beginning in UTC.",
    ),
]
Until = Annotated[
    str | None,
    QueryParameter(
        name="until",
        max_length=40,
        description="Before this instant: ISO 8601 with an offset, or a date, until its end in UTC.",
    ),
]
LevelVariant = Annotated[
    Variant | None,
    QueryParameter(
        name="variant",
        description="`price`, `gross` or `net` of withholding; without it what the index shows by default.",
    ),
]
Currency = Annotated[
    str | None,
    QueryParameter(
        name="currency",
        pattern=r"^[A-Za-z]{3}$",
        description="ISO 4217 code to read the values in; without it the own currency of the series.",
    ),
]
Fields = Annotated[
    str | None,
    QueryParameter(
        name="fields",
        max_length=500,
        pattern=NO_CONTROLS,
        description=(
            "Comma-separated names of the fields or columns to answer with; without it all. "
            "The answer then has these alone, whatever else its schema requires."
        ),
    ),
]
Limit = Annotated[int, QueryParameter(name="limit", ge=1, le=200, description="Most items on a page.")]
Cursor = Annotated[
    str | None,
    QueryParameter(
        name="cursor",
        max_length=500,
        pattern=r"^[A-Za-z0-9._=+/:-]+$",
        description="``next_cursor`` of the page before.",
    ),
]
Slug = Annotated[
    str,
    PathParameter(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$", description="Short name of the index."),
]
Symbol = Annotated[
    str,
    PathParameter(
        max_length=64,
        pattern=r"^[^\x00-\x20\x7f/]+$",
        description="``SYM``, ``SYM:MIC`` or an asset id; 409 with the candidates when ambiguous.",
    ),
]
DEFAULT_LIMIT = 50


class InvalidParameters(Invalid):
    """A parameter breaks a rule that a pattern can not express."""


def checked_window(start: date | None, end: date | None) -> dict[str, object]:
    """Return the two days as parameters; raise InvalidParameters when they are reversed."""
    if start and end and start > end:
        errors = [
            FieldError(field="start", rule="must not be after end"),
            FieldError(field="end", rule="must not be before start"),
        ]
        raise InvalidParameters("The range ends before it starts.", errors=errors)
    return {"start": start, "end": end}


def instant(text: str | None, *, field: str = "as_of", time_of_day: time = time.max) -> datetime | None:
    """Return the instant in UTC; a bare date is the end of its day; raise InvalidParameters."""
    if text is None:
        return None
    try:
        if len(text) == len("2020-01-31"):
            return datetime.combine(date.fromisoformat(text), time_of_day, UTC)
        moment = datetime.fromisoformat(text.replace(" ", "+"))
        if moment.tzinfo is not None:
            return moment.astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    rule = "must be an ISO 8601 instant with an offset (2024-05-31T16:00:00Z) or a date (2024-05-31)"
    raise InvalidParameters("The instant is not valid.", errors=[FieldError(field=field, rule=rule)])


def checked_period(since: str | None, until: str | None) -> dict[str, datetime | None]:
    """Return the two instants as parameters; raise InvalidParameters when they are reversed.

    A date is the beginning of that day for ``since`` and its end for ``until``.
    """
    begin = instant(since, field="since", time_of_day=time.min)
    end = instant(until, field="until")
    if begin and end and begin > end:
        errors = [FieldError(field="since", rule="must not be after until")]
        raise InvalidParameters("The period ends before it begins.", errors=errors)
    return {"since": begin, "until": end}


def listed(fields: str | None) -> tuple[str, ...]:
    """Return the names of a comma-separated list."""
    return tuple(name for name in (part.strip() for part in (fields or "").split(",")) if name)


def upper(currency: str | None) -> str | None:
    """Return a currency code as it is written."""
    return currency.upper() if currency else None
