"""The capture point `jms` over AMQP 1.0, with a broker in memory."""

from __future__ import annotations

from typing import Any

from proton import Message

from ixproxy.capture.jms import make
from ixproxy.interfaces_capture import ICapturePoint
from ixproxy.testing.capture_contract import CapturePointContract
from ixproxy.testing.capture_outside import Outside
from tests.capture.jms_samples import SETTINGS, name_in, submit, told_in
from tests.capture.played_amqp import Kept, PlayedAmqpBroker
from tests.capture.played_stomp import PlayedReactor


class Addresses(Outside):
    """The addresses of a broker in memory."""

    def __init__(self, product: str = "RabbitMQ", **settings: object) -> None:
        self.broker = PlayedAmqpBroker(product)
        self.reactor: Any = PlayedReactor(self.broker)
        named = {name.replace("_", "-"): value for name, value in settings.items()}
        self._settings = {**SETTINGS, "protocol": "amqp", **named}
        self._given = 0

    def make_point(self) -> ICapturePoint:
        return make(self._settings)

    def address(self, queue: str) -> str:
        return f"/queue/{queue}" if self.broker.product == "RabbitMQ" else queue

    def put(self, body: bytes | str, **fields: Any) -> None:
        self._given += 1
        fields.setdefault("id", f"M{self._given}")
        message = Message(body=body, inferred=isinstance(body, bytes), **fields)
        self.broker.put(self.address("in"), message)

    def give(self, name: str) -> None:
        self.put(submit(name))

    def give_bad(self, name: str) -> None:
        self.put(f'<interaction ExternalId="{name}">'.encode())

    def sent(self, queue: str) -> list[Kept]:
        return self.broker.queues.get(self.address(queue), [])

    def left(self) -> list[str]:
        return [name_in(each.body) for each in self.sent("in")]

    def errors(self) -> dict[str, str]:
        return {name_in(each.body): each.headers["ixn_reason"] for each in self.sent("errors")}

    def told(self) -> list[tuple[str, str]]:
        return [told_in(each.headers, each.body) for each in self.sent("told")]

    def cut(self) -> None:
        self.broker.cut()

    def mend(self) -> None:
        self.broker.reachable = True


class TestOnRabbitmq(CapturePointContract):
    def outside(self) -> Outside:
        return Addresses("RabbitMQ")


class TestOnAnotherBroker(CapturePointContract):
    def outside(self) -> Outside:
        return Addresses("Artemis")
