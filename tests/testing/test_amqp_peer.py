"""Somebody outside of a real broker, over AMQP 1.0."""

from __future__ import annotations

from typing import Any

import pytest
import pytest_twisted
from proton import Message

from ixproxy.testing.amqp_peer import AmqpPeer, bytes_of, drained
from ixproxy.testing.rabbitmq import RabbitmqBroker

pytestmark = pytest.mark.processes
QUEUE = "test-amqp-peer"


@pytest_twisted.ensureDeferred
async def test_what_was_sent_is_drained_in_order(
    real_reactor: Any, rabbitmq_broker: RabbitmqBroker
) -> None:
    peer = AmqpPeer(real_reactor, rabbitmq_broker.amqp_port)
    await peer.connect()
    for body in (b"bytes", "a text"):
        message = Message(body=body, inferred=isinstance(body, bytes), durable=True)
        await peer.client.send(f"/queue/{QUEUE}", message)
    await peer.close()
    found = await drained(real_reactor, rabbitmq_broker.amqp_port, QUEUE)
    assert [bytes_of(message) for message in found] == [b"bytes", b"a text"]
    assert await drained(real_reactor, rabbitmq_broker.amqp_port, QUEUE) == []
