from __future__ import annotations

from random import Random

from twisted.internet.defer import Deferred
from twisted.internet.error import (
    CannotListenError,
    ConnectionDone,
    ConnectionLost,
    ConnectionRefusedError,
    TimeoutError,
)
from twisted.internet.interfaces import (
    IAddress,
    IListeningPort,
    IProtocol,
    IStreamClientEndpoint,
    IStreamServerEndpoint,
)
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.python.failure import Failure
from zope.interface.verify import verifyObject

from ixproxy.testing.clock import SteppingClock
from ixproxy.testing.network import MemoryNetwork, settle
from tests.deferreds import failure_of, no_result, result_of


class Listener(Protocol):
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.heard = b""
        self.reason: BaseException | None = None

    def dataReceived(self, data: bytes) -> None:
        self.heard += data

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self.reason = reason.value


class Ends(Factory):
    """Makes listeners, or refuses to."""

    def __init__(self) -> None:
        self.made: list[Listener] = []
        self.wanted = True

    def buildProtocol(self, addr: IAddress | None) -> Listener | None:
        if not self.wanted:
            return None
        self.made.append(Listener())
        return self.made[-1]


class Net:
    """A network with a listener on host `b`, and a way to connect from `a`."""

    def __init__(self, seed: int = 1) -> None:
        self.clock = SteppingClock()
        self.network = MemoryNetwork(self.clock, Random(seed))
        self.serving, self.asking = Ends(), Ends()
        self.port = result_of(self.network.server_endpoint("b:1").listen(self.serving))

    def connect(self, address: str = "b:1", source: str = "a") -> Deferred[IProtocol]:
        return self.network.client_endpoint(address, source).connect(self.asking)

    def connect_and_wait(self) -> Deferred[IProtocol]:
        connecting = self.connect()
        assert settle(self.clock, self.network)
        return connecting

    def connected(self) -> tuple[Listener, Listener]:
        connecting = self.connect()
        assert settle(self.clock, self.network)
        result_of(connecting)
        return self.asking.made[-1], self.serving.made[-1]


def write(end: Listener, written: bytes) -> None:
    assert end.transport is not None
    end.transport.write(written)


def test_endpoints_and_ports_are_what_the_framework_calls_so() -> None:
    net = Net()
    assert verifyObject(IStreamClientEndpoint, net.network.client_endpoint("b:1", "a"))
    assert verifyObject(IStreamServerEndpoint, net.network.server_endpoint("b:1"))
    assert verifyObject(IListeningPort, net.port)


def test_two_ends_talk_both_ways() -> None:
    net = Net()
    asking, serving = net.connected()
    write(asking, b"ping")
    write(serving, b"pong")
    assert not net.network.idle
    assert settle(net.clock, net.network)
    assert (serving.heard, asking.heard) == (b"ping", b"pong")
    assert net.clock.seconds() < 1


def test_a_tap_hears_everything_that_is_written() -> None:
    net = Net()
    tapped: list[tuple[str, str, bytes]] = []
    net.network.tap = lambda *written: tapped.append(written)
    asking, serving = net.connected()
    write(asking, b"ping")
    write(serving, b"pong")
    assert tapped == [("a", "b", b"ping"), ("b", "a", b"pong")]


def test_connecting_takes_a_while() -> None:
    net = Net()
    connecting = no_result(net.connect())
    assert not net.network.idle
    net.clock.run(0.01)
    assert result_of(connecting) is net.asking.made[0]


def test_nobody_listening_and_a_refusing_address_are_refusals() -> None:
    net = Net()
    nobody = net.connect("c:1")
    net.network.refuse("b:1")
    refused = net.connect()
    net.clock.run(1)
    failure_of(nobody, ConnectionRefusedError)
    failure_of(refused, ConnectionRefusedError)
    net.network.accept("b:1")
    assert net.connected()


def test_a_port_that_stopped_listening_refuses_and_its_address_is_free() -> None:
    net = Net()
    endpoint = net.network.server_endpoint("b:1")
    failure_of(endpoint.listen(Ends()), CannotListenError)
    net.port.stopListening()
    refused = net.connect()
    net.clock.run(1)
    failure_of(refused, ConnectionRefusedError)
    result_of(endpoint.listen(net.serving))
    assert net.connected()


def test_a_factory_that_wants_nobody_is_a_refusal() -> None:
    net = Net()
    net.serving.wanted = False
    refused = net.connect()
    net.clock.run(1)
    failure_of(refused, ConnectionRefusedError)


def test_a_cut_is_silence_and_what_was_sent_arrives_when_it_is_healed() -> None:
    net = Net()
    asking, serving = net.connected()
    write(asking, b"before ")
    net.network.cut("a", "b")
    write(asking, b"after")
    net.clock.run(1000)
    assert (serving.heard, serving.reason, asking.reason) == (b"", None, None)
    assert net.network.idle
    net.network.heal("b", "a")
    assert settle(net.clock, net.network)
    assert serving.heard == b"before after"


def test_connecting_over_a_cut_times_out_or_goes_on_when_healed() -> None:
    net = Net()
    net.network.cut("a", "b")
    silent = net.connect()
    net.clock.run(29)
    patient = net.connect()
    net.clock.run(2)
    failure_of(silent, TimeoutError)
    net.network.heal("a", "b")
    net.clock.run(1)
    assert result_of(patient) is net.asking.made[-1]


def test_an_end_that_closes_over_a_cut_leaves_the_other_half_open() -> None:
    net = Net()
    asking, serving = net.connected()
    net.network.cut("a", "b")
    assert asking.transport is not None
    asking.transport.loseConnection()
    net.clock.run(1000)
    assert isinstance(asking.reason, ConnectionDone)
    assert serving.reason is None
    net.network.heal("a", "b")
    net.clock.run(1)
    assert serving.reason is not None


def test_a_paused_host_hears_nothing_until_it_goes_on() -> None:
    net = Net()
    asking, serving = net.connected()
    net.network.pause("b")
    write(asking, b"anybody?")
    write(serving, b"sent before")
    silent = net.connect()
    net.clock.run(10)
    assert (serving.heard, asking.heard) == (b"", b"sent before")
    no_result(silent)
    net.network.resume("b")
    net.clock.run(1)
    assert serving.heard == b"anybody?"
    result_of(silent)


def test_a_stopped_host_accepts_and_says_nothing_until_it_goes_on() -> None:
    net = Net()
    asking, serving = net.connected()
    write(asking, b"before")
    write(serving, b"sent before")
    net.network.stop("b")
    write(serving, b", unsent")
    connecting = net.connect()
    net.clock.run(60.0)
    later = result_of(connecting)
    assert isinstance(later, Listener), "its kernel accepts"
    write(later, b"hello")
    net.clock.run(60.0)
    assert (serving.heard, later.heard, len(net.serving.made)) == (b"", b"", 1)
    assert asking.heard == b"sent before", "its kernel sends what it was given"
    net.network.resume("b")
    assert settle(net.clock, net.network)
    assert (serving.heard, asking.heard) == (b"before", b"sent before, unsent")
    assert net.serving.made[-1].heard == b"hello"


def test_a_host_that_loses_its_power_leaves_its_peers_half_open() -> None:
    net = Net()
    asking, serving = net.connected()
    net.network.vanish("b", power=False)
    write(asking, b"are you there?")
    net.clock.run(60.0)
    assert (asking.heard, asking.reason, serving.reason) == (b"", None, None)
    assert isinstance(failure_of(net.connect_and_wait()), ConnectionRefusedError)


def test_a_lost_connection_is_lost_for_both_at_once() -> None:
    net = Net()
    asking, serving = net.connected()
    write(asking, b"never arrives")
    assert net.network.lose("a", "c") == 0
    assert net.network.lose("a") == 1
    assert isinstance(asking.reason, ConnectionLost)
    assert isinstance(serving.reason, ConnectionLost)
    assert serving.heard == b""
    assert net.network.ends("a") == net.network.ends("b") == []


def test_programs_that_vanish_are_told_nothing_and_their_peers_see_a_reset() -> None:
    net = Net()
    asking, serving = net.connected()
    half_made = net.network.client_endpoint("a:9", "b").connect(Ends())
    net.network.vanish("b")
    net.clock.run(1)
    assert serving.reason is None
    assert isinstance(asking.reason, ConnectionLost)
    no_result(half_made)
    refused = net.connect()
    net.clock.run(1)
    failure_of(refused, ConnectionRefusedError)


def test_an_attempt_that_is_cancelled_never_connects() -> None:
    net = Net()
    connecting = net.connect()
    connecting.addErrback(lambda _: None)
    connecting.cancel()
    net.clock.run(1)
    assert net.serving.made == []


def test_the_same_seed_is_the_same_run_and_another_is_not() -> None:
    def run(seed: int) -> list[tuple[float, bytes]]:
        net = Net(seed)
        asking, serving = net.connected()
        seen: list[tuple[float, bytes]] = []
        for number in range(20):
            write(asking, b"%d " % number)
            write(serving, b"%d " % number)
            net.clock.run(0.001)
            seen.append((net.clock.seconds(), asking.heard + b"|" + serving.heard))
        return seen

    assert run(1) == run(1)
    assert run(1) != run(2)


def test_a_host_whose_programs_are_stopped_takes_connections_and_says_nothing() -> None:
    net = Net()
    _, there = net.connected()
    net.network.stop("b")
    connecting = net.connect()
    net.clock.run(1)
    result_of(connecting)
    write(net.asking.made[0], b"old")
    write(net.asking.made[1], b"new")
    net.clock.run(60)
    assert (there.heard, len(net.serving.made)) == (b"", 1)
    assert net.network.idle
    net.network.go_on("b")
    assert settle(net.clock, net.network)
    assert [each.heard for each in net.serving.made] == [b"old", b"new"]


def test_who_connected_meanwhile_is_cut_off_if_nobody_listens_any_more() -> None:
    net = Net()
    net.network.stop("b")
    connecting = net.connect()
    net.clock.run(1)
    result_of(connecting)
    net.port.stopListening()
    net.network.go_on("b")
    assert settle(net.clock, net.network)
    assert isinstance(net.asking.made[0].reason, ConnectionLost)


def test_a_stopped_program_that_dies_is_as_dead_as_any_other() -> None:
    net = Net()
    net.network.stop("b")
    connecting = net.connect()
    net.clock.run(1)
    result_of(connecting)
    net.network.vanish("b")
    assert settle(net.clock, net.network)
    assert isinstance(net.asking.made[0].reason, ConnectionLost)
    net.network.listen("b:1", net.serving)
    net.connected()


def test_it_says_what_gets_through_and_who_listens() -> None:
    network = MemoryNetwork(SteppingClock(), Random(1))
    assert network.connects("a", "b")
    network.cut("b", "a")
    network.pause("c")
    assert not network.connects("a", "b")
    assert not network.connects("a", "c")
    network.listen("a:1", Factory())
    assert network.listens("a:1")
    assert not network.listens("b:1")
