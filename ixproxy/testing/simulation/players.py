"""Players: the clients of a simulation, and what is kept of each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from twisted.internet.defer import Deferred

from ixproxy import messages as m
from ixproxy.client import Client
from ixproxy.errors import RequestRefused
from ixproxy.messages.agents import NO_SEAT
from ixproxy.messages.message import Message, Request
from ixproxy.testing.simulation.seats import AgentSession
from ixproxy.testing.watching import StreamWatch
from ixproxy.values import ClientType

SORTS = {
    "mail": ClientType.MEDIA_SERVER,
    "router": ClientType.ROUTING_ENGINE,
    "desk": ClientType.AGENT_APPLICATION,
    "stat": ClientType.REPORTING_ENGINE,
    "urs": ClientType.ROUTING_ENGINE,
}
"""What clients there are, by the names of theirs that the history has."""


_STOPS = (m.RequestStopPlaceAgentStateReportingAll, m.RequestStopPlaceAgentStateReporting)


@dataclass(eq=False)
class Player:
    """
    One client.

    :ivar host: where it runs.
    :ivar agents: who is logged in through it, as far as it knows; `ever`: who ever was.
    :ivar watch: reads its reporting stream.
    :ivar left: it said goodbye, or its program died; `left_at`: when it did.
    :ivar since: when its connection changed for the last time.
    :ivar reads: whether it has asked for a stream; None: nobody knows.
    :ivar narrow: it has asked for a part of what there is to report.
    :ivar unseated: sessions of agents of it that were sent away for want of a seat.
    :ivar hears_calls: it has ever asked to be told of calls to external servers.
    """

    name: str
    sort: str
    host: str = ""
    client: Client | None = None
    session: bytes = b""
    agents: dict[str, None] = field(default_factory=dict)
    ever: set[str] = field(default_factory=set)
    watch: StreamWatch | None = None
    left: bool = False
    left_at: float = float("inf")
    since: float = 0.0
    reads: bool | None = False
    narrow: bool = False
    unseated: list[AgentSession] = field(default_factory=list)
    hears_calls: bool = False

    @property
    def here(self) -> Client:
        """Its client; only for one that is there."""
        assert self.client is not None
        return self.client

    def leaves(self, at: float) -> None:
        """It begins to say goodbye, or its program dies."""
        self.left, self.left_at = True, at

    def answered(self, request: Request, outcome: Message | RequestRefused) -> None:
        """What its own requests came to."""
        refused = isinstance(outcome, RequestRefused)
        match request:
            case m.RequestStartPlaceAgentStateReportingAll():
                self.reads = self._reads(outcome, True)
            case m.RequestStartPlaceAgentStateReporting():
                self.reads = self._reads(outcome, True)
            case m.RequestStopPlaceAgentStateReportingAll():
                self.reads = self._reads(outcome, False)
            case m.RequestStopPlaceAgentStateReporting() if refused:
                self.reads = self._reads(outcome, False)
            case m.RequestAgentLogin() if refused:
                self.agents.pop(request.agent_id, None)
            case m.RequestAgentLogout() if not refused:
                self.agents.pop(request.agent_id, None)
        if self.watch is None:
            return
        if not refused:
            self.watch.acknowledged(request)
            if isinstance(request, _STOPS):
                self.reads = self.watch.asked_for_any
        elif self.reads is None and self.narrow:
            # Nobody knows of what its stream leaves out something.
            self.watch = None

    def _reads(self, outcome: Message | RequestRefused, wanted: bool) -> bool | None:
        if isinstance(outcome, RequestRefused):
            return None if outcome.in_doubt else self.reads
        return wanted

    def event_received(self, event: Message) -> None:
        """What its agents are told."""
        if (
            isinstance(event, m.EventForcedAgentStateChange)
            and event.agent_state_change_operation == "Logout"
        ):
            self.agents.pop(event.agent_id, None)
            if event.reason == NO_SEAT:
                self.unseated.append((event.tenant_id, event.agent_id, event.agent_session))


@dataclass(eq=False)
class Asked:
    """
    One request.

    :ivar step: the number of the step that asked.
    :ivar marks: what a change or submit is known by, where it was made.
    :ivar knew: marks that its interaction had for sure when it was asked.
    :ivar there: which birth of its interaction was on a node then; 0: it was on none.
    :ivar answered_at: when it was.
    :ivar outcome: the answer, or the refusal; None: there is none yet.
    """

    step: int
    player: Player
    request: Request
    answer: Deferred[Any]
    at: float
    marks: tuple[str, ...] = ()
    knew: frozenset[str] = frozenset()
    outcome: Message | RequestRefused | None = None
    there: int = 0
    answered_at: float = float("inf")

    @property
    def name(self) -> str:
        """What was asked."""
        return type(self.request).__name__


def ends(request: Request) -> bool:
    """Whether it ends the interaction that it names."""
    return isinstance(request, m.RequestStopProcessing) or (
        isinstance(request, m.RequestRouteCall) and request.route_type == "Stop"
    )


def holders(players: Sequence[Player]) -> list[Player]:
    """Those who hold something."""
    return [player for player in players if player.here.holding]
