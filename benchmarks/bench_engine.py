"""Time the index engine beside its floor, one pass of prices times a vector.

`OPENBLAS_NUM_THREADS=1 PYTHONPATH=src:. python benchmarks/bench_engine.py`: CPU time of the process,
medians, floor measured in the same run. Ratios carry over to other machines, seconds do not.
20 x 8,313 is the packaged sample market; 500 x 5,000 is a seeded random market (Student-t moves; the
last row misses 1 % of its bars). "append" continues from the closing state by one session; "panels+"
is the peak of memory allocated, in multiples of the price panel.
"""

import platform
import statistics
import time
import tracemalloc
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
from tests.factories import a_definition, autoindex, cut, sample_inputs, sessions, some_inputs

from waardhaven.domain.index.build import IndexInputs, build_index, warm_up_sessions
from waardhaven.domain.index.definition import IndexDefinition
from waardhaven.domain.index.reproducibility import input_digest, numeric_fingerprint
from waardhaven.domain.market.calendar import Frequency


def cpu_ms(work: Callable[[], object], *, least: int = 5, seconds: float = 2.0) -> float:
    """Return the median CPU milliseconds of ``work`` over ``least`` runs or more."""
    work()
    times, start = [], time.perf_counter()
    while len(times) < least or time.perf_counter() - start < seconds:
        before = time.process_time()
        work()
        times.append(time.process_time() - before)
    return statistics.median(times) * 1e3


def extra_panels(work: Callable[[], object], panel_bytes: int) -> float:
    """Return the peak of memory allocated by ``work``, as a multiple of the price panel."""
    tracemalloc.start()
    work()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak / panel_bytes


def large(*, gaps: float = 0.0) -> IndexInputs:
    """Return 5,000 sessions of 500 random assets; each bar is missing with probability ``gaps``."""
    rng = np.random.default_rng(2026)
    moves = np.clip(rng.standard_t(4, (5000, 500)) * 0.012 + 0.0003, -0.4, 0.4)
    close = 50.0 * np.exp(np.add.accumulate(moves, axis=0))
    close[rng.random(close.shape) < gaps] = np.nan
    shares = np.tile(np.exp(rng.normal(20.0, 1.0, 500)), (5000, 1))
    return some_inputs(close, axis=sessions(5000, "2000-01-03"), shares=shares)


def row(name: str, definition: IndexDefinition, inputs: IndexInputs) -> None:
    """Print one line: floor, engine, ratio, append of one session, digest, memory."""
    close = np.nan_to_num(inputs.panel.close, nan=1.0)
    units = np.ones(close.shape[1])
    floor = cpu_ms(lambda: close @ units, seconds=0.3)
    engine = cpu_ms(lambda: build_index(definition, inputs))
    closing = build_index(definition, cut(inputs, slice(0, -1))).closing
    window = cut(inputs, slice(-2 - warm_up_sessions(definition), None))
    append = cpu_ms(lambda: build_index(definition, window, opening=closing), seconds=0.5)
    digest = cpu_ms(lambda: input_digest(definition, inputs), seconds=0.3)
    extra = extra_panels(lambda: build_index(definition, inputs), close.nbytes)
    print(
        f"{name:34} {floor:8.2f} {engine:9.1f} {engine / floor:7.0f} x {append:8.2f} "
        f"{engine / append:6.0f} x {digest:8.1f} {extra:8.2f}"
    )


def main() -> None:
    """Print machine facts and the table."""
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    model = next((line.split(":")[1].strip() for line in lines if "model name" in line), platform.processor())
    print(f"{platform.platform()}, {model}, Python {platform.python_version()}, numpy {np.__version__}")
    print(f"numeric fingerprint {numeric_fingerprint()}")
    print(
        f"{'weekly; CPU ms, medians':34} {'P @ u':>8} {'engine':>9} {'ratio':>9} {'append':>8} "
        f"{'full/app':>8} {'digest':>8} {'panels+':>8}"
    )
    big, gappy = large(), large(gaps=0.01)
    base = big.panel.days[100]
    blend = replace(autoindex(), base_date=base.item())
    row("20 x 8313 default blend", autoindex(), sample_inputs())
    row("20 x 8313 equal weight", a_definition(base="2000-01-03", drop=-0.05), sample_inputs())
    row("500 x 5000 default blend", blend, big)
    row("500 x 5000 equal weight", a_definition(base=base, drop=-0.05), big)
    daily = replace(blend, schedule=replace(blend.schedule, frequency=Frequency.DAILY))
    row("500 x 5000 default blend, daily", daily, big)
    row("500 x 5000 default blend, 1 % gaps", blend, gappy)


if __name__ == "__main__":
    main()
