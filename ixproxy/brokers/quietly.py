"""Connections to what may be away for long, without a line in the log for each attempt."""

from __future__ import annotations

from typing import TypeVar

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IAddress, IStreamClientEndpoint
from twisted.internet.protocol import Factory, Protocol

AProtocol = TypeVar("AProtocol", bound=Protocol)


class _Once(Factory):
    """Makes one connection; the framework logs nothing of its start and stop."""

    noisy = False

    def __init__(self, protocol: Protocol) -> None:
        self._protocol = protocol

    def buildProtocol(self, addr: IAddress | None) -> Protocol:
        """The framework is connected."""
        return self._protocol


def connect_quietly(endpoint: IStreamClientEndpoint, protocol: AProtocol) -> Deferred[AProtocol]:
    """
    As `twisted.internet.endpoints.connectProtocol`, which logs two lines of each attempt.

    :return: fires with `protocol` once it is connected, or fails as the endpoint does.
    """
    connected: Deferred[AProtocol] = endpoint.connect(_Once(protocol))  # type: ignore[assignment]
    return connected
