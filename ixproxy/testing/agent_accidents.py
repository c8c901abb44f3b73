"""
Something breaks while agents work: is anything lost or doubled, do streams keep their rules?

Theory of operation: a router offers interactions to agents, and these accept,
refuse or wait too long, change their states, transfer, confer, leave and stop;
reporting clients read along. At a moment chosen by the seed something breaks,
and is mended after a while. The agents go on: what they are told of a session
that ended they believe, and log in again. Then all come to rest. After that
every request has been answered once, nothing is taken by who does not have it,
each interaction was ended once, no stream has broken its rules, a new stream
begins with the state that the others have composed and that the nodes have in
their tables; and when all clients have gone nothing is remembered anywhere.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random

from twisted.internet.defer import Deferred
from twisted.logger import ILogObserver, LogEvent, formatEvent, globalLogPublisher
from twisted.python.failure import Failure
from zope.interface import implementer

from ixproxy import messages as m
from ixproxy.client import Backoff, Client, Settings
from ixproxy.core.settings import ProxySettings
from ixproxy.core.warm_standby import WarmStandby
from ixproxy.node.model import NodeSettings
from ixproxy.testing.at_rest import grown, remembered, wrong_at_rest
from ixproxy.testing.breaking import CHAINED, SECOND, Accident, Breaks, accidents
from ixproxy.testing.busy_agents import BusyClients
from ixproxy.testing.cluster import Cluster
from ixproxy.testing.steps import TENANT
from ixproxy.testing.watching import StreamWatch
from ixproxy.values import ClientType

RESTORE = 4.0
"""Seconds for which a session that lost its connection keeps what it holds."""

LOGOUT_DELAY = 6.0
"""Seconds after a loss before which no logout is reported that comes of it."""

GRACE = 2.0
"""Seconds after which what a lost node holds is taken from its clients."""

DELIVERING = 1.0
"""Seconds that an invitation lasts."""

WORKING = 6.0
"""Seconds for which all work before something breaks, at most, and again afterwards."""

AWAY = (1.0, 3.0, 8.0)
"""Seconds for which what broke stays broken, at most."""

TIMEOUT = 2.0
"""Seconds for which clients wait for an answer; for an invitation's, as long besides."""

MULTIPLE = ("true", "true", "false", "force-logout")
"""Whether agents may have several connections; one of them always tries."""

KEEP_ALIVE = (0.7, 2.0)
"""Seconds between looks at connections, and of silence after which one is given up."""


@dataclass(slots=True)
class Outcome:
    """
    What became of it.

    :ivar counts: how often which request came to what; for a look at what is tried.
    :ivar problems: what should not be; nothing is as it should be.
    """

    accident: Accident
    counts: dict[str, int]
    problems: list[str] = field(default_factory=list)


def have_agent_accident(
    seed: int, accident: Accident | None = None, *, fast_path: bool = True, chained: bool = False
) -> Outcome:
    """
    Run the simulation of one seed.

    :param accident: None: the seed chooses.
    :param chained: clients come in through two proxies in front of the others.
    """
    random = Random(f"agents {seed}")
    kinds = [each for each in accidents(chained=chained) if each is not Accident.GIVEN_UP]
    accident = accident or kinds[seed % len(kinds)]
    cluster = Cluster(
        seed,
        outer=2 if chained else 0,
        fast_path=fast_path,
        node_settings=NodeSettings(
            agent_session_restore_timeout=RESTORE,
            delayed_logout_timeout=LOGOUT_DELAY,
            delayed_logout_panic_threshold=random.choice([2, 50]),
            allow_multiple_agent_connections=random.choice(MULTIPLE),
            not_ready_on_invitation_timeout=random.random() < 0.3,
            delivering_timeout=DELIVERING,
            pull_hold_timeout=1.0,
        ),
        proxy_settings=ProxySettings(
            node_loss_grace=GRACE,
            request_timeout=TIMEOUT,
            delivering_timeout=DELIVERING,
            pull_hold_timeout=1.0,
        ),
        client_settings=Settings(
            timeout=TIMEOUT,
            attempt_timeout=TIMEOUT,
            keep_alive_interval=KEEP_ALIVE[0],
            keep_alive_limit=KEEP_ALIVE[1],
            backoff=Backoff(first=0.1, most=1.0, spread=0.2),
        ),
        keep_alive=KEEP_ALIVE,
        standby=WarmStandby(retry_delay=1.0, random_range=0.2),
    )
    failures = _LoggedFailures()
    globalLogPublisher.addObserver(failures)
    try:
        outcome = _Simulation(cluster, random, accident).run()
        outcome.problems += failures.told
        return outcome
    finally:
        globalLogPublisher.removeObserver(failures)
        cluster.close()


@implementer(ILogObserver)
class _LoggedFailures:
    """What any program logs as its own mistake."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def __call__(self, event: LogEvent) -> None:
        failure = event.get("log_failure")
        if isinstance(failure, Failure):
            self.told.append(f"logged: {formatEvent(event)}: {failure.getTraceback()}")


class _Simulation:
    def __init__(self, cluster: Cluster, random: Random, accident: Accident) -> None:
        self._cluster = cluster
        self._random = random
        self._accident = accident

    def run(self) -> Outcome:
        cluster, random = self._cluster, self._random
        empty = remembered(cluster)
        busy = BusyClients(cluster, random, TIMEOUT, DELIVERING)
        busy.begin()
        cluster.run(random.random() * WORKING)
        breaks = Breaks(cluster, random, busy.victims)
        mends = [breaks.have(self._accident)]
        if random.random() < 0.4:
            # Misfortunes seldom come singly.
            cluster.run(random.random() * AWAY[0])
            others = (*SECOND, *CHAINED) if cluster.outers else SECOND
            mends.append(breaks.have(random.choice(others)))
        cluster.run(random.random() * random.choice(AWAY))
        for mend in mends:
            mend()
        cluster.run(random.random() * WORKING)
        busy.rest()
        cluster.run(RESTORE + LOGOUT_DELAY + GRACE + 2 * (TIMEOUT + DELIVERING) + 5.0)
        watches = busy.watches
        problems = busy.unanswered() + wrong_at_rest(cluster, watches, self._reporter())
        self._work_off(busy)
        problems += busy.audit()
        problems += self._all_leave(empty)
        problems += [problem for watch in watches for problem in watch.problems]
        return Outcome(self._accident, dict(busy.counts), problems)

    def _reporter(self) -> StreamWatch:
        """A reporting client that comes when all is at rest."""
        client = self._cluster.client("stat-9", ClientType.REPORTING_ENGINE)
        watch = StreamWatch("a new reporting client")
        client.on_event(watch.event_received)
        start = m.RequestStartPlaceAgentStateReportingAll()
        self._cluster.finish(client.request(start))
        self._cluster.run(1.0)
        return watch

    def _work_off(self, busy: BusyClients) -> None:
        """All end what they hold, and a fresh client what is left."""
        cluster = self._cluster
        cluster.finish(Deferred.fromCoroutine(busy.end_all()))
        client = cluster.client("router-9", ClientType.ROUTING_ENGINE)
        cluster.finish(Deferred.fromCoroutine(busy.resume_all(client)))
        for view in ("In/All", "Second/All", "Done/All"):
            pull = m.RequestPull(tenant_id=TENANT, view_id=view, number_of_interactions=10)
            while cluster.finish(client.request(pull)).interactions:
                ending = busy.end(client, list(client.holding))
                cluster.finish(Deferred.fromCoroutine(ending))

    def _all_leave(self, empty: dict[str, int]) -> list[str]:
        """Everybody says goodbye: what is remembered of them then?"""
        cluster = self._cluster
        left: list[Client] = cluster.living()
        for client in left:
            cluster.finish(client.close())
        cluster.run(RESTORE + LOGOUT_DELAY + 2 * TIMEOUT)
        return grown(empty, remembered(cluster))
