"""
Endpoints that speak TLS over endpoints of TCP.

Theory of operation: a protocol is made, and told of its connection, only when
the handshake is done and the peer is who it should be. So nothing above ever
sees a peer that is not verified, and no byte is sent to one. Handshakes are
bounded in time and number. What a new connection begins with is asked for when
it begins: a renewed certificate serves those that come from then on, and those
that are there stay.
"""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import ip_address
from typing import Any, Protocol

from OpenSSL import SSL
from service_identity import CertificateError, VerificationError
from service_identity.pyopenssl import extract_patterns, verify_hostname, verify_ip_address
from twisted.internet.defer import Deferred, fail
from twisted.internet.interfaces import (
    IAddress,
    IDelayedCall,
    IListeningPort,
    IProtocol,
    IProtocolFactory,
    IReactorTime,
    IStreamClientEndpoint,
    IStreamServerEndpoint,
)
from twisted.internet.protocol import Factory, connectionDone
from twisted.internet.protocol import Protocol as TwistedProtocol
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from ixproxy.net.tls_socket import TlsSocket
from ixproxy.tls import TlsProblem

log = Logger()

HANDSHAKE_SECONDS = 10.0
WRITE_AGAIN_SECONDS = 0.02
MOST_HANDSHAKES = 1_000
"""Handshakes of one listener under way at a time; further connections are closed at once."""


def is_ip_address(host: str) -> bool:
    """Whether a host is named by its address."""
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def check_name(connection: SSL.Connection, host: str) -> None:
    """
    See that a server's certificate is for the host that was meant.

    :raise TlsProblem: it is for others; the text names them.
    """
    try:
        if is_ip_address(host):
            verify_ip_address(connection, host)
        else:
            verify_hostname(connection, host)
    except (VerificationError, CertificateError) as problem:
        certificate = connection.get_peer_certificate(as_cryptography=False)
        names = [_name(each) for each in extract_patterns(certificate)] if certificate else []
        text = f"its certificate is for {', '.join(names) or 'no host'}, not for {host}"
        raise TlsProblem(text) from problem


def _name(pattern: Any) -> str:
    """A name in a certificate, as a person would write it."""
    named = pattern.pattern
    return named.decode("ascii", "replace") if isinstance(named, bytes) else str(named)


class _Wanting(Protocol):
    """Who waits for a connection to be secure."""

    def make(self, handshaking: Handshaking) -> IProtocol | None:
        """It is: the protocol for it; None: it is not wanted any more."""

    def made(self, handshaking: Handshaking, protocol: IProtocol) -> None:
        """The protocol was told of its connection."""

    def failed(self, handshaking: Handshaking, problem: TlsProblem) -> None:
        """There will be no protocol; told once, and not after `make`."""


class Handshaking(TwistedProtocol):
    """
    Stands in for a protocol until the handshake is done.

    :param connection: OpenSSL's side, with nothing said yet, for a socket.
    :param host: of a server, the name or address that its certificate must
        have; None: this is the server's end.
    """

    def __init__(
        self,
        clock: IReactorTime,
        wanting: _Wanting,
        peer: IAddress,
        connection: Callable[[Any], SSL.Connection],
        host: str | None,
    ) -> None:
        self._clock = clock
        self._wanting: _Wanting | None = wanting
        self._connection = connection
        self._host = host
        self._socket: TlsSocket | None = None
        self._limit: IDelayedCall = clock.callLater(
            HANDSHAKE_SECONDS, self.give_up, "the handshake took too long"
        )
        self.peer = peer

    def connectionMade(self) -> None:
        """The framework opened the connection: from now on its socket speaks TLS."""
        transport: Any = self.transport
        inner = transport.socket
        self._socket = transport.socket = TlsSocket(
            inner,
            self._connection(inner),
            self._write_soon,
            self._secured,
            patient=self._host is None,
        )
        if self._host is not None:
            self._socket.begin()
            if self._socket.problem:
                self.give_up(self._socket.problem)

    def _write_soon(self) -> None:
        """A transport without output of its own stops writing, so it is asked again."""
        self._clock.callLater(WRITE_AGAIN_SECONDS, self._write)

    def _write(self) -> None:
        transport: Any = self.transport
        if self._wanting is not None:
            transport.startWriting()

    def _secured(self) -> None:
        """The handshake is done. :raise TlsProblem: the peer is another than was meant."""
        assert self._socket is not None
        if self._wanting is not None and self._host is not None:
            check_name(self._socket.tls, self._host)
        wanting = self._settle()
        if wanting is None:
            return
        transport: Any = self.transport
        protocol = wanting.make(self)
        if protocol is None:
            transport.abortConnection()
            return
        protocol.makeConnection(transport)
        wanting.made(self, protocol)
        # The transport still calls us, so from here on we are the protocol.
        become: Any = self
        become.dataReceived, become.connectionLost = protocol.dataReceived, protocol.connectionLost

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """The framework lost the connection before it was secure."""
        said = self._socket.problem if self._socket is not None else ""
        self._end(TlsProblem(said or "it closed the connection before it was secure"))

    def give_up(self, why: str) -> None:
        """The connection is not waited for any longer."""
        said = self._socket.problem if self._socket is not None else ""
        self._end(TlsProblem(said or why))
        transport: Any = self.transport
        if transport is not None:
            transport.abortConnection()

    def _settle(self) -> _Wanting | None:
        if self._limit.active():
            self._limit.cancel()
        wanting, self._wanting = self._wanting, None
        return wanting

    def _end(self, problem: TlsProblem) -> None:
        if (wanting := self._settle()) is not None:
            wanting.failed(self, problem)


class _Accepting(Factory):
    """Stands before a server's factory until each handshake is done."""

    noisy = False

    def __init__(
        self, clock: IReactorTime, inner: IProtocolFactory, context: Callable[[], SSL.Context]
    ) -> None:
        self._clock = clock
        self._inner = inner
        self._context = context
        self._under_way: dict[Handshaking, None] = {}

    def doStart(self) -> None:
        """The framework begins to listen."""
        self._inner.doStart()

    def doStop(self) -> None:
        """The framework listens no longer."""
        for handshaking in tuple(self._under_way):
            handshaking.give_up("the server stops")
        self._inner.doStop()

    def buildProtocol(self, addr: IAddress) -> Handshaking | None:  # type: ignore[override]
        """The framework accepted a connection."""
        if len(self._under_way) >= MOST_HANDSHAKES:
            log.warn("Connection from {peer} refused: too many handshakes", peer=addr)
            return None
        handshaking = Handshaking(self._clock, self, addr, self._begun, None)
        self._under_way[handshaking] = None
        return handshaking

    def _begun(self, inner: Any) -> SSL.Connection:
        connection = SSL.Connection(self._context(), inner)
        connection.set_accept_state()
        return connection

    def make(self, handshaking: Handshaking) -> IProtocol | None:
        """A connection is secure."""
        self._under_way.pop(handshaking, None)
        return self._inner.buildProtocol(handshaking.peer)

    def made(self, handshaking: Handshaking, protocol: IProtocol) -> None:
        """Its protocol goes on by itself."""

    def failed(self, handshaking: Handshaking, problem: TlsProblem) -> None:
        """A connection will never be secure."""
        self._under_way.pop(handshaking, None)
        log.warn(
            "Connection from {peer} is not secure: {problem}",
            peer=handshaking.peer,
            problem=problem.description,
        )


@implementer(IStreamServerEndpoint)
class TlsServerEndpoint:
    """
    Listens with TLS.

    :param context: gives what a new connection begins with.
    """

    def __init__(
        self,
        clock: IReactorTime,
        inner: IStreamServerEndpoint,
        context: Callable[[], SSL.Context],
    ) -> None:
        self._clock = clock
        self._inner = inner
        self._context = context

    def listen(self, protocolFactory: IProtocolFactory) -> Deferred[IListeningPort]:
        """Begin to listen."""
        return self._inner.listen(_Accepting(self._clock, protocolFactory, self._context))


@implementer(IStreamClientEndpoint)
class TlsClientEndpoint:
    """
    Connects with TLS, and fires when the server was verified.

    :param context: gives what a new connection begins with.
    :param host: the name or address that the server's certificate must have.
    """

    def __init__(
        self,
        clock: IReactorTime,
        inner: IStreamClientEndpoint,
        context: Callable[[], SSL.Context],
        host: str,
    ) -> None:
        self._clock = clock
        self._inner = inner
        self._context = context
        self._host = host

    def __repr__(self) -> str:
        return f"<TLS to {self._host}>"

    def connect(self, protocolFactory: IProtocolFactory) -> Deferred[IProtocol]:
        """Connect; fails with TlsProblem where the server is not who it should be."""
        try:
            server_name = b"" if is_ip_address(self._host) else self._host.encode("idna")
        except UnicodeError as problem:
            return fail(TlsProblem(f"{self._host!r} is no name of a host: {problem}"))

        def begun(inner: Any) -> SSL.Connection:
            connection = SSL.Connection(self._context(), inner)
            connection.set_connect_state()
            if server_name:
                connection.set_tlsext_host_name(server_name)
            return connection

        return _Attempt(self._clock, self._host, protocolFactory, begun).start(self._inner)


class _Attempt(Factory):
    """One connection to a server, from the first byte until it is verified."""

    noisy = False

    def __init__(
        self,
        clock: IReactorTime,
        host: str,
        inner: IProtocolFactory,
        begun: Callable[[Any], SSL.Connection],
    ) -> None:
        self._clock = clock
        self._host = host
        self._inner = inner
        self._begun = begun
        self._handshaking: Handshaking | None = None
        self._opening: Deferred[Any] | None = None
        self._connected: Deferred[IProtocol] = Deferred(self._cancelled)
        self._over = False

    def start(self, endpoint: IStreamClientEndpoint) -> Deferred[IProtocol]:
        """Open the connection."""
        self._opening = endpoint.connect(self)
        self._opening.addErrback(self._not_opened)
        return self._connected

    def doStart(self) -> None:
        """The framework begins to connect."""
        self._inner.doStart()

    def doStop(self) -> None:
        """The framework is done."""
        self._inner.doStop()

    def buildProtocol(self, addr: IAddress) -> Handshaking:  # type: ignore[override]
        """The framework opened the connection."""
        self._handshaking = Handshaking(self._clock, self, addr, self._begun, self._host)
        return self._handshaking

    def make(self, handshaking: Handshaking) -> IProtocol | None:
        """The server is verified."""
        protocol = self._inner.buildProtocol(handshaking.peer)
        if protocol is None:
            self.failed(handshaking, TlsProblem("the connection is not wanted any more"))
        return protocol

    def made(self, handshaking: Handshaking, protocol: IProtocol) -> None:
        """The protocol knows its connection."""
        if not self._over:
            self._over = True
            self._connected.callback(protocol)

    def failed(self, handshaking: Handshaking, problem: TlsProblem) -> None:
        """There will be no connection."""
        self._not_opened(Failure(problem))

    def _not_opened(self, failure: Failure) -> None:
        if not self._over:
            self._over = True
            self._connected.errback(failure)

    def _cancelled(self, _: object) -> None:
        self._over = True
        if self._handshaking is not None:
            self._handshaking.give_up("the connection is not wanted any more")
        elif self._opening is not None:
            self._opening.cancel()
