"""How much waits in some queues, by what a server says of itself."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from twisted.internet.task import deferLater

from ixproxy.cli.connecting import Asking
from ixproxy.cli.load_ledger import Ledger
from ixproxy.errors import IxproxyError
from ixproxy.messages import EventServerStatus, RequestServerStatus

TRIES = 8
PAUSE = 1.0
"""Seconds between two looks: nodes say what they have about once a second."""


def waiting_in(status: EventServerStatus, tenant: int, queues: Iterable[str]) -> int | None:
    """What waits in the queues; None: a node is away, so it is not known."""
    named = set(queues)
    if status.node_status is not None:
        return sum(
            queue.waiting
            for queue in status.node_status.queues
            if queue.tenant_id == tenant and queue.queue in named
        )
    if status.proxy_status is None:
        return None
    links = [link for link in status.proxy_status.links if tenant in link.tenants]
    if any(link.state != "linked" for link in links):
        return None
    return sum(
        number
        for link in links
        for queue, number in link.queues.get(tenant, {}).items()
        if queue in named
    )


async def status_of(client: Asking) -> EventServerStatus | None:
    """How the server is; None: it does not say."""
    try:
        status = await client.request(RequestServerStatus())
    except IxproxyError:
        return None
    return status if isinstance(status, EventServerStatus) else None


async def count_queues(
    reactor: Any,
    client: Asking,
    before: EventServerStatus,
    tenant: int,
    queues: Iterable[str],
    ledger: Ledger,
) -> None:
    """
    Complete the books with what waits now, once that is right or is not going to be.

    :param before: how the server was before the load.
    """
    named = list(queues)
    ledger.waiting_before = waiting_in(before, tenant, named)
    if ledger.waiting_before is None:
        return
    for _ in range(TRIES):
        await deferLater(reactor, PAUSE)
        after = await status_of(client)
        ledger.waiting_after = None if after is None else waiting_in(after, tenant, named)
        if ledger.waiting_after is None or ledger.right:
            return
