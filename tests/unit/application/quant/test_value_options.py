"""Where options are valued: in a thread, or in blocks by the pool of models."""

import asyncio
from typing import Any

import numpy as np
import pytest
from tests.fakes.compute_pool import FakeModelPool
from tests.unit.application.bench import Bench
from tests.unit.application.quant.options_desk import answer, ask, asking
from tests.unit.application.world import World

from waardhaven.application.ports.compute_pool import ComputeBusy, ComputeLost
from waardhaven.application.quant import value_options
from waardhaven.application.quant.catalogue import ListOptionModels
from waardhaven.application.quant.market_inputs import PricesNotStored, ReadMarketInputs
from waardhaven.application.quant.option_question import (
    Exercise,
)
from waardhaven.application.quant.price_options import SMALL
from waardhaven.domain.errors import Forbidden
from waardhaven.domain.identity.roles import ANONYMOUS
from waardhaven.domain.quant.options.contracts import Reason


@pytest.fixture
async def bench(world: World) -> Bench:
    bench = Bench(world)
    await bench.open()
    return bench


async def test_small_questions_are_valued_in_a_thread_and_others_by_the_models(bench: Bench) -> None:
    models = FakeModelPool()
    for small in (asking(), asking(strike=np.full(SMALL, 95.0))):
        await ask(bench, small, models=models)
        assert models.computed == []
        assert bench.world.pool.computed[-1] == "answered"  # type: ignore[attr-defined]
    for large in (asking(strike=np.full(SMALL + 1, 95.0)), asking(exercise=Exercise.AMERICAN)):
        await ask(bench, large, models=models)
        assert models.computed.pop() == "valued"
        assert bench.world.pool.computed[-1] == "dumps"  # type: ignore[attr-defined]


async def test_many_options_are_valued_in_blocks_and_come_back_in_order(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(value_options, "BLOCK", 500)
    models, size = FakeModelPool(), 1_501
    strikes, prices = np.linspace(80.0, 120.0, size), np.full(size, 25.0)
    prices[-1] = 1e4  # in the last block
    question = asking(strike=strikes, volatility=None, price=prices, is_call=strikes < 100.0)
    found = await ask(bench, question, models=models)
    assert models.computed == ["valued"] * 4
    whole = answer(question)
    assert list(found.figures) == list(whole.figures)
    for name, column in whole.figures.items():
        np.testing.assert_array_equal(found.figures[name], column)
    np.testing.assert_array_equal(found.reasons, whole.reasons)
    assert found.reasons[-1] == Reason.ABOVE_BOUND.code


@pytest.mark.parametrize("size", [1, value_options.BLOCK, value_options.BLOCK + 1, 1_000_000])
def test_blocks_cover_every_row_once_and_none_is_of_a_row_alone(size: int) -> None:
    blocks = list(value_options.blocks_of(asking(strike=np.empty(size))))
    assert [one.start for one in blocks] == [0, *(one.stop for one in blocks[:-1])]
    assert blocks[-1].stop == size
    lengths = [one.stop - one.start for one in blocks]
    assert max(lengths) <= value_options.BLOCK
    assert size == 1 or min(lengths) > 1


async def test_no_options_are_an_empty_answer(bench: Bench) -> None:
    found = await ask(bench, asking(strike=np.empty(0)))
    assert found.figures["price"].tolist() == []


class Crowd(FakeModelPool):
    """A pool that others fill again and again: every run is refused ``refusals`` times after the first."""

    def __init__(self, refusals: int) -> None:
        super().__init__()
        self.refusals, self.refused = refusals, 0

    async def run(self, function: Any, *args: object) -> Any:
        if self.computed and self.refused < self.refusals:
            self.refused += 1
            raise ComputeBusy("Too many computations wait already.")
        return await super().run(function, *args)


async def test_a_question_that_has_begun_waits_for_room_but_one_that_has_not_is_refused(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(value_options, "BLOCK", 500)
    monkeypatch.setattr(value_options, "PAUSE_SECONDS", 0.0)
    question, crowd = asking(strike=np.linspace(80.0, 120.0, 1_500)), Crowd(5)
    found = await ask(bench, question, models=crowd)
    assert crowd.refused == 5
    np.testing.assert_array_equal(found.figures["price"], answer(question).figures["price"])
    with pytest.raises(ComputeBusy):
        await ask(bench, question, models=FakeModelPool(busy=True))
    monkeypatch.setattr(value_options, "PAUSES", 3)
    with pytest.raises(ComputeBusy):
        await ask(bench, question, models=Crowd(10_000))


async def test_a_block_that_fails_ends_the_others(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(value_options, "BLOCK", 500)
    ended: list[str] = []

    class Lost(FakeModelPool):
        async def run(self, function: Any, *args: object) -> Any:
            self.computed.append("begun")
            if len(self.computed) == 1:
                await asyncio.sleep(0)
                raise ComputeLost("The process that computed ended.")
            try:
                await asyncio.sleep(3600)
            finally:
                ended.append("ended")

    models = Lost()
    with pytest.raises(ComputeLost):
        await ask(bench, asking(strike=np.linspace(80.0, 120.0, 5_000)), models=models)
    assert len(ended) == len(models.computed) - 1
    assert len(models.computed) <= value_options.AT_ONCE + 1


async def test_a_store_without_facts_has_no_closes(world: World) -> None:
    class Empty:
        async def resolve(self, ref: Any) -> Any:
            return next(iter(await world.market.assets([1])), None) or type("A", (), {"symbol": "X"})

        async def latest_vintage(self) -> None:
            return None

    with pytest.raises(PricesNotStored):
        await ReadMarketInputs(Empty(), None, None)(asking(spot=None, symbol="X"))  # type: ignore[arg-type]


async def test_who_may_not_read_may_not_ask(bench: Bench) -> None:
    with pytest.raises(Forbidden):
        await ask(bench, asking(), by=ANONYMOUS)
    with pytest.raises(Forbidden):
        await ListOptionModels()(ANONYMOUS)
