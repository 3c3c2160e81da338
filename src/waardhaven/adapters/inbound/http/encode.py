"""Views to bytes: columnar JSON and Arrow streams."""

import csv
import io
from collections.abc import Sequence
from dataclasses import fields as dataclass_fields
from math import isfinite
from typing import Any

import msgspec
import numpy as np

from waardhaven.application.answers import Column, Page, SeriesView
from waardhaven.domain.errors import FieldError, Invalid

_json = msgspec.json.Encoder(enc_hook=str)


FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""How texts begin that spreadsheets run."""


class UnknownFields(Invalid):
    """The ``fields`` parameter names something the answer does not have."""


def json_bytes(value: object) -> bytes:
    """Return compact JSON; a float that is not finite becomes null."""
    return _json.encode(value)


def selected(wanted: Sequence[str], known: Sequence[str]) -> Sequence[str]:
    """Return the known names that are wanted, in their order (all if none is); raise UnknownFields."""
    if not wanted:
        return known
    foreign = sorted(set(wanted) - set(known))
    if foreign:
        rule = f"knows no {', '.join(repr(name) for name in foreign)}; choose from {', '.join(known)}"
        raise UnknownFields("The answer has no such field.", errors=[FieldError(field="fields", rule=rule)])
    return [name for name in known if name in set(wanted)]


def series_json(view: SeriesView, wanted: Sequence[str] = ()) -> bytes:
    """Return a series as one object: columns as arrays of equal length, then what describes them."""
    names = selected(wanted, [*view.columns, *view.head])
    return json_bytes(
        {name: _listed(view.columns[name]) if name in view.columns else view.head[name] for name in names}
    )


def series_arrow(view: SeriesView, wanted: Sequence[str] = ()) -> bytes:
    """Return the columns of a series as an Arrow IPC stream: days as date32, unknown numbers as null."""
    import polars as pl

    names = [name for name in selected(wanted, [*view.columns, *view.head]) if name in view.columns]
    if not names:
        raise UnknownFields(
            "An Arrow stream holds columns alone.",
            errors=[FieldError(field="fields", rule=f"choose from {', '.join(view.columns)}")],
        )
    frame = pl.DataFrame({name: view.columns[name] for name in names})
    frame = frame.with_columns(pl.selectors.float().fill_nan(None))
    buffer = io.BytesIO()
    frame.write_ipc_stream(buffer, compat_level=pl.CompatLevel.oldest())
    return buffer.getvalue()


def series_csv(view: SeriesView, wanted: Sequence[str] = ()) -> bytes:
    """Return the columns of a series as CSV (RFC 4180) with a header; an unknown number is empty.

    A text that a spreadsheet would take for a formula has an apostrophe before it.
    """
    names = [name for name in selected(wanted, [*view.columns, *view.head]) if name in view.columns]
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(names)
    writer.writerows(
        zip(*([_cell(one) for one in _listed(view.columns[name])] for name in names), strict=True)
    )
    return text.getvalue().encode()


def _cell(value: object) -> object:
    if isinstance(value, str) and value.startswith(FORMULA):
        return f"'{value}"
    return "" if isinstance(value, float) and not isfinite(value) else value


def record_json(view: Any, wanted: Sequence[str] = ()) -> bytes:
    """Return a dataclass as an object, of the wanted fields alone."""
    names = selected(wanted, _names(type(view)))
    return json_bytes({name: getattr(view, name) for name in names} if wanted else view)


def page_json(kind: type, view: Page[Any] | Sequence[Any], wanted: Sequence[str] = ()) -> bytes:
    """Return a page (or a whole list) of dataclasses of one kind, each of the wanted fields alone."""
    items, next_cursor = (view.items, view.next_cursor) if isinstance(view, Page) else (view, None)
    names = selected(wanted, _names(type(items[0]) if items else kind))
    rows = [{name: getattr(item, name) for name in names} for item in items] if wanted else items
    return json_bytes({"items": rows, "next_cursor": next_cursor})


def _names(kind: type) -> list[str]:
    return [field.name for field in dataclass_fields(kind)]


def _listed(column: Column) -> list[Any]:
    days = np.issubdtype(column.dtype, np.datetime64)
    return column.astype("datetime64[D]").tolist() if days else column.tolist()
