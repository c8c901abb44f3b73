"""Sessions that are over are remembered, for a while and for so many."""

from __future__ import annotations

from ixproxy import messages as m
from ixproxy.core.composite_ended import MEMORY, REMEMBERED, EndedSessions
from ixproxy.core.composite_sources import Origin
from ixproxy.core.composite_states import AgentState
from ixproxy.core.composite_telling import Composite
from ixproxy.values import Stamp

ANNA = (1, "anna")


def over(time: float = 100.0, *left: str) -> Composite:
    return Composite(Stamp(5, 1), "desk", AgentState(), 0.0, time, Origin(), left=set(left))


def test_a_login_that_comes_late_is_none() -> None:
    ended = EndedSessions()
    ended.add(ANNA, over(100.0, "east"))
    assert ended.has(ANNA, Stamp(5, 1), "north")
    assert ended.has(ANNA, Stamp(4, 2), "north")
    assert not ended.has(ANNA, Stamp(5, 1), "east")
    assert not ended.has(ANNA, Stamp(6, 1), "north")
    ended.left(ANNA, Stamp(4, 1), "north")
    assert ended.has(ANNA, Stamp(5, 1), "north")
    ended.left(ANNA, Stamp(5, 1), "north")
    assert not ended.has(ANNA, Stamp(5, 1), "north")


def test_a_source_that_has_seen_the_end_means_an_older_session_when_it_reports_one() -> None:
    """A client came back with it, when the newer one was over."""
    ended = EndedSessions()
    ended.add(ANNA, over(100.0, "east"))
    assert not ended.has(ANNA, Stamp(4, 2), "east")


def test_where_nobody_says_that_it_is_over_whoever_has_the_session_is_right() -> None:
    ended = EndedSessions()
    ended.add(ANNA, over(100.0), said=False)
    ended.left(ANNA, Stamp(5, 1), "north")
    assert not ended.has(ANNA, Stamp(5, 1), "east")
    assert ended.forget(ANNA) == 100.0


def test_what_is_long_over_is_forgotten() -> None:
    ended = EndedSessions()
    ended.add(ANNA, over(100.0))
    ended.passed(100.0 + MEMORY)
    assert len(ended) == 1
    ended.passed(100.1 + MEMORY)
    assert len(ended) == 0
    assert not ended.has(ANNA, Stamp(5, 1), "north")
    assert ended.forget(ANNA) == 0.0


def test_no_more_are_remembered_than_so_many() -> None:
    ended = EndedSessions()
    for number in range(REMEMBERED + 5):
        ended.add((1, str(number)), over())
    ended.passed(100.0)
    assert len(ended) == REMEMBERED
    assert ended.has((1, "5"), Stamp(1, 1), "east")
    assert not ended.has((1, "4"), Stamp(1, 1), "east")


def test_times_do_not_go_back_from_one_session_to_the_next() -> None:
    """Test idea 46: clock skew between nodes: durations never negative."""
    ended = EndedSessions()
    ended.add(ANNA, over(100.0))
    ended.told(m.EventMassAgentLogout(tenant_id=1, agents=["anna", "bert"], event_time=102.0))
    assert ended.forget(ANNA) == 102.0
