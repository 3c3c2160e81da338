"""The job that reports on an index, as data."""

import json
from dataclasses import asdict, dataclass
from datetime import timedelta

import numpy as np

from waardhaven.application.answers import SeriesView
from waardhaven.application.indexes import DEFAULT_SLUG
from waardhaven.application.indexes.queries import ReadCurrent, ReadHistory
from waardhaven.application.jobs.compute_index import SLUG
from waardhaven.application.jobs.params import choice, integer, text
from waardhaven.application.jobs.tables import csv_bytes
from waardhaven.application.ports.clock import Clock
from waardhaven.application.ports.job_run import JobRun, Outcome
from waardhaven.domain.identity.roles import Permission, Principal
from waardhaven.domain.types import as_date


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportParams:
    """What to report on, and of which days."""

    report_type: str = choice(
        "performance",
        options=("performance", "allocation"),
        doc="`performance`: levels and return of the period. `allocation`: what the index holds.",
    )
    period_days: int = integer(
        30, minimum=1, maximum=36_500, doc="Calendar days up to the newest published one."
    )
    index: str = text(DEFAULT_SLUG, pattern=SLUG, doc="Short name of the index.")


@dataclass(frozen=True, slots=True)
class WriteReport:
    """Report on the published state of an index; keeps the same as JSON and as a table.

    Returns are fractions. What is not known is null.
    """

    history: ReadHistory
    current: ReadCurrent
    clock: Clock

    async def __call__(self, by: Principal, params: ReportParams, run: JobRun) -> Outcome:
        """Return the report; raise UnknownIndex or NothingPublished."""
        by.require(Permission.READ_INDICES)
        run.progress("reading", 0, 2)
        if params.report_type == "performance":
            report, table = await self._performance(by, params)
        else:
            report, table = await self._allocation(by, params)
        run.progress("writing", 1, 2)
        report = {
            "report_type": params.report_type,
            "index": params.index,
            "generated_at": self.clock.now().isoformat(),
            **report,
        }
        await run.keep("report.json", "application/json", json.dumps(report, allow_nan=False).encode())
        await run.keep(f"{params.report_type}.csv", "text/csv", csv_bytes(table))
        run.progress("writing", 2, 2)
        return Outcome(result=report)

    async def _performance(
        self, by: Principal, params: ReportParams
    ) -> tuple[dict[str, object], list[list[object]]]:
        newest = await self.current(by, slug=params.index)
        start = newest.date - timedelta(days=params.period_days)
        series = await self.history(by, slug=params.index, start=start)
        days, values = series.columns["dates"], series.columns["values"]
        report: dict[str, object] = {
            "period_days": params.period_days,
            "start_date": as_date(days[0]).isoformat(),
            "end_date": as_date(days[-1]).isoformat(),
            "start_value": float(values[0]),
            "end_value": float(values[-1]),
            "period_return": float(values[-1] / values[0] - 1.0),
            "sessions": len(days),
            "currency": series.head["currency"],
            **_extremes(values),
        }
        return report, [["date", "value"], *_rows(series)]

    async def _allocation(
        self, by: Principal, params: ReportParams
    ) -> tuple[dict[str, object], list[list[object]]]:
        now = await self.current(by, slug=params.index)
        names = [asdict(one) for one in now.allocations]
        report: dict[str, object] = {
            "date": now.date.isoformat(),
            "level": now.level,
            "currency": now.currency,
            "total_assets": now.total_assets,
            "allocations": names,
        }
        return report, [list(names[0]), *(list(one.values()) for one in names)] if names else []


def _extremes(values: np.ndarray[tuple[int], np.dtype[np.float64]]) -> dict[str, object]:
    """Return the best and worst return between two sessions, null when there is none."""
    if len(values) < 2:
        return {"best_session": None, "worst_session": None}
    returns = values[1:] / values[:-1] - 1.0
    return {"best_session": float(returns.max()), "worst_session": float(returns.min())}


def _rows(series: SeriesView) -> list[list[object]]:
    days, values = series.columns["dates"], series.columns["values"]
    return [list(pair) for pair in zip(days.astype(str).tolist(), values.tolist(), strict=True)]
