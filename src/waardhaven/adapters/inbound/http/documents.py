"""Shapes of answers that no view of the application has, for the API document."""

from dataclasses import asdict
from datetime import date, datetime
from typing import Annotated, Generic, TypeVar
from uuid import UUID

from msgspec import Meta, Struct

from waardhaven.application.indexes.views import ProvenanceView
from waardhaven.application.ports.price_imports import PriceImport

T = TypeVar("T")


class SeriesDocument(Struct, kw_only=True):
    """Levels by column; all columns are of equal length, an unknown number is null.

    What describes the whole series stands beside the columns.
    """

    dates: Annotated[
        list[date], Meta(description="Days, increasing.", examples=[["2024-01-02", "2024-01-03"]])
    ]
    values: Annotated[list[float | None], Meta(description="One value a day.", examples=[[100.0, 100.42]])]

    index: Annotated[str, Meta(description="Short name of the index.", examples=["autoindex"])]
    name: str
    currency: Annotated[str, Meta(description="What the values are in (ISO 4217).", examples=["USD"])]
    variant: Annotated[str, Meta(description="What the values earn.", examples=["price"])]
    base_date: date
    base_value: Annotated[float, Meta(description="The level on the base date.", examples=[100.0])]
    provenance: ProvenanceView


class KnownNowDocument(Struct, kw_only=True):
    """Published levels beside those of today's facts; all columns are of equal length."""

    dates: Annotated[
        list[date], Meta(description="Days, increasing.", examples=[["2024-01-02", "2024-01-03"]])
    ]
    published: Annotated[list[float], Meta(description="Official levels.", examples=[[100.0, 100.42]])]
    known: Annotated[
        list[float | None],
        Meta(
            description="Levels with the facts known now, null: none.",
            examples=[[100.0, 100.4]],
        ),
    ]
    difference: Annotated[
        list[float | None], Meta(description="Known over published, less 1.", examples=[[0.0, -0.0002]])
    ]
    index: Annotated[str, Meta(description="Short name of the index.", examples=["autoindex"])]
    vintage: Annotated[int, Meta(description="State of the data that is known now.", examples=[8])]
    provenance: ProvenanceView


class AssetSeriesDocument(Struct, kw_only=True):
    """Closes of one asset by column; all columns are of equal length, an unknown number is null."""

    dates: Annotated[
        list[date], Meta(description="Days, increasing.", examples=[["2024-01-02", "2024-01-03"]])
    ]
    values: Annotated[
        list[float | None],
        Meta(description="Closes rebased to 100 on the first day.", examples=[[100.0, 98.45]]),
    ]
    close: Annotated[
        list[float | None], Meta(description="Closes in ``currency``.", examples=[[187.15, 184.25]])
    ]
    symbol: Annotated[str, Meta(examples=["AAPL"])]
    mic: Annotated[str, Meta(description="Market (ISO 10383).", examples=["XNAS"])]
    name: str
    currency: Annotated[str, Meta(description="What the closes are in (ISO 4217).", examples=["USD"])]
    source: Annotated[str, Meta(description="Whose prices these are.", examples=["sample"])]
    adjustment: Annotated[str, Meta(description="What the closes are adjusted for.", examples=["all"])]
    vintage: Annotated[int, Meta(description="State of the data these were read at.", examples=[8])]


class PricedSeries(Struct, kw_only=True):
    """Whose prices one symbol's are. ``method``: `computed` from raw prices and actions, or as `stored`."""

    symbol: str
    mic: str
    asset: int
    name: str
    source: str
    currency: str
    method: str
    actions: int | None
    bars: int
    first: date | None
    last: date | None
    reason: str | None


class MissingPrices(Struct, kw_only=True):
    """A symbol without prices, and why."""

    symbol: str
    code: str
    detail: str


class PricesDocument(Struct, kw_only=True):
    """Bars of many symbols by column: all columns are of equal length, an unknown number is null.

    Rows are in the order of the symbols asked for, then by day.
    """

    symbols: Annotated[list[str], Meta(examples=[["AAPL", "AAPL"]])]
    mics: Annotated[list[str], Meta(description="Exchanges (ISO 10383).", examples=[["XNAS", "XNAS"]])]
    dates: Annotated[
        list[date], Meta(description="Days, increasing.", examples=[["2024-01-02", "2024-01-03"]])
    ]
    open: list[float | None]
    high: list[float | None]
    low: list[float | None]
    close: Annotated[list[float | None], Meta(examples=[[187.15, 184.25]])]
    volume: list[float | None]

    adjust: str
    frequency: str
    vintage: Annotated[int, Meta(description="State of the data these were read at.", examples=[8])]
    series: list[PricedSeries]
    missing: list[MissingPrices]


class ImportDocument(Struct, kw_only=True):
    """A file of prices and what became of it. ``report`` is null until it was checked.

    The report has ``rows``, ``symbols``, ``issues`` (line, column, value, reason), ``issue_count``,
    ``notes``, the ``mapping`` as it was found out, and what a commit ``would`` insert and change.
    """

    id: UUID
    state: str
    name: str
    digest: Annotated[str, Meta(description="SHA-256 of the file.")]
    size: int
    created_at: datetime
    mapping: dict[str, object]
    report: dict[str, object] | None
    vintage: Annotated[int | None, Meta(description="State of the data that the commit made.")]
    undone_vintage: int | None
    job: Annotated[UUID | None, Meta(description="The job that checks it, where one was just submitted.")] = (
        None
    )


def import_document(record: PriceImport, job: UUID | None = None) -> ImportDocument:
    """Return an import as it is shown."""
    return ImportDocument(
        id=record.id,
        state=str(record.state),
        name=record.name,
        digest=record.digest,
        size=record.size,
        created_at=record.created_at,
        mapping=asdict(record.mapping),
        report=None if record.report is None else dict(record.report),
        vintage=record.vintage,
        undone_vintage=record.undone_vintage,
        job=job,
    )


class PageDocument(Struct, Generic[T], kw_only=True):
    """A page of a list; ``next_cursor`` is null on the last one."""

    items: list[T]
    next_cursor: str | None


class InfoDocument(Struct, kw_only=True):
    """What runs here and where to look next."""

    name: str
    version: str
    documentation: str
    openapi: str
    health: str


class HealthDocument(Struct, kw_only=True):
    """The process answers."""

    status: str


class MessageDocument(Struct, kw_only=True):
    """What was done, for people."""

    detail: str


class KeySetDocument(Struct, kw_only=True):
    """A JSON Web Key Set (RFC 7517)."""

    keys: list[dict[str, str]]


class NonceDocument(Struct, kw_only=True):
    """A nonce and how many seconds it counts."""

    nonce: str
    expires_in: int


class ProvidersDocument(Struct, kw_only=True):
    """Names of providers of identities."""

    items: list[str]


class LocationDocument(Struct, kw_only=True):
    """Where to send the browser."""

    location: str
