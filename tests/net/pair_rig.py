"""The servers of one node, on a clock, a network, a database and leases in memory."""

from __future__ import annotations

from random import Random
from typing import Any

from twisted.internet.protocol import Factory

from ixproxy.messages import EventError
from ixproxy.net.node_limits import NodeLimits
from ixproxy.net.node_server import NodeServer
from ixproxy.net.pair_member import NodePairMember, Term
from ixproxy.node.leading import State
from ixproxy.node.model import NodeModel, NodeSettings
from ixproxy.storage.sqlite import SqliteStore
from ixproxy.storage.sqlite_places import SqliteMemory, SqlitePlace
from ixproxy.testing.clock import SteppingClock
from ixproxy.testing.faults import FaultyStore
from ixproxy.testing.memory_lease import MemoryLease, MemoryLeases
from ixproxy.testing.network import MemoryNetwork, settle
from ixproxy.testing.process import ProcessClock
from ixproxy.testing.tenants import TENANT
from tests.net.node_rig import TIME_OF_DAY, ManualExecutor, RawPeer

LIMIT = 10.0
MODEL = NodeModel([TENANT])


class MemberRig:
    """
    One server.

    :ivar broken_store: how stores of its next terms fail, by method.
    :ivar broken_lease: what leases of its next terms raise.
    :ivar hanging: leases of its next terms do not answer.
    """

    def __init__(self, pair: PairRig, name: str) -> None:
        self.pair = pair
        self.name = name
        self.terms: list[Term] = []
        self.lease_executors: list[ManualExecutor] = []
        self.writers: list[ManualExecutor] = []
        self.broken_store: dict[str, Any] = {}
        self.broken_lease: Any = None
        self.hanging = False
        self.process = ProcessClock(pair.clock)
        self.member = NodePairMember(
            self.process, name, self._term, self._lease_executor, LIMIT, seconds=pair.seconds
        )
        self.refusals: list[Any] = []
        self.broke: list[str] = []
        self.member.listening.addErrback(self.refusals.append)
        self.member.broken.addCallback(self.broke.append)

    def _lease_executor(self) -> ManualExecutor:
        self.lease_executors.append(ManualExecutor(self.process))
        self.lease_executors[-1].paused = self.hanging
        return self.lease_executors[-1]

    def _term(self) -> Term:
        pair = self.pair
        store = FaultyStore(SqliteStore(pair.place))
        store.broken.update(self.broken_store)
        writer = ManualExecutor(self.process)
        self.writers.append(writer)
        server = NodeServer(
            self.process,
            pair.network.server_endpoint(f"{self.name}:1"),
            store,
            MODEL,
            NodeSettings(),
            NodeLimits(),
            name=self.name,
            dbid=101,
            now=lambda: TIME_OF_DAY + pair.clock.seconds(),
            new_session=lambda: pair.random.randbytes(16),
            executors=lambda what: writer if what == "writer" else ManualExecutor(self.process),
        )
        lease = pair.leases.lease(self.name)
        lease.broken = self.broken_lease
        self.terms.append(Term(server, store, lease))
        return self.terms[-1]

    @property
    def state(self) -> State:
        return self.member.state

    @property
    def lease(self) -> MemoryLease:
        lease = self.terms[-1].lease
        assert isinstance(lease, MemoryLease)
        return lease

    @property
    def store(self) -> FaultyStore:
        store = self.terms[-1].store
        assert isinstance(store, FaultyStore)
        return store

    @property
    def server(self) -> NodeServer:
        assert self.member.server is not None
        return self.member.server

    def hang(self) -> None:
        """Its lease answers nothing any more."""
        self.lease_executors[-1].paused = True

    def kill(self) -> None:
        """Its process dies."""
        self.process.kill()
        self.pair.network.vanish(self.name)
        self.pair.leases.die(self.name)

    def start(self) -> MemberRig:
        self.member.startService()
        self.pair.settle()
        return self


class PairRig:
    """
    :param place: where the database lies.
    :ivar slept: seconds that the machine slept, which no timer counts.
    """

    def __init__(self, place: SqlitePlace | None = None) -> None:
        self.clock = SteppingClock(1000.0)
        self.random = Random(1)
        self.network = MemoryNetwork(self.clock, Random(1), delay=0.0001)
        self.place = place or SqliteMemory()
        self.leases = MemoryLeases()
        self.slept = 0.0
        self.first = MemberRig(self, "node1")
        self.second = MemberRig(self, "node1-b")

    def seconds(self) -> float:
        return self.clock.seconds() + self.slept

    def settle(self) -> None:
        settle(self.clock, self.network)

    def run(self, seconds: float) -> None:
        """Let time pass."""
        self.clock.run(seconds)
        self.settle()

    def client(self, name: str, client_type: str = "MediaServer", **attributes: Any) -> RawPeer:
        """A client that is registered with one of the servers."""
        made: list[RawPeer] = []
        rig: Any = self

        class Peers(Factory):
            def buildProtocol(self, addr: Any) -> RawPeer:
                made.append(RawPeer(rig))
                return made[0]

        endpoint = self.network.client_endpoint(f"{name}:1", f"host{len(self.network._ends)}")
        endpoint.connect(Peers()).addErrback(lambda _: made.clear())
        self.settle()
        ack = made[0].register(client_type, **attributes)
        assert not isinstance(ack, EventError), ack
        return made[0]

    @property
    def primaries(self) -> list[str]:
        """Who serves."""
        return [each.name for each in (self.first, self.second) if each.state is State.PRIMARY]
