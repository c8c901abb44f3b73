"""A thousand interactions are pushed to two routers, and one of them is killed: real processes."""

from __future__ import annotations

import signal
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import pytest_twisted
from twisted.internet.defer import Deferred, gatherResults

from ixproxy.client import Client, Settings, connect
from ixproxy.messages import (
    EventPlacedInQueue,
    RequestStartPlaceAgentStateReportingAll,
    RequestSubmit,
)
from ixproxy.testing.processes import RealCluster
from tests.test_examples import SECONDS, Program

ROOT = Path(__file__).parent.parent
NUMBER = 1000
NODE = """\
[applications.ixn{number}]
type = "Interaction Server"
dbid = 10{number}
tenants = ["Environment"]
listen = "tcp:710{number}:interface=127.0.0.1"
endpoint = "tcp:127.0.0.1:710{number}"
store = "sqlite:ixn{number}.db"
[applications.ixn{number}.options.settings]
default-max-submitted-per-router = 100
router-restore-timeout = 1
"""
TEXT = """\
[tenants.Environment]
id = 1
strategies = ["Mail"]
[tenants.Environment.media-types]
email = {}
[tenants.Environment.queues.Inbound.views.All]
order = "priority DESC"
strategy = "Mail"
[tenants.Environment.queues.Pulled.views.All]
[tenants.Environment.queues.Done]
"""
PROXY = """\
[applications.proxy1]
type = "Interaction Server"
role = "proxy"
tenants = ["Environment"]
listen = "tcp:7001:interface=127.0.0.1"
endpoint = "tcp:127.0.0.1:7001"
connections = ["ixn1", "ixn2"]
[applications.proxy1.options.settings]
pull-hold-timeout = 1
"""


def started(reactor: Any, program: Program, *arguments: str) -> Any:
    command = [sys.executable, "-W", "error", str(ROOT / "examples" / "pushed_router.py")]
    return reactor.spawnProcess(program, sys.executable, [*command, *arguments], env=None)


async def submit(client: Client, number: int) -> list[str]:
    """Submit some, each with a priority; their ids."""
    asked = [
        client.request(
            RequestSubmit(
                tenant_id=1, media_type="email", queue="Inbound", user_data={"Priority": each % 9}
            )
        )
        for each in range(number)
    ]
    return [ack.interaction_id for ack in await gatherResults(asked)]


@pytest.mark.processes
@pytest_twisted.ensureDeferred
async def test_a_router_killed_in_the_middle_of_a_thousand_leaves_none_and_doubles_none(
    tmp_path: Path, real_reactor: Any
) -> None:
    """T19 of the life cycle: kill -9, and each is placed in its queue exactly once."""
    text = TEXT + "".join(NODE.format(number=number) for number in (1, 2))
    async with RealCluster(real_reactor, tmp_path, text) as cluster:
        nodes = [cluster.endpoint(f"ixn{number}") for number in (1, 2)]
        placed: Counter[str] = Counter()
        done: Deferred[None] = Deferred()

        def heard(event: object) -> None:
            if isinstance(event, EventPlacedInQueue) and event.queue == "Done":
                placed[event.interaction_id] += 1
                if len(placed) == NUMBER and not done.called:
                    done.callback(None)

        clients, ids = [], []
        for node in nodes:
            watcher = await connect(
                real_reactor, node, name="stat", client_type="ReportingEngine", on_event=heard
            )
            await watcher.request(RequestStartPlaceAgentStateReportingAll())
            mail = await connect(
                real_reactor,
                node,
                name="mail",
                client_type="MediaServer",
                settings=Settings(max_in_flight=NUMBER),
            )
            clients += [watcher, mail]
            ids += await submit(mail, NUMBER // 2)
        victim, other = Program(), Program()
        first = started(real_reactor, victim, *nodes, "--name", "urs-1", "--at-once", "3")
        second = started(real_reactor, other, *nodes, "--name", "urs-2", "--own-order")
        try:
            while sum(line.startswith("routed") for line in victim.lines) < 100:
                await victim.printing("routed ").addTimeout(SECONDS, real_reactor)
            first.signalProcess(signal.SIGKILL)
            await victim.ended.addTimeout(SECONDS, real_reactor)
            await done.addTimeout(SECONDS, real_reactor)
        finally:
            second.signalProcess(signal.SIGINT)
            await other.ended.addTimeout(SECONDS, real_reactor)
            for client in clients:
                await client.close()
        assert placed == Counter(dict.fromkeys(ids, 1))
        said = Counter(
            line.split()[1] for line in (*victim.lines, *other.lines) if line.startswith("routed")
        )
        assert max(said.values()) == 1
        assert said.keys() <= placed.keys()
        assert not other.errors, other.errors.decode()


@pytest.mark.processes
@pytest_twisted.ensureDeferred
async def test_one_router_is_pushed_to_by_nodes_and_pulls_through_a_proxy(
    tmp_path: Path, real_reactor: Any
) -> None:
    """Test idea 59: both ways side by side, in one order."""
    text = TEXT + "".join(NODE.format(number=number) for number in (1, 2)) + PROXY
    async with RealCluster(real_reactor, tmp_path, text) as cluster:
        nodes = [cluster.endpoint(f"ixn{number}") for number in (1, 2)]
        proxy = cluster.endpoint("proxy1")
        mail = await connect(real_reactor, proxy, name="mail", client_type="MediaServer")
        ids = []
        for queue in ("Inbound", "Pulled"):
            submit = RequestSubmit(tenant_id=1, media_type="email", queue=queue)
            asked = [mail.request(submit) for _ in range(4)]
            ids += [ack.interaction_id for ack in await gatherResults(asked)]
        router = Program()
        arguments = [*nodes, "--proxy", proxy, "--view", "Pulled/All", "--own-order"]
        running = started(real_reactor, router, *arguments)
        try:
            while sum(line.startswith("routed") for line in router.lines) < len(ids):
                await router.printing("routed ").addTimeout(SECONDS, real_reactor)
        finally:
            running.signalProcess(signal.SIGINT)
            await router.ended.addTimeout(SECONDS, real_reactor)
            await mail.close()
        said = [line.split()[1:4] for line in router.lines if line.startswith("routed")]
        assert {id for id, _, _ in said} == set(ids)
        assert {where.rstrip(",") for _, _, where in said} == {"ixn1", "ixn2", "proxy1"}
        assert not router.errors, router.errors.decode()
