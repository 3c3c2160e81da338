"""``make bench``: machine facts, then every benchmark, or those named (engine, ingest, http, jobs …).

Those that begin with ``peers``, ``cash_flows``, ``monte_carlo`` and ``options`` import libraries of the group
``bench`` on first use.
"""

import sys

from benchmarks import (
    bench_analytics,
    bench_cash_flows,
    bench_compute,
    bench_engine,
    bench_http,
    bench_ingest,
    bench_jobs,
    bench_models,
    bench_monte_carlo,
    bench_options,
    bench_peers_engine,
    bench_peers_metrics,
    bench_peers_optimisers,
    bench_rebuild,
    bench_streams,
)
from benchmarks.machine import facts

BENCHES = {
    "engine": lambda _: bench_engine.main(),
    "ingest": bench_ingest.main,
    "http": bench_http.main,
    "jobs": bench_jobs.main,
    "compute": lambda _: bench_compute.main(),
    "rebuild": bench_rebuild.main,
    "analytics": lambda _: bench_analytics.main(),
    "cash_flows": lambda _: bench_cash_flows.main(),
    "models": lambda _: bench_models.main(),
    "monte_carlo": lambda _: bench_monte_carlo.main(),
    "options": lambda _: bench_options.main(),
    "peers_engine": bench_peers_engine.main,
    "peers_metrics": bench_peers_metrics.main,
    "peers_optimisers": bench_peers_optimisers.main,
    "streams": lambda _: bench_streams.main(),
}


def main() -> None:
    """Run what the command line names, everything when it names nothing."""
    names = [one for one in sys.argv[1:] if one in BENCHES] or list(BENCHES)
    rest = [one for one in sys.argv[1:] if one not in BENCHES]
    print(facts())
    for name in names:
        print(f"\n== {name}", flush=True)
        BENCHES[name](rest)


if __name__ == "__main__":
    main()
