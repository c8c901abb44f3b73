"""A JMS client in Java on one side of ActiveMQ, the capture point on the other."""

from __future__ import annotations

import shutil
import subprocess
from base64 import b64decode, b64encode
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from pytest_twisted import ensureDeferred
from twisted.internet.threads import deferToThreadPool

from ixproxy.capture.jms import JmsCapturePoint, make
from ixproxy.node.intake_work import Said
from ixproxy.testing.activemq import PASSWORD, USER, ActivemqBroker, class_path
from ixproxy.testing.fake_intake import FakeIntake, Teller, notification
from ixproxy.testing.stomp_peer import until

pytestmark = pytest.mark.processes

SOURCE = Path(__file__).parent / "java" / "JmsPeer.java"
ORIGIN = "Jäva: \\ and\nmore"
IN_UTF_16 = (
    '<?xml version="1.0" encoding="UTF-16"?><interaction operation="submit" ExternalId="é"/>'
)
TEXT = '<interaction operation="submit" ExternalId="ü"/>'
MISTAKEN = '<?xml version="1.0" encoding="ISO-8859-1"?><interaction operation="é"/>'


class Got(NamedTuple):
    """A message as the Java client has received it."""

    kind: str
    correlation: str
    operation: str
    origin: str
    body: bytes


class Java:
    """Runs the client."""

    def __init__(self, reactor: Any, broker: ActivemqBroker, classes: Path) -> None:
        self._reactor = reactor
        self._broker = broker
        self._classes = classes

    async def run(self, *arguments: str) -> list[str]:
        """What it prints, in lines."""
        command = [
            "java", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC",
            "-cp", f"{self._classes}:{class_path()}", "JmsPeer",
            USER, PASSWORD, self._broker.openwire_address, *arguments,
        ]  # fmt: skip
        done: subprocess.CompletedProcess[str] = await deferToThreadPool(
            self._reactor, self._reactor.getThreadPool(), _run, command
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.splitlines()

    async def receive(self, queue: str, count: int) -> list[Got]:
        return [_got(line) for line in await self.run("receive", queue, str(count))]


def _run(command: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, timeout=120)


def _got(line: str) -> Got:
    word, kind, correlation, operation, origin, body = line.split(" ")
    assert word == "got"
    said = "" if origin == "-" else b64decode(origin).decode()
    return Got(kind, correlation, operation, said, b64decode(body))


def encoded(body: bytes) -> str:
    return b64encode(body).decode()


@pytest.fixture(scope="module")
def classes(tmp_path_factory: pytest.TempPathFactory, activemq_broker: ActivemqBroker) -> Path:
    """The client, compiled."""
    assert activemq_broker.running
    if shutil.which("javac") is None:
        pytest.skip("there is no Java compiler (Debian: apt-get install openjdk-17-jdk-headless)")
    folder = tmp_path_factory.mktemp("classes")
    subprocess.run(
        ["javac", "-cp", class_path(), "-d", str(folder), str(SOURCE)], check=True, timeout=120
    )
    return folder


def point_on(broker: ActivemqBroker, folder: Path, **settings: object) -> JmsCapturePoint:
    (folder / "password").write_text(PASSWORD)
    return make(
        {
            "address": f"tcp:127.0.0.1:{broker.stomp_port}",
            "user": USER,
            "password-file": str(folder / "password"),
            "inbound-queue-name": "java.in",
            "processed-queue-name": "java.processed",
            "error-queue-name": "java.errors",
            "notification-queue-name": "java.told",
            **{name.replace("_", "-"): value for name, value in settings.items()},
        }
    )


@ensureDeferred
async def test_messages_of_both_kinds_come_in_and_their_replies_are_found(
    real_reactor: Any, activemq_broker: ActivemqBroker, classes: Path, tmp_path: Path
) -> None:
    java = Java(real_reactor, activemq_broker, classes)
    point, intake = point_on(activemq_broker, tmp_path), FakeIntake(real_reactor)
    bytes_sent = IN_UTF_16.encode("utf-16")
    sent = await java.run(
        *("bytes", "java.in", encoded(bytes_sent), "corr-1", "-"),
        *("text", "java.in", encoded(TEXT.encode()), "-", "-"),
        *("text", "java.in", encoded(MISTAKEN.encode()), "-", "-"),
    )
    ids = [line.removeprefix("sent ") for line in sent]
    point.begin(intake)
    await until(real_reactor, lambda: point.figures()["settled"] == 3)
    assert [each.operations[0].external_id for each in intake.taken] == ["é", "ü"]
    assert [each.receipt for each in intake.taken] == ids[:2]
    teller = Teller(real_reactor, point)
    for number, document in enumerate(intake.taken):
        teller.tell(
            notification(Said.SUBMITTED, f"X{number}", reply=True, correlation=document.correlation)
        )
    await until(real_reactor, lambda: not teller.waiting)
    await point.end()

    copies = await java.receive("java.processed", 2)
    assert [(each.kind, each.body) for each in copies] == [
        ("BytesMessage", bytes_sent),
        ("TextMessage", TEXT.encode()),
    ]
    assert {each.origin for each in copies} == {ORIGIN}
    assert copies[0].correlation == "corr-1"
    (error,) = await java.receive("java.errors", 1)
    assert (error.kind, error.body) == ("TextMessage", MISTAKEN.encode())
    assert "ISO-8859-1" in intake.refusals[0][1]
    replies = await java.receive("java.told", 2)
    assert [(each.kind, each.correlation, each.operation) for each in replies] == [
        ("BytesMessage", ids[0], "submitted"),
        ("BytesMessage", ids[1], "submitted"),
    ]


@ensureDeferred
async def test_replies_go_as_text_to_where_the_client_wants_them(
    real_reactor: Any, activemq_broker: ActivemqBroker, classes: Path, tmp_path: Path
) -> None:
    java = Java(real_reactor, activemq_broker, classes)
    point = point_on(
        activemq_broker,
        tmp_path,
        outbound_message_type="text",
        use_correlation_id_in_reply=True,
        use_reply_to=True,
        processed_queue_name="",
    )
    intake = FakeIntake(real_reactor)
    await java.run("text", "java.in", encoded(TEXT.encode()), "corr-2", "java.mine")
    point.begin(intake)
    await until(real_reactor, lambda: point.figures()["settled"] == 1)
    (document,) = intake.taken
    teller = Teller(real_reactor, point)
    teller.tell(notification(Said.SUBMITTED, "X9", reply=True, correlation=document.correlation))
    await until(real_reactor, lambda: not teller.waiting)
    await point.end()
    (reply,) = await java.receive("java.mine", 1)
    assert (reply.kind, reply.correlation) == ("TextMessage", "corr-2")
    assert 'InteractionId="X9"' in reply.body.decode()
