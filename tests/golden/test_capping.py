"""Capping against published figures and by hand; the source is named beside each."""

import numpy as np
import pytest

from waardhaven.domain.index.constraints.capping import capped
from waardhaven.domain.index.constraints.traits import Traits, limits_of
from waardhaven.domain.index.definition import Constraints, GroupCap, Grouping, WeightBounds
from waardhaven.domain.index.limits import Limits
from waardhaven.domain.types import Floats


def cap(target: Floats, limits: Limits) -> Floats:
    return capped(target, np.ones(len(target), dtype=bool), limits)


def free_of(constraints: Constraints, columns: int) -> Limits:
    return limits_of(constraints, np.arange(1, columns + 1), Traits.nameless(columns))


def test_the_capping_factors_of_the_mvis_russia_index() -> None:
    """MV Index Solutions, "Diversification", table "Component Weighting in MVIS Russia Index".

    Free-float capitalisation in USD, capped weights 8, 8, 7, 6.5 and 6 %, capping factors 0.24, 0.25, 0.22,
    0.33, 0.36; Lenta goes from 0.45 to 0.97 %. The table gives the capped capitalisation of 8 % as
    7,115,395,710, so that of the index is that / 0.08; the names it leaves out enter as one, with what is
    left of it.
    """
    float_cap = np.array([29_660_466_684, 28_197_638_435, 28_187_250_000, 17_506_214_902, 14_792_882_442.0])
    lenta, index = 859_246_707.0, 7_115_395_710 / 0.08
    rest = index * (1.0 - 0.355) - lenta
    caps = np.array([0.08, 0.08, 0.07, 0.065, 0.06])
    bounds = tuple(WeightBounds(asset=i + 1, maximum=float(one)) for i, one in enumerate(caps))
    values = np.concatenate([float_cap, [lenta, rest]])

    weights = cap(values / values.sum(), free_of(Constraints(bounds=bounds), 7))
    factor = weights / values / (weights[-1] / values[-1])

    assert weights[:5].tolist() == caps.tolist()
    assert [round(one, 2) for one in factor.tolist()] == [0.24, 0.25, 0.22, 0.33, 0.36, 1.0, 1.0]
    assert round(weights[5], 4) == 0.0097


def test_the_closed_formula_of_ftse_russell_for_capped_names() -> None:
    """FTSE Russell, ground rules, capping: c = Z / (I x capitalisation) x capitalisation of the uncapped.

    Z: the cap; I: the share of the index that the uncapped names have. With 40, 30, 12, 10, 8 and Z = 25 %
    two names are at the cap, so I = 50 %: c = 0.25 / 0.5 x 30 / 40 = 0.375 and x 30 / 30 = 0.5.
    """
    values = np.array([40.0, 30.0, 12.0, 10.0, 8.0])
    weights = cap(values / 100.0, free_of(Constraints(max_weight=0.25), 5))
    in_index = values * [0.375, 0.5, 1.0, 1.0, 1.0]
    np.testing.assert_allclose(weights, in_index / in_index.sum(), rtol=1e-14)
    np.testing.assert_allclose(weights, [0.25, 0.25, 0.2, 1 / 6, 2 / 15], rtol=1e-14)


def test_the_excess_is_redistributed_until_nothing_is_above_its_cap() -> None:
    """By hand, after S&P DJI, Index Mathematics Methodology, capped market capitalisation indices.

    50, 19, 16, 15 % and a cap of 30 %: 20 points over, handed out as 7.6, 6.4, 6: 26.6, 22.4, 21. With a
    cap of 26 %: 24 points over lift the second to 28.12; it is held at 26 as well, and the rest share 48
    points as 16 to 15: 24.7742 and 23.2258.
    """
    target = np.array([0.50, 0.19, 0.16, 0.15])
    first = cap(target, free_of(Constraints(max_weight=0.30), 4))
    np.testing.assert_allclose(first, [0.30, 0.266, 0.224, 0.21], rtol=1e-14)
    second = cap(target, free_of(Constraints(max_weight=0.26), 4))
    np.testing.assert_allclose(second, [0.26, 0.26, 0.48 * 16 / 31, 0.48 * 15 / 31], rtol=1e-14)


def test_caps_on_sectors_and_names_hold_together() -> None:
    """By hand: technology 70 % in three names, capped at 45 % and each name at 20 %.

    Inside: 40, 20, 10 scaled to 45 is 25.7, 12.9, 6.4; the first is held at 20, the rest share 25 as 2 to 1.
    Outside: 20 and 10 scaled to 55 is 36.7 and 18.3, above the cap of the first; so its bounds allow 40.
    """
    traits = Traits(sector=("Tech",) * 3 + ("Other",) * 2, country=("US",) * 5, currency=("USD",) * 5)
    constraints = Constraints(
        max_weight=0.2,
        bounds=(WeightBounds(asset=4, maximum=0.4),),
        group_caps=(GroupCap(by=Grouping.SECTOR, group="Tech", maximum=0.45),),
    )
    weights = cap(np.array([0.4, 0.2, 0.1, 0.2, 0.1]), limits_of(constraints, np.arange(1, 6), traits))
    np.testing.assert_allclose(weights, [0.2, 0.5 / 3, 0.25 / 3, 1.1 / 3, 0.55 / 3], rtol=1e-14)


def test_sector_and_country_caps_that_both_bind_are_scaled_to_their_margins() -> None:
    """By hand: one factor for each row and column of a two by two table (Deming & Stephan 1940).

    Margins of one half and the odds ratio of the target, 0.4 x 0.2 / (0.3 x 0.1) = 8 / 3, leave
    a^2 / (1/2 - a)^2 = 8 / 3 for the first name: a = 1/2 x s / (1 + s) with s the root of 8 / 3.
    """
    traits = Traits(sector=("A", "A", "B", "B"), country=("US", "DE", "US", "DE"), currency=("USD",) * 4)
    caps = tuple(GroupCap(by=by, maximum=0.5) for by in (Grouping.SECTOR, Grouping.COUNTRY))
    limits = limits_of(Constraints(group_caps=caps), np.arange(1, 5), traits)
    root = np.sqrt(8.0 / 3.0)
    a = 0.5 * root / (1.0 + root)
    weights = cap(np.array([0.4, 0.3, 0.1, 0.2]), limits)
    assert weights == pytest.approx([a, 0.5 - a, 0.5 - a, a], rel=1e-9)
