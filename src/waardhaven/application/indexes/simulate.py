"""What would have become of money put into an index."""

from dataclasses import dataclass
from datetime import date, datetime

import numpy as np

from waardhaven.application.answers import SeriesView
from waardhaven.application.indexes.conversion import dated_rates, target_currency
from waardhaven.application.indexes.official import OfficialHistory, read_official
from waardhaven.application.ports.build_store import BuildStore
from waardhaven.application.ports.indexes import IndexStore
from waardhaven.application.ports.reference_store import ReferenceStore
from waardhaven.domain.errors import FieldError, Invalid
from waardhaven.domain.identity.roles import Permission, Principal
from waardhaven.domain.index.composition import LevelColumns
from waardhaven.domain.index.definition import Variant
from waardhaven.domain.index.publishing import official_levels
from waardhaven.domain.market.calendar import Frequency
from waardhaven.domain.trading.investing import Investment, InvestmentPlan, invest
from waardhaven.domain.trading.money import minor_digits, money
from waardhaven.domain.types import Days, Floats, as_date

NO_RATE = "no rate of exchange is known for these days"
UNDER_A_YEAR = "The money-weighted return is a rate a year, of less than a year."


class InvalidSimulation(Invalid):
    """A simulation outside of what is published, or at odds with itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulationOrder:
    """What to simulate; ``end_date`` None: to the last official day; ``currency`` None: of the index.

    ``contribution`` is paid at the first session of every period after that of the start. Fees are
    fractions: ``management_fee`` a year, ``entry_fee`` of every payment.
    """

    amount: float
    start_date: date
    end_date: date | None = None
    currency: str | None = None
    variant: Variant | None = None
    contribution: float = 0.0
    contribution_frequency: Frequency | None = None
    management_fee: float = 0.0
    entry_fee: float = 0.0


@dataclass(frozen=True, slots=True)
class Simulate:
    """Money put into an index at official closes, less fees, in any supported currency.

    Every payment buys units of the index at the level and the rate of exchange of its own day, and every
    day is valued at its own. Values are money of the investor and valuations in floating point.
    """

    indexes: IndexStore
    builds: BuildStore
    reference: ReferenceStore

    async def __call__(
        self, by: Principal, *, slug: str, order: SimulationOrder, as_of: datetime | None = None
    ) -> SeriesView:
        """Return columns ``dates``, ``values`` and ``invested``.

        Raises UnknownIndex, NothingPublished or Invalid.
        """
        by.require(Permission.READ_INDICES)
        history = await read_official(self.indexes, self.builds, by, slug, as_of=as_of)
        definition = history.index.definition
        currency = target_currency(order.currency, definition.currency)
        plan = _plan(order, currency)
        levels = official_levels(history.segments)
        variant = order.variant or definition.variant
        values = _variant(levels, variant)
        days = _window(levels.day, order.start_date, order.end_date)
        day, level = levels.day[days], values[days]
        vintage = history.newest.made_from.vintage
        fx = (await dated_rates(self.reference, definition, [definition.currency], currency, day, vintage))[
            :, 0
        ]
        found = invest(day, level * fx, plan)
        return _view(history, order, variant, currency, found, level, fx)


def _plan(order: SimulationOrder, currency: str) -> InvestmentPlan:
    amount = float(money(order.amount, minor_digits(currency)))
    if order.contribution and order.contribution_frequency is None:
        rule = f"must say how often the contribution is paid; the nearest is {str(Frequency.MONTHLY)!r}"
        errors = [FieldError(field="contribution_frequency", rule=rule)]
        raise InvalidSimulation("A contribution needs a frequency.", errors=errors)
    return InvestmentPlan(
        amount=amount,
        contribution=order.contribution,
        frequency=order.contribution_frequency,
        management_fee=order.management_fee,
        entry_fee=order.entry_fee,
    )


def _variant(levels: LevelColumns, variant: Variant) -> Floats:
    """Return the levels of a return variant, where the official history has them."""
    found = levels.of(variant)
    if found is None:
        rule = f"must be published; the nearest is {str(Variant.PRICE)!r}"
        raise InvalidSimulation(
            f"The official history has no {variant} levels.", errors=[FieldError(field="variant", rule=rule)]
        )
    return found


def _window(days: Days, start: date, end: date | None) -> slice:
    """Return the sessions from the first at or after ``start`` to the last at or before ``end``."""
    first, last = as_date(days[0]), as_date(days[-1])
    if not first <= start <= last:
        nearest = first if start < first else last
        rule = f"must be from {first} to {last}, which is published; the nearest is {nearest}"
        raise _outside("start_date", rule)
    opening = int(np.searchsorted(days, np.datetime64(start)))
    closing = len(days) if end is None else int(np.searchsorted(days, np.datetime64(end), side="right"))
    if closing <= opening:
        session = as_date(days[opening])
        rule = f"must not be before the first session from start_date on; the nearest is {session}"
        raise _outside("end_date", rule)
    return slice(opening, closing)


def _outside(field: str, rule: str) -> InvalidSimulation:
    return InvalidSimulation(
        "The simulation lies outside of what is published.", errors=[FieldError(field=field, rule=rule)]
    )


def _view(
    history: OfficialHistory,
    order: SimulationOrder,
    variant: Variant,
    currency: str,
    found: Investment,
    level: Floats,
    fx: Floats,
) -> SeriesView:
    definition, digits = history.index.definition, minor_digits(currency)
    columns = {"values": np.round(found.value, digits), "invested": np.round(found.invested, digits)}
    head = {
        "index": definition.slug,
        "name": definition.name,
        "currency": currency,
        "variant": str(variant),
        "start_date": as_date(found.day[0]),
        "end_date": as_date(found.day[-1]),
        "start_value": round(float(level[0]), definition.decimals),
        "end_value": round(float(level[-1]), definition.decimals),
        "fx_start": _known(float(fx[0])),
        "fx_end": _known(float(fx[-1])),
        **_outcome(found, digits),
        "notes": _notes(order, found),
        "provenance": history.provenance,
    }
    return SeriesView(columns={"dates": found.day, **columns}, head=head)


def _outcome(found: Investment, digits: int) -> dict[str, object]:
    """Return what was paid and gained: money to the smallest coin, returns as fractions; None unknown."""
    unknown = int(np.isnan(found.value).sum())
    rate = found.money_weighted
    invested, final = float(found.invested[-1]), float(found.value[-1])
    return {
        "amount_initial": round(float(found.payment[0]), digits),
        "total_invested": round(invested, digits),
        "amount_final": _known(round(final, digits)),
        "profit": _known(round(final - invested, digits)),
        "roi": _known(final / invested - 1.0),
        "time_weighted_return": _known(found.time_weighted),
        "money_weighted_return": rate.rate,
        "money_weighted_reason": None if rate.reason is None else str(rate.reason),
        "entry_fees": round(found.entry_fees, digits),
        "management_fees": round(found.management_fees, digits),
        "unknown_days": unknown,
        "unknown_reason": NO_RATE if unknown else None,
    }


def _notes(order: SimulationOrder, found: Investment) -> tuple[str, ...]:
    """Say where other days than those asked for were used, and what to know about the rate."""
    first, last = as_date(found.day[0]), as_date(found.day[-1])
    notes = []
    if first != order.start_date:
        notes.append(f"{order.start_date} is no session: the simulation starts at the next one, {first}.")
    if order.end_date is not None and last != order.end_date:
        notes.append(f"{order.end_date} is no published session: the simulation ends at {last}.")
    if found.money_weighted.rate is not None and (last - first).days < 365:
        notes.append(UNDER_A_YEAR)
    return tuple(notes)


def _known(value: float) -> float | None:
    return None if np.isnan(value) else value
