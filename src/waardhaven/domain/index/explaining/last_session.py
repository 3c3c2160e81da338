"""The last session of a build, explained."""

from dataclasses import dataclass

import numpy as np

from waardhaven.domain.index.build import NO_DAYS, Computation, IndexHistory, compute
from waardhaven.domain.index.composition import IndexState
from waardhaven.domain.index.definition import IndexDefinition
from waardhaven.domain.index.explaining.level_change import LevelChange
from waardhaven.domain.index.explaining.session import Session, rates_at
from waardhaven.domain.index.explaining.weighing import Weighing, weighing
from waardhaven.domain.index.inputs import IndexInputs
from waardhaven.domain.index.level import Holding
from waardhaven.domain.index.treatments import Position, drifted
from waardhaven.domain.types import Days, Flags, Floats, Ids


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionTaken:
    """An action on a name that was held.

    ``kind``: of EventKind; ``at``: "opening" (before the session) or "close". ``cash`` in index currency and
    ``ratio`` are NaN where not stated; ``done`` False: its terms are not known, so nothing was.
    ``units_before``, ``units_after``: of the name itself; ``price_before``, ``price_after``: the close before
    the ex-date and the same after the action, NaN at the close.
    """

    asset: int
    kind: str
    at: str
    done: bool
    ratio: float
    cash: float
    units_before: float
    units_after: float
    price_before: float
    price_after: float
    divisor_before: float
    divisor_after: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Closing:
    """An index at a close, over all names read (k,).

    ``price``: in index currency, carried; ``rate``: index currency for one of the quote unit; ``close``: the
    last close in quote units, as ``price`` has it after actions; ``age``: sessions since it; ``weight``
    zeros where nothing is held.
    """

    day: np.datetime64
    assets: Ids
    close: Floats
    rate: Floats
    price: Floats
    stale: Flags
    units: Floats
    weight: Floats
    divisor: float
    level: float


@dataclass(frozen=True, slots=True, kw_only=True)
class LastSession:
    """The last session of a build: the close, the change of level (None on the base date), the review.

    ``review`` None: none took effect at this close. ``history``: what the build computed.
    """

    closing: Closing
    change: LevelChange | None
    actions: tuple[ActionTaken, ...]
    review: Weighing | None
    history: IndexHistory


def last_session(
    definition: IndexDefinition,
    inputs: IndexInputs,
    opening: IndexState | None = None,
    forced: Days = NO_DAYS,
) -> LastSession:
    """Compute as ``build_index`` does and explain the last session."""
    return explained(compute(definition, inputs, opening=opening, forced=forced))


def explained(computed: Computation) -> LastSession:
    """Explain the last session of a computation."""
    chain, row = computed.chain, len(computed.chain.levels) - 1
    session = Session.of(computed, row) if row > computed.start else None
    return LastSession(
        closing=_closing(computed, row, chain.position),
        change=None if session is None else LevelChange.of(session, chain.rules.kept),
        actions=() if session is None else _actions(session),
        review=_review(computed, session, row),
        history=computed.history,
    )


def _closing(computed: Computation, row: int, held: Position) -> Closing:
    reviewer = computed.chain.reviewer
    prices, panel = reviewer.prices, reviewer.inputs.panel
    price: Floats = prices.price[row]
    last, rate = reviewer.last_closes(np.array([row]))[0], rates_at(reviewer, row)
    stale = np.zeros(len(price), dtype=np.bool_) if prices.age is None else prices.age[row] > 0
    return Closing(
        day=panel.days[row],
        assets=panel.assets,
        close=np.where(last * rate == price, last, price / rate),
        rate=rate,
        price=price,
        stale=stale,
        units=held.units,
        weight=drifted(held.units, price),
        divisor=held.divisor,
        level=float(computed.chain.levels[row]),
    )


def _review(computed: Computation, session: Session | None, row: int) -> Weighing | None:
    chain = computed.chain
    units = computed.held.units if session is None else _held_into_review(session)
    made: Holding | None = chain.holdings[-1] if session is None and chain.holdings else None
    made = made if session is None else session.review
    return None if made is None else weighing(chain.reviewer, row - chain.rules.lag, row, units)


def _held_into_review(session: Session) -> Floats:
    return session.settled[-1].after.units if session.settled else session.into.units


def _actions(session: Session) -> tuple[ActionTaken, ...]:
    assets = session.reviewer.inputs.panel.assets
    opening = [
        ActionTaken(
            asset=int(assets[one.event.column]),
            kind=one.event.kind.name.lower(),
            at="opening",
            done=one.stated,
            ratio=one.event.ratio,
            cash=one.cash,
            units_before=float(one.before.units[one.event.column]),
            units_after=float(one.after.units[one.event.column]),
            price_before=float(one.price[one.event.column]),
            price_after=one.ex_price,
            divisor_before=one.before.divisor,
            divisor_after=one.after.divisor,
        )
        for one in session.steps
    ]
    closing = [
        ActionTaken(
            asset=int(assets[one.event.column]),
            kind=one.event.kind.name.lower(),
            at="close",
            done=True,
            ratio=one.event.ratio,
            cash=float("nan"),
            units_before=float(one.before.units[one.event.column]),
            units_after=float(one.after.units[one.event.column]),
            price_before=float("nan"),
            price_after=float("nan"),
            divisor_before=one.before.divisor,
            divisor_after=one.after.divisor,
        )
        for one in session.settled
    ]
    return (*opening, *closing)
