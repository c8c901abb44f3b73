"""An event log at a broker in memory, and what of it stands in the queue."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from ixproxy import messages as m
from ixproxy.brokers.amqp_links import AmqpLost
from ixproxy.eventlog.amqp_log import AmqpEventLog, make
from ixproxy.eventlog.amqp_settings import QUEUE
from ixproxy.node.log_work import Dropped, Entry
from tests.brokers.played_amqp import Kept, PlayedAmqpBroker
from tests.capture.played_stomp import PlayedReactor
from tests.deferreds import failure_of, result_of

DBID, EPOCH = 101, 3
MADE = f"/queue/{QUEUE}"
THERE = f"/amq/queue/{QUEUE}"


def entry(number: int, **more: Any) -> Entry:
    """An event like many others."""
    fields: dict[str, Any] = {
        "event_number": number,
        "event_time": 1_790_000_000.0 + number,
        "dbid": DBID,
        "tenant_id": 1,
        "media_type": "email",
        "interaction_id": f"I{number}",
        "interaction": {"InteractionState": 0, "UserData": {"Segment": "gold", "Size": 7}},
        "queue": "Inbox",
        "old_queue": "",
    }
    return Entry(DBID, EPOCH, number, m.EventPlacedInQueue(**{**fields, **more}))


def entries(first: int, last: int, **more: Any) -> list[Entry]:
    return [entry(number, **more) for number in range(first, last + 1)]


def gap(first: int, last: int) -> Entry:
    """Events that were dropped."""
    what = Dropped(first, last, 1_790_000_000.0, 1_790_000_060.5, {"EventHeld": last - first + 1})
    return Entry(DBID, EPOCH, first, what)


class Rig:
    """One log, one broker."""

    def __init__(self, product: str = "RabbitMQ", version: str = "3.10.8", **more: Any) -> None:
        self.broker = PlayedAmqpBroker(product, version=version)
        self.reactor: Any = PlayedReactor(self.broker)
        named = {name.replace("_", "-"): value for name, value in more.items()}
        self.log: AmqpEventLog = make({"address": "amqp://broker.example", **named})

    def begin(self) -> None:
        self.log.begin(self.reactor, "ixn1", DBID)
        self.go()

    def go(self, seconds: float = 0.0) -> None:
        self.reactor.advance(seconds)

    def store(self, given: Sequence[Entry]) -> None:
        storing = self.log.store(given)
        self.go()
        result_of(storing)

    def not_stored(self, given: Sequence[Entry]) -> str:
        storing = self.log.store(given)
        self.go()
        return str(failure_of(storing, AmqpLost))

    def kept(self, address: str = MADE) -> list[Kept]:
        return self.broker.queues.get(address, [])

    def numbers(self, address: str = MADE) -> list[int]:
        return [json.loads(each.body)["number"] for each in self.kept(address)]

    def figure(self, name: str) -> Any:
        return self.log.figures()[name]
