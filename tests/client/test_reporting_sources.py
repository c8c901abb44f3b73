"""One server of a reporting program: asked, asked again, lost and found."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
from twisted.internet.defer import Deferred

from ixproxy import messages as m
from ixproxy.client import Backoff, connect
from ixproxy.client.client import Callback
from ixproxy.client.reporting_sources import ReportingSource
from ixproxy.core.composing import Composer
from ixproxy.errors import Code
from ixproxy.messages.message import Event
from tests.client.servers import World
from tests.core.composed import names, of

START = m.RequestStartPlaceAgentStateReportingAll
BEGIN = m.EventActivityReport(activity="Begin")
END = m.EventActivityReport(activity="End")
LOGIN = of(m.EventAgentLogin, reporting_event_sequence_number=1)


class Rig(World):
    """A source of the server `s:1`."""

    def __init__(self) -> None:
        super().__init__()
        self.composer = Composer()
        self.told: list[Event] = []
        self.moved = 0

        def connecting(heard: Callback) -> Any:
            return connect(
                self.clock,
                [self.network.client_endpoint("s:1", "c")],
                name="stat",
                client_type="ReportingEngine",
                settings=self.settings,
                random=Random(2),
                on_event=heard,
            )

        def moved(_: ReportingSource) -> None:
            self.moved += 1

        self.source = ReportingSource(
            "east",
            self.composer,
            connecting,
            self.clock,
            Backoff(1.0, 2.0, 8.0, 0.0),
            Random(3),
            self.told.extend,
            moved,
        )

    def begin(self, *states: Event, number: int = 0) -> None:
        """The server answers, and its stream begins."""
        count = len(states)
        begin = m.EventActivityReport(
            activity="Begin", number_of_agents=count, reporting_event_sequence_number=number
        )
        self.server.last.answer(m.EventAck())
        for event in (begin, *states, END):
            self.server.last.answer(event)
        self.rest()

    def say(self, event: Event) -> None:
        self.server.last.answer(event)
        self.rest()

    @property
    def asked(self) -> int:
        """How often a stream was asked for, on the last connection."""
        return sum(isinstance(each, START) for each in self.server.last.requests)


@pytest.fixture
def rig() -> Rig:
    made = Rig()
    made.source.start()
    made.rest()
    return made


def test_a_stream_is_asked_for_as_soon_as_the_client_is_registered(rig: Rig) -> None:
    assert rig.server.registered[0].client_type == "ReportingEngine"
    assert rig.asked == 1
    assert (rig.source.connected, rig.source.settled) == (True, False)
    rig.begin()
    assert (rig.source.settled, rig.source.synced) == (True, True)
    rig.say(LOGIN)
    assert names(rig.told) == ["AgentLogin"]


def test_a_gap_has_the_stream_begin_anew_after_a_pause(rig: Rig) -> None:
    """Test idea 41: a gap from a node: detected, counted, resynchronised."""
    rig.begin()
    rig.say(of(m.EventAgentLogin, reporting_event_sequence_number=2))
    assert not rig.source.synced
    rig.say(of(m.EventAgentLogout, reporting_event_sequence_number=3))
    rig.clock.run(0.9)
    assert rig.asked == 1
    rig.clock.run(0.2)
    rig.rest()
    assert rig.asked == 2
    rig.begin(of(m.EventPlaceAgentState), number=3)
    assert names(rig.told) == ["AgentLogin*"]
    assert rig.composer.counters["gaps"] == 1


def test_a_stream_that_is_lost_again_and_again_begins_ever_more_slowly(rig: Rig) -> None:
    lost = m.EventActivityReport(activity="Lost")
    for pause in (1.0, 2.0, 4.0):
        asked = rig.asked
        rig.server.last.answer(m.EventAck())
        rig.say(lost)
        rig.clock.run(pause - 0.5)
        assert rig.asked == asked
        rig.clock.run(1.0)
        rig.rest()
        assert rig.asked == asked + 1


def test_a_lost_connection_is_made_again_and_the_stream_with_it(rig: Rig) -> None:
    rig.begin()
    rig.say(LOGIN)
    rig.lose()
    rig.rest()
    assert not rig.source.connected
    assert rig.source.settled
    rig.clock.run(2.0)
    rig.rest()
    assert rig.asked == 1
    rig.begin(of(m.EventPlaceAgentState))
    assert rig.source.synced
    assert names(rig.told) == ["AgentLogin"]


def test_one_that_was_lost_before_its_answer_is_asked_again(rig: Rig) -> None:
    rig.lose()
    rig.clock.run(2.0)
    rig.rest()
    assert rig.asked == 1
    rig.begin()
    assert rig.source.synced


def test_a_server_that_gives_no_stream_is_asked_again(rig: Rig) -> None:
    rig.server.last.refuse(Code.BUSY)
    rig.rest()
    assert rig.source.settled
    assert rig.source.problem is not None
    rig.clock.run(1.1)
    rig.rest()
    assert rig.asked == 2
    rig.begin()
    assert rig.source.problem is None


def test_a_stream_that_does_not_come_back_is_asked_for_again(rig: Rig) -> None:
    rig.begin()
    rig.lose()
    rig.clock.run(2.0)
    rig.rest()
    rig.server.last.refuse(Code.NOT_ALLOWED)
    rig.rest()
    assert rig.source.problem is not None
    rig.clock.run(1.1)
    rig.rest()
    assert rig.asked == 2


def test_a_server_that_is_not_there_is_tried_again() -> None:
    rig = Rig()
    rig.network.refuse("s:1")
    rig.source.start()
    rig.rest()
    assert rig.source.settled
    assert rig.source.problem is not None
    rig.network.accept("s:1")
    rig.clock.run(1.1)
    rig.rest()
    assert rig.source.connected
    assert rig.source.problem is None


def test_a_server_that_will_not_have_the_client_any_more_is_tried_again(rig: Rig) -> None:
    rig.begin()
    rig.server.refusal = Code.NOT_ALLOWED
    rig.lose()
    rig.clock.run(1.1)
    rig.rest()
    gone = not rig.source.connected
    rig.server.refusal = 0
    rig.clock.run(10.0)
    rig.rest()
    assert gone
    assert rig.source.connected
    rig.begin()
    assert rig.source.synced


def test_a_source_that_is_closed_does_nothing_more(rig: Rig) -> None:
    rig.begin()
    rig.say(m.EventActivityReport(activity="Lost"))
    before = rig.moved
    closing = Deferred.fromCoroutine(rig.source.close())
    rig.rest()
    assert closing.called
    rig.clock.run(20.0)
    rig.rest()
    assert rig.moved == before
    assert not rig.source.connected
    assert len(rig.server.connections) == 1


def test_a_source_may_be_closed_before_it_is_connected() -> None:
    rig = Rig()
    rig.source.start()
    closing = Deferred.fromCoroutine(rig.source.close())
    rig.rest()
    assert closing.called
    assert not rig.source.settled
