"""
A socket that speaks TLS, in the place of a transport's own.

Theory of operation: OpenSSL reads and writes the file descriptor itself, and
what it reports is turned into what a socket reports: "would block" is
`BlockingIOError`, an end is no bytes, a failure is an `OSError`. So Twisted's
TCP transport works on it unchanged, and output that was gathered for the end of
a turn leaves by one `send`. (Twisted's own TLS copies every byte through two
buffers in memory and writes at a later time: doc/decisions/0080.)

The handshake goes on whenever the transport reads or writes, until it is done;
`secured` is called then, once, before any byte of the peer is handed on.
"""

from __future__ import annotations

import socket
from collections.abc import Callable
from errno import ECONNRESET, EWOULDBLOCK
from typing import Any

from cryptography import x509
from OpenSSL import SSL

from ixproxy.tls import TlsProblem, explain

RECORD = 16 << 10
"""The most that one record of TLS carries, in bytes."""


class TlsSocket:
    """
    One end of a TLS connection.

    :param wants_to_write: has `send` called, be it with nothing, as soon as
        the socket takes something.
    :param secured: the handshake is done; what it raises as a TlsProblem ends
        the connection.
    :param patient: after a handshake that failed, wait for the peer to close:
        it is to read why, and a socket that is closed with unread bytes in it
        takes back what was sent last.
    :ivar problem: why the connection failed; "" if it did not.
    """

    def __init__(
        self,
        inner: socket.socket,
        connection: SSL.Connection,
        wants_to_write: Callable[[], None],
        secured: Callable[[], None],
        *,
        patient: bool,
    ) -> None:
        self._inner = inner
        self._tls = connection
        self._wants_to_write = wants_to_write
        self._secured: Callable[[], None] | None = secured
        self._patient = patient
        self.problem = ""

    def __getattr__(self, name: str) -> Any:
        # Options and addresses are those of the socket below.
        return getattr(self._inner, name)

    @property
    def tls(self) -> SSL.Connection:
        """OpenSSL's side of it."""
        return self._tls

    @property
    def peer_certificate(self) -> x509.Certificate | None:
        """The certificate that the peer has shown, verified; None: it has shown none."""
        return self._tls.get_peer_certificate(as_cryptography=True)

    def begin(self) -> None:
        """
        Send the first bytes of the handshake, where they are ours to send.

        The answer may be there at once; `problem` says so where it is a bad one.
        """
        try:
            self._shake_hands()
        except SSL.WantReadError:
            return
        except SSL.WantWriteError:
            self._wants_to_write()
        except (SSL.Error, TlsProblem) as problem:
            self._failed(problem)

    def recv(self, size: int) -> bytes:
        """
        What the peer has sent; nothing: it has ended the connection.

        :raise BlockingIOError: nothing has come yet.
        :raise ConnectionResetError: the connection failed, `problem` says why.
        """
        if self.problem:
            return self._last_bytes(size)
        try:
            if self._secured is not None:
                self._shake_hands()
            received = self._tls.recv(size)
            while self._tls.pending() and len(received) + RECORD <= size:
                received += self._tls.recv(RECORD)
        except SSL.WantReadError:
            raise BlockingIOError(EWOULDBLOCK, "nothing to read") from None
        except SSL.WantWriteError:
            self._wants_to_write()
            raise BlockingIOError(EWOULDBLOCK, "something to write first") from None
        except SSL.ZeroReturnError:
            return b""
        except (SSL.Error, TlsProblem) as problem:
            raise self._failed(problem) from None
        return received

    def send(self, offered: bytes | memoryview) -> int:
        """
        Send what goes at once; what did not go must come again, first.

        :raise BlockingIOError: nothing goes now.
        :raise ConnectionResetError: the connection failed, `problem` says why.
        """
        rest = memoryview(offered)
        try:
            if self._secured is not None:
                self._shake_hands()
            # OpenSSL takes one record at a time.
            while rest:
                rest = rest[self._tls.send(rest) :]
        except (SSL.WantReadError, SSL.WantWriteError):
            if len(rest) == len(offered):
                raise BlockingIOError(EWOULDBLOCK, "the socket takes nothing") from None
        except (SSL.Error, TlsProblem) as problem:
            raise self._failed(problem) from None
        return len(offered) - len(rest)

    def _shake_hands(self) -> None:
        self._tls.do_handshake()
        secured, self._secured = self._secured, None
        if secured is not None:
            secured()

    def _failed(self, problem: SSL.Error | TlsProblem) -> OSError:
        if isinstance(problem, TlsProblem):
            self.problem = self.problem or problem.description
        else:
            self.problem = self.problem or explain(problem, self._tls)
        if self._patient and self._secured is not None:
            self._inner.shutdown(socket.SHUT_WR)
            return BlockingIOError(EWOULDBLOCK, "the peer is to close")
        return ConnectionResetError(ECONNRESET, self.problem)

    def _last_bytes(self, size: int) -> bytes:
        """Throw away what still comes, until the peer has closed."""
        while self._inner.recv(size):
            pass
        raise ConnectionResetError(ECONNRESET, self.problem)

    def shutdown(self, how: int) -> None:
        """Say that nothing more comes, as TLS and as TCP."""
        if not self.problem and self._secured is None:
            try:
                self._tls.shutdown()
            except SSL.Error:
                # The peer is gone, or takes nothing: what follows says it, too.
                self._tls.set_shutdown(SSL.SENT_SHUTDOWN)
        self._inner.shutdown(how)

    def close(self) -> None:
        """Give the socket back to the system."""
        self._inner.close()
