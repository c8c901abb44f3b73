"""The capture point `jms`, with brokers in memory; test_jms_stomp_brokers.py has real ones."""

from __future__ import annotations

from typing import Any

from ixproxy.capture.jms import make
from ixproxy.interfaces_capture import ICapturePoint
from ixproxy.testing.capture_contract import CapturePointContract
from ixproxy.testing.capture_outside import Outside
from tests.capture.jms_samples import SETTINGS, name_in, submit, told_in
from tests.capture.played_stomp import PlayedBroker, PlayedReactor, Stored


class Queues(Outside):
    """The queues of a broker in memory."""

    def __init__(self, product: str, **settings: object) -> None:
        self.broker = PlayedBroker(product)
        self.reactor: Any = PlayedReactor(self.broker)
        self._settings = {**SETTINGS, **{k.replace("_", "-"): v for k, v in settings.items()}}
        self._given = 0

    def make_point(self) -> ICapturePoint:
        return make(self._settings)

    def put(self, body: bytes, **headers: str) -> None:
        self._given += 1
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        if self.broker.product.startswith("RabbitMQ"):
            headers.setdefault("amqp-message-id", f"M{self._given}")
        self.broker.put("/queue/in", body, headers)

    def give(self, name: str) -> None:
        self.put(submit(name))

    def give_bad(self, name: str) -> None:
        self.put(f'<interaction ExternalId="{name}">'.encode())

    def left(self) -> list[str]:
        return [name_in(body) for body in self.broker.bodies("/queue/in")]

    def sent(self, queue: str) -> list[Stored]:
        return self.broker.queues.get(f"/queue/{queue}", [])

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
        return Queues("RabbitMQ/3.10.8")


class TestOnActivemq(CapturePointContract):
    def outside(self) -> Outside:
        return Queues("ActiveMQ/5.17.2")
