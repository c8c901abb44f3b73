"""
How a proxy is, as far as its mind knows.

Everything here is read off tables that are there anyway, at a cost that goes
with the number of nodes, never with that of clients or requests.
"""

from __future__ import annotations

from heapq import nlargest

from ixproxy.core.agent_sessions import AgentSessions
from ixproxy.core.links import Link
from ixproxy.core.locating import Locator
from ixproxy.core.parking import Parking
from ixproxy.core.registering import server_facts
from ixproxy.core.settings import ProxySettings
from ixproxy.core.state import ProxyState
from ixproxy.core.streams import Streams
from ixproxy.messages import (
    EventServerStatus,
    LimitUse,
    LinkStatus,
    ParkingStatus,
    ProxyStatus,
)
from ixproxy.messages.message import MAX_TEXT
from ixproxy.values import Server

MOST_QUEUES = 500
"""Queues that one status names, of all nodes together: it must fit one frame."""


def status_of(
    state: ProxyState,
    locator: Locator,
    parking: Parking,
    sessions: AgentSessions,
    streams: Streams,
) -> EventServerStatus:
    """The whole status but for what only the world knows."""
    facts, settings, links = server_facts(state), state.settings, list(state.links.values())
    each = max(1, MOST_QUEUES // max(1, len(links)))
    return EventServerStatus(
        name=facts.name,
        role=facts.role,
        tenants=facts.tenants,
        path=facts.path,
        clients_by_type={str(kind): n for kind, n in state.clients.by_type.items() if n},
        in_flight=sum(link.pending.count for link in links),
        counters={**state.counters, **streams.counters},
        limits=[
            LimitUse(name="max-clients", used=len(state.clients), allowed=settings.max_clients),
            LimitUse(
                name="max-snapshots", used=len(state.snapshots), allowed=settings.max_snapshots
            ),
            *_fullest(links, settings.max_pending_per_node),
            *_parked(parking, links, settings),
        ],
        proxy_status=ProxyStatus(
            links=[_link(link, state.now, each, parking) for link in links],
            owners=len(state.owners),
            owners_allowed=state.owners.size,
            locates=len(locator.in_flight),
            gatherings=state.fan_outs.number,
            agent_sessions=len(sessions),
            streams=streams.number,
            subscribers=streams.subscribers,
            routing=state.strategies.routing_name,
            pull=state.strategies.pull_name,
            merge=state.strategies.merge_name,
        ),
    )


def _fullest(links: list[Link], allowed: int) -> list[LimitUse]:
    """How near the nearest link is to its limit."""
    if not links:
        return []
    fullest = max(links, key=lambda link: link.pending.count)
    used = fullest.pending.count
    return [LimitUse(name="max-pending-per-node", used=used, allowed=allowed, node=fullest.name)]


def _servers(link: Link) -> tuple[Server, Server]:
    """The one in turn, and the other of its pair; nameless where there is none."""
    servers, nobody = link.facts.servers, Server("", "")
    if not servers:
        return nobody, nobody
    current = link.pair.attempts.current % len(servers)
    other = servers[(current + 1) % len(servers)] if link.pair.pair else nobody
    return servers[current], other


def _parked(parking: Parking, links: list[Link], settings: ProxySettings) -> list[LimitUse]:
    """How near parking is to its limits, where it is switched on."""
    if not settings.parking_window or not links:
        return []
    longest = max(links, key=lambda link: link.parked)
    most, all_bytes = settings.max_parked_per_node, settings.max_parked_size
    return [
        LimitUse(name="max-parked", used=parking.count, allowed=settings.max_parked),
        LimitUse(name="max-parked-per-node", used=longest.parked, allowed=most, node=longest.name),
        LimitUse(name="max-parked-size", used=parking.size, allowed=all_bytes),
    ]


def _line(parking: Parking, link: Link) -> ParkingStatus | None:
    line = parking.lines.get(link.name)
    if line is None:
        return None
    return ParkingStatus(
        waiting=len(line.waiting),
        size=line.size,
        parked=line.parked,
        handed_on=line.handed_on,
        given_up=line.given_up,
        dropped=line.dropped,
        no_room=line.no_room,
    )


def _link(link: Link, now: float, most_queues: int, parking: Parking) -> LinkStatus:
    facts, pair = link.facts, link.pair
    server, other = _servers(link)
    waiting = [
        (number, tenant, queue)
        for tenant, load in link.loads.items()
        for queue, number in load.queues.items()
        if number
    ]
    queues: dict[int, dict[str, int]] = {}
    for number, tenant, queue in nlargest(most_queues, waiting):
        queues.setdefault(tenant, {})[queue] = number
    return LinkStatus(
        node=link.name,
        endpoint=server.endpoint,
        state=link.state.value,
        seconds=None if link.since is None else max(0.0, now - link.since),
        problem=link.problem[:MAX_TEXT],
        server=server.name,
        other=other.name,
        other_state=pair.other.value if other.name else "",
        left=pair.why[:MAX_TEXT],
        moves=pair.moves,
        dbid=facts.dbid,
        epoch=link.server.epoch,
        tenants=sorted(facts.tenants),
        media_types=None if facts.media_types is None else sorted(facts.media_types),
        enable_submit=facts.enable_submit,
        pending=link.pending.count,
        full=link.full,
        clients=len(link.clients),
        replaying=link.replaying,
        parking=_line(parking, link),
        backlog=sum(number for number, _, _ in waiting),
        queues=queues,
    )
