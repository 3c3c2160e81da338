"""What an index is compared with."""

from datetime import date
from typing import Any

from litestar import Request, Response, get

from waardhaven.adapters.inbound.http.benchmark_documents import BenchmarkDocument, ComparisonDocument
from waardhaven.adapters.inbound.http.comparison_params import (
    COMPUTES,
    Against,
    BenchmarkName,
    Confidence,
    OfIndex,
    RiskFree,
    Rolling,
)
from waardhaven.adapters.inbound.http.params import (
    AsOf,
    Currency,
    End,
    Fields,
    LevelVariant,
    Start,
    checked_window,
    instant,
    upper,
)
from waardhaven.adapters.inbound.http.reading import answer_series
from waardhaven.adapters.inbound.http.tags import BENCHMARKS
from waardhaven.application.indexes import DEFAULT_SLUG
from waardhaven.application.indexes.compare_benchmark import CompareBenchmark, ComparisonOrder, ReadBenchmark

Asked = Request[Any, Any, Any]


def _order(
    index: str, start: date | None, end: date | None, as_of: str | None, currency: str | None, **asked: Any
) -> ComparisonOrder:
    """Return what is asked, its range checked and its texts as the use case takes them."""
    checked_window(start, end)
    return ComparisonOrder(
        slug=index, start=start, end=end, currency=upper(currency), as_of=instant(as_of), **asked
    )


@get(
    "/benchmark/sp500",
    opt=COMPUTES,
    operation_id="benchmarkSp500",
    summary="The S&P 500 beside an index",
    tags=[BENCHMARKS],
)
async def benchmark_sp500(
    request: Asked,
    *,
    index: OfIndex = DEFAULT_SLUG,
    start: Start = None,
    end: End = None,
    as_of: AsOf = None,
    currency: Currency = None,
    variant: LevelVariant = None,
    window: Rolling = 252,
    risk_free_rate: RiskFree = 0.0,
    fields: Fields = None,
) -> Response[BenchmarkDocument]:
    """Read the S&P 500 beside an index, from 100 on the first day that both have.

    It is the first of `^GSPC`, `SPX` and `SPY` with closes here; without any the answer is 404.
    """
    order = _order(
        index,
        start,
        end,
        as_of,
        currency,
        variant=variant,
        window=window,
        risk_free_rate=risk_free_rate,
    )
    return await answer_series(request, ReadBenchmark, fields, benchmark=None, order=order)


@get(
    "/benchmark/compare",
    opt=COMPUTES,
    operation_id="benchmarkCompare",
    summary="An index and a benchmark, measured",
    tags=[BENCHMARKS],
)
async def benchmark_compare(
    request: Asked,
    *,
    index: OfIndex = DEFAULT_SLUG,
    benchmark: Against = None,
    start: Start = None,
    end: End = None,
    as_of: AsOf = None,
    currency: Currency = None,
    variant: LevelVariant = None,
    window: Rolling = 252,
    risk_free_rate: RiskFree = 0.0,
    confidence: Confidence = 0.95,
    fields: Fields = None,
) -> Response[ComparisonDocument]:
    """Read an index and a benchmark side by side, with every metric of both over the same days.

    Without a benchmark it is that of the definition, else the S&P 500.
    """
    order = _order(
        index,
        start,
        end,
        as_of,
        currency,
        variant=variant,
        window=window,
        risk_free_rate=risk_free_rate,
        confidence=confidence,
    )
    return await answer_series(request, CompareBenchmark, fields, benchmark=benchmark, order=order)


@get(
    "/benchmark/{benchmark:str}",
    opt=COMPUTES,
    operation_id="benchmark",
    summary="A benchmark beside an index",
    tags=[BENCHMARKS],
)
async def benchmark_levels(
    request: Asked,
    *,
    benchmark: BenchmarkName,
    index: OfIndex = DEFAULT_SLUG,
    start: Start = None,
    end: End = None,
    as_of: AsOf = None,
    currency: Currency = None,
    variant: LevelVariant = None,
    window: Rolling = 252,
    risk_free_rate: RiskFree = 0.0,
    fields: Fields = None,
) -> Response[BenchmarkDocument]:
    """Read an asset, an index or a blend beside an index, from 100 on the first day that both have.

    Closes are adjusted for what the index counts; the weights of a blend are restored every day.
    """
    order = _order(
        index,
        start,
        end,
        as_of,
        currency,
        variant=variant,
        window=window,
        risk_free_rate=risk_free_rate,
    )
    return await answer_series(request, ReadBenchmark, fields, benchmark=benchmark, order=order)


HANDLERS = (benchmark_sp500, benchmark_compare, benchmark_levels)
