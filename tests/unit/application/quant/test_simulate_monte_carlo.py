"""The use case of simulations: who may, what is read, what is too much while a caller waits."""

from datetime import date

import pytest
from tests.fakes.compute_pool import FakeModelPool
from tests.unit.application.quant.simulations import CALL, MIXED, STORED, asking
from tests.unit.application.world import VIEWER

from waardhaven.application.ports.compute_pool import ComputeBusy
from waardhaven.application.quant.monte_carlo_rules import DIRECT
from waardhaven.application.quant.read_returns import ReturnsOrder, StoredReturns
from waardhaven.application.quant.run_monte_carlo import answered, cost
from waardhaven.application.quant.simulate_monte_carlo import SimulateMonteCarlo
from waardhaven.domain.errors import Forbidden
from waardhaven.domain.identity.roles import ANONYMOUS
from waardhaven.domain.market.calendar import Frequency
from waardhaven.domain.quant.monte_carlo.refusals import UnusableSimulation


class Stored:
    """Has returns of two names, whatever is asked, and remembers the order."""

    def __init__(self) -> None:
        self.orders: list[ReturnsOrder] = []

    async def __call__(self, order: ReturnsOrder) -> StoredReturns:
        self.orders.append(order)
        return STORED


@pytest.fixture
def pool() -> FakeModelPool:
    return FakeModelPool()


@pytest.fixture
def stored() -> Stored:
    return Stored()


@pytest.fixture
def simulate(pool: FakeModelPool, stored: Stored) -> SimulateMonteCarlo:
    return SimulateMonteCarlo(pool, stored)  # type: ignore[arg-type]


async def test_what_is_sent_is_computed_beside_the_loop_and_nothing_is_read(
    simulate: SimulateMonteCarlo, pool: FakeModelPool, stored: Stored
):
    assert await simulate(VIEWER, question=asking()) == answered(asking(), None)
    assert (pool.computed, stored.orders) == (["answered"], [])


async def test_symbols_are_read_as_they_were_asked_for(simulate: SimulateMonteCarlo, stored: Stored):
    raw = {"symbols": ["AAA", "BBB"], "start": "2014-01-01", "frequency": "monthly", "currency": "EUR"}
    found = await simulate(VIEWER, question=asking(raw, seed=9))
    assert found == answered(asking(raw, seed=9), STORED)
    assert stored.orders == [
        ReturnsOrder(
            symbols=("AAA", "BBB"), start=date(2014, 1, 1), frequency=Frequency.MONTHLY, currency="EUR"
        )
    ]


async def test_a_seed_is_drawn_and_told_and_gives_the_answer_again(simulate: SimulateMonteCarlo):
    first, second = [await simulate(VIEWER, question=asking(CALL, seed=None)) for _ in range(2)]
    assert first.seed != second.seed
    assert await simulate(VIEWER, question=asking(CALL, seed=first.seed)) == first


async def test_who_may_not_read_may_not_simulate(simulate: SimulateMonteCarlo):
    with pytest.raises(Forbidden):
        await simulate(ANONYMOUS, question=asking())


async def test_what_takes_too_long_is_refused_before_anything_is_read(
    simulate: SimulateMonteCarlo, pool: FakeModelPool, stored: Stored
):
    question = asking({"symbols": ["AAA", "BBB"], "horizon_years": 10.0, "simulations": 20_000})
    assert cost(question) > DIRECT
    with pytest.raises(UnusableSimulation) as refused:
        await simulate(VIEWER, question=question)
    assert refused.value.errors[0].field == "simulations"
    most = int(20_000 * DIRECT / cost(question))
    assert f"must be about {most} at most here" in refused.value.errors[0].rule
    fewer = asking({"symbols": ["AAA", "BBB"], "horizon_years": 10.0, "simulations": most - 500})
    assert cost(fewer) < DIRECT
    assert (pool.computed, stored.orders) == ([], [])


async def test_a_question_that_can_not_be_is_refused_before_anything_is_read(
    simulate: SimulateMonteCarlo, stored: Stored
):
    with pytest.raises(UnusableSimulation):
        await simulate(VIEWER, question=asking(MIXED, symbols=["AAA"]))
    assert stored.orders == []


async def test_a_pool_with_too_many_who_wait_says_so(pool: FakeModelPool, simulate: SimulateMonteCarlo):
    pool.busy = True
    with pytest.raises(ComputeBusy):
        await simulate(VIEWER, question=asking())


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"weights": [0.6, 0.6]}, "weights"),
        ({"correlation": [[1.0, 0.5], [0.4, 1.0]]}, "correlation"),
        ({"simulations": 10_000_000, "time_steps": 12}, "simulations"),
        ({"keep_paths": 100_000, "simulations": 200_000, "time_steps": 252}, "keep_paths"),
    ],
)
async def test_a_large_question_is_refused_for_what_its_answer_would_be(
    simulate: SimulateMonteCarlo, changes: dict[str, object], field: str
):
    large = asking(MIXED, **{"simulations": 1_000_000, "time_steps": 252, **changes})
    with pytest.raises(UnusableSimulation) as refused:
        await simulate.examine(VIEWER, question=large)
    assert [one.field for one in refused.value.errors] == [field]


async def test_a_large_question_that_can_be_answered_is_examined_over_the_past_of_its_symbols(
    simulate: SimulateMonteCarlo, stored: Stored, pool: FakeModelPool
):
    large = {"symbols": ["AAA", "BBB"], "horizon_years": 10.0, "simulations": 20_000}
    await simulate.examine(VIEWER, question=asking(large))
    assert (pool.computed, len(stored.orders)) == (["examine"], 1)
    with pytest.raises(UnusableSimulation) as refused:
        await simulate.examine(VIEWER, question=asking(large, flows=[{"amount": 1.0, "last": 2_000}]))
    assert refused.value.errors[0].field == "flows.0.last"
    with pytest.raises(Forbidden):
        await simulate.examine(ANONYMOUS, question=asking(large))
