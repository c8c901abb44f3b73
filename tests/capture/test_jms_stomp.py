"""A link over STOMP, with brokers in memory of both sorts."""

from __future__ import annotations

from typing import Any

import pytest
from twisted.internet.defer import Deferred

from ixproxy.capture.jms_settings import JmsSettings
from ixproxy.capture.jms_stomp import StompLink, open_link, received
from ixproxy.capture.jms_words import LinkLost, Outgoing, Received, Settled
from ixproxy.capture.stomp_frames import Frame
from tests.capture.played_stomp import PlayedBroker, PlayedReactor
from tests.deferreds import failure_of, no_result, result_of

RABBITMQ, ACTIVEMQ = "RabbitMQ/3.10.8", "ActiveMQ/5.17.2"


class Opened:
    def __init__(self, product: str, *, opened: bool = True, **settings: Any) -> None:
        self.broker = PlayedBroker(product)
        self.reactor = PlayedReactor(self.broker)
        self.came: list[Received] = []
        self.ended: list[LinkLost] = []
        values = {"processed_queue": "done", "user": "alice", **settings}
        self.opening = Deferred.fromCoroutine(
            open_link(
                self.reactor,
                "tcp:broker:1",
                JmsSettings("stomp", ("tcp:broker:1",), "in", **values),
                "secret",
                self.came.append,
                self.ended.append,
            )
        )
        if opened:
            self.later()
            self.link: StompLink = result_of(self.opening)

    def later(self) -> None:
        self.reactor.advance(0.1)

    def commands(self) -> list[str]:
        (connection,) = self.broker.connections
        return [frame.command for frame in connection.seen]

    def frames(self, command: str) -> list[Frame]:
        (connection,) = self.broker.connections
        return [frame for frame in connection.seen if frame.command == command]


def test_rabbitmq_confirms_copies_before_messages_are_acknowledged() -> None:
    opened = Opened(RABBITMQ)
    opened.broker.put("/queue/in", b"1", {"amqp-message-id": "M1", "custom": "kept"})
    opened.broker.put("/queue/in", b"2", {"amqp-message-id": "M2"})
    opened.later()
    assert [message.name for message in opened.came] == ["M1", "M2"]
    done = opened.link.settle([Settled(message, "done") for message in opened.came])
    no_result(done)
    opened.later()
    result_of(done)
    assert opened.commands()[2:] == ["SEND", "SEND", "ACK", "ACK"]
    copy = opened.broker.queues["/queue/done"][0]
    assert copy.headers["custom"] == "kept"
    assert copy.headers["amqp-message-id"] == copy.headers["ixn_original_message_id"] == "M1"
    assert opened.broker.bodies("/queue/in") == []
    assert opened.link.product == RABBITMQ


def test_elsewhere_copies_and_acknowledgements_are_one_transaction() -> None:
    opened = Opened(ACTIVEMQ)
    opened.broker.put("/queue/in", b"1", {})
    opened.broker.put("/queue/in", b"2", {}, text=True)
    opened.later()
    assert [message.text for message in opened.came] == [False, True]
    done = opened.link.settle([Settled(opened.came[0], "done"), Settled(opened.came[1])])
    opened.later()
    result_of(done)
    assert opened.commands()[2:] == ["BEGIN", "SEND", "ACK", "ACK", "COMMIT"]
    assert opened.broker.bodies("/queue/done") == [b"1"]
    assert opened.broker.commits == 1


@pytest.mark.parametrize("product", [RABBITMQ, ACTIVEMQ])
def test_what_is_sent_is_durable_and_of_the_kind_that_is_set(product: str) -> None:
    for text in (False, True):
        opened = Opened(product, text=text)
        sent = [
            Outgoing("told", b"1", "101-1", "C1", {"a": "b"}),
            Outgoing("/queue/mine", b"2"),
            Outgoing("told", b"\xff\0", "101-3"),
        ]
        done = opened.link.send(sent)
        opened.later()
        result_of(done)
        first, third = opened.broker.queues["/queue/told"]
        assert first.headers["correlation-id"] == "C1"
        assert first.headers["a"] == "b"
        assert first.headers["persistent"] == "true"
        assert (first.text, third.text) == (text, False)
        assert opened.broker.bodies("/queue/mine") == [b"2"]
        assert first.headers.get("amqp-message-id") == ("101-1" if product == RABBITMQ else None)
        result_of(opened.link.send([]))


def test_queues_of_another_type_are_asked_for_by_it_at_rabbitmq() -> None:
    opened = Opened(RABBITMQ, queue_type="quorum")
    done = opened.link.send([Outgoing("told", b""), Outgoing("/amq/queue/other", b"")])
    opened.later()
    result_of(done)
    (subscribed,) = opened.frames("SUBSCRIBE")
    assert subscribed.headers["x-queue-type"] == "quorum"
    assert "activemq.prefetchSize" not in subscribed.headers
    kinds = [frame.headers.get("x-queue-type") for frame in opened.frames("SEND")]
    assert kinds == ["quorum", None]
    (subscribed,) = Opened(ACTIVEMQ, queue_type="quorum").frames("SUBSCRIBE")
    assert "x-queue-type" not in subscribed.headers
    assert subscribed.headers["activemq.prefetchSize"] == "100"


def test_a_refusal_fails_what_waits_and_ends_the_link() -> None:
    opened = Opened(RABBITMQ)
    opened.broker.refuses.add("/queue/told")
    done = opened.link.send([Outgoing("told", b""), Outgoing("told", b"")])
    opened.later()
    lost = failure_of(done, LinkLost)
    assert isinstance(lost, LinkLost)
    assert lost.refused
    assert "access refused" in str(opened.ended[0])
    failure_of(opened.link.settle([Settled(Received(b"", token="1"))]), LinkLost)


def test_what_cannot_be_opened_says_why_once() -> None:
    opened = Opened(RABBITMQ, opened=False)
    opened.broker.reachable = False
    opened.later()
    assert "refused" in str(failure_of(opened.opening, LinkLost))
    opened = Opened(RABBITMQ, opened=False)
    opened.opening.cancel()
    opened.later()
    failure_of(opened.opening, LinkLost)
    assert opened.ended == []


def test_a_link_that_is_closed_or_lost_says_so() -> None:
    opened = Opened(RABBITMQ)
    opened.link.listen(False)
    opened.link.listen(True)
    opened.link.close()
    opened.later()
    assert str(opened.ended[0]) == "it was closed"
    opened = Opened(RABBITMQ)
    opened.broker.cut()
    opened.later()
    assert len(opened.ended) == 1


def message(**headers: str) -> Frame:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Frame("MESSAGE", named, b"<a/>")


def test_rabbitmq_gives_the_senders_name_of_a_message_and_how_often_it_was_given() -> None:
    frame = message(message_id="T_1@@s@@1", amqp_message_id="M1", x_delivery_count="2", ack="T_1")
    assert received(frame, rabbitmq=True) == Received(b"<a/>", "M1", deliveries=2)
    assert received(frame, rabbitmq=True).token == "T_1"
    assert received(message(JMSMessageID="ID:1"), rabbitmq=True).name == "ID:1"
    assert received(message(message_id="T_1@@s@@1"), rabbitmq=True).name == ""


def test_elsewhere_the_message_id_is_the_name() -> None:
    frame = message(
        message_id="ID:1", redelivered="true", reply_to="/queue/a", correlation_id="C", kind="x"
    )
    assert received(frame, rabbitmq=False) == Received(
        b"<a/>", "ID:1", "C", "/queue/a", text=True, deliveries=1, properties={"kind": "x"}
    )


@pytest.mark.parametrize("count", ["many", "-1", "٣", "1" * 20])
def test_a_count_of_deliveries_that_is_none_is_not_believed(count: str) -> None:
    assert received(message(x_delivery_count=count), rabbitmq=True).deliveries == 0


def test_a_copy_has_no_nul_in_its_headers() -> None:
    opened = Opened(ACTIVEMQ)
    came = Received(b"", token="1", properties={"a": "b\0c", "d\0": "e"})
    copy, _ = opened.link._copy(Settled(came, "done"))
    assert copy.headers["a"] == "b\ufffdc"
    assert "d\0" not in copy.headers
