"""
How long a node was without service: a change of one of its interactions, asked again and again.

Through each proxy a prober asks each node several times a second for a change
of an interaction that lies there, which must be written to its database. It
does not wait for one answer before it asks the next time. The gap between two
good answers is the time without service, and a little more: the pause between
two probes is in it.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Awaitable, Callable, Iterable, Sequence
from itertools import pairwise

from twisted.internet.task import LoopingCall

from ixproxy import messages as m
from ixproxy.testing.chaos_asking import Asking
from ixproxy.testing.chaos_deployment import DBIDS, MEDIA, PROBES, TENANT
from ixproxy.values import id_origin

EVERY_SECONDS = 0.2
ATTEMPTS = 100
"""Submits in which every node has been chosen, or never is."""

Key = tuple[str, str]
"""Proxy and node."""


class Prober:
    """
    Asks all nodes through one proxy.

    :param proxy: the one that it asks, or begins with.
    :param run: has something done beside everything else.
    :ivar good: node to when it gave good answers, in order.
    """

    def __init__(self, proxy: str, asker: Asking, run: Callable[[Awaitable[None]], None]) -> None:
        self.proxy = proxy
        self.asker = asker
        self.good: dict[str, list[float]] = {node: [] for node in DBIDS.values()}
        self.ids: dict[str, str] = {}
        self._run = run
        self._number = 0
        self._call = LoopingCall(self._probe)
        self._call.clock = asker.reactor

    async def lay(self) -> list[str]:
        """
        Lay an interaction on every node.

        :return: the interactions that were laid anywhere.
        """
        laid: list[str] = []
        while len(self.ids) < len(self.good) and len(laid) < ATTEMPTS:
            submit = m.RequestSubmit(
                tenant_id=TENANT, media_type=MEDIA, queue=PROBES, user_data={"Probe": 0}
            )
            answer, _ = await self.asker.ask(submit)
            if answer is None:
                await self.asker.pause()
                continue
            laid.append(answer.interaction_id)
            dbid = id_origin(answer.interaction_id)
            assert dbid is not None
            self.ids.setdefault(DBIDS[dbid], answer.interaction_id)
        return laid

    def begin(self) -> None:
        """Ask, from now on."""
        self._call.start(EVERY_SECONDS)

    def end(self) -> None:
        """Ask no more; again and again."""
        if self._call.running:
            self._call.stop()

    def _probe(self) -> None:
        self._number += 1
        for node, identifier in self.ids.items():
            self._run(self._ask(node, identifier, self._number))

    async def _ask(self, node: str, identifier: str, number: int) -> None:
        change = m.RequestChangeProperties(
            tenant_id=TENANT, interaction_id=identifier, changed_properties={"Probe": number}
        )
        if (await self.asker.ask(change)).refusal is None:
            self.good[node].append(self.asker.reactor.seconds())


def gap(good: Sequence[float], since: float, now: float) -> float:
    """
    The longest time without a good answer.

    :param good: when there were some, in order.
    :param since: counted from the last one before this; `now`: until then.
    """
    first = max(bisect_left(good, since) - 1, 0)
    times = [*good[first:], now] if good else [since, now]
    return max(later - earlier for earlier, later in pairwise(times))


def merged(*good: Iterable[float]) -> list[float]:
    """When anybody got a good answer."""
    return sorted(at for each in good for at in each)


def first_after(good: Sequence[float], moment: float) -> float | None:
    """Seconds from a moment to the next good answer; None: there was none."""
    place = bisect_left(good, moment)
    return good[place] - moment if place < len(good) else None


async def until_all_answer(probers: Sequence[Prober], since: float, seconds: float) -> list[str]:
    """
    Wait until every node has answered every prober twice.

    :param seconds: when to give up.
    :return: who does not answer.
    """
    reactor = probers[0].asker.reactor
    deadline = reactor.seconds() + seconds
    while True:
        silent = [
            f"{node} does not answer through {prober.proxy}"
            for prober in probers
            for node, good in prober.good.items()
            if len(good) - bisect_left(good, since) < 2
        ]
        if not silent or reactor.seconds() > deadline:
            return silent
        await probers[0].asker.pause()
