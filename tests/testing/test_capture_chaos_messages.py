"""Messages of RabbitMQ as a source of capture chaos, over both protocols."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from random import Random
from typing import Any

import pytest
import pytest_twisted

from ixproxy.capture.jms import make
from ixproxy.testing.capture_chaos_messages import (
    ERRORS,
    INBOUND,
    OUT,
    PROCESSED,
    AmqpMessages,
    Messages,
    StompMessages,
)
from ixproxy.testing.capture_chaos_words import Given, Sort, Told, xml
from ixproxy.testing.rabbitmq import RabbitmqBroker
from ixproxy.testing.stomp_peer import StompPeer

pytestmark = pytest.mark.processes


@pytest.mark.parametrize("kind", [StompMessages, AmqpMessages])
@pytest_twisted.ensureDeferred
async def test_messages_are_given_and_read_by_their_properties(
    real_reactor: Any, tmp_path: Path, rabbitmq_broker: RabbitmqBroker, kind: type[Messages]
) -> None:
    source = kind(real_reactor, tmp_path / "source", Random(1))
    source.broker.remove()
    # All tests share one.
    source.broker = rabbitmq_broker
    source.folder.mkdir()
    (source.folder / "password").write_text("")
    settings = dict(source.settings())
    assert settings.pop("use") == "jms"
    make({**settings, "address": "tcp:127.0.0.1:1"})
    peer = StompPeer(real_reactor, rabbitmq_broker.stomp_port)
    await peer.connect()
    for queue in (INBOUND, ERRORS, PROCESSED, OUT):
        # A queue that nobody has used yet is not there.
        await peer.drain(queue)
    given = [Given(f"d{number}") for number in range(5)]
    await source.give(given)
    assert await source.left() == 5
    found = await source.read(INBOUND)
    assert sorted(body for _, body in found) == sorted(map(xml, given))
    assert await source.left() == 0
    torn, half = xml(Given("torn", Sort.TORN)), xml(Given("half", Sort.HALF))
    for _ in range(2):
        await peer.send(ERRORS, torn, ixn_reason="why")
    await peer.send(PROCESSED, half)
    told = b'<interaction operation="held" ExternalId="d1" EventId="1-7"/>'
    await peer.send(OUT, told)
    assert await source.copies() == Counter(half=1)
    assert await source.told() == [Told("held", "d1", "1-7")]
    errors = await source.errors()
    assert list(errors) == ["torn"]
    assert len(errors["torn"]) == 1
    await peer.close()


@pytest.mark.parametrize("kind", [StompMessages, AmqpMessages])
@pytest_twisted.ensureDeferred
async def test_a_broker_of_its_own_is_removed_with_it(
    real_reactor: Any, tmp_path: Path, kind: type[Messages]
) -> None:
    if reason := RabbitmqBroker.unusable():
        pytest.skip(reason)
    source = kind(real_reactor, tmp_path, Random(1))
    assert {"cut connections", "connections hang", "kill broker", "freeze broker"} == set(
        source.faults()
    )
    await source.stop()
    assert not source.broker.folder.exists()
