"""American options by F. Longstaff and E. Schwartz, "Valuing American options by simulation: a simple
least-squares approach", Review of Financial Studies 14 (2001).

A pilot of own paths fits when to exercise; the paths that are priced follow that rule and know nothing of
it. The estimate is therefore biased low in expectation: no rule is better than the best. The option can be
exercised now and at the end of every step. Where the European option is worth more than exercise pays,
going on is, too, so that no fit is asked there.
"""  # noqa: D205

from dataclasses import dataclass
from math import inf, log
from typing import ClassVar, Final

import numpy as np

from waardhaven.domain.quant.monte_carlo.market import Setting
from waardhaven.domain.quant.monte_carlo.payoff import Follower, Payoff
from waardhaven.domain.quant.monte_carlo.refusals import Rules
from waardhaven.domain.quant.monte_carlo.seeds import PILOT, stream
from waardhaven.domain.types import Flags, Floats

PILOT_CELLS: Final = 1 << 22
"""Prices of the pilot that are kept at most: 32 MB."""
MOST_PILOT: Final = 1 << 16
USUAL_PILOT: Final = 1 << 15
FEWEST_PILOT: Final = 1 << 10
PATHS_A_TERM: Final = 8
"""A regression over fewer paths in the money for each of its terms is not trusted: nothing is exercised."""
DEEP: Final = 600.0
"""Logarithm of strike / price beyond which no bound is looked for."""
NARROW: Final = 1e-9
"""Least standard deviation of a logarithm that the European option is valued with."""
HALVINGS: Final = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Exercise:
    """The rule: exercise where that pays more than 0 and at least the fitted worth of going on.

    The fit after each step (rows, the last step has none) is a sum of Chebyshev polynomials (columns) of
    the price, from ``low`` to ``high`` of the paths it was fitted to; beyond them it is constant.
    ``bound``: log(price / price today) after each step that exercise needs, see ``American.bounds``.
    ``now``: the pilot found exercise today to pay more than going on.
    """

    coefficients: Floats
    low: Floats
    high: Floats
    is_fitted: Flags
    bound: Floats
    now: bool
    paths: int

    def going_on(self, row: int, price: Floats) -> Floats:
        """Return the fitted worth of going on at prices (m,) after step ``row`` + 1.

        C. W. Clenshaw, "A note on the summation of Chebyshev series", Mathematical Tables and Other Aids to
        Computation 9 (1955).
        """
        first, *rest = self.coefficients[row].tolist()
        place = _place(price, float(self.low[row]), float(self.high[row]))
        twice, newer, older = 2.0 * place, np.zeros(len(price)), np.zeros(len(price))
        for one in reversed(rest):
            older *= -1.0
            older += one
            older += twice * newer
            newer, older = older, newer
        worth: Floats = place * newer - older + first
        return worth


def basis(price: Floats, low: float, high: float, terms: int) -> Floats:
    """Return Chebyshev polynomials (terms, m) of prices, ``low`` to ``high`` mapped on -1 to 1 and held."""
    found = np.empty((terms, len(price)))
    found[0] = 1.0
    found[1] = place = _place(price, low, high)
    for row in range(2, terms):
        found[row] = 2.0 * place * found[row - 1] - found[row - 2]
    return found


def _place(price: Floats, low: float, high: float) -> Floats:
    half = 0.5 * (high - low)
    place: Floats = np.clip((price - 0.5 * (high + low)) / (half if half > 0.0 else 1.0), -1.0, 1.0)
    return place


@dataclass(frozen=True, slots=True, kw_only=True)
class American(Payoff):
    """max(sign (S - strike), 0) at a step of the holder's choice.

    ``degree`` of the polynomials, 1 to 8. ``pilot``: paths of the pilot; left out, 32,768 or as many as
    may be kept.
    """

    degree: int = 4
    pilot: int | None = None
    controls: ClassVar[tuple[str, ...]] = ("european", "spot")
    monitored: ClassVar[bool] = True

    def rules(self, setting: Setting) -> Rules:
        """Return the rules of its terms."""
        most, pilot = min(MOST_PILOT, PILOT_CELLS // setting.steps), self._paths(setting)
        return {
            **Payoff.rules(self, setting),
            "payoff.degree": (1 <= self.degree <= 8, "must be from 1 to 8"),
            "payoff.pilot": (
                FEWEST_PILOT <= pilot <= most,
                f"must be from {FEWEST_PILOT} to {most} at {setting.steps} steps: {PILOT_CELLS} prices",
            ),
        }

    def prepared(self, setting: Setting, seed: int) -> Exercise:
        """Return the rule fitted to the pilot, backwards from maturity."""
        prices, bound = self._pilot(setting, seed), self.bounds(setting)
        limits = float(setting.market.spot[0]) * np.exp(bound)
        terms, discount = self.degree + 1, float(np.exp(-setting.market.rate * setting.step))
        coefficients, is_fitted = np.zeros((setting.steps, terms)), np.zeros(setting.steps, dtype=np.bool_)
        low, high = np.zeros(setting.steps), np.zeros(setting.steps)
        cash = self.exercised(prices[-1].copy(), 1.0)
        for row in range(setting.steps - 2, -1, -1):
            cash *= discount
            paid = self.exercised(prices[row].copy(), 1.0)
            inside = np.flatnonzero(paid > 0.0)
            if len(inside) < PATHS_A_TERM * terms:
                continue
            price = prices[row][inside]
            is_fitted[row], low[row], high[row] = True, price.min(), price.max()
            columns = basis(price, float(low[row]), float(high[row]), terms)
            coefficients[row] = _least_squares(columns, cash[inside])
            going_on = np.einsum("j,jm->m", coefficients[row], columns)
            stops = (paid[inside] >= going_on) & self.is_beyond(price, float(limits[row + 1]))
            cash[inside] = np.where(stops, paid[inside], cash[inside])
        now = self.exercised(setting.market.spot.copy(), 1.0)[0]
        can = bool(now > 0.0 and self.is_beyond(np.zeros(1), float(bound[0]))[0])
        return Exercise(
            coefficients=coefficients,
            low=low,
            high=high,
            is_fitted=is_fitted,
            bound=bound[1:],
            now=can and bool(now >= discount * cash.mean()),
            paths=prices.shape[1],
        )

    def bounds(self, setting: Setting) -> Floats:
        """Return log(S / S_0) (steps + 1,), from today to maturity, beyond which exercise can be best.

        There it pays as much as the European option is worth, the least that going on is; at maturity it is
        in the money. A put: below it; never where interest is 0 or less and dividends are 0 or more; in the
        money where both are below 0, as exercise deep in it pays less, too, which the fit is left to find. A
        call is a put with rate and dividend yield exchanged, of spot / strike (R. McDonald and M. Schroder,
        "A parity result for American options", Journal of Computational Finance 1, 1998).
        """
        market, sign = setting.market, self.kind.sign
        level = log(self.strike) - log(float(market.spot[0])) if self.strike > 0.0 else -inf
        rates = (market.rate, float(market.yields[0]))
        own, other = rates if sign < 0.0 else rates[::-1]
        left = setting.step * np.arange(setting.steps, 0.0, -1.0)
        if own <= 0.0 <= other:
            early = np.full(setting.steps, sign * inf)
        elif own < 0.0:
            early = np.full(setting.steps, level)
        else:
            early = level - sign * _worthwhile(own, other, float(market.volatility[0]), left)
        return np.append(early, level)

    def is_beyond(self, price: Floats, limit: float) -> Flags:
        """Tell which prices (m,), or their logarithms, lie beyond a limit on the side where it pays."""
        found: Flags = price > limit if self.kind.sign > 0.0 else price < limit
        return found

    def _paths(self, setting: Setting) -> int:
        return min(USUAL_PILOT, PILOT_CELLS // setting.steps) if self.pilot is None else self.pilot

    def _pilot(self, setting: Setting, seed: int) -> Floats:
        """Return prices (steps, paths) of antithetic pairs."""
        half, drawn = self._paths(setting) // 2, stream(seed, PILOT, 0)
        drift, loading = float(setting.drift[0]), float(setting.loading[0, 0])
        prices, moved = np.empty((setting.steps, 2 * half)), np.zeros(half)
        for step, price in enumerate(prices, start=1):
            moved += drawn.standard_normal(half)
            np.add(drift * step, loading * moved, out=price[:half])
            np.subtract(drift * step, loading * moved, out=price[half:])
            np.exp(price, out=price)
            np.multiply(price, float(setting.market.spot[0]), out=price)
        return prices

    def follower(self, setting: Setting, width: int, prepared: object) -> Follower:
        """Return a follower that exercises by the rule."""
        if not isinstance(prepared, Exercise):
            raise TypeError("an American option needs its rule")
        return _American(self, setting, prepared, np.zeros(width), np.ones(width, dtype=np.bool_))


@dataclass(slots=True)
class _American:
    terms: American
    setting: Setting
    rule: Exercise
    cash: Floats
    holding: Flags
    """Which paths are not exercised."""

    def __post_init__(self) -> None:
        if self.rule.now:
            self.cash[:] = self.terms.exercised(self.setting.market.spot.copy(), 1.0)[0]
            self.holding[:] = False

    def see(self, step: int, growth: Floats) -> None:
        is_last = step == self.setting.steps
        if self.rule.now or not (is_last or self.rule.is_fitted[step - 1]):
            return
        sign, spot = self.terms.kind.sign, float(self.setting.market.spot[0])
        beyond = self.terms.is_beyond(growth[0], float(self.rule.bound[step - 1])) & self.holding
        inside = np.flatnonzero(beyond)
        price = np.exp(growth[0][inside]) * spot
        paid = sign * (price - self.terms.strike)
        stops = paid > 0.0
        if not is_last:
            stops &= paid >= self.rule.going_on(step - 1, price)
        discount = float(np.exp(-self.setting.market.rate * self.setting.step * step))
        stopped = inside[stops]
        self.cash[stopped] = paid[stops] * discount
        self.holding[stopped] = False

    def worth(self) -> Floats:
        return self.cash


def _worthwhile(rate: float, dividend: float, volatility: float, left: Floats) -> Floats:
    """Return log(price / strike) (m,), 0 or less, at which a put pays what the European one is worth.

    ``left``: years to maturity (m,). ``rate`` is 0 or more: exercise pays more below, and less above.
    """
    from scipy.special import ndtr

    spread = np.maximum(volatility * np.sqrt(left), NARROW)
    low, high = np.full(len(left), -DEEP), np.zeros(len(left))
    for _ in range(HALVINGS):
        middle = 0.5 * (low + high)
        upper = (middle + (rate - dividend) * left) / spread + 0.5 * spread
        strike = np.exp(-rate * left) * ndtr(upper - spread) - np.expm1(-rate * left)
        price = np.exp(-dividend * left) * ndtr(upper) - np.expm1(-dividend * left)
        pays = strike > np.exp(middle) * price
        low, high = np.where(pays, middle, low), np.where(pays, high, middle)
    return low


def _least_squares(columns: Floats, values: Floats) -> Floats:
    """Return the coefficients (terms,) that fit ``values`` (m,); the smallest where several do."""
    gram = np.einsum("im,jm->ij", columns, columns)
    right = np.einsum("im,m->i", columns, values)
    found: Floats = np.linalg.lstsq(gram, right, rcond=1e-13)[0]
    return found
