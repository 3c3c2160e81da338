"""What a caller may ask about options, and the options that makes."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Final

import numpy as np

from waardhaven.domain.errors import FieldError
from waardhaven.domain.quant.options.contracts import Options, UnusableOptions
from waardhaven.domain.quant.options.greeks import GREEKS
from waardhaven.domain.quant.options.implied_volatility import checked_prices
from waardhaven.domain.quant.options.models import MODELS, Model
from waardhaven.domain.quant.options.payoffs import PAYOFFS, VANILLA, Payoff
from waardhaven.domain.quant.options.valuation import FIRST_ORDER
from waardhaven.domain.quant.volatility import VOLATILITY_ESTIMATORS
from waardhaven.domain.types import Flags, Floats

MOST_OPTIONS: Final = 1_000_000
MOST_AMERICAN: Final = 5_000
"""American options of one call: each is some milliseconds of work with all of its Greeks."""
AMERICAN_AT_ONCE: Final = 1_000
"""American options that a caller can wait for: with all of their Greeks about two seconds of one core."""
LONGEST_WINDOW: Final = 5_000
USUAL_WINDOW: Final = 252
REFUSED: Final = "The options can not be valued."
SENT_AS: Final = {
    "spot": "spot_price",
    "strike": "strike_price",
    "time": "time_to_expiry",
    "rate": "risk_free_rate",
    "is_call": "option_type",
}
"""Names of columns that a caller knows by others."""
NUMBERS: Final = ("spot", "strike", "time", "volatility", "price", "rate", "dividend_yield", "cash")
"""Columns of numbers."""


class Exercise(StrEnum):
    """When an option may be exercised."""

    EUROPEAN = "european"
    AMERICAN = "american"


@dataclass(frozen=True, slots=True, kw_only=True)
class OptionQuestion:
    """Options, and what is asked about them.

    Columns are numbers () or (n,), NaN unknown. ``spot`` None: the last stored close of ``symbol``.
    ``volatility`` None: implied by ``price``, or without prices estimated from stored prices of ``symbol``
    over ``window`` days. ``dividend_yield`` None: 0, or as the model has it. ``greeks``: names of the
    catalogue.
    """

    strike: Floats
    time: Floats
    is_call: Flags
    spot: Floats | None = None
    volatility: Floats | None = None
    price: Floats | None = None
    rate: Floats
    dividend_yield: Floats | None = None
    cash: Floats | None = None
    model: str = "black_scholes_merton"
    payoff: str = "vanilla"
    exercise: Exercise = Exercise.EUROPEAN
    greeks: tuple[str, ...] = FIRST_ORDER
    symbol: str | None = None
    estimator: str = "close_to_close"
    window: int = USUAL_WINDOW

    @property
    def size(self) -> int:
        """How many options there are, once their columns are known to agree."""
        return max((len(one) for one in self._columns.values() if one.ndim), default=1)

    @property
    def needs_spot(self) -> bool:
        """Whether the spot is the stored close."""
        return self.spot is None

    @property
    def needs_volatility(self) -> bool:
        """Whether volatility is estimated from stored prices."""
        return self.volatility is None and self.price is None

    @property
    def the_model(self) -> Model:
        """The model asked for."""
        return MODELS[self.model]

    @property
    def the_payoff(self) -> Payoff:
        """The payoff asked for."""
        return PAYOFFS[self.payoff]

    @property
    def is_american(self) -> bool:
        """Whether the options may be exercised early."""
        return self.exercise is Exercise.AMERICAN

    def checked(self) -> "OptionQuestion":
        """Return self, or raise UnusableOptions naming every broken rule; then those of single options."""
        rules = (*self._choices(), *self._inputs(), *self._limits())
        errors = [FieldError(field=field, rule=rule) for field, rule, broken in rules if broken]
        if errors:
            raise UnusableOptions(REFUSED, errors=errors)
        self.options(spot=None, volatility=None)
        if self.price is not None:
            checked_prices(self.price)
        return self

    def rows(self, chosen: slice) -> "OptionQuestion":
        """Return the question about some of the options; columns are views, numbers stay numbers."""
        columns = {name: one[chosen] for name, one in self._columns.items() if one.ndim}
        return replace(self, **columns)

    def options(self, *, spot: float | None, volatility: float | None) -> Options:
        """Return the options, with what was read for what was left out; raise UnusableOptions."""
        shape = () if self.price is None else self.price.shape
        unknown = np.full(shape, np.nan if volatility is None else volatility)
        known = self.spot if self.spot is not None else np.asarray(np.nan if spot is None else spot)
        try:
            return Options.of(
                spot=known,
                strike=self.strike,
                time=self.time,
                volatility=unknown if self.volatility is None else self.volatility,
                rate=self.rate,
                dividend_yield=0.0 if self.dividend_yield is None else self.dividend_yield,
                is_call=self.is_call,
                cash=1.0 if self.cash is None else self.cash,
            )
        except UnusableOptions as error:
            raise UnusableOptions(REFUSED, errors=[self._as_sent(one) for one in error.errors]) from None

    def _choices(self) -> Iterator[tuple[str, str, bool]]:
        for field, chosen, known in (
            ("model", {self.model}, MODELS),
            ("payoff", {self.payoff}, PAYOFFS),
            ("greeks", set(self.greeks), GREEKS),
            ("volatility_estimator", {self.estimator}, VOLATILITY_ESTIMATORS),
        ):
            foreign = sorted(chosen - set(known))
            yield field, f"must be of {', '.join(known)}, not {', '.join(foreign[:10])}", bool(foreign)
        within = 1 <= self.window <= LONGEST_WINDOW
        yield (
            "volatility_window",
            f"must be from 1 to {LONGEST_WINDOW} days, not {self.window}",
            not within,
        )

    def _inputs(self) -> Iterator[tuple[str, str, bool]]:
        forward = self.model in MODELS and self.the_model.yield_is_rate
        yield "spot_price", "must be given, or symbol", self.needs_spot and self.symbol is None
        told = "must be given: a stored close is no forward price"
        yield "spot_price", told, self.needs_spot and self.symbol is not None and forward
        untold = self.needs_volatility and self.symbol is None
        yield "volatility", "must be given, or price or symbol", untold
        yield self._short_window()
        both = self.volatility is not None and self.price is not None
        yield "price", "must be left out where volatility is given", both
        unread = self.symbol is not None and not (self.needs_spot or self.needs_volatility)
        yield "symbol", "must be left out: nothing is read that was not sent", unread
        carried = forward and self.dividend_yield is not None
        yield "dividend_yield", "must be left out: a forward costs nothing to carry", carried
        paid = self.cash is not None and self.payoff != "cash_or_nothing"
        yield "cash", "must be left out: cash_or_nothing alone pays it", paid

    def _short_window(self) -> tuple[str, str, bool]:
        """Return the rule that a window suits its estimator, where one is used."""
        estimator = VOLATILITY_ESTIMATORS.get(self.estimator)
        least = 1 if estimator is None else max(1, estimator.least - estimator.before)
        short = self.needs_volatility and 1 <= self.window < least
        return "volatility_window", f"must be at least {least} days with {self.estimator}", short

    def _limits(self) -> Iterator[tuple[str, str, bool]]:
        size = self.size
        yield "strike_price", f"must be of at most {MOST_OPTIONS} options, not {size}", size > MOST_OPTIONS
        many = self.is_american and size > MOST_AMERICAN
        yield "exercise", f"must be european for more than {MOST_AMERICAN} options", many
        exotic = self.is_american and self.payoff != VANILLA.name
        yield "exercise", f"must be european for {self.payoff}", exotic
        implied = self.price is not None and (self.is_american or self.payoff != VANILLA.name)
        yield "price", "must be left out: volatility is implied by European vanilla options alone", implied

    @property
    def _columns(self) -> dict[str, Any]:
        """Every number () and column (n,) that was sent."""
        found = {name: getattr(self, name) for name in (*NUMBERS, "is_call")}
        return {name: one for name, one in found.items() if one is not None}

    def _as_sent(self, error: FieldError) -> FieldError:
        """Return an error under the name the field was sent by."""
        names = SENT_AS if self.price is None else SENT_AS | {"volatility": "price"}
        name, dot, row = error.field.partition(".")
        rule = error.rule
        for ours, theirs in names.items():
            rule = rule.replace(f" as {ours} has", f" as {theirs} has")
        return FieldError(field=names.get(name, name) + dot + row, rule=rule)
