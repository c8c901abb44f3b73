"""The capture point `jms`, with brokers in memory; test_jms_on_brokers.py has real ones."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from ixproxy.capture.jms import make
from ixproxy.errors import ConfigError, NotTold
from ixproxy.interfaces_capture import ICapturePoint
from ixproxy.node.intake_work import Said
from ixproxy.testing.capture_contract import CapturePointContract
from ixproxy.testing.capture_outside import Outside
from ixproxy.testing.fake_intake import FakeIntake, Teller, notification
from tests.capture.jms_samples import SETTINGS, name_in, submit, told_in
from tests.capture.played_stomp import PlayedBroker, PlayedReactor, Stored
from tests.deferreds import result_of


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


def begun(there: Queues) -> tuple[ICapturePoint, FakeIntake]:
    point, intake = there.make_point(), FakeIntake(there.reactor)
    point.begin(intake)
    there.later(1)
    return point, intake


def test_addresses_are_tried_in_turn_and_then_after_a_pause() -> None:
    there = Queues("ActiveMQ/5.17.2", address=["tcp:a:1", "tcp:b:2"])
    there.cut()
    point, _ = begun(there)
    assert there.reactor.asked == [("a", 1), ("b", 2)]
    assert str(point.figures()["state"]).startswith("waiting: tcp:b:2: ")
    there.later(3)
    assert there.reactor.asked == [("a", 1), ("b", 2)] * 2
    there.mend()
    there.later(3)
    assert point.figures()["state"] == "connected"
    assert point.figures()["address"] == "tcp:a:1"
    assert point.figures()["broker"] == "ActiveMQ/5.17.2"
    point.end()


def test_trouble_is_over_once_a_connection_has_lasted() -> None:
    there = Queues("RabbitMQ/3.10.8")
    there.cut()
    point, _ = begun(there)
    there.mend()
    there.until(lambda: point.figures()["state"] == "connected")
    assert "refused" in str(point.figures()["problem"])
    there.later(4)
    assert point.figures()["problem"] == ""
    point.end()


def test_a_connection_that_was_long_is_made_again_at_once_and_a_short_one_later() -> None:
    there = Queues("RabbitMQ/3.10.8")
    point, _ = begun(there)
    for pause, connections in ((60, 2), (0, 2), (3, 3)):
        if pause != 3:
            there.later(pause)
            there.cut()
            there.mend()
        there.later(max(pause, 1) if pause == 3 else 1)
        assert point.figures()["connections"] == connections
    point.end()


def test_a_refused_copy_is_tried_again_after_a_pause_and_nothing_is_lost() -> None:
    there = Queues("RabbitMQ/3.10.8")
    there.broker.refuses.add("/queue/processed")
    point, intake = begun(there)
    there.give("a")
    there.later(1)
    assert there.left() == ["a"]
    assert "access refused" in str(point.figures()["state"])
    there.later(30)
    assert 5 < len(there.reactor.asked) < 15
    there.broker.refuses.clear()
    there.until(lambda: not there.left())
    assert len(intake.taken) == 1
    point.end()


def test_a_password_is_read_at_each_connection(tmp_path: Path) -> None:
    file = tmp_path / "password"
    there = Queues("RabbitMQ/3.10.8", user="alice", password_file=str(file))
    point, _ = begun(there)
    assert f"password-file: {file} cannot be read" in str(point.figures()["state"])
    assert there.reactor.asked == []
    file.write_text("a secret\n")
    there.until(lambda: point.figures()["state"] == "connected")
    (connection,) = there.broker.connections
    assert connection.seen[0].headers["passcode"] == "a secret"
    assert "a secret" not in repr(point.figures())
    point.end()


def test_in_the_mode_of_iwd_a_task_keeps_the_name_of_its_capture_point() -> None:
    there = Queues("ActiveMQ/5.17.2", iwd_compatibility_mode=True)
    point, intake = begun(there)
    there.put(b"<GTLMessage><CreateTask captureId='a'/></GTLMessage>")
    there.until(lambda: bool(intake.taken))
    (made,) = intake.taken[0].operations
    assert made.user_data == {"IWD_capturePointId": intake.name}
    point.end()


def test_without_queues_for_it_nothing_is_kept_or_told() -> None:
    there = Queues(
        "ActiveMQ/5.17.2",
        processed_queue_name="",
        error_queue_name="",
        notification_queue_name="",
    )
    point, intake = begun(there)
    assert point.wanted == frozenset()
    there.give("a")
    there.give_bad("b")
    there.until(lambda: not there.left())
    assert len(intake.taken) == len(intake.refusals) == 1
    assert not intake.taken[0].replies
    done = point.tell([notification(Said.STOPPED, "X1")])
    there.later(1)
    result_of(done)
    assert set(there.broker.queues) == {"/queue/in"}
    point.end()


def test_where_a_reply_is_wanted_and_refused_the_notification_queue_is_used() -> None:
    there = Queues("ActiveMQ/5.17.2", use_reply_to=True)
    there.broker.refuses.add("/remote-temp-queue/ID:1")
    point, _ = begun(there)
    teller = Teller(there.reactor, point)
    said = {"message": "M1", "reply-to": "/remote-temp-queue/ID:1"}
    teller.tell(notification(Said.SUBMITTED, "X1", reply=True, correlation=said))
    there.until(lambda: not teller.waiting)
    assert there.told() == [("submitted", "X1")]
    point.end()


def test_what_is_told_while_nobody_is_connected_is_known_not_to_be_told() -> None:
    there = Queues("RabbitMQ/3.10.8")
    point, _ = begun(there)
    there.cut()
    teller = Teller(there.reactor, point)
    there.later(1)
    teller.tell(notification(Said.STOPPED, "X1"))
    there.later(1)
    assert [type(each) for each in teller.failures] == [NotTold]
    there.mend()
    there.until(lambda: not teller.waiting)
    assert there.told() == [("stopped", "X1")]
    point.end()


def test_messages_that_come_before_the_subscription_is_confirmed_are_not_lost() -> None:
    there = Queues("RabbitMQ/3.10.8", prefetch=5)
    for number in range(12):
        there.give(f"d{number}")
    point, intake = begun(there)
    there.until(lambda: not there.left())
    assert len(intake.documents) == 12
    assert point.figures()["received"] == 12
    point.end()


def test_where_messages_that_are_too_large_hold_all_of_prefetch_the_state_says_so() -> None:
    there = Queues("RabbitMQ/3.10.8", prefetch=2, max_message_size=1024)
    point, intake = begun(there)
    there.put(b"x" * 2000)
    there.later(1)
    assert point.figures()["state"] == "connected"
    there.put(b"x" * 2000)
    there.give("a")
    there.later(1)
    assert point.figures()["state"] == (
        "connected, and nothing comes: all of prefetch (2) is held by messages larger than "
        "max-message-size"
    )
    assert str(point.figures()["problem"]).startswith("nothing comes: all of prefetch")
    assert intake.documents == []
    point.end()


def test_a_protocol_whose_library_is_missing_is_said_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "ixproxy.capture.jms_amqp", raising=False)
    monkeypatch.delattr("ixproxy.capture.jms_amqp", raising=False)
    monkeypatch.setitem(sys.modules, "proton", None)
    for name in ("amqp", "amqp_links"):
        monkeypatch.delitem(sys.modules, f"ixproxy.capture.{name}", raising=False)
        monkeypatch.delattr(f"ixproxy.capture.{name}", raising=False)
    with pytest.raises(ConfigError, match=r"ixproxy\[amqp\]"):
        make({**SETTINGS, "protocol": "amqp"})
