"""
`kill -9` of a node in the middle of a load, with real processes.

Two nodes are killed, one frozen first so that requests are in flight there for
certain, and started again. Meanwhile clients come and die, and two read slowly.
Nothing here is judged by time: every phase ends when something has happened.
"""

from __future__ import annotations

import signal
import sys
from pathlib import Path
from typing import Any

import pytest
import pytest_twisted
from twisted.internet.defer import Deferred, TimeoutError

from ixproxy import messages as m
from ixproxy.testing.processes import RealCluster
from ixproxy.testing.servers import resident_memory
from ixproxy.values import ClientType, id_origin
from tests.ledgers import read_books, stray_parts, wrong_entries
from tests.loads import TENANT, UNLUCKY, Actor, Load

LANES = 15
"""Submits in flight of each media server."""

FAT = 100_000
"""Bytes of what the slow readers ask for."""
FLOOD = 1_500
"""How often the one that never reads asks for it."""

MOST_GROWTH = 32 << 20
"""Bytes that a proxy may grow by; what is kept from one reader is far more."""

MINUTES = 5
"""When a phase that does not end has failed."""

PATIENCE = 3600
"""
Seconds that silence is borne, on both sides. The late reader reads when the load is over,
however long that takes, and is not to be taken for dead meanwhile.
"""

NODE = """\
[applications.ixn{number}]
type = "Interaction Server"
dbid = 10{number}
tenants = ["Environment"]
listen = "tcp:710{number}:interface=127.0.0.1"
endpoint = "tcp:127.0.0.1:710{number}"
store = "sqlite:ixn{number}.db"
[applications.ixn{number}.options.settings]
agent-session-restore-timeout = 6
allow-multiple-agent-connections = false
"""

PROXY = """\
[applications.proxy{number}]
type = "Interaction Server"
role = "proxy"
tenants = ["Environment"]
listen = "tcp:700{number}:interface=127.0.0.1"
endpoint = "tcp:127.0.0.1:700{number}"
connections = ["ixn1", "ixn2", "ixn3"]
[applications.proxy{number}.options.settings]
node-loss-grace = 2
pull-hold-timeout = 1
max-client-output = 1048576
"""

CLUSTER = """\
[tenants.Environment]
id = 1
[tenants.Environment.media-types]
email = {}
[tenants.Environment.queues.Q1.views.All]
[tenants.Environment.queues.Q2.views.All]
[tenants.Environment.queues.Fat.views.All]
"""


def deployment() -> str:
    nodes = [NODE.format(number=number) for number in (1, 2, 3)]
    proxies = [PROXY.format(number=number) for number in (1, 2)]
    return "\n".join([CLUSTER, *nodes, *proxies])


def patient() -> str:
    """The same, and whoever is silent is not given up."""
    hold = "pull-hold-timeout = 1\n"
    return deployment().replace(hold, f"{hold}keep-alive-timeout = {PATIENCE}\n")


class Story:
    """The test, phase by phase."""

    def __init__(self, reactor: Any, cluster: RealCluster) -> None:
        self.cluster = cluster
        self.load = Load(reactor, cluster, seed=5, alive=(10.0, PATIENCE))
        self.figures: dict[str, object] = {}
        self.phase = "the beginning"

    async def begin(self) -> None:
        load = self.load
        self.memory = self._memory()[0]
        self.media = [
            await load.join(proxy, f"media-{number}", ClientType.MEDIA_SERVER)
            for number, proxy in enumerate(self.cluster.proxies * 2)
        ]
        self.keepers = [
            await load.agent(proxy, f"keeper at {proxy}") for proxy in self.cluster.proxies
        ]
        self.mortals = [
            await load.agent(proxy, f"mortal {n} at {proxy}")
            for n, proxy in enumerate(self.cluster.proxies * 2)
        ]
        self.agents = [
            await load.agent(proxy, f"agent-{n}")
            for n, proxy in enumerate(self.cluster.proxies * 3)
        ]
        self.strategies = [
            await load.join(proxy, f"strategy at {proxy}", ClientType.ROUTING_ENGINE)
            for proxy in self.cluster.proxies
        ]
        for number in range(60):
            await self.media[number % 4].submit(next(load.numbers), "Q1")
        for each in self.keepers:
            await self._keep_one_of_each_node(each)

    async def _keep_one_of_each_node(self, keeper: Actor) -> None:
        dbids: set[int | None] = set()
        while len(dbids) < len(self.cluster.nodes):
            (taken,) = await keeper.pull("Q1/All", 1)
            dbids.add(id_origin(taken))

    async def do_not_read(self) -> None:
        """One client asks for a hundred megabytes and reads nothing, one reads late."""
        load = self.load
        (fat, *_) = [
            await each.submit(next(load.numbers), "Fat", Fat="x" * FAT) for each in self.media
        ]
        self.stalled = await load.join("proxy1", "stalled", ClientType.AGENT_APPLICATION)
        self.late = await load.join("proxy2", "late", ClientType.AGENT_APPLICATION)
        for each, count in ((self.stalled, FLOOD), (self.late, 6)):
            (line,) = each.connections
            line.stop_reading()
            request = m.RequestGetInteractionProperties(tenant_id=TENANT, interaction_id=fat)
            for _ in range(count):
                Deferred.fromCoroutine(each.tried(request))
        self.before = self.others_answered()

    def others_answered(self) -> int:
        """How many answers came at the proxy of the stalled one, to all but that one."""
        actors = [each for each in self.load.actors if each.proxy == self.stalled.proxy]
        return sum(each.answered for each in actors if each is not self.stalled)

    def run(self) -> Deferred[Any]:
        """Begin the load."""
        load = self.load
        works = [load.hand_in(each) for each in self.media for _ in range(LANES)]
        works += [load.work(each) for each in self.agents]
        works += [load.route(each) for each in self.strategies]
        return load.at_once(*works)

    async def die(self, mortal: Actor) -> None:
        """A client is gone without a goodbye, holding something, and something on its way."""
        await self.take(mortal)
        Deferred.fromCoroutine(mortal.pull("Q1/All", 5))
        self.load.actors.remove(mortal)
        await mortal.client.close(goodbye=False)

    async def take(self, actor: Actor) -> None:
        """Take until something is held."""
        while not actor.client.holding:
            await actor.pull("Q1/All", 3)
            await self.load.pause()

    async def kill_frozen(self, node: str) -> None:
        """A node that answers nothing any more is killed, and is away for more than the grace."""
        process = self.cluster.servers.processes[node]
        process.signal(signal.SIGSTOP)
        await self.load.more_acknowledged(100)
        before = len(self.load.ledger.doubtful)
        await self.cluster.kill(node)
        await self.load.until(lambda: all(each.revoked for each in self.keepers))
        self.figures["submits in doubt by the first kill"] = len(self.load.ledger.doubtful) - before
        assert len(self.load.ledger.doubtful) > before

    def _memory(self) -> tuple[dict[str, int], dict[str, int]]:
        pids = {name: self.cluster.servers.processes[name].pid for name in self.cluster.proxies}
        now_and_peak = {name: resident_memory(pid) for name, pid in pids.items()}
        return (
            {name: now for name, (now, _) in now_and_peak.items()},
            {name: peak for name, (_, peak) in now_and_peak.items()},
        )


@pytest.mark.processes
@pytest_twisted.ensureDeferred
async def test_a_node_killed_under_load_loses_nothing_and_nobody_waits_for_an_answer(
    tmp_path: Path, real_reactor: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    async with RealCluster(real_reactor, tmp_path, patient()) as cluster:
        story = Story(real_reactor, cluster)
        try:
            telling = Deferred.fromCoroutine(tell(story))
            await telling.addTimeout(60 * MINUTES, real_reactor)
        except TimeoutError:
            pytest.fail(f"it does not go on: {story.phase}; {story.load.ledger.outcomes}")
        finally:
            story.load.running, story.load.over = False, True
            await story.load.close()
            with capsys.disabled():
                for what, figure in story.figures.items():
                    sys.stdout.write(f"\n  {what}: {figure}")
    for name in (*cluster.nodes, *cluster.proxies):
        assert "Traceback" not in cluster.log(name).read_text(), name


async def tell(story: Story) -> None:
    load, cluster, ledger = story.load, story.cluster, story.load.ledger
    await story.begin()
    await story.do_not_read()
    running = story.run()
    story.phase = "the load is on"
    await load.more_acknowledged(1_000)

    story.phase = "some die"
    await story.die(story.mortals[0])
    story.phase = "a frozen node is killed"
    await story.kill_frozen("ixn2")
    story.phase = "without that node"
    await story.die(story.mortals[1])
    await load.more_acknowledged(700)
    story.phase = "that node comes back"
    await cluster.restart("ixn2")
    await load.more_acknowledged(700)

    story.phase = "another node is killed"
    await cluster.kill("ixn3")
    await cluster.restart("ixn3")
    await load.more_acknowledged(700)

    story.phase = "the load ends"
    await story.die(story.mortals[2])
    load.running = False
    await running
    meanwhile = story.others_answered() - story.before
    story.figures["answers to others at that proxy while one did not read"] = meanwhile
    story.phase = "the slow ones read"
    for reader in (story.stalled, story.late):
        for line in reader.connections:
            line.read_on()
    await load.until(lambda: ledger.settled == ledger.asked)
    check_answers(story)

    def agreed() -> bool:
        return not any(stray_parts(read_books(cluster.stores()), load.live_parts()))

    story.phase = "holdings settle"
    await load.until(agreed)
    books = read_books(cluster.stores())
    assert wrong_entries(ledger, books) == []
    assert all(each.client.holding for each in story.keepers)
    check_memory(story)
    story.phase = "all is worked off"
    await let_everything_be_worked_off(story)
    cluster.servers.check()


def check_answers(story: Story) -> None:
    """Every request got one answer, and none but those that a kill explains is an error."""
    ledger = story.load.ledger
    assert set(ledger.codes()) <= UNLUCKY, ledger.codes()
    for actor in story.load.actors:
        assert actor.client.in_flight == 0
        assert all(line.answers_once for line in actor.connections), actor.client
        if actor is not story.stalled:
            # One connection all the time: its registration, and each of its requests.
            assert len(actor.connections) == 1, actor.client
            (line,) = actor.connections
            assert line.answers.total() == actor.asked + 1, actor.client
    found = read_books(story.cluster.stores()).ids_of.keys()
    story.figures.update(ledger.figures())
    story.figures["submits in doubt that were carried out"] = len(ledger.doubtful & found)


def check_memory(story: Story) -> None:
    """What nobody reads is not kept."""
    _, peak = story._memory()
    grown = {name: peak[name] - before for name, before in story.memory.items()}
    received = sum(line.received for line in story.stalled.connections)
    story.figures["bytes asked for and not read"] = FLOOD * FAT - received
    story.figures["growth of the proxies in bytes, at most"] = grown
    assert FLOOD * FAT - received > MOST_GROWTH
    assert max(grown.values()) <= MOST_GROWTH


async def let_everything_be_worked_off(story: Story) -> None:
    """Clients go, and what they held with them; then all is stopped."""
    load, cluster, ledger = story.load, story.cluster, story.load.ledger
    await load.close()

    def all_went_back() -> bool:
        books = read_books(cluster.stores())
        return not (books.parts or books.out)

    # A proxy answers a goodbye itself; the nodes follow.
    await load.until(all_went_back)
    agents = [await load.agent(proxy, f"sweeper at {proxy}") for proxy in cluster.proxies]
    for view in ("Q1/All", "Q2/All", "Fat/All"):
        await load.at_once(*(load.empty(agent, view) for agent in agents))
    assert wrong_entries(ledger, read_books(cluster.stores())) == []
    assert read_books(cluster.stores()).nodes_of == {}
