"""
A small office in a cluster in memory: a media server, two routers, three agents.

    stage = Stage(proxies=2)
    identifier, answers = delivered(stage)
    stage.forget()
    stage.ask(stage.agents["Ann"], stage.on(RequestAccept, identifier))
    assert stage.reported() == ["PartyAdded"]
    stage.close()

The same on one node (`proxies=0`) and on three of them behind proxies.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from twisted.internet.defer import Deferred

from ixproxy import messages as m
from ixproxy.client import Client
from ixproxy.errors import RequestRefused
from ixproxy.messages.message import Event, Message, Request
from ixproxy.node.log_packs import entries_of
from ixproxy.node.log_rules import LogRules
from ixproxy.node.model import NodeSettings
from ixproxy.testing.cluster import Cluster
from ixproxy.testing.memory_servers import MemoryServer
from ixproxy.testing.places import Places
from ixproxy.values import ClientType

SETTINGS = NodeSettings(
    logs={"log": LogRules()},
    delivering_timeout=30,
    handling_timeout=1,
    routing_timeout=2,
    agent_session_restore_timeout=20,
)
"""What the nodes of a stage run by: short times, and somebody who listens."""

QUEUE = "In"
_NAMED: Any = {"tenant_id": 1}


class Stage:
    """
    A cluster with a media server, two routers and three agents.

    :param proxies: 0: they all talk to one node; else they go through these in turn.
    :param outer: proxies in front of those, through which they go then.
    :param stores: where the nodes' databases lie.
    :param pairs: every node has two servers.
    :param ends: what is done to one that is silent; see `MemoryNode`.
    :ivar heard: the events that each client got.
    """

    def __init__(
        self,
        proxies: int,
        outer: int = 0,
        stores: Places | None = None,
        *,
        pairs: bool = False,
        ends: Callable[[MemoryServer], None] = MemoryServer.kill,
    ) -> None:
        self.cluster = Cluster(
            nodes=3 if proxies else 1,
            proxies=proxies,
            outer=outer,
            node_settings=SETTINGS,
            stores=stores,
            pairs=pairs,
            ends=ends,
        )
        self.heard: dict[str, list[Message]] = {}
        self._proxies = outer or proxies
        self._clients = 0
        self.mail = self._client("mail", ClientType.MEDIA_SERVER)
        self.router = self._client("router", ClientType.ROUTING_ENGINE)
        self.second = self._client("second", ClientType.ROUTING_ENGINE)
        self.agents = {name: self._agent(name) for name in ("Ann", "Bob", "Eve")}
        self.cluster.run(1)
        self._known = set(self._outbox())

    def _client(self, name: str, client_type: ClientType) -> Client:
        through = self._clients % self._proxies if self._proxies else None
        self._clients += 1
        client = self.cluster.client(name, client_type, proxy=through)
        heard = self.heard[name] = []
        client.on_event(lambda event: heard.append(event))
        return client

    def _agent(self, name: str) -> Client:
        client = self._client(name, ClientType.AGENT_APPLICATION)
        login = m.RequestAgentLogin(**_NAMED, agent_id=name, place_id=f"P-{name}")
        self.cluster.finish(client.request(login))
        return client

    def ask(self, client: Client, request: Request) -> Any:
        """The answer to a request."""
        return self.cluster.finish(client.request(request))

    def begin(self, client: Client, request: Request) -> list[Message | RequestRefused]:
        """Ask for what is answered later; the list gets the answer, or the refusal."""
        answers: list[Any] = []
        awaited: Deferred[Any] = client.request(request)
        awaited.addCallbacks(answers.append, lambda failure: answers.append(failure.value))
        self.cluster.run(1)
        return answers

    def take(self, client: Client, identifier: str) -> None:
        """Pull one interaction."""
        ids = m.RequestPull(**_NAMED, view_id="_system_", pull_parameters={identifier: 1})
        assert identifier in self.ask(client, ids).take_numbers

    def new(self) -> str:
        """Submit an interaction."""
        submit = m.RequestSubmit(**_NAMED, media_type="email", queue=QUEUE)
        identifier: str = self.ask(self.mail, submit).interaction_id
        return identifier

    def on(self, kind: type[Any], identifier: str, **more: Any) -> Any:
        """A request that names an interaction."""
        return kind(**_NAMED, interaction_id=identifier, **more)

    def ticket(self, agent: str) -> int:
        """Of the only invitation that an agent has."""
        (invite,) = self.agents[agent].invitations.values()
        return invite.ticket_id

    def forget(self) -> None:
        """What comes next is what counts."""
        self.cluster.run(1)
        self._known = set(self._outbox())
        for heard in self.heard.values():
            heard.clear()

    def reported(self) -> list[str]:
        """What reporting heard of interactions since, each node's in its order."""
        self.cluster.run(1)
        found = self._outbox()
        return [_name(found[key]) for key in sorted(found.keys() - self._known)]

    def names(self, who: str) -> list[str]:
        """What a client heard since, without `Event`."""
        return [_name(event) for event in self.heard[who]]

    def row(self, identifier: str) -> dict[str, Any] | None:
        """An interaction as its node has it."""
        found = [row for row in self.cluster.rows("interactions") if row["id"] == identifier]
        assert len(found) < 2
        return found[0] if found else None

    def _outbox(self) -> dict[tuple[str, int], Message]:
        """Events of interactions by node and number."""
        return {
            (row["node"], each.number): each.what
            for row in self.cluster.rows("outbox")
            for each in entries_of(0, row["body"])[0]
            if isinstance(each.what, Event) and hasattr(each.what, "interaction_id")
        }

    def close(self) -> None:
        """End it all."""
        self.cluster.close()


def _name(message: Message) -> str:
    return type(message).__name__.removeprefix("Event")


def routed(stage: Stage) -> str:
    """An interaction that a strategy has."""
    identifier = stage.new()
    stage.take(stage.router, identifier)
    return identifier


def handled(stage: Stage) -> str:
    """An interaction that Ann has."""
    identifier = stage.new()
    stage.take(stage.agents["Ann"], identifier)
    return identifier


def delivered(stage: Stage) -> tuple[str, list[Any]]:
    """An interaction that is delivered to Ann, and what the router is answered."""
    identifier = routed(stage)
    request = stage.on(m.RequestDeliver, identifier, agent_id="Ann")
    return identifier, stage.begin(stage.router, request)


def shared(stage: Stage) -> str:
    """An interaction that Ann and Bob have."""
    identifier = handled(stage)
    asked = stage.on(m.RequestConference, identifier, agent_id="Bob")
    stage.begin(stage.agents["Ann"], asked)
    stage.ask(stage.agents["Bob"], stage.on(m.RequestAccept, identifier))
    return identifier


def codes(answers: Iterable[Any]) -> list[int]:
    """The codes of refusals; 0 for an answer."""
    return [each.code if isinstance(each, RequestRefused) else 0 for each in answers]
