"""`make bench`: every benchmark, each a table of ratios from one run."""

from __future__ import annotations

import shutil
import sys

from bench import (
    bench_agents,
    bench_capture_database,
    bench_capture_jms,
    bench_capture_kafka,
    bench_capture_webservice,
    bench_eventlog,
    bench_eventlog_tables,
    bench_events,
    bench_node,
    bench_overload,
    bench_postgresql,
    bench_proxy,
    bench_routing,
)


def missing() -> list[str]:
    """Programs that the benchmarks need and the machine lacks."""
    return [name for name in ("haproxy", "cc", "taskset") if shutil.which(name) is None]


def main() -> int:
    """0 when every limit was kept, 1 when not, 2 when something is missing."""
    if lacking := missing():
        print(f"the benchmarks need {', '.join(lacking)}: see `make bench`", file=sys.stderr)
        return 2
    benches = (
        bench_proxy, bench_events, bench_node, bench_postgresql, bench_agents, bench_overload,
        bench_routing, bench_capture_jms, bench_capture_webservice, bench_capture_kafka,
        bench_capture_database, bench_eventlog_tables, bench_eventlog,
    )  # fmt: skip
    kept = [bench.main() for bench in benches]
    return 0 if all(kept) else 1


if __name__ == "__main__":
    raise SystemExit(main())
