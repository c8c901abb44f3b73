"""Connects to the broker of an event log, and finds its queue there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from twisted.internet.endpoints import clientFromString
from twisted.internet.interfaces import IStreamClientEndpoint

from ixproxy.brokers.amqp import AmqpClient, AmqpLogin
from ixproxy.brokers.amqp_links import AmqpLost
from ixproxy.brokers.quietly import connect_quietly
from ixproxy.brokers.secret_file import read_secret
from ixproxy.eventlog.amqp_address import BrokerAddress
from ixproxy.eventlog.amqp_queue import find_queue, product_of
from ixproxy.eventlog.amqp_settings import AmqpLogSettings
from ixproxy.net.tls_endpoints import TlsClientEndpoint
from ixproxy.tls import client_context, read_credential
from ixproxy.values import TlsFiles

MOST_RECEIVED = 4096
"""Bytes of a message from the broker, which has none for us."""


@dataclass(frozen=True, slots=True, eq=False)
class Opened:
    """
    A connection that is open.

    :ivar address: what the broker calls the queue.
    """

    client: AmqpClient
    product: str
    address: str


async def open_queue(
    reactor: Any,
    settings: AmqpLogSettings,
    lost: Callable[[AmqpLost], object],
    *,
    found: bool,
) -> Opened:
    """
    Connect, and see that the queue is there.

    :param lost: called once when the connection that was given is no more.
    :param found: see `find_queue`.
    :raise AmqpLost: that cannot be done, and why; nothing is left open.
    """
    address = settings.address
    given: list[Opened] = []

    def ended(why: AmqpLost) -> None:
        if given:
            lost(why)

    client: AmqpClient | None = None
    try:
        client = AmqpClient(reactor, _login(address), lambda *_: None, ended, MOST_RECEIVED)
        await connect_quietly(endpoint_of(reactor, address), client)
        product, version = product_of(await client.opened)
        queue = await find_queue(client, product, version, settings.queue, found=found)
    except Exception as problem:
        # Whatever an endpoint raises, nobody is there.
        if client is not None:
            client.abort("it is of no use")
        if isinstance(problem, AmqpLost):
            raise
        raise AmqpLost(" ".join(str(problem).split()) or type(problem).__name__) from problem
    shown = "/".join(filter(None, (product, version))) or "unknown"
    given.append(Opened(client, shown, queue))
    return given[0]


def _login(address: BrokerAddress) -> AmqpLogin:
    """:raise ValueError: the password cannot be read."""
    password = read_secret(address.password_file) if address.password_file else address.password
    host = f"vhost:{address.virtual_host}" if address.virtual_host else ""
    return AmqpLogin(address.user, password, host, float(address.heart_beat * 2), "queue")


def endpoint_of(reactor: Any, address: BrokerAddress) -> IStreamClientEndpoint:
    """
    Where a broker is, as Twisted has it.

    :raise TlsProblem: a file of the address cannot be used; says which.
    """
    host = address.host.replace(":", "\\:")
    plain: IStreamClientEndpoint = clientFromString(reactor, f"tcp:{host}:{address.port}")
    if not address.secure:
        return plain
    files = TlsFiles(address.certificate, address.private_key, address.trust)
    context = client_context(read_credential(files, datetime.fromtimestamp(reactor.seconds(), UTC)))
    return TlsClientEndpoint(reactor, plain, lambda: context, address.host)
