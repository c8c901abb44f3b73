"""
The rounds of a chaos run: faults strike under load, are healed, and all is judged.

Theory of operation of a round: documents are handed in; after a moment the
faults strike, all at once, and each heals by itself after its time; servers
that have ended are started again by the supervisor. When every node answers
through every proxy, and everybody runs, the load goes on for a moment, then
rests, and the checks are made. A node's time without service is the longest
gap between two good answers from before the fault until then.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import Any

from twisted.internet.defer import Deferred, gatherResults

from ixproxy.testing.chaos_checks import Checks, Wrong
from ixproxy.testing.chaos_clients import Load
from ixproxy.testing.chaos_deployment import NODES
from ixproxy.testing.chaos_faults import KINDS, Blow, Strikes, Struck
from ixproxy.testing.chaos_history import DONE, History
from ixproxy.testing.chaos_probing import Prober, first_after, gap, merged, until_all_answer
from ixproxy.testing.chaos_scene import Scene
from ixproxy.values import ClientType

BEFORE_SECONDS, AFTER_SECONDS = 2.0, 1.0
"""How long all is well under load before and after the faults."""

SPARE_SECONDS = 2.0
"""What a takeover may take beyond the lease limit."""

ANSWER_SECONDS = 60.0
"""When nodes that do not answer are given up."""


@dataclass(slots=True)
class Service:
    """
    What one fault did to one node.

    :ivar through: the proxy through which it was seen; empty: through any.
    :ivar gap: seconds without service.
    :ivar after_healing: seconds from the healing to the next good answer.
    :ivar limit: what `gap` may be; None: nothing is asked.
    """

    kind: str
    server: str
    node: str
    through: str
    gap: float
    after_healing: float
    limit: float | None = None

    @property
    def late(self) -> bool:
        """Whether it took too long."""
        return self.limit is not None and self.gap > self.limit


@dataclass(slots=True)
class Round:
    """What happened in one round."""

    number: int
    faults: list[str]
    seconds: float = 0.0
    requests: int = 0
    acknowledged: int = 0
    repeated: int = 0
    errors: dict[int, int] = field(default_factory=dict)
    service: list[Service] = field(default_factory=list)
    wrong: Wrong = field(default_factory=dict)

    @property
    def worst(self) -> float:
        """The longest time without service."""
        return max((each.gap for each in self.service), default=0.0)

    def record(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


class Rounds:
    """
    Has rounds happen.

    :param probers: one for each proxy.
    """

    def __init__(
        self, scene: Scene, load: Load, history: History, probers: list[Prober], checks: Checks
    ) -> None:
        self._scene = scene
        self._load = load
        self._history = history
        self._probers = probers
        self._checks = checks

    async def happen(self, number: int, blows: list[Blow]) -> Round:
        """One round; what is wrong after it is in its record."""
        scene, clock = self._scene, self._scene.reactor.seconds
        began, first = clock(), len(self._history.requests)
        told = Round(number, [_text(blow) for blow in blows])
        self._load.go_on()
        await scene.pause(BEFORE_SECONDS)
        visitors = await self._visitors(blows)
        struck_at = clock()
        struck: list[Struck] = await gatherResults(
            [Deferred.fromCoroutine(self._strike(blow)) for blow in blows], consumeErrors=True
        )
        silent = await self._recovered(max(each.healed for each in struck))
        told.service = self._judged(blows, struck, struck_at, clock(), visitors)
        for visitor in visitors.values():
            visitor.end()
        await self._load.leave([visitor.asker for visitor in visitors.values()])
        await scene.pause(AFTER_SECONDS)
        told.wrong = await self._checks.after_a_round()
        # Who fills up its disk may end a while after that was healed.
        scene.supervisor.hurt.clear()
        told.wrong["without service"] = silent
        told.wrong["late"] = [
            f"{each.kind}: {each.node} was without service for {each.gap:.2f} s"
            for each in told.service
            if each.late
        ]
        told.seconds = clock() - began
        since = self._history.requests[first:]
        told.requests = len(since)
        told.acknowledged = sum(
            each.request == "RequestSubmit" and each.code == DONE for each in since
        )
        told.repeated = sum(each.repeated for each in since)
        told.errors = dict(sorted(Counter(each.code for each in since if each.code > DONE).items()))
        return told

    async def _strike(self, blow: Blow) -> Struck:
        server = await KINDS[blow.kind].strike(self._scene, blow)
        return Struck(server, self._scene.reactor.seconds())

    async def _recovered(self, healed: float) -> list[str]:
        """Wait until every server runs and every node answers; who does not."""
        scene = self._scene
        deadline = scene.reactor.seconds() + ANSWER_SECONDS
        while not scene.supervisor.complete and scene.reactor.seconds() < deadline:
            await scene.pause(0.1)
        return await until_all_answer(self._probers, healed, ANSWER_SECONDS)

    async def _visitors(self, blows: list[Blow]) -> dict[str, Prober]:
        """
        Probers, by proxy, that go to another proxy when theirs is struck, as clients do.

        They have asked a few times when this is done.
        """
        found = {}
        for number, prober in enumerate(self._probers):
            if any(blow.target == prober.proxy for blow in blows):
                name = f"visitor-{prober.proxy}"
                asker = await self._load.come(name, ClientType.MEDIA_SERVER, number)
                visitor = Prober(prober.proxy, asker, self._load.shift.run)
                visitor.ids = self._probers[0].ids
                visitor.begin()
                found[prober.proxy] = visitor
        if found:
            await self._scene.pause(BEFORE_SECONDS / 2)
        return found

    def _judged(
        self,
        blows: list[Blow],
        struck: list[Struck],
        since: float,
        now: float,
        visitors: dict[str, Prober],
    ) -> list[Service]:
        slow = any(KINDS[blow.kind].slow for blow in blows)
        found = []
        for blow, (server, healed) in zip(blows, struck, strict=True):
            kind = KINDS[blow.kind]
            covered = kind.covered and self._scene.pairs and not slow
            limit = (self._scene.options.lease_limit or 0) + SPARE_SECONDS if covered else None
            for node, through, good in self._seen(blow, visitors):
                after = first_after(good, healed)
                found.append(
                    Service(
                        blow.kind,
                        server,
                        node,
                        through,
                        round(gap(good, since, now), 3),
                        round(now - healed if after is None else after, 3),
                        limit,
                    )
                )
        return found

    def _seen(self, blow: Blow, visitors: dict[str, Prober]) -> list[tuple[str, str, list[float]]]:
        """
        Whose good answers tell of a fault.

        A node serves when it answers through any proxy. What happens on the way
        from a proxy is seen through that proxy only; what happens to a proxy, by a
        client that was there and could go to another one.
        """
        kind = KINDS[blow.kind]
        if kind.strikes is Strikes.PROXY:
            good = visitors[blow.target].good
            return [(node, blow.target, good[node]) for node in NODES]
        nodes = [blow.target] if kind.strikes is Strikes.NODE else list(NODES)
        if kind.between:
            (prober,) = (each for each in self._probers if each.proxy == blow.proxy)
            return [(node, blow.proxy, prober.good[node]) for node in nodes]
        return [(node, "", merged(*(each.good[node] for each in self._probers))) for node in nodes]


def _text(blow: Blow) -> str:
    between = f" ({blow.proxy})" if blow.proxy else ""
    seconds = f", {blow.seconds:.1f} s" if blow.seconds else ""
    target = f" {blow.target}" if blow.target else ""
    return f"{blow.kind}:{target}{between}{seconds}" if target else f"{blow.kind}{seconds}"
