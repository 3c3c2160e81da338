"""Questions of models as jobs, and direct calls that become jobs."""

from typing import Any
from uuid import UUID

import pytest
from tests.fakes.compute_pool import FakeComputePool, FakeModelPool
from tests.fakes.job_run import FakeJobRun
from tests.fakes.table_writer import FakeTableWriter
from tests.unit.application.jobs.office import ANALYST, Office

from waardhaven.application.jobs import ask_model
from waardhaven.application.jobs.ask_model import AskModel
from waardhaven.application.jobs.names import JobName
from waardhaven.application.jobs.run_models import RunMarkowitz, RunMonteCarlo, RunOptions
from waardhaven.application.quant.market_inputs import MarketInputs
from waardhaven.application.quant.monte_carlo_views import MonteCarloView
from waardhaven.application.quant.optimise_portfolio import OptimisePortfolio
from waardhaven.application.quant.optimise_portfolio import answered as optimised
from waardhaven.application.quant.run_monte_carlo import answered, paths
from waardhaven.application.quant.simulate_monte_carlo import SimulateMonteCarlo
from waardhaven.application.questions.markowitz import MarkowitzQuestion
from waardhaven.application.questions.monte_carlo import MonteCarloQuestion
from waardhaven.application.questions.options import OptionsQuestion
from waardhaven.application.questions.reading import UnusableQuestion, as_json, read_question
from waardhaven.domain.errors import FieldError, Forbidden, Invalid
from waardhaven.domain.identity.roles import ANONYMOUS
from waardhaven.domain.jobs.job import Job, JobState
from waardhaven.domain.quant.monte_carlo.refusals import UnusableSimulation
from waardhaven.domain.quant.options.contracts import UnusableOptions
from waardhaven.domain.quant.quadratic_programme import Infeasible

ASIAN = {
    "kind": "derivative",
    "payoff": {"type": "arithmetic_asian", "strike_price": 100.0},
    "spot_price": 100.0,
    "volatility": 0.2,
    "risk_free_rate": 0.03,
    "time_to_expiry": 1.0,
    "time_steps": 12,
    "sampling": "plain",
    "simulations": 60_000,
}


class NoMarket:
    """Nothing is stored, and nothing is asked for."""

    async def __call__(self, question: object) -> MarketInputs:
        del question
        return MarketInputs()


def a_question(**changes: Any) -> MonteCarloQuestion:
    return read_question(MonteCarloQuestion, {**ASIAN, **changes})


def asking(office: Office, pool: FakeModelPool) -> AskModel:
    nothing: Any = NoMarket()
    return AskModel(SimulateMonteCarlo(pool, nothing), OptimisePortfolio(pool, nothing), office.submit)


async def run(question: MonteCarloQuestion, job: int = 7) -> tuple[dict[str, Any], FakeJobRun]:
    told = FakeJobRun(job=UUID(int=job))  # type: ignore[arg-type]
    outcome = await RunMonteCarlo(FakeComputePool(), NoMarket(), FakeTableWriter())(ANALYST, question, told)  # type: ignore[arg-type]
    return dict(outcome.result), told


async def test_a_job_answers_bit_for_bit_as_a_direct_call_and_tells_how_far_it_is():
    question = a_question(seed=5)
    found, told = await run(question)
    assert found == as_json(answered(question, None))
    done = [one.done for one in told.told]
    assert done == list(range(len(done)))
    assert told.told[-1].done == told.told[-1].total > 1


async def test_without_a_seed_the_job_is_the_seed_so_that_another_attempt_draws_the_same():
    one, again, other = [(await run(a_question(), job))[0] for job in (7, 7, 8)]
    assert one == again
    assert one["seed"] == 7
    assert {**other, "seed": 7} != one


async def test_a_chunk_that_fails_ends_the_job_and_leaves_nothing_running():
    class Failing(FakeComputePool):
        async def run(self, function: Any, *args: object) -> Any:
            if function.__name__ == "run" and args[1] == 1:
                raise Invalid("It is wrong.", errors=[FieldError(field="a", rule="b")])
            return await super().run(function, *args)

    with pytest.raises(Invalid, match="It is wrong"):
        await RunMonteCarlo(Failing(), NoMarket(), FakeTableWriter())(ANALYST, a_question(), FakeJobRun())  # type: ignore[arg-type]


async def test_a_small_question_is_answered_at_once():
    office, pool = Office(), FakeModelPool()
    view = await asking(office, pool)(ANALYST, question=a_question())
    assert isinstance(view, MonteCarloView)
    assert office.queue.waiting == {}


async def test_a_large_question_becomes_a_job_with_the_very_same_question(monkeypatch: pytest.MonkeyPatch):
    office, question = Office(), a_question(simulations=50_000_000)
    job = await asking(office, FakeModelPool())(ANALYST, question=question)
    assert isinstance(job, Job)
    assert (job.type, job.state) == (JobName.MONTECARLO, JobState.QUEUED)
    assert read_question(MonteCarloQuestion, job.params) == question


async def test_a_busy_pool_makes_a_job_of_a_small_question():
    office, pool = Office(), FakeModelPool(busy=True)
    job = await asking(office, pool)(ANALYST, question=a_question())
    assert isinstance(job, Job)
    assert len(office.queue.waiting) == 1


async def test_what_no_job_could_answer_is_refused_and_not_queued():
    office = Office()
    with pytest.raises(UnusableSimulation) as refused:
        await asking(office, FakeModelPool())(
            ANALYST, question=a_question(simulations=10**8, time_steps=100_000)
        )
    assert refused.value.errors
    assert office.queue.waiting == {}
    with pytest.raises(Forbidden):
        await asking(office, FakeModelPool())(ANONYMOUS, question=a_question())


async def test_a_large_portfolio_that_nothing_can_keep_is_refused_and_not_queued():
    office = Office()
    twenty = {
        "expected_returns": [0.1] * 20,
        "covariance": [[0.0] * at + [1.0] + [0.0] * (19 - at) for at in range(20)],
    }
    fair = read_question(MarkowitzQuestion, {**twenty, "most_names": 5})
    assert isinstance(await asking(office, FakeModelPool())(ANALYST, question=fair), Job)
    capped = read_question(MarkowitzQuestion, {**twenty, "most_names": 5, "max_weight": 0.01})
    with pytest.raises(Infeasible) as refused:
        await asking(office, FakeModelPool())(ANALYST, question=capped)
    assert [one.field for one in refused.value.errors] == ["max_weight"]
    assert len(office.queue.waiting) == 1


def test_every_kind_of_question_that_may_wait_has_a_job():
    from waardhaven.application.jobs.registry import JOBS

    jobs = {one.name: one.params for one in JOBS}
    for kind, weight in ask_model.WEIGHTS.items():
        assert jobs[weight.job] is kind


async def test_options_are_valued_as_a_job():
    question = OptionsQuestion(
        option_type=("call", "put"), strike_price=100.0, time_to_expiry=0.5, spot_price=100.0, volatility=0.2
    )
    run = FakeJobRun()
    outcome = await RunOptions(FakeComputePool(), NoMarket())(ANALYST, question, run)  # type: ignore[arg-type]
    call, put = outcome.result["figures"]["price"]["values"]  # type: ignore[index]
    assert call == pytest.approx(put), "no rate and no yield: at the money both are worth the same"
    assert call == pytest.approx(5.637, abs=1e-3)
    assert run.told[-1].done == 1


async def test_options_that_lack_what_they_need_are_told_every_field():
    with pytest.raises(UnusableOptions) as refused:
        await RunOptions(FakeComputePool(), NoMarket())(ANALYST, OptionsQuestion(), FakeJobRun())  # type: ignore[arg-type]
    names = ["option_type", "strike_price", "time_to_expiry"]
    assert [(one.field, one.rule) for one in refused.value.errors] == [(one, "is required") for one in names]
    with pytest.raises(UnusableQuestion) as unread:
        read_question(OptionsQuestion, {"volatility": "high"}, within="params")
    assert unread.value.errors[0].field == "params.volatility"


async def test_a_portfolio_is_optimised_as_a_job_as_it_is_directly():
    question = read_question(
        MarkowitzQuestion,
        {
            "names": ["A", "B"],
            "expected_returns": [0.05, 0.08],
            "covariance": [[0.04, 0.01], [0.01, 0.09]],
            "objective": "minimum_variance",
        },
    )
    office, told = Office(), FakeJobRun()
    outcome = await RunMarkowitz(FakeComputePool(), NoMarket())(ANALYST, question, told)  # type: ignore[arg-type]
    assert dict(outcome.result) == as_json(optimised(question))
    view = await asking(office, FakeModelPool())(ANALYST, question=question)
    assert as_json(view) == dict(outcome.result)
    job = await asking(office, FakeModelPool(busy=True))(ANALYST, question=question)
    assert isinstance(job, Job)
    assert read_question(MarkowitzQuestion, job.params) == question


async def test_whole_paths_are_kept_on_request_and_make_a_job_of_any_question():
    question = a_question(seed=5, keep_paths=3, payoff={"type": "european", "strike_price": 100.0})
    job = await asking(Office(), FakeModelPool())(ANALYST, question=question)
    assert isinstance(job, Job)
    found, told = await run(question)
    assert found == as_json(answered(question, None))
    (name,) = told.files
    media, content = told.files[name]
    assert (name, media) == ("paths.arrow", "application/vnd.apache.arrow.stream")
    columns = FakeTableWriter.read(content)
    assert columns["path"].tolist() == [path for path in range(3) for _ in range(13)]
    assert columns["step"].tolist() == list(range(13)) * 3
    whole = paths(question, None, 3)
    assert columns["value"].reshape(3, 13).T.tolist() == whole[0].tolist()
    assert (await run(a_question(seed=5)))[1].files == {}


async def test_more_whole_paths_than_a_file_may_hold_are_refused_before_anything_is_simulated():
    told = FakeJobRun()
    question = a_question(seed=5, keep_paths=60_000, time_steps=2_000)
    with pytest.raises(UnusableSimulation):
        await RunMonteCarlo(FakeComputePool(), NoMarket(), FakeTableWriter())(ANALYST, question, told)  # type: ignore[arg-type]
    assert told.told == []
