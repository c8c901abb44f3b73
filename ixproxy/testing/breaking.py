"""
What may break in a cluster, and how it is mended.

    breaks = Breaks(cluster, random, victims)
    mend = breaks.have(Accident.NODE_PAUSED)
    cluster.run(3)
    mend()
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import Enum
from random import Random
from typing import Any

from twisted.internet.defer import Deferred

from ixproxy.client import Client
from ixproxy.testing.cluster import Cluster
from ixproxy.testing.members import MemoryProxy
from ixproxy.testing.memory_nodes import MemoryNode
from ixproxy.testing.memory_servers import MemoryServer


class Accident(Enum):
    """What breaks."""

    CLIENT_CONNECTION = "the connection of a client is lost"
    NODE_CONNECTION = "the connection between a proxy and a node is lost"
    CLIENT_CUT = "the network between a client and its proxy is cut for a while"
    NODE_CUT = "the network between a proxy and a node is cut for a while"
    CLIENT_KILLED = "a client dies"
    PROXY_KILLED = "a proxy dies and comes back"
    NODE_KILLED = "a node dies and comes back"
    NODE_PAUSED = "a node hears nothing for a while"
    GIVEN_UP = "clients wait no longer"
    INNER_CONNECTION = "the connection between two proxies is lost"
    INNER_CUT = "the network between two proxies is cut for a while"
    INNER_KILLED = "the proxy behind another one dies and comes back"
    INNER_PAUSED = "the proxy behind another one hears nothing for a while"
    PRIMARY_KILLED = "the primary of a pair dies and comes back"
    PRIMARY_STOPPED = "the primary of a pair is stopped in order and started again"
    PRIMARY_PAUSED = "the primary of a pair is stopped where it is, and wakes up after a while"
    PRIMARY_FROZEN = "the same, but in the middle of a transaction"
    BACKUP_KILLED = "the backup of a pair dies and comes back"
    BOTH_KILLED = "both servers of a pair die and come back"
    STORE_LOST = "the primary of a pair does not reach its database for a while"
    STORE_LOST_BY_BOTH = "both servers of a pair do not reach their database for a while"


CHAINED = (
    Accident.INNER_CONNECTION,
    Accident.INNER_CUT,
    Accident.INNER_KILLED,
    Accident.INNER_PAUSED,
)
"""What can break only where proxies stand behind proxies."""

PAIRED = (
    Accident.PRIMARY_KILLED,
    Accident.PRIMARY_STOPPED,
    Accident.PRIMARY_PAUSED,
    Accident.PRIMARY_FROZEN,
    Accident.BACKUP_KILLED,
    Accident.BOTH_KILLED,
    Accident.STORE_LOST,
    Accident.STORE_LOST_BY_BOTH,
)
"""What can break only where nodes are pairs."""

SECOND = (
    Accident.CLIENT_CONNECTION,
    Accident.NODE_CONNECTION,
    Accident.NODE_CUT,
    Accident.PROXY_KILLED,
    Accident.NODE_KILLED,
)
"""What may break besides, a little later."""


def accidents(*, chained: bool, pairs: bool = False) -> list[Accident]:
    """
    What can break.

    :param chained: there are proxies in front of the proxies.
    :param pairs: nodes have two servers.
    """
    left_out = (() if chained else CHAINED) + (() if pairs else PAIRED)
    return [each for each in Accident if each not in left_out]


def besides(cluster: Cluster) -> Sequence[Accident]:
    """What may break in a cluster a little later."""
    chained = CHAINED if cluster.outers else ()
    return (*SECOND, *chained, *(PAIRED if cluster.pairs else ()))


class Breaks:
    """
    Breaks something of a cluster.

    :param victims: the clients that something may happen to; one that dies is
        taken out.
    :param asked: the requests for which patience may end.
    """

    def __init__(
        self,
        cluster: Cluster,
        random: Random,
        victims: list[Client],
        asked: Sequence[Deferred[Any]] = (),
    ) -> None:
        self._cluster = cluster
        self._random = random
        self._victims = victims
        self._asked = asked

    def have(self, accident: Accident) -> Callable[[], None]:
        """Have an accident; returns what mends it."""
        cluster, random = self._cluster, self._random
        victim = random.choice(self._victims)
        host = cluster.host_of(victim)
        proxy, node = random.randrange(2), random.randrange(3)
        inner, front = cluster.proxies[proxy], cluster.fronts[proxy]
        pair = cluster.nodes[node]
        primary, backup = pair.primary, pair.backup
        proxy_host, node_host = inner.name, pair.host
        match accident:
            case Accident.CLIENT_CONNECTION:
                cluster.lose_client(victim)
            case Accident.NODE_CONNECTION:
                cluster.network.lose(proxy_host, node_host)
            case Accident.CLIENT_CUT:
                return self._cut_off(host, cluster.fronts)
            case Accident.NODE_CUT:
                cluster.cut(proxy_host, node_host)
                return lambda: cluster.heal(proxy_host, node_host)
            case Accident.CLIENT_KILLED:
                cluster.kill_client(victim)
                self._victims.remove(victim)
            case Accident.PROXY_KILLED:
                if front.process.alive:
                    front.kill()
                    return front.start
            case Accident.INNER_CONNECTION:
                for outer in cluster.outers:
                    cluster.network.lose(outer.name, proxy_host)
            case Accident.INNER_CUT:
                some = random.sample(cluster.proxies, random.randrange(1, 3))
                return self._cut_off(random.choice(cluster.outers).name, some)
            case Accident.INNER_KILLED:
                if inner.process.alive:
                    inner.kill()
                    return inner.start
            case Accident.INNER_PAUSED:
                cluster.network.pause(proxy_host)
                return lambda: cluster.network.resume(proxy_host)
            case Accident.NODE_KILLED:
                if pair.process.alive:
                    pair.kill()
                    return pair.start
            case Accident.NODE_PAUSED:
                cluster.network.pause(node_host)
                return lambda: cluster.network.resume(node_host)
            case Accident.PRIMARY_KILLED if primary is not None:
                primary.kill()
                return primary.start
            case Accident.PRIMARY_STOPPED if primary is not None:
                stopped = primary.stop()
                return lambda: _start_after(stopped, primary)
            case Accident.PRIMARY_PAUSED | Accident.PRIMARY_FROZEN if primary is not None:
                primary.pause(in_transaction=accident is Accident.PRIMARY_FROZEN)
                return lambda: _wake(primary)
            case Accident.BACKUP_KILLED if backup is not None:
                backup.kill()
                return backup.start
            case Accident.BOTH_KILLED:
                for server in pair.members:
                    server.kill()
                return pair.start
            case Accident.STORE_LOST if primary is not None:
                primary.lose_store(random.choice((None, True, False)))
                return primary.find_store
            case Accident.STORE_LOST_BY_BOTH:
                for server in pair.members:
                    server.lose_store(random.choice((None, True, False)))
                return lambda: _find(pair)
            case Accident.GIVEN_UP:
                for asked in self._asked:
                    if random.random() < 0.5:
                        asked.cancel()
        return _nothing

    def _cut_off(self, host: str, proxies: Sequence[MemoryProxy]) -> Callable[[], None]:
        """Cut a host off from these proxies."""
        for proxy in proxies:
            self._cluster.cut(host, proxy.name)

        def mend() -> None:
            for proxy in proxies:
                self._cluster.heal(host, proxy.name)

        return mend


def _start_after(stopped: Deferred[None], server: MemoryServer) -> None:
    stopped.addCallback(lambda _: server.start())


def _wake(server: MemoryServer) -> None:
    """Go on, or come back: it may have been ended meanwhile."""
    server.resume()
    server.start()


def _find(pair: MemoryNode) -> None:
    for server in pair.members:
        server.find_store()


def _nothing() -> None:
    """Nothing is to be mended."""
