"""The capture point `jms` over AMQP 1.0, with a broker in memory."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from proton import Message

from ixproxy.capture.jms import make
from ixproxy.capture.jms_amqp import copy_of, received, virtual_host
from ixproxy.capture.jms_settings import JmsSettings
from ixproxy.capture.jms_words import Settled
from ixproxy.interfaces_capture import ICapturePoint
from ixproxy.node.intake_work import Said
from ixproxy.testing.capture_contract import CapturePointContract
from ixproxy.testing.capture_outside import Outside
from ixproxy.testing.fake_intake import FakeIntake, Teller, notification
from tests.brokers.played_amqp import Kept, PlayedAmqpBroker
from tests.capture.jms_samples import SETTINGS, name_in, submit, told_in
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


def begun(there: Addresses) -> tuple[ICapturePoint, FakeIntake]:
    point, intake = there.make_point(), FakeIntake(there.reactor)
    point.begin(intake)
    there.later(1)
    return point, intake


def test_a_copy_is_the_whole_message_of_whatever_kind() -> None:
    there = Addresses()
    there.put(submit("a"), correlation_id="C1", properties={"kept": "yes"}, ttl=60)
    there.put(submit("b").decode(), id=7)
    there.put("<é>", durable=False)
    there.broker.put("/queue/in", Message(body={"no": "document"}, id="M9"))
    point, intake = begun(there)
    assert [document.receipt for document in intake.taken] == ["M1", "7"]
    first, second = there.sent("processed")
    assert first.message.body == submit("a")
    assert first.message.inferred
    assert first.message.correlation_id == "C1"
    assert first.headers == {"kept": "yes", "ixn_original_message_id": "M1"}
    assert (first.message.durable, first.message.ttl) == (True, 0)
    assert second.message.body == submit("b").decode()
    assert second.message.id == 7
    text, other = there.sent("errors")
    assert text.message.body == "<é>"
    assert other.message.body == {"no": "document"}
    assert other.headers["ixn_reason"]
    point.end()


class AsEncoded(Message):
    """A message with a property whose name is no text, as only others write it."""

    def __init__(self, name: bytes, **fields: Any) -> None:
        super().__init__(properties={"key": "v"}, **fields)
        self._named = name

    def encode(self) -> bytes:
        return bytes(super().encode()).replace(b"\xa1\x03key", self._named)


@pytest.mark.parametrize("name", [b"\x71\0\0\0\x01", b"\xa0\x03key"])
def test_a_property_whose_name_is_no_text_does_not_stop_the_others(name: bytes) -> None:
    there = Addresses()
    point, intake = begun(there)
    there.broker.put("/queue/in", AsEncoded(name, body=submit("a"), inferred=True, id="M1"))
    there.broker.put("/queue/in", AsEncoded(name, body={"no": "document"}, id="M2"))
    there.put(submit("b"), id="M3")
    there.until(lambda: not there.sent("in"))
    assert "b" in [name_in(each.body) for each in there.sent("processed")]
    assert len(there.sent("processed")) + len(there.sent("errors")) == 3
    assert point.figures()["connections"] == 1
    if name[:1] == b"\x71":
        copy = there.sent("processed")[0]
        assert copy.message.body == submit("a")
        assert copy.headers == {"ixn_original_message_id": "M1"}
        assert there.sent("errors")[0].message.body == {"no": "document"}
        assert len(intake.taken) == 2
    point.end()


def test_what_is_no_message_at_all_goes_to_the_errors_as_bytes() -> None:
    settings = JmsSettings("amqp", ("tcp:broker:1",), "in")
    message = received(None, b"\xff\xff", 2)
    assert (message.body, message.name) == (b"\xff\xff", "")
    assert copy_of(Settled(message, "errors", {"ixn_reason": "bad"})).body == b"\xff\xff"
    assert received(None, None, 1 << 30).skipped == 1 << 30
    assert virtual_host(settings) == ""
    assert virtual_host(replace(settings, virtual_host="work")) == "vhost:work"


def test_ids_that_are_no_texts_are_written_as_such() -> None:
    for id, name in (
        (b"\x01\xff", "01ff"),
        (UUID(int=1), str(UUID(int=1))),
        (5, "5"),
        ("M1", "M1"),
        (None, ""),
    ):
        message = Message(body=b"", id=id)
        assert received(None, message.encode(), 0).name == name


def test_how_often_a_message_was_given_is_known_or_at_least_whether() -> None:
    for count, first, deliveries in ((0, True, 0), (0, False, 1), (3, False, 3)):
        message = Message(body=b"", delivery_count=count, first_acquirer=first)
        assert received(None, message.encode(), 0).deliveries == deliveries


def test_what_is_told_is_text_if_it_is_set_and_can_be() -> None:
    there = Addresses(outbound_message_type="text")
    point, _ = begun(there)
    teller = Teller(there.reactor, point)
    teller.tell(notification(Said.STOPPED, "X1"))
    there.later(1)
    (told,) = there.sent("told")
    assert isinstance(told.message.body, str)
    assert told.message.durable
    assert told.message.id == told.headers["ixn_event_id"]
    point.end()


def test_a_copy_that_is_rejected_ends_the_connection_and_the_message_stays() -> None:
    there = Addresses()
    there.broker.rejects.add("/queue/processed")
    point, intake = begun(there)
    there.give("a")
    there.later(1)
    assert "was rejected" in str(point.figures()["problem"])
    assert there.left() == ["a"]
    there.broker.rejects.clear()
    there.until(lambda: not there.left())
    assert len(intake.taken) == 1
    point.end()


def test_where_a_reply_is_wanted_and_refused_the_notification_queue_is_used() -> None:
    there = Addresses(use_reply_to=True)
    there.broker.refuses.add("/queue/nowhere")
    point, _ = begun(there)
    teller = Teller(there.reactor, point)
    said = {"message": "M1", "reply-to": "/queue/nowhere"}
    teller.tell(notification(Said.SUBMITTED, "X1", reply=True, correlation=said))
    there.until(lambda: not teller.waiting)
    assert there.told() == [("submitted", "X1")]
    assert point.figures()["state"] == "connected"
    point.end()


def test_queues_that_cannot_be_made_must_be_there() -> None:
    there = Addresses(rabbitmq_queue_type="quorum")
    there.broker.missing.add("/amq/queue/errors")
    point, _ = begun(there)
    assert "not /amq/queue/errors" in str(point.figures()["state"])
    there.broker.missing.clear()
    there.until(lambda: point.figures()["state"] == "connected")
    point.end()
