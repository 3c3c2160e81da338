"""Questions about options, answered at once or as the job that answers the same."""

import pickle
from dataclasses import fields, replace
from typing import Any

import numpy as np
import pytest
from tests.fakes.compute_pool import FakeComputePool, FakeModelPool
from tests.unit.application.jobs.office import ANALYST, Office
from tests.unit.application.quant.options_desk import asking

from waardhaven.application.jobs.ask_options import AskOptions
from waardhaven.application.jobs.names import JobName
from waardhaven.application.ports.compute_pool import ComputeBusy, ComputeOutOfMemory, ComputeTimedOut
from waardhaven.application.quant.asked_options import asked_options
from waardhaven.application.quant.market_inputs import MarketInputs
from waardhaven.application.quant.option_question import AMERICAN_AT_ONCE, Exercise, OptionQuestion
from waardhaven.application.quant.price_options import Priced, PriceOptions
from waardhaven.application.questions.options import MOST, OptionsQuestion
from waardhaven.application.questions.reading import read_question
from waardhaven.domain.errors import Forbidden
from waardhaven.domain.identity.roles import ANONYMOUS
from waardhaven.domain.jobs.job import Job
from waardhaven.domain.quant.options.contracts import UnusableOptions

AMERICAN = asking(exercise=Exercise.AMERICAN, is_call=np.array(False))


class NoMarket:
    """Nothing is stored, and nothing is asked for."""

    async def __call__(self, question: object) -> MarketInputs:
        del question
        return MarketInputs()


async def ask(
    question: OptionQuestion,
    models: FakeModelPool | None = None,
    office: Office | None = None,
    by: Any = ANALYST,
) -> Priced | Job:
    nothing: Any = NoMarket()
    pool = FakeComputePool()
    price = PriceOptions(pool, models or FakeModelPool(), nothing)
    use_case = AskOptions(pool, price, (office or Office()).submit)
    found = await use_case(by, content=pickle.dumps(question), read=pickle.loads, write=pickle.dumps)
    if isinstance(found, Job):
        return found
    answer: Priced = pickle.loads(found)
    return answer


def same(one: OptionQuestion, other: OptionQuestion) -> bool:
    pairs = ((getattr(one, each.name), getattr(other, each.name)) for each in fields(OptionQuestion))
    return all(
        np.array_equal(mine, theirs, equal_nan=mine.dtype.kind == "f")
        if isinstance(mine, np.ndarray)
        else mine == theirs
        for mine, theirs in pairs
    )


async def test_what_is_quick_is_answered_at_once() -> None:
    office = Office()
    for question in (asking(), AMERICAN, asking(strike=np.linspace(80.0, 120.0, 20_000))):
        found = await ask(question, office=office)
        assert isinstance(found, Priced)
        assert len(found.reasons) == question.size
    assert office.queue.waiting == {}


async def test_many_american_options_are_a_job_that_asks_the_same() -> None:
    office, size = Office(), AMERICAN_AT_ONCE + 1
    strikes = np.linspace(80.0, 120.0, size)
    strikes[7] = np.nan
    question = asking(
        strike=strikes,
        time=np.array(np.nan),
        is_call=strikes > 100.0,
        dividend_yield=np.full(size, 0.01),
        exercise=Exercise.AMERICAN,
        greeks=("delta", "vega_per_point"),
    )
    models = FakeModelPool()
    job = await ask(question, models, office)
    assert isinstance(job, Job)
    assert (job.type, models.computed) == (JobName.BLACKSCHOLES, [])
    again = asked_options(read_question(OptionsQuestion, job.params))
    assert np.isnan(again.time).all()
    assert again.time.shape == (size,), "one unknown number alone would be a field that is left out"
    assert same(replace(again, time=question.time), question)


@pytest.mark.parametrize("error", [ComputeBusy, ComputeTimedOut, ComputeOutOfMemory])
async def test_what_the_models_can_not_do_now_becomes_a_job_if_one_takes_as_many(error: Any) -> None:
    class Failing(FakeModelPool):
        async def run(self, function: Any, *args: object) -> Any:
            del function, args
            raise error("Not now.")

    office = Office()
    question = asking(
        strike=np.linspace(80.0, 120.0, MOST),
        spot=None,
        volatility=None,
        symbol="AAPL",
        estimator="yang_zhang",
        window=30,
    )
    job = await ask(question, Failing(), office)
    assert isinstance(job, Job)
    assert same(asked_options(read_question(OptionsQuestion, job.params)), question)
    assert len(office.queue.waiting) == 1
    with pytest.raises(error):
        await ask(asking(strike=np.full(MOST + 1, 95.0)), Failing(), office)
    assert len(office.queue.waiting) == 1


async def test_what_can_not_be_answered_is_refused_and_not_queued() -> None:
    office = Office()
    with pytest.raises(UnusableOptions):
        await ask(replace(AMERICAN, strike=np.full(AMERICAN_AT_ONCE + 1, -1.0)), office=office)
    with pytest.raises(Forbidden):
        await ask(AMERICAN, office=office, by=ANONYMOUS)
    assert office.queue.waiting == {}
