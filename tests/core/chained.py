"""A proxy's mind with another proxy in front of it, or behind it."""

from __future__ import annotations

from typing import Any

from ixproxy.messages import EventAck, RequestRegisterClient, ServerFacts
from ixproxy.values import NodeFacts, NodeName
from tests.core.rig import EAST, NORTH, TENANT, WEST, Rig, only

UPSTREAM = NodeName("proxies")
INNER = ServerFacts(name="proxy1", role="proxy", tenants=[TENANT], path=["proxy1"])


class Inner(Rig):
    """A proxy with three nodes and a downstream proxy, `edge`, that has clients."""

    def __init__(
        self, clients: int = 1, client_type: str = "AgentApplication", **more: Any
    ) -> None:
        super().__init__(**more)
        self.edge = self.client("Proxy", client_name="edge", path=["edge"])
        self.numbers_at_edge = [self.enter(f"desk-{n}", client_type) for n in range(clients)]

    def enter(self, name: str, client_type: str = "AgentApplication", **more: Any) -> int:
        """A client of the downstream proxy registers; its number on that peer."""
        self.ask(
            self.edge,
            RequestRegisterClient(client_name=name, client_type=client_type, path=["edge"], **more),
        )
        for node in (EAST, NORTH, WEST):
            self.accept(node)
        answer = only(self.got(self.edge))
        assert isinstance(answer, EventAck), answer
        return answer.proxy_client_id


class Outer(Rig):
    """A proxy whose one upstream is a cluster of proxies."""

    def __init__(self, **more: Any) -> None:
        upstream = NodeFacts(UPSTREAM, 0, frozenset({TENANT}))
        super().__init__([upstream], name="edge", **more)

    def _registered(self, node: NodeName, message: RequestRegisterClient) -> EventAck:
        if message.client_type == "Proxy":
            return EventAck(server=INNER)
        return super()._registered(node, message)
