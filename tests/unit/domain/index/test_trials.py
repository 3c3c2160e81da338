"""Variants of rules and their Sharpe ratios."""

import numpy as np
import pytest

from waardhaven.domain.index.trials import LEAST_RETURNS, Trials, session_ratio


def test_the_ratio_of_a_session_is_the_mean_over_the_sample_deviation():
    moves = np.tile([0.02, -0.01], LEAST_RETURNS // 2)
    level = 100.0 * np.cumprod(np.append(1.0, 1.0 + moves))
    expected = 0.005 / (0.015 * np.sqrt(LEAST_RETURNS / (LEAST_RETURNS - 1)))
    assert session_ratio(level) == pytest.approx(expected, rel=1e-10)


def test_the_ratio_is_unknown_for_less_than_a_year_and_for_a_constant():
    assert np.isnan(session_ratio(np.linspace(100.0, 101.0, LEAST_RETURNS)))
    assert np.isnan(session_ratio(np.full(LEAST_RETURNS + 1, 100.0)))


def test_ratios_of_longer_periods_grow_with_the_root_of_their_sessions():
    trials = Trials(count=2, ratios=np.array([0.02, 0.05]))
    assert trials.per_period(21.0).tolist() == pytest.approx([0.02 * 21**0.5, 0.05 * 21**0.5])
