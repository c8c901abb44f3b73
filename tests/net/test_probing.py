"""One question to the other server of a pair."""

from __future__ import annotations

from typing import Any

import pytest
from twisted.internet.task import Clock

from ixproxy.messages import EventAck, RequestRegisterClient, ServerFacts
from ixproxy.net.probing import PATIENCE, Probe
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
        self.answers: list[ServerFacts | None] = []
        self.probe = Probe(
            self.clock, TurnEnd(self.clock), Rig(link=False).core.state, self.answers.append
        )
        self.probe.start(server)
        self.clock.advance(0)


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


@pytest.mark.parametrize(
    "then",
    [
        ScriptedServer.refuse,
        ScriptedServer.lose,
        lambda server: server.open[0].protocol.dataReceived(b"SSH-2.0-OpenSSH_9.2\r\n"),
        lambda server: server.open[0].protocol.dataReceived(
            write_frame(Kind.REPLY, 0xFFFF, reference=1)
        ),
    ],
    ids=["refuses", "closes", "speaks otherwise", "makes no sense"],
)
def test_whatever_else_it_does_is_no_answer(then: Any) -> None:
    asked = Asked(node("ixn1-b", 6))
    then(asked.server)
    assert asked.answers == [None]
    assert not asked.server.open
    assert not asked.clock.getDelayedCalls()


def test_a_refused_connection_is_no_answer() -> None:
    server = node("ixn1-b", 6)
    server.there = False
    asked = Asked(server)
    assert asked.answers == [None]
    assert not asked.clock.getDelayedCalls()


@pytest.mark.parametrize("connects", [True, False])
def test_silence_is_no_answer_after_a_while(connects: bool) -> None:
    server = node("ixn1-b", 6)
    server.silent = not connects
    asked = Asked(server)
    asked.clock.advance(PATIENCE - 0.1)
    assert not asked.answers
    asked.clock.advance(0.2)
    assert asked.answers == [None]
    assert not server.open


def test_one_that_is_stopped_says_nothing() -> None:
    asked = Asked(node("ixn1-b", 6))
    asked.probe.stop()
    asked.probe.stop()
    assert not asked.answers
    assert not asked.server.open
    assert not asked.clock.getDelayedCalls()
