"""Bodies and answers of what turns an index into money."""

from datetime import date
from typing import Annotated, Literal

from msgspec import Meta, Struct

from waardhaven.application.indexes.simulate import SimulationOrder
from waardhaven.application.indexes.target_units import LARGEST_LOT, LotKind, TargetOrder
from waardhaven.application.indexes.views import ProvenanceView
from waardhaven.domain.index.definition import Variant
from waardhaven.domain.market.calendar import Frequency

Amount = Annotated[float, Meta(ge=0.01, le=1e12, description="Money, in ``currency``.", examples=[10_000.0])]
OfMoney = Annotated[float, Meta(ge=0.0, le=1e12, description="Money, in ``currency``.")]
Code = Annotated[
    str,
    Meta(
        pattern=r"^[A-Za-z]{3}$",
        description="ISO 4217 code; without it the currency of the index.",
        examples=["EUR"],
    ),
]
Fee = Annotated[float, Meta(ge=0.0, le=0.5, description="A fraction: 0.002 is 0.2 %.")]
LotSize = Annotated[int, Meta(ge=1, le=LARGEST_LOT)]


class SimulationBody(Struct, kw_only=True, forbid_unknown_fields=True):
    """What to simulate. A start that is no session is moved to the next one, and the answer says so."""

    amount: Amount
    start_date: Annotated[date, Meta(description="Day of the first payment.", examples=["2015-01-02"])]
    end_date: Annotated[date, Meta(description="Without it the last published day.")] | None = None
    currency: Code | None = None
    variant: (
        Annotated[
            Literal["price", "gross", "net"],
            Meta(description="What the level earns; without it that of the index."),
        ]
        | None
    ) = None
    contribution: OfMoney = 0.0
    contribution_frequency: Annotated[
        Literal["none", "weekly", "monthly", "quarterly", "yearly"],
        Meta(description="Paid at the first session of every period after that of the start."),
    ] = "none"
    management_fee: Fee = 0.0
    entry_fee: Fee = 0.0

    def order(self) -> SimulationOrder:
        """Return what the use case is asked."""
        often = self.contribution_frequency
        return SimulationOrder(
            amount=self.amount,
            start_date=self.start_date,
            end_date=self.end_date,
            currency=self.currency and self.currency.upper(),
            variant=None if self.variant is None else Variant(self.variant),
            contribution=self.contribution,
            contribution_frequency=None if often == "none" else Frequency(often),
            management_fee=self.management_fee,
            entry_fee=self.entry_fee,
        )


class TargetsBody(Struct, kw_only=True, forbid_unknown_fields=True):
    """How much money is to follow the index, and in which lots."""

    amount: Amount
    currency: Code | None = None
    lot: Annotated[
        Literal["whole", "fractional"],
        Meta(description="`whole`: whole lots. `fractional`: millionths of a unit."),
    ] = "whole"
    lot_sizes: Annotated[
        dict[str, LotSize],
        Meta(
            max_length=2000,
            description="Units of a lot by symbol, where it is not 1.",
            examples=[{"AAPL": 10}],
        ),
    ] = {}
    minimum_trade: Annotated[
        float, Meta(ge=0.0, le=1e12, description="Money below which a name is not bought.")
    ] = 0.0

    def order(self) -> TargetOrder:
        """Return what the use case is asked."""
        return TargetOrder(
            amount=self.amount,
            currency=self.currency and self.currency.upper(),
            lot=LotKind(self.lot),
            lot_sizes=dict(sorted(self.lot_sizes.items())),
            minimum_trade=self.minimum_trade,
        )


class SimulationDocument(Struct, kw_only=True):
    """Money by column; all columns are of equal length, an unknown number is null.

    Valuations in ``currency``, rounded to its smallest coin. Returns are fractions; the money-weighted one
    is a rate a year (actual/365).
    """

    dates: Annotated[
        list[date], Meta(description="Sessions, increasing.", examples=[["2022-12-27", "2022-12-28"]])
    ]
    values: Annotated[
        list[float | None], Meta(description="What the money is worth.", examples=[[1046.3, 1034.6]])
    ]
    invested: Annotated[
        list[float], Meta(description="What was paid until then.", examples=[[1000.0, 1000.0]])
    ]

    index: Annotated[str, Meta(description="Short name of the index.", examples=["autoindex"])]
    name: str
    currency: Annotated[str, Meta(description="What the money is (ISO 4217).", examples=["EUR"])]
    variant: str
    start_date: Annotated[date, Meta(description="The session of the first payment.")]
    end_date: Annotated[date, Meta(description="The session of the last value.")]
    start_value: Annotated[float, Meta(description="The level on ``start_date``.")]
    end_value: Annotated[float, Meta(description="The level on ``end_date``.")]
    fx_start: Annotated[float | None, Meta(description="``currency`` for one of that of the index.")]
    fx_end: float | None
    amount_initial: float
    total_invested: float
    amount_final: float | None
    profit: float | None
    roi: Annotated[float | None, Meta(description="Profit over everything paid.")]
    time_weighted_return: float | None
    money_weighted_return: float | None
    money_weighted_reason: Annotated[str | None, Meta(description="Why there is no such rate.")]
    entry_fees: float
    management_fees: float
    unknown_days: Annotated[int, Meta(description="Days on which the value is not known.")]
    unknown_reason: str | None
    notes: list[str]
    provenance: ProvenanceView
