"""Attempts to connect that nobody reads of."""

from __future__ import annotations

from typing import Any

import pytest
import pytest_twisted
from twisted.internet.endpoints import TCP4ClientEndpoint, TCP4ServerEndpoint
from twisted.internet.error import ConnectError
from twisted.internet.protocol import Factory, Protocol
from twisted.logger import capturedLogs

from ixproxy.brokers.quietly import connect_quietly


class Silent(Factory):
    noisy = False
    protocol = Protocol


@pytest_twisted.ensureDeferred
async def test_neither_an_attempt_nor_its_failure_is_logged(real_reactor: Any) -> None:
    port = await TCP4ServerEndpoint(real_reactor, 0, interface="127.0.0.1").listen(Silent())
    endpoint = TCP4ClientEndpoint(real_reactor, "127.0.0.1", port.getHost().port)
    with capturedLogs() as logged:
        protocol = Protocol()
        assert await connect_quietly(endpoint, protocol) is protocol
        assert protocol.transport is not None
        protocol.transport.loseConnection()
        await port.stopListening()
        with pytest.raises(ConnectError):
            await connect_quietly(endpoint, Protocol())
    assert [event for event in logged if "factory" in str(event.get("log_format"))] == []
