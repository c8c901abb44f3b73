"""A node, a proxy and their clients in this process, over TLS on real sockets."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IStreamClientEndpoint
from twisted.internet.task import deferLater

from ixproxy.client import Client, Settings, connect
from ixproxy.core.proxy import ProxyCore
from ixproxy.core.settings import Deployment, ProxySettings
from ixproxy.net.dialling import Dialling
from ixproxy.net.door import Door, Rule, attributes_of
from ixproxy.net.executors import ThreadExecutor
from ixproxy.net.node_limits import NodeLimits
from ixproxy.net.node_server import NodeServer
from ixproxy.net.proxy_server import ProxyServer
from ixproxy.node.model import NodeModel, NodeSettings
from ixproxy.storage.sqlite import SqliteStore
from ixproxy.storage.sqlite_places import SqliteMemory
from ixproxy.testing.certificates import Authority, Issued
from ixproxy.testing.members import usual_strategies
from ixproxy.testing.tenants import CUSTOM_PROPERTIES, TENANT, facts_of
from ixproxy.tls import Credential
from ixproxy.values import ClientType, NodeFacts, NodeName, Server
from ixproxy.wire.permits import Grant

HERE = "127.0.0.1"
LISTEN = "tcp:0:interface=127.0.0.1"
NODE = NodeName("ixn1")
SETTINGS = Settings(timeout=5.0, attempt_timeout=5.0)

AUTHORITY = Authority("Trial CA")
PROXY_RULE = Rule(Grant(frozenset({ClientType.PROXY})), attributes_of("CN=proxy1"))
MAIL_RULE = Rule(Grant(frozenset({ClientType.MEDIA_SERVER})), attributes_of("CN=mail"))
REPORTS_RULE = Rule(Grant(frozenset({ClientType.REPORTING_ENGINE})), attributes_of("CN=reports"))
RULES = (PROXY_RULE, MAIL_RULE, REPORTS_RULE)


def credential(issued: Issued | None, *, demands: bool = False) -> Credential:
    """What somebody shows who trusts the one authority."""
    return Credential(
        (issued.certificate,) if issued else (),
        issued.key if issued else None,
        (AUTHORITY.certificate,),
        demands,
    )


def _port(listening: Any) -> int:
    number: int = listening.getHost().port
    return number


class Secured:
    """
    One node and one proxy in front of it.

    :param node: and `proxy`: what each shows; None: it speaks no TLS.
    """

    def __init__(
        self,
        reactor: Any,
        node: Credential | None,
        proxy: Credential | None,
        rules: Sequence[Rule] = RULES,
        checkers: Sequence[Any] = (),
    ) -> None:
        self.reactor = reactor
        self.place = SqliteMemory()
        self.rules, self.checkers = rules, checkers
        self.node_dialling = Dialling(reactor, node)
        self.node = NodeServer(
            reactor,
            self.node_dialling.listening(LISTEN),
            SqliteStore(self.place, {}),
            NodeModel([TENANT], CUSTOM_PROPERTIES),
            NodeSettings(),
            NodeLimits(),
            name=NODE,
            dbid=101,
            now=time.time,
            new_session=lambda: os.urandom(16),
            executors=lambda what: ThreadExecutor(reactor, what),
        )
        self.node.state.door = Door(rules, checkers, secured=node is not None)
        self.proxy_credential = proxy
        self.proxy: ProxyServer | None = None
        self.ports: dict[str, int] = {}

    async def start_node(self) -> None:
        """Start the node; returns when it listens."""
        self.node.startService()
        self.ports[NODE] = _port(await self.node.listening)

    async def start(self) -> None:
        """Start both; returns when they listen, not when they are linked."""
        await self.start_node()
        await self.start_proxy()

    async def start_proxy(self) -> None:
        """Start the proxy; the node listens already."""
        endpoint = f"tcp:{HERE}:{self.ports[NODE]}"
        secured = frozenset({endpoint} if self.node_dialling.expires else ())
        self.dialling = dialling = Dialling(self.reactor, self.proxy_credential, secured)
        facts = NodeFacts(NODE, 101, frozenset({TENANT.id}), pairs=((Server(NODE, endpoint),),))
        deployment = Deployment({TENANT.id: facts_of(TENANT)}, {NODE: facts})

        def dial(server: Server) -> IStreamClientEndpoint:
            return dialling.endpoint(server.endpoint, HERE)

        self.core = ProxyCore(ProxySettings(name="proxy1"), deployment, usual_strategies())
        self.proxy = ProxyServer(
            self.reactor,
            self.core,
            dialling.listening(LISTEN),
            dial,
            door=Door(self.rules, self.checkers, secured=self.proxy_credential is not None),
        )
        self.proxy.startService()
        self.ports["proxy1"] = _port(await self.proxy.listening)

    async def stop(self) -> None:
        """Stop what was started."""
        if self.proxy is not None:
            await self.proxy.stopService()
        await self.node.stopService()
        self.place.discard()

    async def linked(self) -> None:
        """Returns when the proxy works with the node."""
        while not self.core.link(NODE).linked:
            await deferLater(self.reactor, 0.005)

    def client(
        self, at: str, shows: Credential, client_type: str = "MediaServer", **more: Any
    ) -> Deferred[Client]:
        """Connect a client to the node or the proxy, with TLS."""
        endpoint = f"tcp:{HERE}:{self.ports[at]}"
        dialling = Dialling(self.reactor, shows, frozenset({endpoint}))
        where = dialling.endpoint(endpoint, HERE)
        return connect(
            self.reactor, where, name="mail-1", client_type=client_type, settings=SETTINGS, **more
        )
