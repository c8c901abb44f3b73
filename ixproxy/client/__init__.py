"""
The client library: one registered client of a proxy or a node.

    client = await connect(reactor, "tcp:127.0.0.1:7001", name="mail-1", client_type="MediaServer")
    ack = await client.request(RequestSubmit(tenant_id=1, media_type="email", queue="Q1"))
    await client.close()

Or a reporting program, connected to all nodes, that is told one stream of them all:

    reporting = await report(reactor, {"node1": "tcp:…", "node2": "tcp:…"}, name="stat-1", …)
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from random import Random, SystemRandom
from typing import Any

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from ixproxy.client.backoff import Backoff
from ixproxy.client.client import Callback, Client
from ixproxy.client.in_flight import Answer
from ixproxy.client.places import Member, Pair, ProxyCluster, Where, course_to
from ixproxy.client.registration import Identity
from ixproxy.client.reporting import EventCallback, Reporting, ServerCallback
from ixproxy.client.settings import Settings
from ixproxy.client.warm_standby import WarmStandby
from ixproxy.messages import Credentials
from ixproxy.values import ClientType, TlsFiles

__all__ = [
    "Answer",
    "Backoff",
    "Client",
    "Credentials",
    "Member",
    "Pair",
    "ProxyCluster",
    "Reporting",
    "Settings",
    "TlsFiles",
    "WarmStandby",
    "connect",
    "report",
]

SESSION_BYTES = 16


def connect(
    reactor: Any,
    endpoints: Where,
    *,
    name: str,
    client_type: str,
    tenants: Iterable[int] = (),
    credentials: Credentials | None = None,
    session: bytes = b"",
    incarnation: int = 0,
    holding: Mapping[str, int] | None = None,
    extension: Mapping[str, Any] | None = None,
    on_event: Callback | None = None,
    settings: Settings | None = None,
    random: Random | None = None,
    tls: TlsFiles | None = None,
) -> Deferred[Client]:
    """
    Connect to a proxy or a node, and register there.

    :param endpoints: where to, as Twisted endpoint strings such as
        `tcp:127.0.0.1:7001` or as endpoints; several are tried in order, with
        the pauses of the settings' `backoff`. With `tls:HOST:PORT` the server
        must have a certificate for HOST. Or a `ProxyCluster` or a `Pair`,
        which bring their own pauses.
    :param name: the client's name (`ClientName`).
    :param client_type: one of `ixproxy.values.ClientType`, such as
        `AgentApplication` or `MediaServer`.
    :param tenants: ids of the tenants it works for; none: all of the server's.
        In a cluster only proxies that are for all of them are used.
    :param session: 16 random bytes that name the client session; a secret.
        None given: made here. A program that wants to go on with the session
        of an earlier run names it, its last `incarnation` and its `holding`.
    :param extension: goes with each registration; `event_properties_changed`
        = 1 has a media server told of changed properties, and `strategies`, a
        list of names, has a node push work for them to a router.
    :param on_event: told every event from the first on (`Client.on_event`).
    :param random: for the session's name, for the pauses between attempts, and
        to draw a proxy; None: the system's.
    :param tls: whom to trust and, if the server wants to see one, which
        certificate to show; given, every `tcp:` endpoint speaks TLS. None: the
        authorities of the system are trusted.
    :return: fires with the client once registered. Cancelling it ends the
        attempt.
    :raise ValueError: the session's name has not 16 bytes, the client type is
        unknown, there is no endpoint, or one that is not understood, or no
        proxy of the cluster is for all of the tenants.
    :raise TlsProblem: a file of `tls` cannot be used.
    :raise ixproxy.errors.RequestRefused: (by the Deferred) the server refused
        the registration.
    :raise ixproxy.errors.NodeUnavailable: (by the Deferred) no endpoint
        could be reached.
    """
    settings = settings or Settings()
    random = random or SystemRandom()
    session = session or random.randbytes(SESSION_BYTES)
    if len(session) != SESSION_BYTES:
        raise ValueError(f"a session has {SESSION_BYTES} bytes, not {len(session)}")
    tenants = tuple(tenants)
    course = course_to(reactor, endpoints, tenants, settings.backoff, random, tls)
    client = Client(
        reactor,
        course,
        Identity(
            name,
            ClientType(client_type).value,
            session,
            tenants,
            credentials,
            settings.max_frame,
            extension or {},
        ),
        settings,
        random,
        incarnation=incarnation,
        holding=holding,
    )
    if on_event is not None:
        client.on_event(on_event)

    def stop(_: Deferred[Client]) -> None:
        client.close(goodbye=False)

    def failed(failure: Failure) -> None:
        # Not when cancelled: the Deferred then says so by itself.
        if client.closing:
            return
        connected.errback(failure)

    connected: Deferred[Client] = Deferred(stop)
    client.start().addCallbacks(lambda _: connected.callback(client), failed)
    return connected


def report(
    reactor: Any,
    servers: Mapping[str, Where] | Sequence[Where],
    *,
    name: str,
    on_event: EventCallback,
    on_server: ServerCallback | None = None,
    tenants: Iterable[int] = (),
    filter: Mapping[str, Any] | None = None,
    credentials: Credentials | None = None,
    settings: Settings | None = None,
    patience: float | None = None,
    random: Random | None = None,
    tls: TlsFiles | None = None,
) -> Deferred[Reporting]:
    """
    Connect a reporting program to all nodes of a cluster, and tell it one stream.

    The stream is like that of a proxy: states between an
    `EventActivityReport` `Begin` and one `End`, then what happens, numbered.
    It goes on when nodes are lost and when they return; what was missed of
    them is told by events whose extension has `Resync` = 1.

    :param servers: where the nodes are: each as `connect` takes it, so that a
        node with a backup is a `Pair`. With names, or in any order.
    :param name: the program's name (`ClientName`) at each of them.
    :param on_event: told each event. What it raises is logged.
    :param on_server: told the name of each node that is not there when the stream
        begins, is lost, or is back, and whether it is there (its state is known).
    :param tenants: ids of the tenants that it is told of; none: all there are.
    :param filter: what of it is wanted, as `ixproxy.wire.streams` says:
        `{"Events": [...], "MediaTypes": [...], "Agents": [...], "Places": [...]}`.
    :param settings: of each connection.
    :param patience: seconds that a node which is connected may take to say how
        it is, before the stream begins without it; None: `timeout` of `settings`.
    :param random: as for `connect`; so are `credentials` and `tls`.
    :return: fires when the initial state was told. Cancelling it ends all.
    :raise ValueError: there is no server, or an endpoint is not understood.
    :raise TlsProblem: a file of `tls` cannot be used.
    :raise ixproxy.errors.RequestRefused: the filter is not understood; or (by
        the Deferred) all servers refuse, and this is what the first of them said.
    :raise ixproxy.errors.NodeUnavailable: (by the Deferred) no server gives a stream.
    """
    settings = settings or Settings()
    random = random or SystemRandom()
    tenants = tuple(tenants)
    if not isinstance(servers, Mapping):
        servers = {f"server {number}": where for number, where in enumerate(servers, 1)}
    if not servers:
        raise ValueError("no server to report from")
    for where in servers.values():
        course_to(reactor, where, tenants, settings.backoff, random, tls)
    connecting = partial(
        connect,
        reactor,
        name=name,
        client_type=ClientType.REPORTING_ENGINE.value,
        tenants=tenants,
        credentials=credentials,
        settings=settings,
        random=random,
        tls=tls,
    )
    reporting = Reporting(
        reactor,
        servers,
        lambda where, heard: connecting(where, on_event=heard),
        tenants,
        dict(filter or {}),
        on_event,
        settings.backoff,
        random,
        on_server,
    )
    return reporting.start(settings.timeout if patience is None else patience)
