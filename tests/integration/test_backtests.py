"""Backtests of the sample market as jobs, over a real database."""

import csv
import io
import json

import numpy as np
import pytest
from tests.fakes.job_run import FakeJobRun
from tests.integration.conftest import Service

from waardhaven.application.jobs.run_backtest import RunBacktest
from waardhaven.application.questions.backtest import BacktestQuestion
from waardhaven.domain.identity.roles import OPERATOR

QUESTION = BacktestQuestion(
    symbols=("AAPL", "MSFT", "JPM", "XOM"),
    strategy="momentum",
    frequency="monthly",
    transaction_cost=0.001,
    slippage=0.0005,
    benchmark="SPX",
)


async def test_a_backtest_keeps_its_levels_weights_and_report(published: Service):
    run = FakeJobRun()
    outcome = await (await published.scope.get(RunBacktest))(OPERATOR, QUESTION, run)
    report = json.loads(json.dumps(outcome.result, allow_nan=False))
    files = {name: content for name, (_, content) in run.files.items()}
    assert set(files) == {"levels.csv", "weights.csv", "report.json"}
    assert json.loads(files["report.json"]) == report
    levels = list(csv.DictReader(io.StringIO(files["levels.csv"].decode())))
    values = np.array([float(one["value"]) for one in levels])
    assert report["total_return"] == pytest.approx(values[-1] / values[0] - 1.0, rel=1e-12)
    assert report["costs"] > 0.0
    assert report["costs"] == pytest.approx(report["transaction_costs"] + report["slippage"])
    assert report["metrics"]["tracking_error"]["value"] > 0.0
    assert (levels[-1]["date"], report["last"]) == ("2022-12-28", "2022-12-28")
    months = {row["effective"][:7] for row in csv.DictReader(io.StringIO(files["weights.csv"].decode()))}
    assert len(months) == report["reviews"]


async def test_the_same_question_has_the_same_answer(published: Service):
    answers = []
    for _ in range(2):
        run = FakeJobRun()
        await (await published.scope.get(RunBacktest))(OPERATOR, QUESTION, run)
        answers.append(run.files["levels.csv"][1])
    assert answers[0] == answers[1]
