"""Stateless analytics: series in, metrics out; nothing is stored."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from waardhaven.application.answers import Sent
from waardhaven.application.metrics.answering import answered
from waardhaven.application.metrics.risk_question import RiskQuestion, sample_of
from waardhaven.application.metrics.risk_views import IntervalsView, MeasureView, ResamplingView, RiskView
from waardhaven.application.ports.compute_pool import ComputePool
from waardhaven.domain.identity.roles import Permission, Principal
from waardhaven.domain.metrics.measuring import Measures, measure
from waardhaven.domain.metrics.sample import Sample
from waardhaven.domain.metrics.uncertainty import Uncertainty, uncertainty
from waardhaven.domain.types import Floats, as_date


@dataclass(frozen=True, slots=True)
class AnalyseRisk:
    """Metrics of series that the caller sends, each a value or None with a reason; nothing is stored."""

    pool: ComputePool

    async def __call__(
        self,
        by: Principal,
        *,
        content: Sent,
        read: Callable[[Sent], RiskQuestion],
        write: Callable[[RiskView], bytes],
    ) -> bytes:
        """Return the written answer to what ``read`` makes of ``content``.

        Raise UnusableQuestion or UnusableSample, naming the fields.
        """
        by.require(Permission.READ_INDICES)
        return await self.pool.run(answered, content, read, analyse, write)


def analyse(question: RiskQuestion) -> RiskView:
    """Measure a question; the same question has the same answer, intervals included."""
    asked = sample_of(question.checked())
    sample, metrics = asked.sample, question.chosen
    found = measure(sample, metrics)
    drawn = _drawn(question, sample) if question.interval is not None else ()
    days = sample.days
    return RiskView(
        series=question.names,
        periods_per_year=sample.periods_per_year,
        periods_told_by=asked.told_by,
        first=None if days is None or not len(days) else as_date(days[0]),
        last=None if days is None or not len(days) else as_date(days[-1]),
        days=len(sample.returns),
        observations=_counts(found.observations),
        common=None if sample.benchmark is None else _counts(found.common),
        coverage=known(found.coverage),
        metrics={one.name: _measure(found, drawn, row) for row, one in enumerate(metrics)},
        resampling=_resampling(question, drawn),
        warnings=asked.warnings,
    )


def _drawn(question: RiskQuestion, sample: Sample) -> tuple[Uncertainty, ...]:
    """Return the uncertainty of each series; each has a generator of its own, so others do not matter."""
    seeds = np.random.SeedSequence(question.seed).spawn(len(question.names))
    return tuple(
        uncertainty(sample.only(column), question.chosen, np.random.default_rng(seed), question.interval)
        for column, seed in enumerate(seeds)
    )


def _measure(found: Measures, drawn: Sequence[Uncertainty], row: int) -> MeasureView:
    metric = found.metrics[row]
    return MeasureView(
        unit=metric.unit,
        direction=metric.direction,
        formula=metric.formula,
        values=known(found.values[row]),
        reasons=tuple(None if one is None else str(one) for one in found.reasons[row]),
        intervals=_intervals(drawn, row) if drawn else None,
    )


def _intervals(drawn: Sequence[Uncertainty], row: int) -> IntervalsView:
    return IntervalsView(
        low=known(np.array([one.low[row] for one in drawn])),
        high=known(np.array([one.high[row] for one in drawn])),
        verdict=tuple(str(one.verdict[row]) for one in drawn),
    )


def _resampling(question: RiskQuestion, drawn: Sequence[Uncertainty]) -> ResamplingView | None:
    if question.interval is None:
        return None
    return ResamplingView(
        method=question.interval.method,
        draws=question.interval.draws,
        level=question.interval.level,
        seed=question.seed,
        block_lengths=tuple(one.block_length for one in drawn),
    )


def known(values: Floats) -> tuple[float | None, ...]:
    """Return numbers as they go out, None where one is not known."""
    if np.isfinite(values).all():
        return tuple(values.tolist())
    return tuple(one if np.isfinite(one) else None for one in values.tolist())


def _counts(values: Floats) -> tuple[int, ...]:
    return tuple(values.astype(np.int64).tolist())
