"""Currencies, minor quote units, and cross rates from reference rates against the euro."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from waardhaven.domain.errors import Invalid
from waardhaven.domain.market.calendar import as_of
from waardhaven.domain.types import Days, Floats, Ids

CURRENCIES: dict[str, str] = {
    "USD": "US dollar",
    "EUR": "Euro",
    "GBP": "Pound sterling",
    "JPY": "Japanese yen",
    "CAD": "Canadian dollar",
    "AUD": "Australian dollar",
    "CHF": "Swiss franc",
    "CNY": "Chinese yuan",
    "INR": "Indian rupee",
    "MXN": "Mexican peso",
    "BRL": "Brazilian real",
    "SEK": "Swedish krona",
    "NOK": "Norwegian krone",
    "DKK": "Danish krone",
    "SGD": "Singapore dollar",
    "HKD": "Hong Kong dollar",
    "KRW": "South Korean won",
    "TWD": "New Taiwan dollar",
    "NZD": "New Zealand dollar",
    "ZAR": "South African rand",
    "CZK": "Czech koruna",
    "HUF": "Hungarian forint",
    "IDR": "Indonesian rupiah",
    "ILS": "Israeli shekel",
    "ISK": "Icelandic krona",
    "MYR": "Malaysian ringgit",
    "PHP": "Philippine peso",
    "PLN": "Polish zloty",
    "RON": "Romanian leu",
    "THB": "Thai baht",
    "TRY": "Turkish lira",
}
"""The currencies an index or portfolio can be kept in, by ISO 4217 code: in use, with rates."""

RETIRED: dict[str, str] = {
    "BGN": "Bulgarian lev",
    "CYP": "Cypriot pound",
    "EEK": "Estonian kroon",
    "HRK": "Croatian kuna",
    "LTL": "Lithuanian litas",
    "LVL": "Latvian lats",
    "MTL": "Maltese lira",
    "ROL": "Romanian leu (before 2005)",
    "RUB": "Russian rouble (no rates since March 2022)",
    "SIT": "Slovenian tolar",
    "SKK": "Slovak koruna",
    "TRL": "Turkish lira (before 2005)",
}
"""Currencies with rates in the past alone; values can be read in them while there were any."""

CARRIED_DAYS = 7
"""Calendar days a rate is carried over days without one; the longest pause of the euro fixing was five."""

MINOR_UNITS: dict[str, tuple[str, int]] = {"GBX": ("GBP", 100), "ZAC": ("ZAR", 100), "ILA": ("ILS", 100)}
"""Quote units that are a fraction of a currency: unit -> (currency, units per major)."""


class UnknownCurrency(Invalid):
    """A currency or quote unit for which there are no rates."""


def major(unit: str) -> tuple[str, int]:
    """Return the currency of a quote unit and how many units make one of it."""
    return MINOR_UNITS.get(unit, (unit, 1))


@dataclass(frozen=True, slots=True, kw_only=True)
class RateColumns:
    """Reference rates in long form, ordered by ``code`` then ``day``: 1 ``base`` = ``rate`` quote units.

    ``code`` (m,) int64 points into ``quote``; the base itself has no rows.
    """

    quote: tuple[str, ...]
    code: Ids
    day: Days
    rate: Floats
    base: str = "EUR"

    def per_base(self, unit: str, at: Days, *, max_days: int | None = None) -> Floats:
        """Return units of ``unit`` for one of the base on each day (n,), as of the last known rate.

        NaN before the first rate and where the last one is more than ``max_days`` calendar days old. Raises
        UnknownCurrency if there is no such currency.
        """
        currency, per_major = major(unit)
        if currency == self.base:
            return np.full(len(at), float(per_major))
        if currency not in self.quote:
            raise UnknownCurrency(f"There are no rates for {currency}.", context={"currency": currency})
        mine = slice(*np.searchsorted(self.code, [code := self.quote.index(currency), code + 1]).tolist())
        row = as_of(self.day[mine], at, max_days=max_days)
        rates = np.append(self.rate[mine], np.nan)
        return rates[row] * per_major

    def cross(self, source: str, target: str, at: Days, *, max_days: int | None = None) -> Floats:
        """Return units of ``target`` for one unit of ``source`` on each day (n,); NaN unknown.

        Exactly 1.0 for equal units and exactly the ratio of minor units within one currency, rates or
        not.
        """
        (source_currency, source_parts), (target_currency, target_parts) = major(source), major(target)
        if source_currency == target_currency:
            return np.full(len(at), target_parts / source_parts)
        return self.per_base(target, at, max_days=max_days) / self.per_base(source, at, max_days=max_days)


def cross_matrix(
    rates: RateColumns, units: Sequence[str], target: str, at: Days, *, max_days: int | None = None
) -> Floats:
    """Return units of ``target`` for one of each asset's quote unit, (n, k) C order; NaN unknown."""
    known = sorted(set(units))
    if not known:
        return np.empty((len(at), 0))
    table = np.stack([rates.cross(unit, target, at, max_days=max_days) for unit in known], axis=1)
    return np.ascontiguousarray(table[:, [known.index(unit) for unit in units]])
