"""Questions about options, and who answers them over fakes."""

import pickle
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from tests.fakes.compute_pool import FakeModelPool
from tests.unit.application.bench import Bench
from tests.unit.application.world import VIEWER

from waardhaven.application.ports.market_data import MarketSetup, SourceInfo
from waardhaven.application.pricing.adjusting import ReadActions
from waardhaven.application.pricing.read_bars import ReadBars
from waardhaven.application.pricing.read_closes import ReadCloses
from waardhaven.application.quant.market_inputs import MarketInputs, ReadMarketInputs
from waardhaven.application.quant.option_question import (
    OptionQuestion,
)
from waardhaven.application.quant.price_options import Priced, PriceOptions, priced
from waardhaven.domain.quant.options.contracts import UnusableOptions

PLAIN = OptionQuestion(
    strike=np.array(95.0),
    time=np.array(0.5),
    is_call=np.array(True),
    spot=np.array(100.0),
    volatility=np.array(0.2),
    rate=np.array(0.03),
)


def asking(**changes: Any) -> OptionQuestion:
    return replace(PLAIN, **changes)


def answer(question: OptionQuestion) -> Priced:
    return priced(question.checked(), MarketInputs())


def told_of(error: UnusableOptions) -> dict[str, str]:
    return {one.field: one.rule for one in error.errors}


def broken(question: OptionQuestion) -> dict[str, str]:
    with pytest.raises(UnusableOptions) as caught:
        answer(question)
    return told_of(caught.value)


async def ask(
    bench: Bench, question: OptionQuestion, by: Any = VIEWER, models: FakeModelPool | None = None
) -> Priced:
    market = bench.world.market
    setup = MarketSetup(sources=(SourceInfo(name="sample", capabilities=frozenset()),))
    closes = ReadCloses(market, market, ReadActions(market), setup)
    inputs = ReadMarketInputs(market, closes, ReadBars(closes, market))
    use_case = PriceOptions(bench.world.pool, models or FakeModelPool(), inputs)
    found: Priced = pickle.loads(await use_case(by, question=question.checked(), write=pickle.dumps))
    return found
