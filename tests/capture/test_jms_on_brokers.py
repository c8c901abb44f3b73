"""The capture point `jms` with real brokers: RabbitMQ over both protocols, ActiveMQ over STOMP."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pytest
from proton import Message
from pytest_twisted import ensureDeferred

from ixproxy.capture.jms import JmsCapturePoint, make
from ixproxy.capture.stomp_frames import Frame
from ixproxy.node.intake_work import Said
from ixproxy.testing.activemq import ActivemqBroker
from ixproxy.testing.amqp_peer import bytes_of, drained
from ixproxy.testing.fake_intake import FakeIntake, Teller, notification
from ixproxy.testing.rabbitmq import PASSWORD, USER, RabbitmqBroker
from ixproxy.testing.stomp_peer import StompPeer, until, with_peer
from tests.capture.jms_samples import submit, told_in

pytestmark = pytest.mark.processes

_NUMBERS = itertools.count(1)

UTF_16 = '<?xml version="1.0" encoding="UTF-16"?>\n<interaction operation="submit" ExternalId="É"/>'


@dataclass(frozen=True)
class Sent:
    """A message as its reader has it."""

    body: bytes
    correlation: str | None
    headers: Mapping[str, str]
    text: bool


def sent_in_stomp(frame: Frame) -> Sent:
    correlation = frame.headers.get("correlation-id")
    return Sent(frame.body, correlation, frame.headers, "content-length" not in frame.headers)


def sent_in_amqp(message: Message) -> Sent:
    correlation: Any = message.correlation_id
    text = isinstance(message.body, str)
    return Sent(bytes_of(message), correlation, dict(message.properties or {}), text)


@dataclass
class Stage:
    """A capture point on queues of its own of a broker."""

    reactor: Any
    stomp_port: int
    amqp_port: int
    settings: dict[str, object]
    queues: str

    async def drain(self, queue: str) -> list[Sent]:
        """What is in a queue, as a reader sees it that speaks what the capture point speaks."""
        if self.amqp_port:
            messages = await drained(self.reactor, self.amqp_port, f"{self.queues}.{queue}")
            return [sent_in_amqp(message) for message in messages]
        peer = StompPeer(self.reactor, self.stomp_port)
        await peer.connect()
        try:
            return [sent_in_stomp(frame) for frame in await peer.drain(f"{self.queues}.{queue}")]
        finally:
            await peer.close()

    def point(self, **more: object) -> JmsCapturePoint:
        named = {name.replace("_", "-"): value for name, value in more.items()}
        return make({**self.settings, **named})


@pytest.fixture(params=["rabbitmq-stomp", "rabbitmq-amqp", "activemq-stomp"])
def stage(request: pytest.FixtureRequest, real_reactor: Any, tmp_path: Any) -> Stage:
    name, _, protocol = request.param.partition("-")
    broker: RabbitmqBroker | ActivemqBroker = request.getfixturevalue(f"{name}_broker")
    port = broker.amqp_port if protocol == "amqp" else broker.stomp_port  # type: ignore[union-attr]
    password = tmp_path / "password"
    password.write_text(f"{PASSWORD}\n")
    queues = f"t{next(_NUMBERS)}"
    settings: dict[str, object] = {
        "protocol": protocol,
        "address": f"tcp:127.0.0.1:{port}",
        "user": USER,
        "password-file": str(password),
        "inbound-queue-name": f"{queues}.in",
        "processed-queue-name": f"{queues}.processed",
        "error-queue-name": f"{queues}.errors",
        "notification-queue-name": f"{queues}.told",
        "reconnect-timeout": 3,
    }
    amqp_port = port if protocol == "amqp" else 0
    return Stage(real_reactor, broker.stomp_port, amqp_port, settings, queues)


@ensureDeferred
async def test_documents_are_taken_and_copied_byte_by_byte(stage: Stage) -> None:
    point, intake = stage.point(), FakeIntake(stage.reactor)
    exact = UTF_16.encode("utf-16")
    bad = b"<interaction operation=\xff\x00\x01"

    async def work(peer: StompPeer) -> None:
        await peer.send(f"{stage.queues}.in", submit("a"), amqp_message_id="M1", custom="kept")
        await peer.send(f"{stage.queues}.in", exact, amqp_message_id="M2")
        await peer.send(f"{stage.queues}.in", bad, amqp_message_id="M3")
        point.begin(intake)
        await until(stage.reactor, lambda: point.figures()["settled"] == 3)
        assert [each.operations[0].external_id for each in intake.taken] == ["a", "É"]
        copies = await stage.drain("processed")
        assert [copy.body for copy in copies] == [submit("a"), exact]
        if not stage.amqp_port:
            assert copies[0].headers["custom"] == "kept"
        (error,) = await stage.drain("errors")
        assert error.body == bad
        assert error.headers["ixn_reason"] == intake.refusals[0][1]
        assert error.headers["ixn_capture_point"] == intake.name
        assert error.headers["ixn_original_message_id"] == intake.refusals[0][0]
        await point.end()
        assert await stage.drain("in") == []

    await with_peer(stage.reactor, stage.stomp_port, work)


@ensureDeferred
async def test_what_is_told_reaches_the_queue_with_its_correlation(stage: Stage) -> None:
    point, intake = stage.point(), FakeIntake(stage.reactor)
    other = stage.point(use_correlation_id_in_reply=True, outbound_message_type="text")
    other_intake = FakeIntake(stage.reactor, "other")

    async def work(peer: StompPeer) -> None:
        await peer.send(
            f"{stage.queues}.in", submit("a"), amqp_message_id="M1", correlation_id="C1"
        )
        point.begin(intake)
        await until(stage.reactor, lambda: intake.taken)
        said = intake.taken[0].correlation
        assert said["correlation"] == "C1"
        teller = Teller(stage.reactor, point)
        teller.tell(
            notification(Said.SUBMITTED, "X1", reply=True, correlation=said),
            notification(Said.STOPPED, "X1", correlation=said),
        )
        await until(stage.reactor, lambda: not teller.waiting)
        await point.end()
        other.begin(other_intake)
        await until(stage.reactor, lambda: other.figures()["state"] == "connected")
        teller = Teller(stage.reactor, other)
        teller.tell(notification(Said.HELD, "X2", reply=True, correlation=said))
        await until(stage.reactor, lambda: not teller.waiting)
        await other.end()
        told = await stage.drain("told")
        assert [told_in(each.headers, each.body) for each in told] == [
            ("submitted", "X1"),
            ("stopped", "X1"),
            ("held", "X2"),
        ]
        correlations = [each.correlation for each in told]
        assert correlations == [said["message"], None, "C1"]
        if stage.amqp_port or not peer.rabbitmq:
            assert [each.text for each in told] == [False, False, True]

    await with_peer(stage.reactor, stage.stomp_port, work)


@ensureDeferred
async def test_what_is_in_flight_at_the_end_comes_again_under_the_same_receipt(
    stage: Stage,
) -> None:
    point, intake = stage.point(), FakeIntake(stage.reactor)
    intake.is_open = False
    next_point, next_intake = stage.point(), FakeIntake(stage.reactor)

    async def work(peer: StompPeer) -> None:
        names = [f"d{number}" for number in range(20)]
        for name in names:
            await peer.send(f"{stage.queues}.in", submit(name), amqp_message_id=name)
        point.begin(intake)
        await until(stage.reactor, lambda: point.figures()["waiting"] == 20)
        await point.end()
        next_point.begin(next_intake)
        await until(stage.reactor, lambda: next_point.figures()["settled"] == 20)
        taken = [each.operations[0].external_id for each in next_intake.taken]
        assert taken == names
        assert next_point.figures()["redelivered"] == 20
        receipts = {each.receipt for each in next_intake.taken}
        assert len(receipts) == 20
        if peer.rabbitmq:
            assert receipts == set(names)
        await next_point.end()

    await with_peer(stage.reactor, stage.stomp_port, work)


@ensureDeferred
async def test_a_broker_that_does_not_let_in_is_said_so(stage: Stage, tmp_path: Any) -> None:
    wrong = tmp_path / "wrong"
    wrong.write_text("no such password\n")
    point, intake = stage.point(password_file=str(wrong)), FakeIntake(stage.reactor)
    point.begin(intake)
    await until(stage.reactor, lambda: point.figures()["state"] not in ("connecting", "idle"))
    state = str(point.figures()["state"])
    await point.end()
    assert "no such password" not in state
    assert state.startswith("waiting: tcp:127.0.0.1:")
    assert "refuses" in state or "does not let in user 'guest'" in state
