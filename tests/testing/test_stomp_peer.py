"""Somebody outside of a real broker, over STOMP."""

from __future__ import annotations

from typing import Any

import pytest
import pytest_twisted

from ixproxy.testing.rabbitmq import RabbitmqBroker
from ixproxy.testing.stomp_peer import StompPeer, until, with_peer

pytestmark = pytest.mark.processes
QUEUE = "test-stomp-peer"


@pytest_twisted.ensureDeferred
async def test_what_was_sent_is_drained_in_order(
    real_reactor: Any, rabbitmq_broker: RabbitmqBroker
) -> None:
    async def work(peer: StompPeer) -> None:
        assert peer.rabbitmq
        await peer.send_all(QUEUE, {"1": b"a", "2": b"b"})
        found = await peer.drain(QUEUE)
        assert [(each.headers["amqp-message-id"], each.body) for each in found] == [
            ("1", b"a"), ("2", b"b"),
        ]  # fmt: skip
        assert await peer.drain(QUEUE) == []

    await with_peer(real_reactor, rabbitmq_broker.stomp_port, work)


@pytest_twisted.ensureDeferred
async def test_who_waits_in_vain_is_told(real_reactor: Any) -> None:
    await until(real_reactor, lambda: True)
    with pytest.raises(AssertionError, match="in time"):
        await until(real_reactor, lambda: False, 0.1)
