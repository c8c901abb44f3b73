"""
Whether pairs serve: looked at again and again while a simulation runs.

Theory of operation: what a step does to a server, a proxy, or the way between
them is a disturbance, which is seen by looking, or told. From the last one on
the pair has as long as it may be without service; then each proxy that can
reach its primary has to be linked with it, if any of its servers could be
primary at all. What follows of itself from a disturbance, such as the end of a
silent server, gives no more time. While no commit of a node can succeed, for
its disk is full, a proxy that comes to it is refused: nobody is blamed for that.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ixproxy.testing.cluster import Cluster
from ixproxy.testing.members import MemoryProxy
from ixproxy.testing.memory_nodes import MemoryNode
from ixproxy.testing.simulation.worlds import World
from ixproxy.values import NodeName

EVERY = 0.1
"""Seconds between two looks."""


class Service:
    """
    Looks after the service of all pairs.

    :param broken: told the name of the broken rule, and how it was broken.
    :param failing: whether the next commit of a node is going to fail.
    :param full: whether all its commits are, until that is mended.
    :ivar longest: seconds from a disturbance to the service of all proxies, at most.
    """

    def __init__(
        self,
        cluster: Cluster,
        world: World,
        broken: Callable[[str, str], None],
        failing: Callable[[MemoryNode], bool] = lambda _: False,
        full: Callable[[MemoryNode], bool] = lambda _: False,
    ) -> None:
        self._cluster = cluster
        self._world = world
        self._broken = broken
        self._failing = failing
        self._full = full
        self._disturbed: dict[str, float] = {}
        self._seen: dict[str, Any] = {}
        self._served: dict[tuple[str, str], bool] = {}
        self.longest = 0.0

    def begin(self) -> None:
        """Look from now on; where there are no pairs there is nothing to see."""
        if self._world.pairs:
            self._look()

    def disturb(self, *names: str) -> None:
        """Something has happened to servers or proxies that cannot be seen by looking."""
        for name in names:
            self._disturbed[name] = self._cluster.seconds()

    def _look(self) -> None:
        cluster = self._cluster
        cluster.clock.callLater(EVERY, self._look)
        now = cluster.seconds()
        for proxy in cluster.proxies:
            self._see(proxy.name, proxy.process, now)
        for node in cluster.nodes:
            conditions = [each.condition for each in node.members]
            full = self._full(node)
            self._see(node.name, (conditions, self._failing(node), full), now)
            fit = not full and any(each.fit for each in node.members)
            for proxy in cluster.proxies:
                ways = [cluster.network.connects(proxy.name, each.name) for each in node.members]
                self._see(f"{proxy.name} {node.name}", ways, now)
                if fit and proxy.process.alive:
                    self._judge(proxy, node, now)

    def _see(self, name: str, how: Any, now: float) -> None:
        if self._seen.get(name) != how:
            self._seen[name] = how
            self._disturbed[name] = now

    def _judge(self, proxy: MemoryProxy, node: MemoryNode, now: float) -> None:
        told = [each.name for each in node.members]
        names = (proxy.name, node.name, f"{proxy.name} {node.name}", *told)
        since = now - max(self._disturbed.get(name, 0.0) for name in names)
        missing = self._missing(proxy, node)
        key = proxy.name, node.name
        if not missing and not self._served.get(key, True):
            self.longest = max(self.longest, since)
        self._served[key] = not missing
        # What is seen by looking may be as old as the look before.
        if missing and since > self._world.unserved + EVERY:
            self._broken("a_pair_serves_again_in_time", f"after {since:.1f} s {missing}")

    def _missing(self, proxy: MemoryProxy, node: MemoryNode) -> str:
        """What is missing to the service of a node at a proxy; "": nothing, or nobody can help."""
        primary = node.primary
        if primary is None or primary.out_of_reach:
            return f"{node.name} has no primary: {node.members}"
        if not self._cluster.network.connects(proxy.name, primary.name):
            return ""
        assert proxy.core is not None
        link = proxy.core.state.links[NodeName(node.name)]
        with_whom = link.facts.servers[link.pair.attempts.current].name if link.linked else "nobody"
        if with_whom == primary.name:
            return ""
        return f"{proxy.name} is linked with {with_whom}, and not with {primary.name}"
