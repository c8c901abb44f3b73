"""A real node is called by many, is killed again and again meanwhile, and does each thing once."""

from __future__ import annotations

import re
import sqlite3
from collections import Counter
from contextlib import closing
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from threading import Event
from typing import Any

import msgspec
import pytest
import pytest_twisted
from twisted.internet.defer import DeferredList
from twisted.internet.task import deferLater
from twisted.internet.threads import deferToThread

from ixproxy.testing.processes import RealCluster

pytestmark = pytest.mark.processes

DEPLOYMENT = """\
[tenants.Environment]
id = 1
[tenants.Environment.media-types]
email = {}
[tenants.Environment.queues.In.views.All]

[applications.ixn1]
type = "Interaction Server"
dbid = 101
tenants = ["Environment"]
listen = "tcp:7101:interface=127.0.0.1"
endpoint = "tcp:127.0.0.1:7101"
store = "sqlite:ixn1.db"

[[applications.ixn1.capture]]
name = "web-in"
use = "webservice"
listen = "tcp:8080:interface=127.0.0.1"
queue = "In"
default-values = { MediaType = "email" }
"""

CALLERS, EACH, KILLS = 8, 150, 4
TRIES = 1000
PAUSE = Event()
"""Never set: callers wait for it a moment before they call again."""


class Program:
    """Calls from a thread of its own, each document until it is answered."""

    def __init__(self, port: int, number: int) -> None:
        self._port = port
        self.names = [f"c{number}-{place:03d}" for place in range(EACH)]
        self.told: dict[str, str] = {}
        self.repeated = 0
        self.retries = 0

    def run(self) -> None:
        connection = self._connection()
        for name in self.names:
            for _ in range(TRIES):
                try:
                    answer = self._ask(connection, name)
                except (OSError, HTTPException):
                    answer = None
                    connection.close()
                    connection = self._connection()
                if answer is not None:
                    self.told[name] = answer["interactionId"]
                    self.repeated += bool(answer.get("repeated"))
                    break
                self.retries += 1
                PAUSE.wait(0.05)
        connection.close()

    def _connection(self) -> HTTPConnection:
        return HTTPConnection("127.0.0.1", self._port, timeout=10)

    def _ask(self, connection: HTTPConnection, name: str) -> dict[str, Any] | None:
        """The answer; None: come again."""
        body = msgspec.json.encode({"externalId": name})
        headers = {"Content-Type": "application/json", "Idempotency-Key": f'"{name}"'}
        connection.request("POST", "/interactions", body, headers)
        answer = connection.getresponse()
        raw = answer.read()
        if answer.status == 503:
            return None
        assert answer.status in (200, 201), raw
        read: dict[str, Any] = msgspec.json.decode(raw)
        return read


def taken(store: Path) -> dict[str, str]:
    """The ids of a node's interactions by external id; each must be there once."""
    with closing(sqlite3.connect(store)) as database:
        rows = database.execute("SELECT external_id, id FROM interactions").fetchall()
    assert max(Counter(name for name, _ in rows).values()) == 1
    return dict(rows)


@pytest_twisted.ensureDeferred
async def test_callers_that_call_again_have_each_thing_done_once_whenever_the_node_dies(
    real_reactor: Any, tmp_path: Path
) -> None:
    async with RealCluster(real_reactor, tmp_path, DEPLOYMENT) as cluster:
        found = re.search(r'"webservice"\nlisten = "tcp:([0-9]+)', cluster.file.read_text())
        assert found is not None
        programs = [Program(int(found[1]), number) for number in range(CALLERS)]
        running = DeferredList(
            [deferToThread(program.run) for program in programs], fireOnOneErrback=True
        )
        for kill in range(1, KILLS + 1):
            wanted = CALLERS * EACH * kill / (KILLS + 1)
            while sum(len(each.told) for each in programs) < wanted and not running.called:
                await deferLater(real_reactor, 0.02)
            await cluster.kill("ixn1")
            await cluster.restart("ixn1")
        await running
        told = {name: id for program in programs for name, id in program.told.items()}
        assert sorted(told) == sorted(name for program in programs for name in program.names)
        assert taken(cluster.store("ixn1")) == told
        assert sum(program.retries for program in programs) >= KILLS
