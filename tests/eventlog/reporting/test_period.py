"""The time that a report is about."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ixproxy.eventlog.reporting.period import (
    MOST_STEPS,
    STEPS,
    Period,
    Wanted,
    period_of,
    step_for,
)
from ixproxy.eventlog.reporting.source import LogUnreadable
from tests.eventlog.reporting.filling import NOON, LogFile
from tests.eventlog.reporting.gathering import open_log


def period(path: Path, wanted: Wanted) -> Period | None:
    with closing(open_log(f"sqlite:{path}")) as log:
        return period_of(log, wanted)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "log.db"
    with LogFile(path) as log:
        log.interaction(NOON + 60, "EventHeld", "i1")
        log.agent(NOON, "EventAgentLogin", "anna", tenant_id=2)
        log.node(101, "ixn1", NOON + 7200)
    return path


def test_it_is_from_the_first_event_to_where_the_log_ends(path: Path) -> None:
    assert period(path, Wanted()) == Period(NOON, NOON + 7200, step_for(7200))
    assert period(path, Wanted(tenant=1)) == Period(NOON + 60, NOON + 7200, step_for(7140))


def test_what_is_wanted_is_what_it_is_about(path: Path) -> None:
    found = period(path, Wanted(begin=NOON - 5, end=NOON + 30))
    assert found == Period(NOON - 5, NOON + 30, step_for(35))
    # After the log's end there is nothing, which takes no time.
    late = period(path, Wanted(begin=NOON + 9000))
    assert late is not None
    assert (late.begin, late.end) == (NOON + 9000, NOON + 9000)


def test_a_log_that_says_nothing_has_none(tmp_path: Path) -> None:
    with LogFile(tmp_path / "log.db"):
        pass
    assert period(tmp_path / "log.db", Wanted()) is None
    assert period(tmp_path / "log.db", Wanted(begin=NOON)) is None


def test_a_time_that_is_none_is_refused(path: Path) -> None:
    with LogFile(path.with_name("bad.db")) as log:
        log.interaction(NOON, "EventHeld", "i1")
        log.connection.execute("UPDATE rpt_interaction SET event_time = 'noon'")
    with pytest.raises(LogUnreadable, match="'noon'"):
        period(path.with_name("bad.db"), Wanted())


@given(st.floats(-1e9, 4e9), st.floats(0, 5e9))
def test_there_are_never_too_many_steps_and_every_time_has_one(begin: float, span: float) -> None:
    found = Period(begin, begin + span, step_for(span))
    assert 1 <= found.steps <= MOST_STEPS + 1
    assert found.first <= begin
    for part in (0, 0.3, 1):
        place = found.place(begin + part * span)
        assert 0 <= place < found.steps
        at = found.first + place * found.step
        assert at - 1e-6 <= begin + part * span < at + found.step + 1e-3


@pytest.mark.parametrize(("span", "step"), [(0, 10), (3600, 60), (86400, 3600), (7 * 86400, 21600)])
def test_steps_are_round(span: float, step: int) -> None:
    assert step_for(span) == step
    assert step in STEPS


def test_times_outside_belong_to_the_first_and_the_last_step() -> None:
    found = Period(100.0, 200.0, 10)
    assert (found.place(0), found.place(1e9)) == (0, found.steps - 1)


def test_conditions_are_parameters(path: Path) -> None:
    with closing(open_log(f"sqlite:{path}")) as log:
        assert Wanted(1.0, 2.0, 3).where(log, "x") == (
            "1 = 1 AND event_time < ? AND tenant_id = ? AND x",
            [2.0, 3],
        )
        assert Wanted(1.0).counted(log) == ("1 = 1 AND event_time >= ?", [1.0])
        assert Wanted().counted(log) == ("1 = 1", [])
