"""Restart budget: how many restarts, and how far apart."""

from hypothesis import given
from hypothesis import strategies as st

from waardhaven.adapters.outbound.embedded.restart import RestartBudget, RestartPolicy


def test_delays_double_up_to_the_longest_until_the_budget_is_spent() -> None:
    budget = RestartBudget(RestartPolicy(budget=5, first_delay=1.0, longest_delay=5.0))
    assert [budget.next_delay(now=0.0) for _ in range(6)] == [1.0, 2.0, 4.0, 5.0, 5.0, None]


def test_budget_is_whole_again_after_the_window() -> None:
    budget = RestartBudget(RestartPolicy(budget=1, window=60.0, first_delay=0.1))
    assert budget.next_delay(now=0.0) == 0.1
    assert budget.next_delay(now=59.9) is None
    assert budget.next_delay(now=60.0) == 0.1


@given(st.lists(st.floats(min_value=0.0, max_value=30.0), max_size=50))
def test_no_window_ever_has_more_restarts_than_the_budget(pauses: list[float]) -> None:
    policy = RestartPolicy(budget=3, window=10.0)
    budget = RestartBudget(policy)
    now = 0.0
    granted = []
    for pause in pauses:
        now += pause
        if budget.next_delay(now) is not None:
            granted.append(now)
    for moment in granted:
        assert sum(moment - policy.window < other <= moment for other in granted) <= policy.budget
