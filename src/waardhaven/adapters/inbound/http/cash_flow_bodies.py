"""Dated cash flows as they are sent: flat columns, many sets one after the other."""

from datetime import date
from typing import Annotated, Final

import msgspec
import numpy as np
from msgspec import Meta, Struct

from waardhaven.adapters.inbound.http.analytics_bodies import Number
from waardhaven.adapters.inbound.http.sent_bodies import decoded
from waardhaven.application.answers import Sent
from waardhaven.application.metrics.flow_question import MOST_FLOWS, MOST_SETS, FlowQuestion, ValuedQuestion
from waardhaven.domain.types import Days, Floats, Ids

MOST_ITEMS: Final = 4 * MOST_FLOWS + 2 * MOST_SETS + 100
Amounts = Annotated[
    list[Number],
    Meta(
        max_length=MOST_FLOWS,
        description="Below zero paid in, above zero received, the value at the end included. Null: unknown.",
        examples=[[-1000.0, -500.0, 1620.0, -100.0, 110.0]],
    ),
]
Dates = Annotated[
    list[date],
    Meta(
        max_length=MOST_FLOWS,
        description="One for each amount, in any order within a set.",
        examples=[["2023-01-02", "2023-07-03", "2024-01-02", "2023-01-02", "2024-01-02"]],
    ),
]
Offsets = Annotated[
    list[Annotated[int, Meta(ge=0, le=MOST_FLOWS)]],
    Meta(
        min_length=2,
        max_length=MOST_SETS + 1,
        description="Where each set begins, from 0, then the number of all. Without it: one set.",
        examples=[[0, 3, 5]],
    ),
]


class XirrBody(Struct, kw_only=True, forbid_unknown_fields=True):
    """Payments of one set or of many."""

    amounts: Amounts
    dates: Dates
    offsets: Offsets | None = None


class TwrBody(Struct, kw_only=True, forbid_unknown_fields=True):
    """What portfolios were worth, and the payments between; sets of values and of payments in one order."""

    values: Annotated[
        list[Number],
        Meta(
            max_length=MOST_FLOWS,
            description=(
                "At the end of days, payments of the day included. The first of a set is where measuring "
                "begins; there must be one on every later day with a payment."
            ),
            examples=[[1000.0, 1550.0, 1620.0]],
        ),
    ]
    value_dates: Annotated[
        list[date],
        Meta(
            max_length=MOST_FLOWS,
            description="One for each value, increasing within a set.",
            examples=[["2023-01-02", "2023-07-03", "2024-01-02"]],
        ),
    ]
    value_offsets: Offsets | None = None
    amounts: Annotated[
        list[Number],
        Meta(
            max_length=MOST_FLOWS,
            description="Below zero paid in, above zero paid out. Null: unknown.",
            examples=[[-500.0]],
        ),
    ] = []
    dates: Annotated[
        list[date],
        Meta(max_length=MOST_FLOWS, description="One for each amount.", examples=[["2023-07-03"]]),
    ] = []
    offsets: Offsets | None = None


_XIRR: Final = msgspec.json.Decoder(XirrBody)
_TWR: Final = msgspec.json.Decoder(TwrBody)


def flows_of_json(content: Sent) -> FlowQuestion:
    """Return what a body asks; raise InvalidRequest or ClientException."""
    body = decoded(content, _XIRR, XirrBody, most=MOST_ITEMS)
    return FlowQuestion(amounts=_floats(body.amounts), dates=_days(body.dates), offsets=_ids(body.offsets))


def values_of_json(content: Sent) -> ValuedQuestion:
    """Return what a body asks; raise InvalidRequest or ClientException."""
    body = decoded(content, _TWR, TwrBody, most=MOST_ITEMS)
    offsets = _ids(body.offsets)
    if offsets is None and not body.amounts and body.value_offsets is not None:
        offsets = np.zeros(len(body.value_offsets), dtype=np.int64)
    return ValuedQuestion(
        values=_floats(body.values),
        value_dates=_days(body.value_dates),
        value_offsets=_ids(body.value_offsets),
        flows=FlowQuestion(amounts=_floats(body.amounts), dates=_days(body.dates), offsets=offsets),
    )


def _floats(values: list[Number]) -> Floats:
    return np.array(values, dtype=np.float64)


def _days(values: list[date]) -> Days:
    return np.array(values, dtype="datetime64[D]")


def _ids(values: list[int] | None) -> Ids | None:
    return None if values is None else np.array(values, dtype=np.int64)
