"""The job that runs a strategy over stored closes."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from waardhaven.application.indexes.backtest import Backtest
from waardhaven.application.indexes.backtest_views import BacktestView
from waardhaven.application.jobs.tables import csv_bytes
from waardhaven.application.ports.job_run import JobRun, Outcome
from waardhaven.application.questions.backtest import BacktestQuestion
from waardhaven.application.questions.reading import as_json
from waardhaven.domain.identity.roles import Permission, Principal

SERIES: Final = frozenset({"dates", "values", "compositions"})
"""Parts of a backtest that are files."""


@dataclass(frozen=True, slots=True)
class RunBacktest:
    """Run a registered strategy over stored closes; keeps its levels, weights and a report.

    Levels are after costs. What is not known is null. The same closes and question have the same result.
    """

    backtest: Backtest

    async def __call__(self, by: Principal, params: BacktestQuestion, run: JobRun) -> Outcome:
        """Return the report; raise what Backtest raises."""
        by.require(Permission.READ_INDICES)
        run.progress("computing", 0, 2)
        found = await self.backtest(by, question=params)
        run.progress("writing", 1, 2)
        report = _report(found)
        await run.keep("levels.csv", "text/csv", csv_bytes(_levels(found)))
        await run.keep("weights.csv", "text/csv", csv_bytes(_weights(found)))
        await run.keep("report.json", "application/json", json.dumps(report, allow_nan=False).encode())
        run.progress("writing", 2, 2)
        return Outcome(result=report)


def _report(found: BacktestView) -> dict[str, object]:
    """Return everything but the series, as JSON's own types."""
    return as_json({name: getattr(found, name) for name in found.__slots__ if name not in SERIES})


def _levels(found: BacktestView) -> Iterable[Sequence[object]]:
    yield "date", "value"
    yield from zip(found.dates.astype(str).tolist(), found.values.tolist(), strict=True)


def _weights(found: BacktestView) -> Iterable[Sequence[object]]:
    yield "effective", "symbol", "weight"
    for one in found.compositions:
        for symbol, weight in one.weights.items():
            yield one.effective.isoformat(), symbol, weight
