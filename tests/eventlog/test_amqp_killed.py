"""Reader, broker and connection die while a node logs: the example's table has each event once."""

from __future__ import annotations

import json
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from pytest_twisted import ensureDeferred
from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater
from twisted.internet.threads import deferToThreadPool

from ixproxy.brokers.amqp_links import AmqpLost
from ixproxy.eventlog.amqp_log import make
from ixproxy.node.log_work import Entry
from ixproxy.testing.eventlog_outside import entry, gap
from ixproxy.testing.rabbitmq import PASSWORD, USER, RabbitmqBroker
from ixproxy.testing.relay import Relay
from ixproxy.testing.stomp_peer import until

pytestmark = pytest.mark.processes

PROGRAM = Path(__file__).parents[2] / "examples" / "eventlog" / "read_queue.py"
QUEUE = "killed-log"
WHOLE_SECONDS = 300.0
BATCH = 100


@dataclass
class Reader:
    """The example, as a process that is killed and started again."""

    folder: Path
    port: int
    process: subprocess.Popen[bytes] | None = None
    kills: int = 0

    @property
    def database(self) -> Path:
        return self.folder / "events.db"

    def start(self, *more: str) -> None:
        password = self.folder / "password"
        password.write_text(f"{PASSWORD}\n")
        with (self.folder / "reader.log").open("ab") as log:
            self.process = subprocess.Popen(
                [
                    sys.executable, str(PROGRAM), f"amqp://{USER}@127.0.0.1:{self.port}",
                    f"/amq/queue/{QUEUE}", str(self.database), "--password-file", str(password),
                    *more,
                ],
                stderr=log,
            )  # fmt: skip

    def kill(self) -> None:
        assert self.process is not None
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self.kills += 1

    def has_ended(self) -> bool:
        return self.process is None or self.process.poll() is not None

    def rows(self) -> list[tuple[str, str]]:
        if not self.database.exists():
            return []
        with closing(sqlite3.connect(self.database, timeout=10)) as database:
            try:
                return database.execute("SELECT id, body FROM events").fetchall()
            except sqlite3.OperationalError:
                # It has not made its table yet.
                return []


@dataclass
class Node:
    """Gives a log what it has, until that is stored."""

    reactor: Any
    log: Any
    stored: int = 0
    failures: list[str] = field(default_factory=list)

    async def store(self, entries: Sequence[Entry]) -> None:
        for at in range(0, len(entries), BATCH):
            batch = entries[at : at + BATCH]
            while True:
                try:
                    await self.log.store(batch)
                    break
                except AmqpLost as problem:
                    self.failures.append(str(problem))
                    await deferLater(self.reactor, 1, lambda: None)
            self.stored += len(batch)


@ensureDeferred
async def test_nothing_is_lost_or_doubled_whatever_is_killed(
    rabbitmq_broker: RabbitmqBroker, real_reactor: Any, tmp_path: Path
) -> None:
    relay = Relay(real_reactor, rabbitmq_broker.amqp_port)
    await relay.start()
    address = f"amqp://{USER}:{PASSWORD}@127.0.0.1:{relay.port}"
    log = make({"address": address, "delivery-queue-name": QUEUE})
    log.begin(real_reactor, "ixn1", 101)
    entries = [entry(number) for number in range(1, 3000)]
    entries.append(gap(3000, 3999, EventHeld=1000))
    node = Node(real_reactor, log)
    reader = Reader(tmp_path, rabbitmq_broker.amqp_port)
    storing = Deferred.fromCoroutine(node.store(entries))
    reader.start()
    try:
        await until(real_reactor, lambda: len(reader.rows()) > 300, WHOLE_SECONDS)
        reader.kill()
        await until(real_reactor, lambda: node.stored > 1000, WHOLE_SECONDS)
        relay.cut()
        reader.start()
        await until(real_reactor, lambda: node.stored > 1500, WHOLE_SECONDS)
        pool = real_reactor.getThreadPool()
        await deferToThreadPool(real_reactor, pool, rabbitmq_broker.kill)
        await until(real_reactor, lambda: len(node.failures) > 2, WHOLE_SECONDS)
        reader.kill()
        reader.start()
        await deferToThreadPool(real_reactor, pool, rabbitmq_broker.start)
        await until(real_reactor, lambda: node.stored > 2200, WHOLE_SECONDS)
        reader.kill()
        reader.start()
        await storing
        await until(real_reactor, lambda: len(reader.rows()) >= len(entries), WHOLE_SECONDS)
        reader.kill()
        reader.start("--until-idle", "1")
        await until(real_reactor, reader.has_ended, WHOLE_SECONDS)
    finally:
        if not reader.has_ended():
            reader.kill()
        await log.end()
        await relay.stop()
    assert reader.process is not None
    assert reader.process.returncode == 0
    rows = dict(reader.rows())
    assert len(rows) == len(reader.rows())
    assert set(rows) == {f"101-1-{each.number}" for each in entries}
    said = [json.loads(body) for body in rows.values()]
    assert sorted(each["number"] for each in said) == [each.number for each in entries]
    assert [each["attributes"]["Events"] for each in said if each["event"] == "EventsDropped"] == [
        {"EventHeld": 1000}
    ]
    assert reader.kills == 4
    assert node.failures
