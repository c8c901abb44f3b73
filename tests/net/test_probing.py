"""One question to the other server of a pair."""

from __future__ import annotations

from typing import Any

import pytest
from twisted.internet.task import Clock

from ixproxy.core.link_times import LinkTimes
from ixproxy.core.pairs import Event
from ixproxy.messages import EventAck, RequestRegisterClient
from ixproxy.net.probing import Answer, Probe
from ixproxy.net.turn import TurnEnd
from ixproxy.wire.codec import decode, encode
from ixproxy.wire.names import Kind
from ixproxy.wire.prefix import write_frame
from tests.core.rig import Rig
from tests.net.scripted_servers import ScriptedServer, node


class Asked:
    """A probe of a server, and what it came to."""

    def __init__(self, server: ScriptedServer) -> None:
        self.clock = Clock()
        self.server = server
        self.answers: list[Answer] = []
        self.reasons: list[str] = []
        self.probe = Probe(
            self.clock, TurnEnd(self.clock), Rig(link=False).core.state, self.answered
        )
        self.probe.start(server)
        self.clock.advance(0)

    def answered(self, answer: Answer, why: str) -> None:
        self.answers.append(answer)
        self.reasons.append(why)


def test_it_registers_reads_what_the_server_is_and_closes() -> None:
    asked = Asked(node("ixn1-b", 6))
    ((transport, frame),) = asked.server.heard()
    registration = decode(frame)
    assert isinstance(registration, RequestRegisterClient)
    assert (registration.client_type, registration.path) == ("Proxy", ["proxy"])
    raw = write_frame(Kind.EVENT, 0) + write_frame(Kind.PING, 0)
    transport.protocol.dataReceived(raw)
    assert not asked.answers
    answer = EventAck(server=asked.server.facts)
    transport.protocol.dataReceived(encode(answer, reference=frame.reference))
    assert asked.answers == [asked.server.facts]
    assert not asked.server.open
    assert not asked.clock.getDelayedCalls()


def says(raw: bytes) -> Any:
    return lambda server: server.open[0].protocol.dataReceived(raw)


@pytest.mark.parametrize(
    ("then", "event", "reason"),
    [
        (ScriptedServer.refuse, Event.OTHER_UNFIT, "it refuses the proxy: 3"),
        (ScriptedServer.lose, Event.OTHER_GONE, "it closes the connection"),
        (says(b"SSH-2.0-OpenSSH_9.2\r\n"), Event.OTHER_UNFIT, ""),
        (says(write_frame(Kind.REPLY, 0xFFFF, reference=1)), Event.OTHER_UNFIT, ""),
        (says(encode(EventAck(), reference=1)), Event.OTHER_UNFIT, "it says nothing of itself"),
    ],
    ids=["refuses", "closes", "speaks otherwise", "makes no sense", "says nothing"],
)
def test_whatever_else_it_does_is_no_answer(then: Any, event: Event, reason: str) -> None:
    asked = Asked(node("ixn1-b", 6))
    then(asked.server)
    assert asked.answers == [event]
    assert asked.reasons[0].startswith(reason)
    assert not asked.server.open
    assert not asked.clock.getDelayedCalls()


def test_a_refused_connection_is_no_answer() -> None:
    server = node("ixn1-b", 6)
    server.there = False
    asked = Asked(server)
    assert asked.answers == [Event.OTHER_GONE]
    assert not asked.clock.getDelayedCalls()


@pytest.mark.parametrize("connects", [True, False])
def test_silence_is_no_answer_after_a_while(connects: bool) -> None:
    server = node("ixn1-b", 6)
    server.silent = not connects
    asked = Asked(server)
    asked.clock.advance(LinkTimes().answer - 0.1)
    assert not asked.answers
    asked.clock.advance(0.2)
    assert asked.answers == [Event.OTHER_LATE]
    assert not server.open


def test_one_that_is_stopped_says_nothing() -> None:
    asked = Asked(node("ixn1-b", 6))
    asked.probe.stop()
    asked.probe.stop()
    assert not asked.answers
    assert not asked.server.open
    assert not asked.clock.getDelayedCalls()
