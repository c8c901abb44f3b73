"""Where a client connects to: endpoint strings, with TLS or without."""

from __future__ import annotations

from datetime import UTC, datetime
from time import time
from typing import Any

from OpenSSL import SSL
from twisted.internet.endpoints import clientFromString
from twisted.internet.interfaces import IStreamClientEndpoint

from ixproxy.net.tls_endpoints import TlsClientEndpoint
from ixproxy.tls import client_context, read_credential
from ixproxy.values import TlsFiles

TLS = "tls:"


class Securing:
    """
    Makes the endpoints of one client; the one place where a string becomes one.

    :param tls: given, every `tcp:` endpoint speaks TLS, with what these files
        say. None: nothing is shown, and the authorities of the system are trusted.
    """

    def __init__(self, reactor: Any, tls: TlsFiles | None = None) -> None:
        self._reactor = reactor
        self._files = tls
        self._made: SSL.Context | None = None

    def endpoint(self, endpoint: str | IStreamClientEndpoint) -> IStreamClientEndpoint:
        """
        An endpoint, made of its string if need be.

        :param endpoint: as Twisted has it, or `tls:HOST:PORT`: a server that
            listens with TLS, and whose certificate must be for HOST.
        :raise ValueError: it is not understood.
        :raise TlsProblem: a file of `tls` cannot be used.
        """
        if not isinstance(endpoint, str):
            return endpoint
        secured = endpoint.startswith(TLS)
        text = f"tcp:{endpoint.removeprefix(TLS)}" if secured else endpoint
        try:
            made: IStreamClientEndpoint = clientFromString(self._reactor, text)
        except TypeError as problem:
            raise ValueError(f"{endpoint!r} is no endpoint: {problem}") from problem
        if not secured and (self._files is None or not text.startswith("tcp:")):
            return made
        context = self._context()
        return TlsClientEndpoint(self._reactor, made, lambda: context, host_of(text))

    def check(self) -> None:
        """:raise TlsProblem: a file of `tls` cannot be used."""
        self._context()

    def _context(self) -> SSL.Context:
        if self._made is None:
            now = datetime.fromtimestamp(time(), UTC)
            self._made = client_context(read_credential(self._files or TlsFiles(), now))
        return self._made


def host_of(text: str) -> str:
    """The host in a `tcp:` endpoint string."""
    parts = text.replace("\\:", "\0").split(":")
    named = [part.removeprefix("host=") for part in parts[1:] if part.startswith("host=")]
    return (named or parts[1:2] or [""])[0].replace("\0", ":")
