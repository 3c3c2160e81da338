"""Shapes of answers that no view of the application has, for the API document."""

from datetime import date
from typing import Annotated, Generic, TypeVar

from msgspec import Meta, Struct

T = TypeVar("T")


class SeriesDocument(Struct, kw_only=True):
    """A series by column; all columns are of equal length, an unknown number is null.

    What describes the whole series (name, currency, provenance and so on) stands beside the columns.
    """

    dates: Annotated[
        list[date], Meta(description="Days, increasing.", examples=[["2024-01-02", "2024-01-03"]])
    ]
    values: Annotated[list[float | None], Meta(description="One value a day.", examples=[[100.0, 100.42]])]


class AssetSeriesDocument(SeriesDocument, kw_only=True):
    """A series of one asset: ``values`` start at 100."""

    close: Annotated[
        list[float | None], Meta(description="Closes in the quote currency.", examples=[[187.15, 184.25]])
    ]


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
