"""Distributions in levels: reinvested across the index, in full or after withholding."""

from dataclasses import replace

import numpy as np
from tests.factories import WARM_UP, a_definition, sessions, some_inputs, warmed

from waardhaven.domain.index.build import IndexResult, build_index
from waardhaven.domain.index.constraints.traits import Traits
from waardhaven.domain.index.definition import Adjustment, Variant, WithholdingRate
from waardhaven.domain.index.events import EventColumns, EventKind
from waardhaven.domain.index.total_return import EVERYWHERE, kept_shares, total_return
from waardhaven.domain.market.calendar import Frequency

AXIS = sessions(WARM_UP + 3)
US = WithholdingRate(country="US", rate=0.15)
ELSEWHERE = WithholdingRate(country=EVERYWHERE, rate=0.3)


def where(*countries: str | None) -> Traits:
    return replace(Traits.nameless(len(countries)), country=countries)


def paying(amount: float, **options: object) -> IndexResult:
    """Build A and B, base 100: A pays ``amount`` a share on day 1 and closes at 9 instead of 10."""
    dividend = EventColumns(
        asset=np.array([1]),
        ex_date=AXIS[[WARM_UP + 1]],
        kind=np.array([EventKind.CASH_DIVIDEND], dtype=np.int8),
        ratio=np.array([np.nan]),
        cash=np.array([amount]),
        other=np.array([-1]),
    )
    close = warmed([[10.0, 20.0], [9.0, 20.0], [9.9, 22.0]])
    definition = a_definition(base=AXIS[WARM_UP], frequency=Frequency.YEARLY, **options)
    return build_index(definition, replace(some_inputs(close), events=dividend))


def test_a_country_keeps_what_its_own_rate_leaves_and_the_others_that_of_the_star() -> None:
    found = kept_shares([US, ELSEWHERE], where("US", "DE", None), 3)
    assert found is not None
    assert found.tolist() == [0.85, 0.7, 0.7]


def test_nothing_is_withheld_where_no_rate_is_named() -> None:
    found = kept_shares([US], where("US", "DE", None), 3)
    assert found is not None
    assert found.tolist() == [0.85, 1.0, 1.0]


def test_names_of_which_nothing_is_known_have_the_rate_of_the_star() -> None:
    found = kept_shares([US, ELSEWHERE], None, 2)
    assert found is not None
    assert found.tolist() == [0.7, 0.7]


def test_without_a_table_there_is_no_net_variant() -> None:
    assert kept_shares([], where("US"), 1) is None


def test_points_are_reinvested_across_the_index_on_their_day() -> None:
    """100 x (110 + 5) / 100 = 115; then the index falls by a tenth: 103.5."""
    levels, points = np.array([100.0, 110.0, 99.0]), np.array([0.0, 5.0, 0.0])
    np.testing.assert_allclose(total_return(levels, points, 100.0), [100.0, 115.0, 103.5], rtol=1e-15)


def test_gross_and_net_levels_earn_the_distribution_that_the_price_level_loses() -> None:
    """5 units pay 1 each: 5 points. Price 95, gross 95 + 5 = 100, net of a fifth 95 + 4 = 99.

    Then every price rises by a tenth and all variants with them.
    """
    result = paying(1.0, withholding=(WithholdingRate(country=EVERYWHERE, rate=0.2),))
    assert result.levels.gross is not None
    assert result.levels.net is not None
    np.testing.assert_allclose(result.levels.level, [100.0, 95.0, 104.5], rtol=1e-14)
    np.testing.assert_allclose(result.levels.gross, [100.0, 100.0, 110.0], rtol=1e-14)
    np.testing.assert_allclose(result.levels.net, [100.0, 99.0, 108.9], rtol=1e-14)


def test_a_distribution_of_no_known_amount_earns_nothing() -> None:
    result = paying(np.nan)
    assert result.levels.gross is not None
    np.testing.assert_allclose(result.levels.gross, result.levels.level, rtol=1e-15)
    assert result.levels.net is None


def test_adjusted_closes_have_no_variants() -> None:
    levels = paying(1.0, adjustment=Adjustment.ALL).levels
    assert (levels.gross, levels.net) == (None, None)


def test_levels_are_found_by_the_name_of_their_variant() -> None:
    levels = paying(1.0).levels
    assert levels.of(Variant.PRICE) is levels.level
    assert levels.of(Variant.GROSS) is levels.gross
    assert levels.of(Variant.NET) is None
