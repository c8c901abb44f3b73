"""
A network in memory: endpoints, delays by chance, and everything that can go wrong.

Hosts are names. A cut between two hosts lets nothing through and tells nobody,
as a network does; what was sent arrives when it is healed. A connection that
is lost is lost for both ends at once, unless its host loses power: then the
other end is half-open, and hears nothing more. The same seed and the same calls give
the same order of events, always: chance is drawn for each connection alone.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.error import CannotListenError, ConnectionRefusedError, TimeoutError
from twisted.internet.interfaces import (
    IListeningPort,
    IProtocol,
    IProtocolFactory,
    IReactorTime,
    IStreamClientEndpoint,
    IStreamServerEndpoint,
)
from zope.interface import implementer

from ixproxy.testing.clock import SteppingClock
from ixproxy.testing.pipes import MemoryAddress, MemoryTransport

CONNECT_TIMEOUT = 30.0


def settle(clock: SteppingClock, network: MemoryNetwork, seconds: float = 60.0) -> bool:
    """
    Run until nothing is on its way and nothing is to be done at this moment.

    :param seconds: when to give up.
    :return: whether it came to rest.
    """
    return clock.run_until(lambda: network.idle and clock.next_time() != clock.seconds(), seconds)


class MemoryNetwork:
    """
    :param random: decides delays and where streams are cut in pieces.
    :param delay: the mean time that a piece is on its way, in seconds.
    :ivar tap: told whatever is written: from which host, to which, and what.
    """

    def __init__(self, clock: IReactorTime, random: Random, delay: float = 0.001) -> None:
        self._clock = clock
        self._seed = random.random()
        self._delay = delay
        self._made = 0
        self._listening: dict[str, IProtocolFactory] = {}
        self._refused: set[str] = set()
        self._cuts: set[frozenset[str]] = set()
        self._paused: set[str] = set()
        self._stopped: dict[str, list[tuple[MemoryTransport, str]]] = {}
        self._ends: dict[MemoryTransport, None] = {}
        self._connecting: dict[_Attempt, None] = {}
        self.tap: Callable[[str, str, bytes], None] | None = None

    def server_endpoint(self, address: str) -> IStreamServerEndpoint:
        """Where to listen; the host's name is the part before a colon."""
        return _ServerEndpoint(self, address)

    def client_endpoint(self, address: str, source: str = "") -> IStreamClientEndpoint:
        """Where to connect to, from the host `source`."""
        return _ClientEndpoint(self, address, source)

    @property
    def idle(self) -> bool:
        """Whether nothing is on its way that could arrive."""
        return all(end.idle for end in self._ends) and not any(
            self._open(attempt.source, attempt.host) for attempt in self._connecting
        )

    def ends(self, host: str, other: str = "") -> list[MemoryTransport]:
        """The ends on `host` of all its connections, or of those to `other`."""
        return [end for end in self._ends if end.host == host and other in ("", end.peer.host)]

    def cut(self, one: str, other: str) -> None:
        """Let nothing through between two hosts, and tell nobody."""
        self._cuts.add(frozenset((one, other)))
        self._look()

    def heal(self, one: str, other: str) -> None:
        """End a cut; harmless without one."""
        self._cuts.discard(frozenset((one, other)))
        self._look()

    def connects(self, one: str, other: str) -> bool:
        """Whether anything gets through between two hosts, as far as is planned."""
        return self._open(one, other)

    def listens(self, address: str) -> bool:
        """Whether anybody listens there."""
        return address in self._listening

    def pause(self, host: str) -> None:
        """Nothing arrives at `host` from anywhere, as if its programs were stopped."""
        self._paused.add(host)
        self._look()

    def resume(self, host: str) -> None:
        """End a pause or a stop; harmless without one."""
        self._paused.discard(host)
        self.go_on(host)

    def stop(self, host: str) -> None:
        """
        The programs of `host` are stopped, and its kernel is not.

        New connections are taken, and nobody there says anything until `go_on`.
        What its kernel was given before still arrives.
        """
        self._stopped.setdefault(host, [])
        self._look()

    def go_on(self, host: str) -> None:
        """End a stop; harmless without one."""
        for end, address in self._stopped.pop(host, ()):
            if end.connected:
                listening = self._listening.get(address)
                serving = None
                if listening is not None:
                    serving = listening.buildProtocol(MemoryAddress(end.peer.host))
                if serving is None:
                    end.break_now()
                    end.peer.reset()
                else:
                    end.protocol = serving
                    serving.makeConnection(end)
        self._look()

    def refuse(self, address: str) -> None:
        """Refuse new connections to `address`."""
        self._refused.add(address)

    def accept(self, address: str) -> None:
        """Take new connections again; harmless when they are."""
        self._refused.discard(address)

    def lose(self, host: str, other: str = "") -> int:
        """
        Break all connections of `host`, or those to `other`, for both ends at once.

        :return: how many there were.
        """
        ends = self.ends(host, other)
        for end in ends:
            peer = end.peer
            end.break_now()
            peer.break_now()
        return len(ends)

    def vanish(self, host: str, *, power: bool = True) -> None:
        """
        The programs of `host` are gone: nothing listens, its peers see resets.

        :param power: False: the host lost its power, and its peers see nothing.

        What `host` has already put on the way may still arrive; nobody on
        `host` is told anything.
        """
        self._stopped.pop(host, None)
        for address in [name for name in self._listening if _host(name) == host]:
            del self._listening[address]
        for attempt in [one for one in self._connecting if one.source == host]:
            self.give_up(attempt)
        for end in self.ends(host):
            end.protocol = None
            end.break_now()
            if power:
                end.peer.reset()

    def listen(self, address: str, factory: IProtocolFactory) -> None:
        """
        Take connections at `address`.

        :raise CannotListenError: somebody does already.
        """
        if address in self._listening:
            raise CannotListenError(None, 0, OSError(f"{address} is in use"))
        self._listening[address] = factory

    def stop_listening(self, address: str, factory: IProtocolFactory) -> None:
        """Take no more connections; harmless when another listens there."""
        if self._listening.get(address) is factory:
            del self._listening[address]

    def connect(self, attempt: _Attempt) -> None:
        """Begin to connect; it takes a while."""
        self._connecting[attempt] = None
        attempt.call = self._clock.callLater(self._delay, self._knock, attempt)

    def give_up(self, attempt: _Attempt) -> None:
        """Connect no more; harmless when done."""
        self._connecting.pop(attempt, None)
        if attempt.call is not None and attempt.call.active():
            attempt.call.cancel()

    def _open(self, one: str, other: str) -> bool:
        return (
            frozenset((one, other)) not in self._cuts
            and one not in self._paused
            and other not in self._paused
        )

    def _blocked(self, end: MemoryTransport) -> bool:
        """Whether nothing arrives at an end."""
        here, there = end.host, end.peer.host
        return (
            frozenset((here, there)) in self._cuts or here in self._paused or here in self._stopped
        )

    def _look(self) -> None:
        """Pauses and cuts have changed."""
        for end in tuple(self._ends):
            end.blocked = self._blocked(end)
            end.halt(end.host in self._stopped)
            end.schedule()
        for attempt in tuple(self._connecting):
            if attempt.call.active():
                attempt.call.cancel()
            attempt.call = self._clock.callLater(self._delay, self._knock, attempt)

    def _knock(self, attempt: _Attempt) -> None:
        if not self._open(attempt.source, attempt.host):
            left = attempt.until - self._clock.seconds()
            if left <= 0:
                self._connecting.pop(attempt, None)
                attempt.answer.errback(TimeoutError(f"{attempt.address} is silent"))
            else:
                attempt.call = self._clock.callLater(left, self._knock, attempt)
            return
        self._connecting.pop(attempt, None)
        listening = self._listening.get(attempt.address)
        if listening is None or attempt.address in self._refused:
            attempt.answer.errback(ConnectionRefusedError(f"{attempt.address} refuses"))
            return
        self._made += 1
        here, there = (
            MemoryTransport(
                self._clock, Random(f"{self._seed} {self._made} {host}"), host, self._delay
            )
            for host in (attempt.source, attempt.host)
        )
        here.peer, there.peer = there, here
        for end in (here, there):
            end.lost = self._forget
            end.wrote = self._wrote
            self._ends[end] = None
        stopped = self._stopped.get(attempt.host)
        serving = None
        if stopped is None:
            serving = listening.buildProtocol(MemoryAddress(attempt.source))
        asking = attempt.factory.buildProtocol(MemoryAddress(attempt.address))
        if asking is None or (serving is None and stopped is None):
            here.break_now()
            there.break_now()
            attempt.answer.errback(ConnectionRefusedError(f"{attempt.address} is not wanted"))
            return
        here.protocol, there.protocol = asking, serving
        if serving is not None:
            serving.makeConnection(there)
        elif stopped is not None:
            there.blocked = True
            stopped.append((there, attempt.address))
        asking.makeConnection(here)
        attempt.answer.callback(asking)

    def _wrote(self, end: MemoryTransport, written: bytes) -> None:
        if self.tap is not None:
            self.tap(end.host, end.peer.host, written)

    def _forget(self, end: MemoryTransport) -> None:
        self._ends.pop(end, None)


class _Attempt:
    """One connection in the making."""

    def __init__(
        self,
        network: MemoryNetwork,
        address: str,
        source: str,
        factory: IProtocolFactory,
        until: float,
    ) -> None:
        self.address = address
        self.host = _host(address)
        self.source = source
        self.factory = factory
        self.until = until
        self.call: Any = None
        self.answer: Deferred[IProtocol] = Deferred(lambda _: network.give_up(self))


@implementer(IStreamClientEndpoint)
class _ClientEndpoint:
    def __init__(self, network: MemoryNetwork, address: str, source: str) -> None:
        self._network = network
        self._address = address
        self._source = source

    def __repr__(self) -> str:
        return f"<endpoint {self._source} to {self._address}>"

    def connect(self, protocolFactory: IProtocolFactory) -> Deferred[IProtocol]:
        """Connect, refuse, or stay silent until the time-out."""
        network = self._network
        until = network._clock.seconds() + CONNECT_TIMEOUT
        attempt = _Attempt(network, self._address, self._source, protocolFactory, until)
        network.connect(attempt)
        return attempt.answer


@implementer(IStreamServerEndpoint)
class _ServerEndpoint:
    def __init__(self, network: MemoryNetwork, address: str) -> None:
        self._network = network
        self._address = address

    def listen(self, protocolFactory: IProtocolFactory) -> Deferred[IListeningPort]:
        """Take connections until the port is stopped."""
        try:
            self._network.listen(self._address, protocolFactory)
        except CannotListenError as problem:
            return fail(problem)
        return succeed(_Port(self._network, self._address, protocolFactory))


@implementer(IListeningPort)
class _Port:
    def __init__(self, network: MemoryNetwork, address: str, factory: IProtocolFactory) -> None:
        self._network = network
        self._address = address
        self._factory = factory

    def startListening(self) -> None:
        """It does from the start."""

    def stopListening(self) -> Deferred[None]:
        """Take no more connections."""
        self._network.stop_listening(self._address, self._factory)
        return succeed(None)

    def getHost(self) -> MemoryAddress:
        """Where it listens."""
        return MemoryAddress(self._address)


def _host(address: str) -> str:
    return address.partition(":")[0]
