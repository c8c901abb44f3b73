"""All figures of a log."""

from __future__ import annotations

import tracemalloc
from contextlib import closing
from pathlib import Path

import pytest

from ixproxy.eventlog.reporting.figures import gather
from ixproxy.eventlog.reporting.period import Period, Wanted
from tests.eventlog.reporting.filling import NODES, LogFile, busy_log
from tests.eventlog.reporting.gathering import copied, figures_of, open_log


def test_a_log_in_which_nothing_happened_has_figures(tmp_path: Path) -> None:
    figures = figures_of(tmp_path, lambda log: None)
    assert figures.period == Period(0, 0, 1)
    assert (figures.events, figures.dropped) == (0, 0)


def test_the_parts_of_a_day_add_up_to_the_day(tmp_path: Path) -> None:
    address = busy_log(tmp_path / "log.db", interactions=150)
    with closing(open_log(address)) as log:
        whole = gather(log, Wanted())
        middle = (whole.period.begin + whole.period.end) / 2
        first, second = gather(log, Wanted(end=middle)), gather(log, Wanted(begin=middle))
    assert first.events + second.events == whole.events
    counted = [each.interactions.waits.whole.count for each in (first, second, whole)]
    assert counted[0] + counted[1] == counted[2] > 0
    logged_in = [each.agents.agents.whole[1] for each in (first, second, whole)]
    assert logged_in[0] + logged_in[1] == pytest.approx(logged_in[2])


def test_a_log_that_is_not_merged_has_the_same_sessions(tmp_path: Path) -> None:
    found = []
    for merged in (True, False):
        address = busy_log(tmp_path / f"{merged}.db", merged=merged, interactions=20)
        with closing(open_log(address)) as log:
            found.append(gather(log, Wanted()))
    merged_one, plain = (each.agents.agents for each in found)
    assert plain.whole[0] == merged_one.whole[0] == 6
    # Each node tells it a hundredth of a second after the one before.
    assert plain.whole[1] == pytest.approx(merged_one.whole[1], abs=6 * 0.01 * len(NODES))


def test_memory_does_not_grow_with_the_log(tmp_path: Path) -> None:
    peaks = []
    for lives in (300, 3000):
        path = tmp_path / f"{lives}.db"
        with LogFile(path) as log:
            for place in range(lives):
                name, queue = f"i{place}", f"queue {place}"
                row = {"queue": queue, "party_type": 2, "party_agent": f"agent {place}"}
                log.interaction(place, "EventPlacedInQueue", name, **row)
                log.interaction(place + 1, "EventTakenFromQueue", name, **row)
                log.interaction(place + 1, "EventPartyAdded", name, **row)
                log.interaction(place + 2, "EventPartyRemoved", name, **row)
        with closing(open_log(f"sqlite:{path}")) as opened, pytest.MonkeyPatch.context() as patch:
            for bound in (
                "scratch.KEPT_SUMS",
                "scratch.KEPT_ROWS",
                "interactions.KEPT_ROWS",
                "source.ROWS_AT_A_TIME",
            ):
                patch.setattr(f"ixproxy.eventlog.reporting.{bound}", 100)
            tracemalloc.start()
            figures = gather(opened, Wanted())
            peaks.append(tracemalloc.get_traced_memory()[1])
            tracemalloc.stop()
        assert figures.interactions.queues.left_out == lives - 50
    assert peaks[1] < 1.5 * peaks[0]


@pytest.mark.processes
def test_postgresql_has_the_same_figures(tmp_path: Path, postgresql_database: str) -> None:
    # PostgreSQL holds no NUL in texts, as one of the nasty names has.
    address = busy_log(tmp_path / "log.db", interactions=150, nasty=False)
    with closing(open_log(address)) as log:
        expected = gather(log, Wanted())
    copied(address, postgresql_database)
    with closing(open_log(postgresql_database)) as log:
        found = gather(log, Wanted())
    assert found == expected
