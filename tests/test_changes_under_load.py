"""
An operator changes a cluster of real processes while it is under load: nobody is dropped.

Clients work through two proxies, and all of it over TLS. The file is changed step by
step, and every process is told by SIGHUP; each step ends when its effect is seen in what
clients are answered. Nothing is judged by time.
"""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import pytest_twisted
from twisted.internet.defer import Deferred, TimeoutError
from twisted.internet.endpoints import connectProtocol
from twisted.internet.protocol import Protocol

from ixproxy.client import TlsFiles
from ixproxy.client.securing import Securing
from ixproxy.errors import Code
from ixproxy.testing.certificates import Authority
from ixproxy.testing.processes import RealCluster
from ixproxy.values import ClientType, id_origin
from tests.ledgers import read_books, stray_parts, wrong_entries
from tests.loads import Load
from tests.test_node_killed import CLUSTER, MINUTES, NODE

LANES = 8
"""Submits in flight of each of two media servers."""

SEEN = 60
"""So many submits that go elsewhere show that a node is chosen no more."""

PROXY = """\
[applications.proxy{number}]
type = "Interaction Server"
role = "proxy"
tenants = ["Environment"]
listen = "tcp:700{number}:interface=127.0.0.1"
endpoint = "tcp:127.0.0.1:700{number}"
connections = [{nodes}]
[applications.proxy{number}.options.settings]
pull-hold-timeout = 1
node-loss-grace = 2
"""

TRUST = """\
[applications.{name}.tls]
certificate = "{name}.pem"
private-key = "{name}.key"
trust = "ca.pem"
"""

LET_PROXIES_IN = """\
[[applications.{name}.allow]]
subject = "O=Proxies"
client-types = ["Proxy"]
[[applications.{name}.allow]]
subject = "O=Clients"
"""

SECTION = "[applications.ixn{}.options.cluster-settings]\n{}\n"


def deployment(nodes: tuple[int, ...], settings: Mapping[int, str] | None = None) -> str:
    """The file with these nodes, of which some have cluster settings."""
    names = ", ".join(f'"ixn{number}"' for number in nodes)
    media = CLUSTER.replace("email = {}", "email = {}\nchat = {}")
    return "\n".join(
        [
            media,
            *(NODE.format(number=number) for number in nodes),
            *(SECTION.format(number, lines) for number, lines in (settings or {}).items()),
            *(PROXY.format(number=number, nodes=names) for number in (1, 2)),
            *(TRUST.format(name=f"ixn{number}") for number in nodes),
            *(LET_PROXIES_IN.format(name=f"ixn{number}") for number in nodes),
            *(TRUST.format(name=f"proxy{number}") for number in (1, 2)),
        ]
    )


def issue(authority: Authority, directory: Path) -> None:
    """Certificates for all servers, in the place of those that they have."""
    for name in ("ixn1", "ixn2", "ixn3", "proxy1", "proxy2"):
        organization = "Proxies" if name.startswith("proxy") else "Nodes"
        authority.issue(name, ("127.0.0.1",), organization=organization).write(directory, name)


class Story:
    """The load, and what is seen of it."""

    def __init__(
        self, reactor: Any, cluster: RealCluster, authority: Authority, shown: TlsFiles
    ) -> None:
        self.reactor = reactor
        self.cluster = cluster
        self.authority = authority
        self.shown = shown
        self.load = Load(reactor, cluster, seed=11, elsewhere=True, tls=shown)
        self.phase = "the beginning"

    def chosen_since(self, first: int) -> list[int | None]:
        """The nodes that took what was handed in since, by the number of the submit."""
        acknowledged = self.load.ledger.acknowledged.items()
        return [id_origin(identifier) for number, identifier in acknowledged if number > first]

    async def chosen(self, dbid: int) -> None:
        """Wait until new work comes to a node."""
        first = next(self.load.numbers)
        await self.load.until(lambda: dbid in self.chosen_since(first))

    async def serial_of(self, name: str) -> int:
        """The number of the certificate that a server shows to who comes now."""
        endpoint = Securing(self.reactor, self.shown).endpoint(self.cluster.endpoint(name))
        visitor: Any = await connectProtocol(endpoint, Protocol())
        certificate = visitor.transport.socket.peer_certificate
        visitor.transport.abortConnection()
        return int(certificate.serial_number)

    async def chosen_no_more(self, dbid: int) -> None:
        """See that no new work comes to a node."""
        first = next(self.load.numbers)
        await self.load.until(lambda: len(self.chosen_since(first)) >= SEEN)
        assert dbid not in self.chosen_since(first)


async def renew_the_certificates(story: Story) -> None:
    """Every server has a new certificate; whoever comes now sees it."""
    names = (*story.cluster.nodes, *story.cluster.proxies)
    before = {name: await story.serial_of(name) for name in names}
    issue(story.authority, story.cluster.directory)
    await story.cluster.change(deployment((1, 2)))
    assert all([await story.serial_of(name) != before[name] for name in names])
    await story.load.more_acknowledged(SEEN)


async def add_a_node(story: Story) -> None:
    """A third node is started, and the file names it."""
    await story.cluster.change(deployment((1, 2, 3)))
    story.cluster.begin("ixn3")
    await story.chosen(103)


async def move_a_media_type(story: Story) -> None:
    """New e-mail goes to the other two; what the first one has of it is worked off there."""
    await story.cluster.change(deployment((1, 2, 3), {1: 'media-types = "chat"'}))
    await story.chosen_no_more(101)


async def move_it_back(story: Story) -> None:
    """The first node takes it again."""
    await story.cluster.change(deployment((1, 2, 3)))
    await story.chosen(101)


async def drain_a_node_and_remove_it(story: Story) -> None:
    """The second node gets no new work, is worked off, leaves the file, and is stopped."""
    await story.cluster.change(deployment((1, 2, 3), {2: "enable-submit = false"}))
    await story.chosen_no_more(102)
    store = {"ixn2": story.cluster.store("ixn2")}
    await story.load.until(lambda: not read_books(store).nodes_of)
    await story.cluster.change(deployment((1, 3)))
    await story.load.more_acknowledged(SEEN)
    assert await story.cluster.end("ixn2") == "stopped"
    await story.load.more_acknowledged(SEEN)


STEPS: tuple[Callable[[Story], Awaitable[None]], ...] = (
    renew_the_certificates,
    add_a_node,
    move_a_media_type,
    move_it_back,
    drain_a_node_and_remove_it,
)
"""What the operator does, one after the other; each may be followed by any other change."""


@pytest.mark.processes
@pytest_twisted.ensureDeferred
async def test_changes_under_load_drop_no_client_and_leave_no_request_without_an_answer(
    tmp_path: Path, real_reactor: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    """Test ideas 64, 8 and 9, on real processes."""
    authority = Authority("Trial CA")
    issue(authority, tmp_path)
    mine = authority.issue("load", organization="Clients").write(tmp_path, "load")
    shown = replace(mine, trust=authority.write(tmp_path / "ca.pem"))
    text = deployment((1, 2))
    async with RealCluster(real_reactor, tmp_path, text, tls=shown) as cluster:
        story = Story(real_reactor, cluster, authority, shown)
        try:
            telling = Deferred.fromCoroutine(tell(story))
            await telling.addTimeout(60 * MINUTES, real_reactor)
        except TimeoutError:
            pytest.fail(f"it does not go on: {story.phase}; {story.load.ledger.outcomes}")
        finally:
            story.load.running, story.load.over = False, True
            await story.load.close()
        dropped = sum(len(actor.connections) - 1 for actor in story.load.everybody)
        with capsys.disabled():
            sys.stdout.write(f"\n  clients dropped: {dropped}; {story.load.ledger.figures()}")
    for name in (*cluster.nodes, *cluster.proxies, "ixn2"):
        assert "Traceback" not in cluster.log(name).read_text(), name


async def tell(story: Story) -> None:
    load, cluster, ledger = story.load, story.cluster, story.load.ledger
    proxies = cluster.proxies
    media = [await load.join(each, f"media at {each}", ClientType.MEDIA_SERVER) for each in proxies]
    agents = [await load.agent(each, f"agent-{n}") for n, each in enumerate(proxies * 4)]
    strategies = [
        await load.join(each, f"strategy at {each}", ClientType.ROUTING_ENGINE) for each in proxies
    ]
    works = [load.hand_in(each) for each in media for _ in range(LANES)]
    works += [load.work(each, keeps=False) for each in agents]
    works += [load.route(each) for each in strategies]
    running = load.at_once(*works)
    await load.more_acknowledged(SEEN)
    for step in STEPS:
        story.phase = step.__name__
        await step(story)
    story.phase = "the end"
    load.running = False
    await running
    await load.until(lambda: ledger.settled == ledger.asked)
    for actor in load.everybody:
        assert actor.client.incarnation == 1, actor.client
        assert actor.client.in_flight == 0
        (line,) = actor.connections
        assert line.answers_once
        assert line.answers.total() == actor.asked + 1, actor.client
        assert actor.revoked == []
    # A pull that the removed node was holding may have taken something, for all one knows.
    refused = {(name, code) for name, code in ledger.outcomes if code}
    assert refused <= {("RequestPull", int(Code.LOST_CONNECTION))}, refused
    await load.until(lambda: not any(stray_parts(read_books(stores(cluster)), load.live_parts())))
    assert wrong_entries(ledger, read_books(stores(cluster))) == []


def stores(cluster: RealCluster) -> dict[str, Path]:
    """The databases of all nodes that there ever were."""
    return {**cluster.stores(), "ixn2": cluster.directory / "ixn2.db"}
