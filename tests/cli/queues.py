"""A cluster of one: queues, workbins and holders in a few dictionaries, for the demo's clients."""

from __future__ import annotations

from random import Random
from typing import Any, NamedTuple

import pytest
from twisted.internet.defer import Deferred

from ixproxy import messages as m
from ixproxy.cli import demo_clients
from ixproxy.cli.demo_clients import Clients
from ixproxy.cli.demo_deployment import Plan, plan
from ixproxy.client import Client, connect
from ixproxy.errors import Code
from ixproxy.messages.message import Message
from ixproxy.testing.clock import SteppingClock
from ixproxy.testing.network import MemoryNetwork
from ixproxy.wire.codec import encode
from tests.client.servers import Served, Server

INVITES = {
    m.RequestDeliver: "Deliver",
    m.RequestTransfer: "Transfer",
    m.RequestConference: "Conference",
}


class Asked(NamedTuple):
    """An invitation that is out: who asked for it, and with which of its requests."""

    served: Served
    number: int
    request: Any


class Proxy(Server):
    """A proxy that answers some requests later."""

    def __init__(self, queues: Queues) -> None:
        super().__init__()
        self.queues = queues

    def asked(self, served: Served) -> None:
        """A request came."""
        request = served.asked[-1][1]
        if isinstance(request, m.RequestAgentLogin):
            self.queues.desks[request.agent_id] = served
        if type(request) in INVITES and type(request) not in self.queues.faults:
            self.queues.asked.append(request)
            self.queues.invite(Asked(served, len(served.asked) - 1, request))
        else:
            super().asked(served)


class Queues:
    """
    What both proxies show.

    :ivar lying: queue or workbin to the ids in it, oldest first.
    :ivar stopped: every stop that was carried out.
    :ivar desks: where each agent is told of invitations.
    :ivar invited: invitations that are out, by ticket.
    :ivar faults: what is answered instead, by request.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
        self.clock = SteppingClock(1000.0)
        self.network = MemoryNetwork(self.clock, Random(1))
        self.plan: Plan = plan(tmp_path, ["chat", "email"], ["Q1", "Q2"], Random(1))
        self.made = 0
        self.order: dict[str, int] = {}
        self.lying: dict[str, list[str]] = {}
        self.properties: dict[str, dict[str, Any]] = {}
        self.stopped: list[str] = []
        self.asked: list[Message] = []
        self.agents: dict[str, dict[str, int]] = {}
        self.desks: dict[str, Served] = {}
        self.invited: dict[int, Asked] = {}
        self.tickets = 0
        self.faults: dict[type[Message], Message] = {}
        self.servers: dict[str, Server] = {}
        for name in ("proxy1", "proxy2"):
            self.servers[name] = server = Proxy(self)
            server.facts = m.ServerFacts(name=name, role="proxy", tenants=[1])
            for request in _ANSWERED:
                server.replies[request] = self.answer
            self.network.listen(self.plan.endpoint(name).removeprefix("tcp:"), server)
        monkeypatch.setattr(demo_clients, "connect", self._connect)
        self.clients = Clients(self.clock, self.plan)

    def _connect(self, reactor: Any, endpoint: str, **arguments: Any) -> Deferred[Client]:
        target = self.network.client_endpoint(endpoint.removeprefix("tcp:"), "c")
        return connect(self.clock, target, random=Random(2), **arguments)

    def run(self, awaited: Any, seconds: float = 600.0) -> Any:
        """The result of something that the clients do."""
        running = Deferred.fromCoroutine(awaited)
        assert self.clock.run_until(lambda: running.called, seconds)
        closing = Deferred.fromCoroutine(self.clients.close())
        self.clock.run_until(lambda: closing.called, 60.0)
        outcome = running.result
        if hasattr(outcome, "raiseException"):
            running.addErrback(lambda _: None)
            outcome.raiseException()
        return outcome

    def answer(self, request: Any) -> Message:
        """What a proxy answers."""
        self.asked.append(request)
        if type(request) in self.faults:
            return self.faults[type(request)]
        match request:
            case m.RequestSubmit():
                return self._submit(request)
            case m.RequestPull():
                return self._pull(request)
            case m.RequestGetInteractionProperties():
                found = self.properties.get(request.interaction_id)
                if found is None:
                    return m.EventError(error_code=Code.UNKNOWN_INTERACTION)
                return m.EventInteractionProperties(interaction=found)
            case m.RequestPlaceInQueue():
                self._place(request.queue, request.interaction_id)
            case m.RequestPlaceInWorkbin():
                self._place(f"bin of {request.workbin.workbin_agent_id}", request.interaction_id)
            case m.RequestGetWorkbinContent():
                lying = self.lying.get(f"bin of {request.workbin.workbin_agent_id}", [])
                return m.EventWorkbinContent(interactions={each: {} for each in lying})
            case m.RequestFindInteractions():
                queue = request.condition.removeprefix("Queue = ").strip("'").replace("''", "'")
                lying_there = self.lying.get(queue, [])
                return m.EventInteractionsFound(interactions={each: {} for each in lying_there})
            case m.RequestStopProcessing():
                self.stopped.append(request.interaction_id)
            case m.RequestAccept():
                asked = self.invited.pop(request.ticket_id)
                asked.served.answer(m.EventAck(), asked.number)
                return m.EventAck(take_number=request.ticket_id)
            case m.RequestReject():
                self.turned_down(request.ticket_id, Code.INVITATION_REJECTED)
            case m.RequestAgentLogin():
                self.agents[request.agent_id] = dict(request.media_list)
            case m.RequestAgentLogout():
                del self.agents[request.agent_id]
        return m.EventAck()

    def invite(self, asked: Asked) -> None:
        """Invite an agent, for a second."""
        self.tickets += 1
        ticket, request = self.tickets, asked.request
        self.invited[ticket] = asked
        invite = m.EventInvite(
            tenant_id=1,
            interaction_id=request.interaction_id,
            agent_id=request.agent_id,
            ticket_id=ticket,
            operation=INVITES[type(request)],
        )
        self.desks[request.agent_id].write(encode(invite))
        self.clock.callLater(1.0, self.turned_down, ticket, Code.INVITATION_EXPIRED)

    def turned_down(self, ticket: int, code: int) -> None:
        """An invitation came to nothing; what was to be delivered is back where it was."""
        asked = self.invited.pop(ticket, None)
        if asked is None:
            return
        request = asked.request
        if isinstance(request, m.RequestDeliver):
            queue = self.properties[request.interaction_id]["Queue"]
            self.lying[queue].insert(0, request.interaction_id)
        asked.served.refuse(code, asked.number)

    def fill(self, queue: str, count: int) -> list[str]:
        """Put some into a queue."""
        return [
            self._submit(m.RequestSubmit(media_type="email", queue=queue)).interaction_id
            for _ in range(count)
        ]

    def _submit(self, request: m.RequestSubmit) -> m.EventAck:
        self.made += 1
        identifier = f"id-{self.made}"
        self.properties[identifier] = {
            "MediaType": request.media_type,
            "Queue": request.queue,
            "UserData": dict(request.user_data),
        }
        self._place(request.queue, identifier)
        return m.EventAck(interaction_id=identifier)

    def _place(self, place: str, identifier: str) -> None:
        self.order[identifier] = len(self.order) + self.made * 1000
        self.lying.setdefault(place, []).append(identifier)

    def _pull(self, request: m.RequestPull) -> m.EventPulledInteractions:
        if request.view_id == "_system_":
            taken = list(request.pull_parameters)
            for lying in self.lying.values():
                lying[:] = [each for each in lying if each not in taken]
        else:
            lying = self.lying.setdefault(request.view_id.removesuffix("/All"), [])
            taken = [lying.pop(0)] if lying else []
        return m.EventPulledInteractions(
            interactions={each: {} for each in taken},
            take_numbers=dict.fromkeys(taken, 1),
            sort_keys={each: self.order[each].to_bytes(8, "big") for each in taken},
        )


_ANSWERED = (
    m.RequestSubmit,
    m.RequestPull,
    m.RequestGetInteractionProperties,
    m.RequestPlaceInQueue,
    m.RequestPlaceInWorkbin,
    m.RequestGetWorkbinContent,
    m.RequestFindInteractions,
    m.RequestStopProcessing,
    m.RequestAgentLogin,
    m.RequestAgentLogout,
    m.RequestChangeProperties,
    m.RequestHold,
    m.RequestResume,
    m.RequestDeliver,
    m.RequestTransfer,
    m.RequestConference,
    m.RequestAccept,
    m.RequestReject,
    m.RequestLeaveInteraction,
)
