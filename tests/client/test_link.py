from __future__ import annotations

from random import Random

from twisted.internet.endpoints import connectProtocol

from ixproxy.client.link import Link
from ixproxy.client.settings import Settings
from ixproxy.errors import Code, RemoteProtocolError
from ixproxy.net.keep_alive import KeepAlive
from ixproxy.net.turn import TurnEnd
from ixproxy.testing.clock import SteppingClock
from ixproxy.testing.network import MemoryNetwork, settle
from ixproxy.wire.names import Kind
from ixproxy.wire.prefix import Frame, write_frame
from tests.client.servers import Server
from tests.deferreds import no_result, result_of

EVENT = write_frame(Kind.EVENT, 1101)


class Linked:
    """A link to a server, and what it passed up."""

    def __init__(self, settings: Settings | None = None) -> None:
        settings = settings or Settings()
        self.clock = SteppingClock()
        self.network = MemoryNetwork(self.clock, Random(1))
        self.server = Server()
        self.network.listen("s:1", self.server)
        self.keep_alive = KeepAlive(
            self.clock, settings.keep_alive_interval, settings.keep_alive_limit
        )
        self.keep_alive.start()
        self.received: list[int] = []
        self.lost: list[str] = []
        self.broken = False
        self.link = Link(
            TurnEnd(self.clock),
            self.keep_alive,
            settings,
            self.frame_received,
            lambda _, reason: self.lost.append(reason),
        )
        connecting = connectProtocol(self.network.client_endpoint("s:1", "c"), self.link.connection)
        self.rest()
        result_of(connecting)

    def frame_received(self, link: Link, frame: Frame) -> None:
        if self.broken:
            raise RemoteProtocolError(Code.BAD_FRAME, "nonsense")
        self.received.append(frame.name)

    def rest(self) -> None:
        assert settle(self.clock, self.network)


def test_frames_are_passed_up_and_pings_are_answered() -> None:
    linked = Linked()
    linked.server.last.write(EVENT + write_frame(Kind.PING, 0) + EVENT)
    linked.rest()
    assert linked.received == [1101, 1101]
    assert linked.server.last.pongs == 1


def test_the_loss_is_told_once_with_its_reason_to_everyone() -> None:
    linked = Linked()
    waiting = no_result(linked.link.when_lost())
    linked.link.abort("enough")
    linked.rest()
    assert linked.lost == ["enough"]
    assert result_of(waiting) == "enough"
    assert result_of(linked.link.when_lost()) == "enough"
    linked.link.abort("again")
    linked.rest()
    assert linked.lost == ["enough"]


def test_nothing_is_passed_up_after_the_protocol_was_broken() -> None:
    linked = Linked()
    linked.broken = True
    linked.server.last.write(EVENT * 3)
    linked.rest()
    assert linked.received == []
    assert linked.lost == ["the server broke the protocol: 3004: nonsense"]


def test_a_frame_beyond_what_was_announced_breaks_the_protocol() -> None:
    linked = Linked(Settings(max_frame=1000))
    linked.server.last.write(write_frame(Kind.EVENT, 1101, body=bytes(2000)))
    linked.rest()
    assert "length is 2028, 1000 allowed" in linked.lost[0]


def test_a_server_that_does_not_read_is_left_when_too_much_waits_for_it() -> None:
    linked = Linked(Settings(max_output=100_000))
    assert linked.server.last.transport is not None
    linked.server.last.transport.pauseProducing()  # type: ignore[attr-defined]
    sent = 0
    while not linked.lost and sent < 10_000:
        sent += 1
        linked.link.send(write_frame(Kind.REQUEST, 50, body=bytes(1000)))
        linked.clock.run(0.001)
    assert linked.lost[0].startswith("the server does not read")
    assert sent < 500


def test_a_silent_server_is_pinged_and_given_up() -> None:
    linked = Linked()
    linked.clock.run(100)
    assert linked.lost == []
    linked.server.alive = False
    linked.clock.run(100)
    assert linked.lost == ["nothing heard for 30 seconds"]
    linked.keep_alive.stop()


def test_what_is_sent_after_the_loss_is_dropped() -> None:
    linked = Linked()
    linked.link.close("done")
    linked.rest()
    linked.link.send(EVENT)
    linked.rest()
    assert linked.server.last.closed
