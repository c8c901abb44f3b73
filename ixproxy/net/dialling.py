"""
How a program reaches servers, and is reached: over TLS where the deployment says so.

What a connection begins with is looked up when it begins. So a certificate can
be renewed, and a server begin to listen with TLS, while everything that is
connected stays as it is.
"""

from __future__ import annotations

from collections.abc import Set
from datetime import datetime
from typing import Any

from OpenSSL import SSL
from twisted.internet.defer import Deferred, fail
from twisted.internet.endpoints import clientFromString, serverFromString
from twisted.internet.interfaces import (
    IProtocol,
    IProtocolFactory,
    IStreamClientEndpoint,
    IStreamServerEndpoint,
)
from zope.interface import implementer

from ixproxy.net.tls_endpoints import TlsClientEndpoint, TlsServerEndpoint
from ixproxy.tls import Credential, TlsProblem, client_context, server_context


class Dialling:
    """
    What one program shows and trusts now, and which endpoints speak TLS.

    :param credential: None: it has none, and can speak no TLS.
    :param secured: the endpoint strings of servers that listen with TLS.
    """

    def __init__(
        self, reactor: Any, credential: Credential | None = None, secured: Set[str] = frozenset()
    ) -> None:
        self._reactor = reactor
        self._credential: Credential | None = None
        self._server: SSL.Context | None = None
        self._client: SSL.Context | None = None
        self._secured: Set[str] = frozenset()
        self.use(credential, secured)

    def use(self, credential: Credential | None, secured: Set[str]) -> None:
        """Begin connections with this from now on."""
        self._secured = secured
        if credential != self._credential or self._credential is None:
            self._credential = credential
            self._server = server_context(credential) if credential and credential.chain else None
            self._client = client_context(credential) if credential else None

    @property
    def credential(self) -> Credential | None:
        """What is shown and trusted now."""
        return self._credential

    @property
    def expires(self) -> datetime | None:
        """When our certificate ends, in UTC; None: there is none."""
        return self._credential.expires if self._credential else None

    def certificate_expires(self) -> float | None:
        """The same in seconds since the epoch."""
        return self.expires.timestamp() if self.expires else None

    def listening(self, text: str) -> IStreamServerEndpoint:
        """Where to listen, with TLS if there is a certificate to show."""
        inner: IStreamServerEndpoint = serverFromString(self._reactor, text)
        if self._server is None:
            return inner
        return TlsServerEndpoint(self._reactor, inner, self._server_context)

    def _server_context(self) -> SSL.Context:
        assert self._server is not None
        return self._server

    def _client_context(self) -> SSL.Context:
        assert self._client is not None
        return self._client

    def endpoint(self, text: str, host: str) -> IStreamClientEndpoint:
        """
        Where to connect to.

        :param text: an endpoint string; where it is one of `secured`, the
            connection speaks TLS.
        :param host: the name or address that the certificate there must have.
        """
        return _Dialled(self, text, host)

    def reached_by(self, text: str, host: str) -> IStreamClientEndpoint:
        """
        The endpoint as it must be now.

        :raise TlsProblem: it speaks TLS, and we cannot.
        """
        inner: IStreamClientEndpoint = clientFromString(self._reactor, text)
        if text not in self._secured:
            return inner
        if self._client is None:
            raise TlsProblem("it listens with TLS, and there is no tls table here")
        return TlsClientEndpoint(self._reactor, inner, self._client_context, host)


@implementer(IStreamClientEndpoint)
class _Dialled:
    """An endpoint that is looked up anew for each connection."""

    def __init__(self, dialling: Dialling, text: str, host: str) -> None:
        self._dialling = dialling
        self._text = text
        self._host = host

    def __repr__(self) -> str:
        return f"<{self._text}>"

    def connect(self, protocolFactory: IProtocolFactory) -> Deferred[IProtocol]:
        """Connect as is right at this moment."""
        try:
            return self._dialling.reached_by(self._text, self._host).connect(protocolFactory)
        except TlsProblem as problem:
            return fail(problem)
