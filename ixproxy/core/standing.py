"""
What clients asked for once and have for as long as their connections last.

Theory of operation: a topic that a client subscribed to, the external servers
whose calls it wants to hear of, and an agent that it said works through another
server, stand on every node. They are kept here for
a node that comes back: such a node has forgotten them, or hears of them for
the first time.

What a restart loses, and who restores it: all of it; clients say it again when
they register.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from itertools import islice

from msgspec.structs import replace

from ixproxy.core.clients import Client
from ixproxy.messages import (
    RequestAgentAvailable,
    RequestAgentNotAvailable,
    RequestStartExternalServiceReporting,
    RequestStopExternalServiceReporting,
    RequestSubscribe,
    RequestUnsubscribe,
)
from ixproxy.messages.agents import AgentRequest
from ixproxy.messages.message import Request

MOST_TOPICS = 10_000
"""Topics of one tenant that one client may be subscribed to, as on a node."""
MOST_AGENTS = 5_000
"""Agents of whom one client may say that they work through another server, as on a node."""
MOST_SERVICES = 1_000
"""External servers that one client may name, as on a node."""
SERVICES_AT_ONCE = 200
"""The same in one request: even the shortest frames have room for them."""
TOPICS_AT_ONCE = 200
"""Topics in one request: even the shortest frames have room for them."""


ServiceReporting = RequestStartExternalServiceReporting | RequestStopExternalServiceReporting


class _Said:
    """What stands of one client."""

    __slots__ = ("agents", "all_services", "services", "topics")

    def __init__(self) -> None:
        self.agents: dict[tuple[int, str], RequestAgentAvailable] = {}
        self.topics: dict[int, dict[str, object]] = {}
        self.services: dict[str, None] = {}
        self.all_services = False

    @property
    def nothing(self) -> bool:
        return not (self.agents or self.topics or self.services or self.all_services)


class Standing:
    """By client, what stands."""

    def __init__(self) -> None:
        self._of_client: dict[Client, _Said] = {}

    def __len__(self) -> int:
        return len(self._of_client)

    def __iter__(self) -> Iterator[tuple[Client, Request]]:
        """Every client, with the requests that say it all again."""
        for client in self._of_client:
            for request in self.of(client):
                yield client, request

    def of(self, client: Client) -> Iterator[Request]:
        """The requests that say all again that one client said."""
        said = self._of_client.get(client, _Said())
        yield from said.agents.values()
        for tenant, topics in said.topics.items():
            rest = iter(topics.items())
            while names := dict(islice(rest, TOPICS_AT_ONCE)):
                yield RequestSubscribe(tenant_id=tenant, ps_topic_list=names)
        if said.all_services:
            yield RequestStartExternalServiceReporting()
        left = iter(said.services)
        while servers := list(islice(left, SERVICES_AT_ONCE)):
            yield RequestStartExternalServiceReporting(servers=servers)

    def topics(self, client: Client, tenant: int) -> dict[str, object]:
        """The topics of a tenant that a client is subscribed to."""
        said = self._of_client.get(client)
        return said.topics.get(tenant, {}) if said is not None else {}

    def has_room(self, client: Client, request: Request) -> bool:
        """Whether what a request adds may be kept."""
        if isinstance(request, RequestSubscribe):
            known = self.topics(client, request.tenant_id)
            return len(known.keys() | request.ps_topic_list.keys()) <= MOST_TOPICS
        if isinstance(request, RequestStartExternalServiceReporting):
            named = self.services(client)
            return len({*named, *request.servers}) <= MOST_SERVICES
        if isinstance(request, RequestAgentAvailable):
            said = self._of_client.get(client, _Said())
            key = request.tenant_id, request.agent_id
            return key in said.agents or len(said.agents) < MOST_AGENTS
        return True

    def subscribed(self, client: Client, request: RequestSubscribe | RequestUnsubscribe) -> None:
        """All nodes have subscribed a client, or ended it; no topics named: all of the tenant."""
        said = self._of_client.setdefault(client, _Said())
        topics = said.topics.setdefault(request.tenant_id, {})
        if isinstance(request, RequestSubscribe):
            # Their names only: values do not count, and could be of any size.
            topics.update(dict.fromkeys(request.ps_topic_list, 1))
        else:
            for name in list(request.ps_topic_list or topics):
                topics.pop(name, None)
        if not topics:
            del said.topics[request.tenant_id]
        self._tidy(client, said)

    def services(self, client: Client) -> Collection[str]:
        """The external servers that a client named, and hears of."""
        return self._of_client.get(client, _Said()).services

    def hears_of_all(self, client: Client) -> bool:
        """Whether a client hears of the calls to all external servers."""
        return self._of_client.get(client, _Said()).all_services

    def reports(self, client: Client, request: ServiceReporting) -> None:
        """All nodes tell a client of calls to external servers, or do so no more."""
        said = self._of_client.setdefault(client, _Said())
        if isinstance(request, RequestStopExternalServiceReporting):
            for name in request.servers:
                said.services.pop(name, None)
            if not request.servers:
                said.all_services = False
                said.services.clear()
        elif not request.servers:
            said.all_services = True
            said.services.clear()
        elif not said.all_services:
            said.services.update(dict.fromkeys(request.servers))
        self._tidy(client, said)

    def said(self, client: Client, request: AgentRequest) -> None:
        """All nodes know that an agent works through another server, or does not."""
        key = request.tenant_id, request.agent_id
        said = self._of_client.get(client)
        if isinstance(request, RequestAgentAvailable):
            said = self._of_client.setdefault(client, _Said())
            said.agents[key] = replace(request, extension={})
        elif isinstance(request, RequestAgentNotAvailable) and said is not None:
            said.agents.pop(key, None)
            self._tidy(client, said)

    def client_gone(self, client: Client) -> None:
        """A client left."""
        self._of_client.pop(client, None)

    def _tidy(self, client: Client, said: _Said) -> None:
        if said.nothing:
            del self._of_client[client]
