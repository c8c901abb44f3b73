"""
Worlds: the cluster in which a simulation takes place, drawn from the seed.

How many nodes and proxies there are, what they are set to, who is there when
it begins. Times are short, so that a few seconds are enough for everything to
end that ends by itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from random import Random

from ixproxy.client import Backoff, Settings
from ixproxy.core.settings import ProxySettings
from ixproxy.core.warm_standby import WarmStandby
from ixproxy.net.node_limits import NodeLimits
from ixproxy.node.model import NodeSettings, ViewPlan
from ixproxy.testing.cluster import Cluster
from ixproxy.testing.memory_servers import MemoryServer
from ixproxy.testing.memory_services import MemoryService
from ixproxy.testing.places import Places
from ixproxy.testing.tenants import TENANT

AGENTS = ("anna", "bert", "carl", "dora")
MEDIA = ("email", "chat", "task")
RECONNECTED = 2.0
"""Seconds after which everybody is connected again that can be."""

QUEUES = ("In", "In", "Second", "Done")

OUTLASTS = 0.2
"""In how many of the worlds a node is away at the end."""

PAIRS = 0.4
"""In how many of the worlds nodes have two servers."""

SERVICES = 0.3
"""In how many of the worlds there are external servers."""

PUSHED = 0.3
"""In how many of the worlds nodes push to routers."""

ROUTED = "Routed"
MAIL, FAST = "Mail", "Fast"
"""The strategies that routers have loaded, and views feed, where there are such routers."""

PUSHING = replace(
    TENANT,
    queues={
        **TENANT.queues,
        ROUTED: {
            **TENANT.queues[ROUTED],
            "Urgent": ViewPlan("Priority > 5", "Priority DESC", strategy=FAST),
        },
    },
)
"""The tenant whose views feed two strategies; what is urgent is shown to both."""
SNAPSHOTS = 0.4
"""In how many of the worlds clients take snapshots, and listen to workbins."""


@dataclass(frozen=True, slots=True)
class World:
    """
    What a simulation takes place in.

    :ivar outer: proxies in front of the proxies; 0: there are none.
    :ivar restore: seconds for which a lost session keeps what it holds.
    :ivar grace: seconds after which what a lost node holds is taken from its clients.
    :ivar logout_delay: seconds before a lost agent's logout is reported.
    :ivar delivering: seconds that an invitation lasts.
    :ivar timeout: seconds for which a proxy, and a client, waits for an answer.
    :ivar calm: nothing breaks.
    :ivar outlasts: a node is away at the end, and agents log out meanwhile.
    :ivar keep_alive: seconds between looks at connections, and of silence.
    :ivar parking: seconds for which a proxy keeps what is asked of a lost node; 0: none.
    :ivar pairs: each node has two servers.
    :ivar lease_limit: seconds of silence after which the other one takes over.
    :ivar ends_whole: the silent one is killed then; otherwise its sessions are cut.
    :ivar services: there are external servers.
    :ivar calling: seconds that a call of one may take.
    :ivar window, line: calls that one has to answer at a time, and that wait for one address.
    :ivar pushed: nodes push to routers.
    :ivar router_restore: seconds for which a lost router keeps what it was pushed.
    :ivar per_router, per_strategy: how much one may have at a time, on each node.
    :ivar pushers: how many of those routers there are at the beginning.
    :ivar snapshots: clients take snapshots, listen to workbins, and have events of their own.
    :ivar logs: every node has event logs; not drawn, but asked for.
    :ivar members_at_a_time: of a snapshot a node does something with so many in one batch.
    :ivar media, routers, desks, reporters: how many clients there are at the beginning.
    """

    seed: int
    nodes: int
    proxies: int
    outer: int
    fast_path: bool
    multiple: str
    restore: float
    grace: float
    logout_delay: float
    panic: int
    delivering: float
    hold: float
    timeout: float
    handling: float
    not_ready: bool
    cache: int
    seats: int | None
    duplicates: bool
    marked: bool
    keep_alive: tuple[float, float]
    media: int
    routers: int
    desks: int
    reporters: int
    calm: bool = False
    outlasts: bool = False
    parking: float = 0.0
    pairs: bool = False
    lease_limit: float = 1.0
    ends_whole: bool = True
    services: bool = False
    calling: float = 1.0
    window: int = 2
    line: int = 3
    pushed: bool = False
    router_restore: float = 1.0
    per_router: int = 500
    per_strategy: int = 500
    pushers: int = 0
    snapshots: bool = False
    members_at_a_time: int = 2
    logs: bool = False

    @property
    def ending(self) -> float:
        """Seconds after which everything has ended that ends by itself."""
        silence = self.keep_alive[0] + self.keep_alive[1]
        # The one comes after the other; requests, and the grace, end meanwhile.
        ending = max(silence + self.restore + self.logout_delay, self.waiting) + RECONNECTED
        return ending + self.unserved if self.pairs else ending

    @property
    def leaving(self) -> float:
        """Seconds after which nothing is left of clients that said goodbye."""
        return self.waiting + self.restore

    @property
    def unserved(self) -> float:
        """Seconds for which a pair may be without service, at most."""
        return self.lease_limit + 2.0

    @property
    def waiting(self) -> float:
        """Seconds after which every request is answered."""
        settling = max(self.delivering, self.calling) if self.services else self.delivering
        return self.timeout + settling + 2.0

    def __str__(self) -> str:
        parts = [f"{self.nodes} nodes", f"{self.proxies} proxies"]
        if self.outer:
            parts.append(f"{self.outer} in front of them")
        parts.append(f"fast path {'on' if self.fast_path else 'off'}")
        parts.append(f"multiple connections {self.multiple}")
        parts.append(f"restore {self.restore:g} s, grace {self.grace:g} s")
        parts.append(f"delivering {self.delivering:g} s, hold {self.hold:g} s")
        parts.append(f"time-out {self.timeout:g} s")
        if self.pairs:
            how = "killed" if self.ends_whole else "cut from the database"
            parts.append(f"pairs, {how} when silent for {self.lease_limit:g} s")
        if self.parking:
            parts.append(f"parking {self.parking:g} s")
        if self.services:
            parts.append(f"external servers, {self.calling:g} s for {self.window} calls at a time")
        if self.pushed:
            parts.append(
                f"pushed routers, restored for {self.router_restore:g} s, {self.per_router} each, "
                f"{self.per_strategy} of a strategy"
            )
        if self.snapshots:
            parts.append(f"snapshots, {self.members_at_a_time} members at a time")
        if self.logs:
            parts.append("event logs")
        if self.calm:
            parts.append("nothing breaks")
        if self.seats is not None:
            parts.append(f"{self.seats} agent seats")
        return ", ".join(parts)


def drawn_world(seed: int) -> World:
    """The world of a seed."""
    random = Random(f"world {seed}")
    chained = random.random() < 0.2
    grace = random.choice([1.0, 2.0])
    world = World(
        seed=seed,
        nodes=random.choice([1, 2, 2, 3, 3, 4]),
        proxies=2 if chained else random.choice([1, 2, 2, 3]),
        outer=random.choice([1, 2]) if chained else 0,
        fast_path=random.random() < 0.75,
        multiple=random.choice(["true", "true", "false", "force-logout"]),
        restore=grace + random.choice([0.5, 2.0]),
        grace=grace,
        logout_delay=random.choice([1.0, 4.0]),
        panic=random.choice([2, 50]),
        delivering=random.choice([0.5, 1.0]),
        hold=random.choice([0.2, 1.0, 1.5]),
        timeout=2.0,
        handling=random.choice([3.0, 30.0, 600.0, 600.0]),
        not_ready=random.random() < 0.3,
        cache=random.choice([100, 100, 10_000]),
        seats=random.choice([None, None, None, 2, 3]),
        duplicates=random.random() < 0.2,
        marked=random.random() < 0.2,
        keep_alive=random.choice([(1.5, 3.0), (2.5, 5.0)]),
        media=random.choice([1, 2]),
        routers=random.choice([1, 2, 2]),
        desks=random.choice([1, 3, 4]),
        reporters=random.choice([0, 1, 2]),
        calm=random.random() < 0.1,
    )
    outlasts = not world.calm and Random(f"ending {seed}").random() < OUTLASTS
    world = replace(world, outlasts=outlasts, parking=random.choice([0.0, 0.0, 1.5, 4.0]))
    world = paired(world, random) if random.random() < PAIRS else world
    return _with_snapshots(pushed(served(world)), Random(f"snapshots {seed}"))


def served(world: World) -> World:
    """The same world, or, for some seeds, with external servers."""
    random = Random(f"services {world.seed}")
    if random.random() >= SERVICES:
        return world
    return replace(
        world,
        services=True,
        calling=random.choice([0.5, 1.0, 2.0]),
        window=random.choice([1, 2, 2, 10]),
        line=random.choice([1, 3]),
    )


def pushed(world: World) -> World:
    """The same world, or, for some seeds, with routers that nodes push to."""
    random = Random(f"pushed {world.seed}")
    if random.random() >= PUSHED:
        return world
    return replace(
        world,
        pushed=True,
        router_restore=random.choice([0.0, 0.5, 1.5]),
        per_router=random.choice([1, 3, 500]),
        per_strategy=random.choice([2, 5, 500]),
        pushers=random.choice([1, 2, 3]),
    )


def _with_snapshots(world: World, random: Random) -> World:
    """The same world, or one with snapshots: whoever draws them leaves all else as it was."""
    snapshots = random.random() < SNAPSHOTS
    return replace(world, snapshots=snapshots, members_at_a_time=random.choice([2, 3, 200]))


def paired(world: World, random: Random) -> World:
    """The same world with two servers for each node; what is lost may be back before the grace."""
    world = replace(
        world,
        pairs=True,
        lease_limit=random.choice([1.0, 1.0, 2.0]),
        ends_whole=random.random() < 0.5,
    )
    longer = random.choice([0.0, world.unserved + 1.0, world.unserved + 1.0])
    return replace(world, grace=world.grace + longer, restore=world.restore + longer)


def built(
    world: World, stores: Places | None = None, services: Sequence[MemoryService] = ()
) -> Cluster:
    """
    The cluster of a world; nothing runs yet.

    :param stores: where databases lie; None: SQLite in memory.
    :param services: external servers.
    """
    limits = NodeLimits(
        third_party_server_timeout=world.calling,
        third_party_server_window_size=world.window,
        third_party_server_queue_size=world.line,
    )
    return Cluster(
        world.seed,
        tenants=[PUSHING if world.pushed else TENANT],
        services=services,
        limits=limits if world.services else None,
        nodes=world.nodes,
        proxies=world.proxies,
        stores=stores,
        pairs=world.pairs,
        lease_limit=world.lease_limit if world.pairs else None,
        ends=MemoryServer.kill if world.ends_whole else MemoryServer.cut,
        outer=world.outer,
        fast_path=world.fast_path,
        node_settings=NodeSettings(
            agent_seats=world.seats,
            agent_session_restore_timeout=world.restore,
            allow_multiple_agent_connections=world.multiple,
            delayed_logout_timeout=world.logout_delay,
            delayed_logout_panic_threshold=world.panic,
            delivering_timeout=world.delivering,
            handling_timeout=world.handling / 60,
            routing_timeout=world.handling / 60,
            not_ready_on_invitation_timeout=world.not_ready,
            pull_hold_timeout=world.hold,
            router_restore_timeout=world.router_restore,
            default_max_submitted_per_router=world.per_router,
            default_max_submitted_per_strategy=world.per_strategy,
        ),
        proxy_settings=ProxySettings(
            node_loss_grace=world.grace,
            request_timeout=world.timeout,
            delivering_timeout=world.delivering,
            pull_hold_timeout=world.hold,
            interaction_cache_size=world.cache,
            mark_internal_requests=world.marked,
            parking_window=world.parking,
            third_party_server_timeout=world.calling,
        ),
        client_settings=Settings(
            timeout=world.timeout,
            settling_timeout=world.timeout + world.delivering + 1.0,
            attempt_timeout=world.timeout,
            close_timeout=world.timeout,
            keep_alive_interval=world.keep_alive[0],
            keep_alive_limit=world.keep_alive[1],
            backoff=Backoff(first=0.1, most=1.0, spread=0.2),
        ),
        keep_alive=world.keep_alive,
        standby=WarmStandby(retry_delay=1.0, random_range=0.2),
        start=False,
    )
