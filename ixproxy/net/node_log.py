"""
What a node's log says of clients that come and go, with the proxies on their way.

Proxies are news; single clients are for whoever looks for one. Names and paths
are all that is said: sessions and credentials are secrets.
"""

from __future__ import annotations

from collections.abc import Sequence

from twisted.logger import Logger

from ixproxy.errors import RemoteProtocolError, RequestRefused
from ixproxy.net.node_peers import NodeClient
from ixproxy.values import ClientType, through

log = Logger()


def registered(client: NodeClient) -> None:
    """A registration was answered."""
    if client.sender.client_type == ClientType.PROXY:
        log.info("Proxy {client} is registered", client=str(client))
    else:
        log.debug("Client {client} is registered", client=str(client))


def refused(who: str, refusal: RequestRefused | RemoteProtocolError) -> None:
    """A registration was refused."""
    log.warn(
        "Client {client} was refused: {code} {reason}",
        client=who,
        code=refusal.code,
        reason=refusal.description,
    )


def left(client: NodeClient) -> None:
    """A client said goodbye."""
    log.debug("Client {client} has left", client=str(client))


def lost(clients: Sequence[NodeClient]) -> None:
    """Connections broke together: of a proxy with its clients, of one client, or of some."""
    for client in clients:
        if client.sender.client_type == ClientType.PROXY:
            number = len(clients) - 1
            log.info(
                "Proxy {proxy} is lost, with {number} clients", proxy=str(client), number=number
            )
            return
    if len(clients) == 1:
        log.debug("Client {client} is lost", client=str(clients[0]))
    elif clients:
        log.debug("{clients} are lost", clients=through(f"{len(clients)} clients", clients[0].path))
