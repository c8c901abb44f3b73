"""
One server of a node in memory: a program that starts, dies and starts again.

    server.pause()                      # it hears and does nothing until `resume`
    server.pause(in_transaction=True)   # the same, but at its next commit
    server.lose_store()                 # it does not reach the database until `find_store`
    server.stop()                       # in order

It does what a node's process does (`ixproxy.net.pair_member`). The database,
and who has its lease, outlive it; see `ixproxy.testing.memory_nodes`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from twisted.internet.defer import Deferred

from ixproxy.errors import StoreUnreachable
from ixproxy.interfaces import IStore
from ixproxy.net.capture_plans import CapturePlan
from ixproxy.net.executors import Executor
from ixproxy.net.keep_alive import KeepAlive
from ixproxy.net.log_plans import LogPlan
from ixproxy.net.node_limits import NodeLimits
from ixproxy.net.node_server import NodeServer
from ixproxy.net.pair_member import NodePairMember, Term
from ixproxy.net.surroundings import Surroundings
from ixproxy.node.esp_servers import ExternalServer
from ixproxy.node.leading import State
from ixproxy.node.model import NodeModel, NodeSettings
from ixproxy.testing.clock import SteppingClock
from ixproxy.testing.executor import InstantExecutor, SimulatedExecutor
from ixproxy.testing.gate import Gate
from ixproxy.testing.memory_lease import MemoryLease, MemoryLeases
from ixproxy.testing.network import MemoryNetwork
from ixproxy.testing.places import Place
from ixproxy.testing.process import ProcessClock
from ixproxy.testing.program_store import ProgramStore, Reach

TIME_OF_DAY = 1_700_000_000.0
"""What clocks on the wall show when a simulation begins."""


def node_address(name: str) -> str:
    """Where a node's server listens."""
    return f"{name}:7101"


def time_of_day(clock: SteppingClock) -> Callable[[], float]:
    """A clock on the wall."""
    return lambda: TIME_OF_DAY + clock.seconds()


def surroundings_of(clock: SteppingClock) -> Surroundings:
    """What is around a program in memory: no process of its own."""
    return Surroundings(clock, time_of_day(clock), lambda: None)


@dataclass(slots=True)
class Common:
    """
    What the servers of one node have in common.

    :ivar place: where the database lies.
    :ivar leases: who has its lease.
    :ivar lone: there is one server only.
    :ivar servers: the external servers that it calls.
    :ivar capture: its capture points, as are `logs` its event logs.
    :ivar around_store: what each program puts around its store.
    :ivar at_database: what stands directly at the database, below all that may
        happen to a program; is given the server's name and the store.
    """

    clock: SteppingClock
    network: MemoryNetwork
    place: Place
    model: NodeModel
    settings: NodeSettings
    limits: NodeLimits
    keep_alive: tuple[float, float]
    lease_limit: float
    dbid: int
    leases: MemoryLeases
    lone: bool
    servers: tuple[ExternalServer, ...] = ()
    capture: tuple[CapturePlan, ...] = ()
    logs: tuple[LogPlan, ...] = ()
    around_store: Callable[[IStore], IStore] = lambda store: store
    at_database: Callable[[str, IStore], IStore] = lambda name, store: store


class MemoryServer:
    """
    One server of a node: a program that starts, dies and starts again.

    :param name: of the server, and of its host.
    :ivar member: what runs now, or ran last.
    """

    def __init__(self, name: str, common: Common, random: Random) -> None:
        self.name = name
        self._common = common
        self._random = random
        self._lease_random = Random(0 if common.lone else random.random())
        self.process = ProcessClock(common.clock)
        self.process.kill()
        self.member: NodePairMember | None = None
        self._gate = Gate(self._stop_here)
        self._reach = Reach()
        self._lease: MemoryLease | None = None
        self._stores: list[tuple[IStore, ProgramStore]] = []

    def __repr__(self) -> str:
        state = self.member.state.value if self.member is not None else "never started"
        return f"<{self.name}: {state if self.alive else 'dead'}{', paused' * self.paused}>"

    @property
    def alive(self) -> bool:
        """Whether its program runs, paused or not."""
        return self.process.alive

    @property
    def paused(self) -> bool:
        """Whether its program is stopped."""
        return self.process.paused and self.process.alive

    @property
    def server(self) -> NodeServer | None:
        """What serves in this term, or would."""
        return self.member.server if self.member is not None else None

    @property
    def epoch(self) -> int:
        """Of its database, as it knows it; 0: it is not primary."""
        if not self.listening or self.server is None:
            return 0
        return self.server.state.epoch

    @property
    def listening(self) -> bool:
        """Whether clients can come in."""
        running = self.alive and not self.paused
        return running and self.member is not None and self.member.state is State.PRIMARY

    @property
    def out_of_reach(self) -> bool:
        """Whether it does not reach its database."""
        return self._reach.away

    @property
    def condition(self) -> tuple[object, ...]:
        """Its program, and what hinders it or is about to; but not whether it has died."""
        reach, process = self._reach, self.process
        return process, process.paused, reach.away, reach.at_commit, self._gate.armed

    @property
    def fit(self) -> bool:
        """Whether it could serve: it runs, and nothing hinders it."""
        return self.alive and self.condition == (self.process, False, False, None, False)

    def start(self) -> None:
        """Start the program; harmless while it runs."""
        if self.alive:
            return
        self.process = process = ProcessClock(self._common.clock)
        self._gate = Gate(self._stop_here)
        self._reach = Reach(self._tell_lease)
        self.member = member = NodePairMember(
            process,
            self.name,
            self._new_term,
            self._lease_executor,
            self._common.lease_limit,
        )
        # In both cases the process has nothing to hope for.
        member.listening.addErrback(lambda _: self.kill())
        member.broken.addCallback(lambda _: self.kill())
        member.startService()

    def stop(self) -> Deferred[None]:
        """Stop the program in order; fires when it has ended."""
        ended: Deferred[None] = Deferred()
        if not self.alive or self.member is None:
            ended.callback(None)
            return ended
        self.resume()

        def end(_: object) -> None:
            self.kill()
            ended.callback(None)

        self.member.stopService().addCallback(end)
        return ended

    def kill(self) -> None:
        """The program dies; what it had committed stays. Harmless when it is dead."""
        if self.alive:
            self.process.kill()
            self._gate.kill()
            self._common.network.vanish(self.name)
            self._common.leases.die(self.name)
            stores, self._stores = self._stores, []
            for _, store in stores:
                store.drop()

    def cut(self) -> None:
        """Its sessions at the database are ended, without a word; it hears that when it asks."""
        for inner, _ in self._stores:
            self._common.place.cut(inner)

    def pause(self, *, in_transaction: bool = False) -> None:
        """
        Stop the program until `resume`, as SIGSTOP does; its host goes on.

        :param in_transaction: at its next commit, which may take a while to
            come: after it has written, and before it is durable.
        """
        if self.alive and not self.process.paused:
            if in_transaction:
                self._gate.armed = True
            else:
                self._stop_here()

    def resume(self) -> None:
        """The program goes on where it was; harmless when it is not paused."""
        if self.alive:
            self.process.resume()
            self._gate.open()
            self._common.network.go_on(self.name)

    def lose_store(self, at_commit: bool | None = None) -> None:
        """
        The program does not reach the database any more.

        :param at_commit: from its next commit on, of which it hears nothing,
            but which happens (True), or does not.
        """
        self._reach.away = at_commit is None
        self._reach.at_commit = at_commit

    def find_store(self) -> None:
        """It reaches it again; harmless when it does."""
        self._reach.away, self._reach.at_commit = False, None

    def _tell_lease(self) -> None:
        if self._lease is not None:
            gone = StoreUnreachable("the lease's database is out of reach")
            self._lease.broken = gone if self._reach.away else None

    def _stop_here(self) -> None:
        self.process.pause()
        self._common.network.stop(self.name)

    def _new_term(self) -> Term:
        common, process = self._common, self.process
        inner = common.place.store()
        store = ProgramStore(
            common.at_database(self.name, inner),
            self._reach,
            self._gate,
            shared=common.place.shared,
        )
        self._stores.append((inner, store))
        around = common.around_store(store)
        server = NodeServer(
            process,
            common.network.server_endpoint(node_address(self.name)),
            around,
            common.model,
            common.settings,
            common.limits,
            name=self.name,
            dbid=common.dbid,
            now=time_of_day(common.clock),
            new_session=lambda: self._random.randbytes(16),
            executors=self._executor,
            keep_alive=KeepAlive(process, *common.keep_alive),
            surroundings=surroundings_of(common.clock),
            store_kind=common.model.dialect,
            servers=common.servers,
            third_party=lambda text: common.network.client_endpoint(text, self.name),
            chance=self._random.random,
            capture=common.capture,
            logs=common.logs,
        )
        self._lease = common.leases.lease(self.name)
        self._tell_lease()
        return Term(server, around, self._lease)

    def _executor(self, what: str) -> Executor:
        random = Random(self._random.random())
        if what == "writer":
            return SimulatedExecutor(self.process, random, run=self._gate.run)
        return SimulatedExecutor(self.process, random)

    def _lease_executor(self) -> Executor:
        if self._common.lone:
            return InstantExecutor(self.process)
        return SimulatedExecutor(self.process, Random(self._lease_random.random()))
