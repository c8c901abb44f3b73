"""One source: the numbers of its stream, and what agents have in hand there."""

from __future__ import annotations

import pytest

from ixproxy import messages as m
from ixproxy.core.composite_sources import Held, Origin, Phase, Session, Source, origin_of
from ixproxy.core.composite_states import AgentState
from ixproxy.messages.message import Party
from ixproxy.values import Stamp
from ixproxy.wire.streams import numbered
from tests.core.composed import of

ANNA, BERT = (1, "anna"), (1, "bert")


@pytest.mark.parametrize(
    ("number", "previous", "trouble"),
    [(6, 0, ""), (7, 0, "gaps"), (5, 0, "repeats"), (9, 5, ""), (9, 7, "gaps"), (4, 3, "repeats")],
)
def test_a_stream_counts(number: int, previous: int, trouble: str) -> None:
    """Test idea 41: a gap or repeat is detected."""
    source = Source("east", 1)
    source.announce(5, 0)
    event = numbered(of(m.EventDoNotDisturbOn), number, previous)
    assert source.trouble_with(event) == trouble
    assert source.last == (5 if trouble else number)


def test_a_stream_that_begins_anew_forgets_the_states_that_came() -> None:
    source = Source("east", 1)
    source.announce(0, 1)
    source.states[ANNA] = of(m.EventPlaceAgentState)
    source.begin(2)
    assert (source.phase, source.dbid, len(source)) == (Phase.AWAITED, 2, 0)


def test_what_agents_have_in_hand_is_found_by_agent_and_by_interaction() -> None:
    source = Source("east", 1)
    held = Held(Party(agent_id="anna"), Stamp(1, 1), {"MediaType": "chat"})
    source.take_in_hand(ANNA, "i1", held)
    source.take_in_hand(ANNA, "i1", held)
    source.take_in_hand(BERT, "i1", Held(Party(agent_id="bert"), None, {}))
    assert [key for key, _ in source.holders_of("i1")] == [ANNA, BERT]
    assert held.media_type == "chat"
    assert source.put_down(ANNA, "i1") is held
    assert source.put_down(ANNA, "i1") is None
    assert source.put_down(BERT, "i1") is not None
    assert len(source) == 0
    assert list(source.holders_of("i1")) == []


def test_a_session_that_is_over_is_not_there() -> None:
    source = Source("east", 1)
    session = Session(Stamp(1, 1), "desk", AgentState(), Origin())
    source.sessions[ANNA] = session
    assert source.has(ANNA, Stamp(1, 1))
    assert not source.has(ANNA, Stamp(2, 1))
    session.over = True
    assert not source.has(ANNA, Stamp(1, 1))


def test_a_home_that_counts_is_late_until_it_has_the_session() -> None:
    east, proxy, stamp = Source("east", 1), Source("proxy", 0), Stamp(1, 1)
    assert not east.is_late_home_of(ANNA, stamp), "it is not there"
    east.counts = proxy.counts = True
    assert east.is_late_home_of(ANNA, stamp)
    assert not east.is_late_home_of(ANNA, Stamp(1, 2)), "another is her home"
    assert not proxy.is_late_home_of(ANNA, Stamp(1, 0)), "a proxy is nobody's home"
    east.sessions[ANNA] = Session(stamp, "desk", AgentState(), Origin())
    assert not east.is_late_home_of(ANNA, stamp)


def test_what_is_made_from_an_event_goes_by_its_time_and_number() -> None:
    event = of(m.EventDoNotDisturbOn, event_time=5.0, dbid=2, event_number=9)
    assert origin_of(event) == (5.0, 2, 9)
