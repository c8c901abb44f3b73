"""Client connections that a test looks into: what was answered, and when nothing is read."""

from __future__ import annotations

from collections import Counter
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IProtocol, IProtocolFactory, IStreamClientEndpoint
from zope.interface import implementer

from ixproxy.client import TlsFiles
from ixproxy.client.securing import Securing
from ixproxy.wire.frames import FrameReader
from ixproxy.wire.names import Kind
from ixproxy.wire.prefix import Flag, read_frame

ANSWERS = (Kind.REPLY, Kind.ERROR)


@implementer(IStreamClientEndpoint)
class ObservedEndpoint:
    """
    An endpoint whose connections are looked into.

    :param connections: gets one more for each connection that is made.
    :param tls: what is shown and trusted; None: no TLS is spoken.
    """

    def __init__(
        self,
        reactor: Any,
        endpoint: str,
        connections: list[Observed],
        tls: TlsFiles | None = None,
    ) -> None:
        self._endpoint = Securing(reactor, tls).endpoint(endpoint)
        self._connections = connections

    def connect(self, protocolFactory: IProtocolFactory) -> Deferred[IProtocol]:
        """See `IStreamClientEndpoint`."""
        connecting: Deferred[IProtocol] = self._endpoint.connect(protocolFactory)
        return connecting.addCallback(self._connected)

    def _connected(self, protocol: IProtocol) -> IProtocol:
        self._connections.append(Observed(protocol))
        return protocol


class Observed:
    """
    One connection.

    :ivar answers: reference to how many last parts of an answer came with it.
    :ivar received: bytes that came.
    """

    def __init__(self, protocol: Any) -> None:
        self.answers: Counter[int] = Counter()
        self.received = 0
        self._transport = protocol.transport
        self._received = protocol.dataReceived
        self._reader = FrameReader()
        protocol.dataReceived = self.dataReceived

    def dataReceived(self, data: bytes) -> None:
        """In the place of the protocol's own, which is called."""
        self.received += len(data)
        for raw in self._reader.feed(data):
            assert isinstance(raw, bytes), raw
            frame = read_frame(raw)
            if frame.kind in ANSWERS and not frame.flags & Flag.MORE:
                self.answers[frame.reference] += 1
        self._received(data)

    @property
    def answers_once(self) -> bool:
        """Whether no request got more than one answer."""
        return all(count == 1 for count in self.answers.values())

    def stop_reading(self) -> None:
        """Read nothing until `read_on`."""
        self._transport.pauseProducing()

    def read_on(self) -> None:
        """Read again."""
        self._transport.resumeProducing()
