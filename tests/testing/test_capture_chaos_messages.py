"""Messages of RabbitMQ as a source of capture chaos, over both protocols."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from random import Random
from subprocess import TimeoutExpired
from typing import Any

import pytest
import pytest_twisted

from ixproxy.capture.jms import make
from ixproxy.testing.capture_chaos_messages import (
    ERRORS,
    IN,
    MOST_SILENCES,
    OUT,
    PROCESSED,
    AmqpMessages,
    Messages,
    StompMessages,
)
from ixproxy.testing.capture_chaos_words import Given, Sort, Told, xml
from ixproxy.testing.rabbitmq import RabbitmqBroker
from ixproxy.testing.servers import ServerFailed
from ixproxy.testing.stomp_peer import StompPeer

pytestmark = pytest.mark.processes


@pytest.mark.parametrize("kind", [StompMessages, AmqpMessages])
@pytest_twisted.ensureDeferred
async def test_messages_are_given_and_read_by_their_properties(
    real_reactor: Any, tmp_path: Path, rabbitmq_broker: RabbitmqBroker, kind: type[Messages]
) -> None:
    # All tests share one.
    queues = f"messages-{kind.protocol}."
    source = kind(real_reactor, tmp_path / "source", Random(1), rabbitmq_broker, queues)
    await source.start()
    settings = dict(source.settings())
    assert settings.pop("use") == "jms"
    make(settings)
    peer = StompPeer(real_reactor, rabbitmq_broker.stomp_port)
    await peer.connect()
    for queue in (IN, ERRORS, PROCESSED, OUT):
        # A queue that nobody has used yet is not there.
        await peer.drain(source.queue(queue))
    given = [Given(f"d{number}") for number in range(5)]
    await source.give(given)
    assert await source.left() == 5
    found = await source.read(IN)
    assert sorted(body for _, body in found) == sorted(map(xml, given))
    assert await source.left() == 0
    torn, half = xml(Given("torn", Sort.TORN)), xml(Given("half", Sort.HALF))
    for _ in range(2):
        await peer.send(source.queue(ERRORS), torn, ixn_reason="why")
    await peer.send(source.queue(PROCESSED), half)
    told = b'<interaction operation="held" ExternalId="d1" EventId="1-7"/>'
    await peer.send(source.queue(OUT), told)
    assert await source.copies() == Counter(half=1)
    assert await source.told() == [Told("held", "d1", "1-7")]
    errors = await source.errors()
    assert list(errors) == ["torn"]
    assert len(errors["torn"]) == 1
    await peer.close()
    await source.stop()
    assert rabbitmq_broker.running


class Silent:
    """A broker of which nobody can be asked for so many times."""

    stomp_port = 1

    def __init__(self, times: int) -> None:
        self.left = times

    def control(self, *arguments: str) -> str:
        self.left -= 1
        if self.left >= 0:
            raise TimeoutExpired("rabbitmqctl", 120)
        return "claims.in\t7\nclaims.out\t3\n"


@pytest_twisted.ensureDeferred
async def test_a_broker_that_gives_no_answer_is_asked_again_but_not_for_ever(
    real_reactor: Any, tmp_path: Path
) -> None:
    for times in (MOST_SILENCES - 1, MOST_SILENCES):
        broker: Any = Silent(times)
        source = StompMessages(real_reactor, tmp_path, Random(1), broker)
        if times < MOST_SILENCES:
            assert await source.left() == 7
        else:
            with pytest.raises(ServerFailed, match="rabbitmqctl"):
                await source.left()


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
