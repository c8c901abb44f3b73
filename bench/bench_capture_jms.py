"""
Documents through the capture point `jms` into a node, against a bare client of the same queue.

RabbitMQ has so many durable messages, of one submit each; the node is on one
core, broker and clients are on the others. The bare client, on the node's core,
does with a queue of its own what the capture point does with the broker: it consumes
with the same prefetch, sends a copy of each message elsewhere, waits until the
broker has confirmed it, and acknowledges. The other figure is that of one that only
consumes and acknowledges. Both speak by the protocol classes of the capture point.
"""

from __future__ import annotations

import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

from proton import Message
from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.endpoints import clientFromString, connectProtocol
from twisted.internet.task import react

from bench.measuring import OTHER_CORE, PROXY_CORE, Stage, cpu_seconds, free_port, median, python
from ixproxy.brokers.amqp import AmqpClient, AmqpLogin
from ixproxy.capture.stomp import Login, StompClient
from ixproxy.capture.stomp_frames import Frame
from ixproxy.testing.rabbitmq import PASSWORD, USER, RabbitmqBroker

DOCUMENTS = 5_000
PREFETCH = 100
ROUNDS = 3
LIMIT = 0.3
"""Documents per second over those of the bare client, at least."""

WAIT_SECONDS = 300.0

DEPLOYMENT = """
[tenants.Environment]
id = 1
[tenants.Environment.media-types]
email = {{}}
[tenants.Environment.queues.Inbound.views.All]
[applications.ixn1]
type = "Interaction Server"
dbid = 101
tenants = ["Environment"]
listen = "tcp:{node_port}:interface=127.0.0.1"
endpoint = "tcp:127.0.0.1:{node_port}"
store = "sqlite:{name}.db"
[[applications.ixn1.capture]]
name = "mail-in"
use = "jms"
queue = "Inbound"
protocol = "{protocol}"
address = "tcp:127.0.0.1:{port}"
user = "{user}"
password-file = "{password_file}"
inbound-queue-name = "{name}.in"
processed-queue-name = "{name}.processed"
error-queue-name = "{name}.errors"
prefetch = {prefetch}
max-in-flight = {prefetch}
"""

DOCUMENT = """<?xml version="1.0" encoding="UTF-8"?>
<interaction operation="submit" ExternalId="{number}"><properties><MediaType>email</MediaType>\
<Subject>Where is my parcel?</Subject><Customer><FirstName>Mary</FirstName>\
<LastName>Shelley</LastName></Customer><Text>{text}</Text></properties></interaction>
"""


class StompBare:
    """Consumes over STOMP."""

    def __init__(self, reactor: Any, port: int) -> None:
        self._came: Callable[[Frame], None] = lambda _: None
        self._client = StompClient(
            reactor, Login(USER, PASSWORD), lambda frame: self._came(frame), lambda _: None
        )
        self._endpoint = clientFromString(reactor, f"tcp:127.0.0.1:{port}")

    async def connect(self) -> None:
        """Connect."""
        await connectProtocol(self._endpoint, self._client)
        await self._client.opened

    async def fill(self, queue: str, count: int) -> None:
        """Put so many documents into a queue."""
        for first in range(0, count, 500):
            await gatherResults(
                [
                    self._send(queue, document(number), {"amqp-message-id": f"{queue}-{number}"})
                    for number in range(first, min(first + 500, count))
                ]
            )

    def _send(self, queue: str, body: bytes, more: dict[str, str]) -> Deferred[None]:
        headers = {"destination": f"/queue/{queue}", "persistent": "true", **more}
        return self._client.request(Frame("SEND", headers, body))

    async def consume(self, queue: str, count: int, copies: str) -> None:
        """Take so many messages out of a queue; `copies`: "" or where copies go first."""
        left, done = [count], Deferred[None]()

        def settled(frame: Frame) -> None:
            self._client.send(Frame("ACK", {"id": frame.headers["ack"]}))
            left[0] -= 1
            if not left[0]:
                done.callback(None)

        def came(frame: Frame) -> None:
            if copies:
                self._send(copies, frame.body, {}).addCallback(lambda _: settled(frame))
            else:
                settled(frame)

        self._came = came
        headers = {"destination": f"/queue/{queue}", "id": "0", "ack": "client-individual"}
        headers["prefetch-count"] = str(PREFETCH)
        await self._client.request(Frame("SUBSCRIBE", headers))
        await done
        self._client.close()


class AmqpBare:
    """Consumes over AMQP 1.0."""

    def __init__(self, reactor: Any, port: int) -> None:
        self._came: Callable[[Any, bytes], None] = lambda *_: None
        self._client = AmqpClient(
            reactor,
            AmqpLogin(USER, PASSWORD),
            lambda delivery, encoded, _: self._came(delivery, encoded or b""),
            lambda _: None,
            1 << 20,
        )
        self._endpoint = clientFromString(reactor, f"tcp:127.0.0.1:{port}")

    async def connect(self) -> None:
        """Connect."""
        await connectProtocol(self._endpoint, self._client)
        await self._client.opened

    async def consume(self, queue: str, count: int, copies: str) -> None:
        """Take so many messages out of a queue; `copies`: "" or where copies go first."""
        left, done = [count], Deferred[None]()

        def settled(delivery: Any) -> None:
            self._client.accept(delivery)
            left[0] -= 1
            if not left[0]:
                done.callback(None)

        def came(delivery: Any, encoded: bytes) -> None:
            message = Message()
            message.decode(encoded)
            if copies:
                sending = self._client.send(f"/queue/{copies}", message)
                sending.addCallback(lambda _: settled(delivery))
            else:
                settled(delivery)

        self._came = came
        await self._client.receive(f"/queue/{queue}", PREFETCH)
        await done
        self._client.close()


BARE: dict[str, type[StompBare] | type[AmqpBare]] = {"stomp": StompBare, "amqp": AmqpBare}


def document(number: int) -> bytes:
    """One submit."""
    return DOCUMENT.format(number=number, text="x" * 310).encode()


def client(*arguments: str) -> None:
    """In a process of its own: `fill PORT QUEUE` or `consume PROTOCOL PORT QUEUE COPIES`."""

    async def run(reactor: Any) -> None:
        if arguments[0] == "fill":
            filling = StompBare(reactor, int(arguments[1]))
            await filling.connect()
            await filling.fill(arguments[2], DOCUMENTS)
            return
        protocol, port, queue, copies = arguments[1:]
        bare = BARE[protocol](reactor, int(port))
        await bare.connect()
        start = time.monotonic()
        await bare.consume(queue, DOCUMENTS, copies.strip("-"))
        print(DOCUMENTS / (time.monotonic() - start))

    react(lambda reactor: Deferred.fromCoroutine(run(reactor)))


def run_client(stage: Stage, core: str, *arguments: str) -> float:
    """What a client prints, when it has ended."""
    log = "client.log"
    process = stage.start(core, python(), "-m", "bench.bench_capture_jms", *arguments, log=log)
    if process.wait(WAIT_SECONDS):
        raise SystemExit(f"the client failed:\n{(stage.directory / log).read_text()}")
    said = (stage.directory / log).read_text().strip()
    return float(said) if said else 0.0


def through_node(
    stage: Stage, broker: RabbitmqBroker, protocol: str, name: str
) -> dict[str, float]:
    """Documents per second from the first durable submit to the last, and what one costs."""
    password = stage.directory / "password"
    password.write_text(PASSWORD)
    file = stage.directory / f"{name}.toml"
    port = broker.amqp_port if protocol == "amqp" else broker.stomp_port
    file.write_text(
        DEPLOYMENT.format(
            node_port=free_port(), name=name, protocol=protocol, port=port, user=USER,
            password_file=password, prefetch=PREFETCH,
        )
    )  # fmt: skip
    run_client(stage, OTHER_CORE, "fill", str(broker.stomp_port), f"{name}.in")
    node = stage.start(
        PROXY_CORE, python(), "-m", "bench.serve_node", str(file), "ixn1",
        str(stage.directory / f"{name}.json"), log=f"{name}.log",
    )  # fmt: skip
    database = stage.directory / f"{name}.db"
    first = last = count = 0
    start = cpu = 0.0
    until = time.monotonic() + WAIT_SECONDS
    while last < DOCUMENTS:
        if node.poll() is not None or time.monotonic() > until:
            said = (stage.directory / f"{name}.log").read_text()[-3000:]
            raise SystemExit(f"the node has {last} documents of {DOCUMENTS}:\n{said}")
        time.sleep(0.02)  # noqa: TID251 - there is no reactor in a benchmark
        count = durable(database)
        if count and not first:
            first, start, cpu = count, time.monotonic(), cpu_seconds(node.pid)
        last = count
    seconds = time.monotonic() - start
    spent = cpu_seconds(node.pid) - cpu
    node.terminate()
    node.wait(30)
    return {"rate": (last - first) / seconds, "cpu_us": spent / (last - first) * 1e6}


def durable(database: Path) -> int:
    """How many interactions there are in a node's database."""
    try:
        with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as reading:
            return int(reading.execute("SELECT count(*) FROM interactions").fetchone()[0])
    except sqlite3.OperationalError:
        return 0


def bench(stage: Stage, broker: RabbitmqBroker, protocol: str) -> bool:
    """Print the table of one protocol; whether the limit is kept."""
    runs: list[dict[str, float]] = []
    copying: list[float] = []
    taking: list[float] = []
    port = str(broker.amqp_port if protocol == "amqp" else broker.stomp_port)
    for number in range(ROUNDS):
        runs.append(through_node(stage, broker, protocol, f"{protocol}{number}"))
        for rates, copies in ((copying, "copies"), (taking, "-")):
            queue = f"{protocol}-{number}-{len(copies)}"
            run_client(stage, OTHER_CORE, "fill", str(broker.stomp_port), queue)
            asked = ("consume", protocol, port, queue, copies)
            rates.append(run_client(stage, PROXY_CORE, *asked))
    rate, floor = median([run["rate"] for run in runs]), median(copying)
    kept = rate / floor >= LIMIT
    print(f"\ndocuments over {protocol}, prefetch {PREFETCH}, to durable submits, one core")
    print("what                                docs/s  ratio  CPU us/doc")
    print(f"bare client, consumes and copies    {floor:6.0f}   1.00")
    print(
        f"bare client, consumes only          {median(taking):6.0f}  {median(taking) / floor:5.2f}"
    )
    cpu = median([run["cpu_us"] for run in runs])
    print(f"capture point and node              {rate:6.0f}  {rate / floor:5.2f}  {cpu:10.0f}")
    print(f"       limit {LIMIT}: {'kept' if kept else 'MISSED'}")
    return kept


def main() -> bool:
    """Print both tables; whether the limits are kept."""
    if reason := RabbitmqBroker.unusable():
        print(f"\nno documents of a queue: {reason}")
        return False
    with tempfile.TemporaryDirectory() as place, RabbitmqBroker() as broker:
        stage = Stage(Path(place))
        try:
            kept = [bench(stage, broker, protocol) for protocol in BARE]
        finally:
            stage.end()
    return all(kept)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        client(*sys.argv[1:])
    else:
        raise SystemExit(0 if main() else 1)
