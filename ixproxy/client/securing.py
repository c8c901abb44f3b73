"""Where a client connects to: endpoint strings, with TLS or without."""

from __future__ import annotations

from datetime import UTC, datetime
from time import time
from typing import Any

from twisted.internet.endpoints import clientFromString
from twisted.internet.interfaces import IStreamClientEndpoint

from ixproxy.net.tls import Credential, client_context, read_credential
from ixproxy.net.tls_endpoints import TlsClientEndpoint
from ixproxy.values import TlsFiles

TLS = "tls:"


def client_credential(files: TlsFiles | None) -> Credential:
    """
    What a client shows and trusts; without files the authorities of the system.

    :raise TlsProblem: a file cannot be used.
    """
    return read_credential(files or TlsFiles(), datetime.fromtimestamp(time(), UTC))


def endpoint_of(
    reactor: Any, endpoint: str | IStreamClientEndpoint, tls: TlsFiles | None = None
) -> IStreamClientEndpoint:
    """
    An endpoint, made of its string if need be.

    :param endpoint: as Twisted has it, or `tls:HOST:PORT`: a server that
        listens with TLS, and whose certificate must be for HOST.
    :param tls: given, every `tcp:` speaks TLS, too.
    :raise ValueError: it is not understood.
    :raise TlsProblem: a file of `tls` cannot be used.
    """
    if not isinstance(endpoint, str):
        return endpoint
    secured = endpoint.startswith(TLS)
    text = f"tcp:{endpoint.removeprefix(TLS)}" if secured else endpoint
    try:
        made: IStreamClientEndpoint = clientFromString(reactor, text)
    except TypeError as problem:
        raise ValueError(f"{endpoint!r} is no endpoint: {problem}") from problem
    if not secured and (tls is None or not text.startswith("tcp:")):
        return made
    credential = client_credential(tls)
    context = client_context(credential)
    return TlsClientEndpoint(reactor, made, lambda: context, host_of(text))


def host_of(text: str) -> str:
    """The host in a `tcp:` endpoint string."""
    parts = text.replace("\\:", "\0").split(":")
    named = [part.removeprefix("host=") for part in parts[1:] if part.startswith("host=")]
    return (named or parts[1:2] or [""])[0].replace("\0", ":")
