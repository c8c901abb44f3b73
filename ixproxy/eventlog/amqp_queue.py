"""
The queue of an event log: how each broker is asked for one that outlives it.

RabbitMQ 3 makes "/queue/NAME" where it is missing, durable, and says what of one that is
there is not so. One that is durable, and has arguments of its own, is "/amq/queue/NAME"; what is
sent to that where it is missing is accepted and dropped, so it is asked whether it is
there. RabbitMQ 4 makes none by AMQP 1.0; its "/queues/NAME" must be there. Others
make queues, or refuse to, and are told that it is a queue and no topic.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from ixproxy.brokers.amqp import AmqpClient
from ixproxy.brokers.amqp_links import AmqpLost

RABBITMQ = "RabbitMQ"
FIRST_WITH_OWN = 4
"""The first version of RabbitMQ with addresses of another form."""

_LOSES = ("'durable'", "'auto_delete'", "'exclusive'")
"""What RabbitMQ says of a queue that does not outlive it, or its readers."""


class HasArguments(AmqpLost):
    """The queue is there and durable, but of another type: it must not be made, only found."""


def product_of(said: Mapping[str, Any]) -> tuple[str, str]:
    """A broker's name and version, from what it says of itself when a connection opens."""
    named = {str(key): str(value) for key, value in said.items()}
    return named.get("product", "")[:40], named.get("version", "")[:20]


async def find_queue(
    client: AmqpClient, product: str, version: str, name: str, *, found: bool
) -> str:
    """
    See that a queue is there, or have it made.

    :param found: it is known to be there: do not have it made.
    :return: its address.
    :raise HasArguments: RabbitMQ 3 has it, with arguments of its own: ask again, with `found`.
    :raise AmqpLost: there is none that outlives the broker, or nobody knows.
    """
    if product != RABBITMQ:
        await client.look_for(name)
        return name
    if _major(version) >= FIRST_WITH_OWN:
        address = f"/queues/{quote(name, safe='')}"
        await client.look_for(address)
        return address
    address = f"/amq/queue/{name}" if found else f"/queue/{name}"
    try:
        await client.look_for(address)
    except AmqpLost as problem:
        text = str(problem)
        if "inequivalent arg" not in text:
            raise
        if any(each in text for each in _LOSES):
            why = f"the queue {name!r} is there, and loses what is in it: {text}"
            raise AmqpLost(why, refused=True) from problem
        raise HasArguments(text, refused=True) from problem
    return address


def _major(version: str) -> int:
    first = version.partition(".")[0]
    return int(first) if first.isascii() and first.isdecimal() else 0
