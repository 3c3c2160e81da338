"""The job that runs a strategy over stored closes."""

import csv
import io
import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import date

from waardhaven.application.indexes.backtest import Backtest, BacktestView
from waardhaven.application.ports.job_run import JobRun, Outcome
from waardhaven.application.questions.backtest import BacktestQuestion
from waardhaven.domain.identity.roles import Permission, Principal


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
        days = found.dates.astype(str).tolist()
        await run.keep(
            "levels.csv", "text/csv", _csv(("date", "value"), zip(days, found.values.tolist(), strict=True))
        )
        await run.keep("weights.csv", "text/csv", _csv(("effective", "symbol", "weight"), _weights(found)))
        await run.keep("report.json", "application/json", json.dumps(report, allow_nan=False).encode())
        run.progress("writing", 2, 2)
        return Outcome(result=report)


def _report(found: BacktestView) -> dict[str, object]:
    """Return everything but the series, as JSON's own types."""
    report = {
        name: value
        for name, value in asdict(found).items()
        if name not in {"dates", "values", "compositions"}
    }
    return {name: value.isoformat() if isinstance(value, date) else value for name, value in report.items()}


def _weights(found: BacktestView) -> Iterable[Sequence[object]]:
    for one in found.compositions:
        for symbol, weight in one.weights.items():
            yield one.effective.isoformat(), symbol, weight


def _csv(head: Sequence[str], rows: Iterable[Sequence[object]]) -> bytes:
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(head)
    table.writerows(rows)
    return text.getvalue().encode()
