"""Hands all work in, by each way, and later compares what the cluster has of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Set
from typing import Any

from ixproxy.cli.demo_clients import Clients, in_flight
from ixproxy.cli.demo_deployment import PROXIES, TENANT_ID
from ixproxy.cli.demo_feeding import Feeding
from ixproxy.cli.demo_input import Source, Work
from ixproxy.cli.demo_ways import Way
from ixproxy.client import Client
from ixproxy.messages import (
    EventAck,
    EventInteractionProperties,
    EventInteractionsFound,
    RequestFindInteractions,
    RequestGetInteractionProperties,
    RequestSubmit,
)
from ixproxy.values import ClientType

IN_FLIGHT = 96
FIND_LIMIT = 1000
"""Of each node: as many as nodes give by default."""

Progress = Callable[[int], None]


async def media_servers(clients: Clients, media_types: tuple[str, ...]) -> dict[str, list[Client]]:
    """For each proxy, a media server for each of the first few media types."""
    names = [f"{media_type[:100]} server" for media_type in media_types[:8]]
    return {
        proxy: [await clients.open(proxy, name, ClientType.MEDIA_SERVER) for name in names]
        for proxy in PROXIES
    }


async def submit(
    clients: Clients,
    servers: dict[str, list[Client]],
    source: Source,
    feeding: Feeding,
    progress: Progress,
) -> list[str]:
    """
    Hand everything in, much at a time; what media servers do in turn through the proxies.

    :return: the id that was acknowledged for each, in the order of the
        source; "" where there was none.
    """
    ids: list[str] = []
    places: dict[str, int] = {}

    async def by_server(work: Work) -> str:
        proxy = PROXIES[feeding.handed_in[Way.SERVERS] % len(PROXIES)]
        kind = places.setdefault(work.media_type, len(places))
        answer = await clients.tried(
            servers[proxy][kind % len(servers[proxy])],
            RequestSubmit(
                tenant_id=TENANT_ID,
                media_type=work.media_type,
                queue=work.queue,
                interaction_type="Inbound",
                user_data=work.user_data,
            ),
        )
        if isinstance(answer, EventAck):
            return answer.interaction_id or str(answer.extension["InteractionId"])
        return ""

    async def one(work: Work) -> None:
        ids[work.number] = await feeding.hand_in(clients.measured, work, by_server)
        progress(1)

    def numbered() -> Any:
        for work in source:
            ids.append("")
            yield work

    await in_flight(numbered(), IN_FLIGHT, one)
    return ids


async def compare(
    clients: Clients,
    servers: dict[str, list[Client]],
    source: Source,
    ids: list[str],
    progress: Progress,
) -> int:
    """
    Ask the cluster for every interaction, and compare it with the source, field by field.

    Each is asked for through the proxy that did not hand it in, which has to
    find its node first.

    :return: how many differ.
    """
    differs = 0

    async def one(work: Work) -> None:
        nonlocal differs
        identifier = ids[work.number]
        if identifier:
            proxy = PROXIES[(work.number + 1) % len(PROXIES)]
            answer = await clients.tried(
                servers[proxy][0],
                RequestGetInteractionProperties(tenant_id=TENANT_ID, interaction_id=identifier),
            )
            if isinstance(answer, EventInteractionProperties):
                differs += differences(work, answer.interaction) > 0
        progress(1)

    await in_flight(source, IN_FLIGHT, one)
    return differs


async def find(
    clients: Clients,
    servers: dict[str, list[Client]],
    queues: Mapping[str, Set[str]],
    progress: Progress,
) -> int:
    """
    Ask the whole cluster for each queue's interactions, in turn through the proxies.

    :param queues: what the databases have.
    :return: for how many queues the answer differs from that.
    """
    differs = 0
    for number, (queue, stored) in enumerate(sorted(queues.items())):
        quoted = queue.replace("'", "''")
        answer = await clients.tried(
            servers[PROXIES[number % len(PROXIES)]][0],
            RequestFindInteractions(
                tenant_id=TENANT_ID,
                condition=f"Queue = '{quoted}'",
                order="placed_in_queue_at",
                number_of_interactions=FIND_LIMIT,
            ),
        )
        if isinstance(answer, EventInteractionsFound):
            found = answer.interactions.keys()
            differs += not (found <= stored if answer.have_more else found == stored)
        progress(1)
    return differs


def differences(work: Work, properties: dict[str, Any]) -> int:
    """How many fields of an interaction are not as they were handed in."""
    stored = properties.get("UserData", {})
    keys = work.user_data.keys() | stored.keys()
    differing = [key for key in keys if work.user_data.get(key) != stored.get(key)]
    for name, expected in (("MediaType", work.media_type), ("Queue", work.queue)):
        if properties.get(name) != expected:
            differing.append(name)
    return len(differing)
