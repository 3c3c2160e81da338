"""Shapes of answers that no view of the application has, for the API document."""

from datetime import date
from typing import Annotated, Generic, TypeVar

from msgspec import Meta, Struct

from waardhaven.application.indexes.views import ProvenanceView

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
    base_date: date
    base_value: Annotated[float, Meta(description="The level on the base date.", examples=[100.0])]
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
