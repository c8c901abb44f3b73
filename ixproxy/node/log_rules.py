"""
Which events an event log is told: by class, as the field's filters have it, and by name.

    log-agent-state      what happens to an agent and its channels
    log-agent-activity   invitations, and agents who come to interactions and go
    log-strategy         strategies and routers who do
    log-queue            the ways into queues and workbins, and out of them
    log-esp-service      calls to external servers

All others (an interaction is submitted, changed, held, resumed, stopped; what a
client says of its own) have no class, and only the filter by name keeps them out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ixproxy import messages as m
from ixproxy.messages.message import Event
from ixproxy.node.log_work import Bound

AGENT_STATE: frozenset[type[Event]] = frozenset(
    {
        m.EventAgentLogin,
        m.EventAgentLogout,
        m.EventAgentConnectionClosed,
        m.EventAgentAvailable,
        m.EventAgentNotAvailable,
        m.EventDoNotDisturbOn,
        m.EventDoNotDisturbOff,
        m.EventMediaAdded,
        m.EventMediaRemoved,
        m.EventNotReadyForMedia,
        m.EventReadyForMedia,
        m.EventAgentStateReasonChanged,
        m.EventMediaStateReasonChanged,
    }
)
PARTIES: frozenset[type[Event]] = frozenset({m.EventPartyAdded, m.EventPartyRemoved})
"""Of agents or of strategies: the party decides."""
INVITATIONS: frozenset[type[Event]] = frozenset(
    {m.EventAgentInvited, m.EventRejected, m.EventRevoked}
)
QUEUES: frozenset[type[Event]] = frozenset(
    {
        m.EventPlacedInQueue,
        m.EventTakenFromQueue,
        m.EventPlacedInWorkbin,
        m.EventTakenFromWorkbin,
    }
)
SERVICES: frozenset[type[Event]] = frozenset(
    {m.EventExternalServiceRequested, m.EventExternalServiceResponded}
)
OTHERS: frozenset[type[Event]] = frozenset(
    {
        m.EventInteractionSubmitted,
        m.EventPropertiesChanged,
        m.EventProcessingStopped,
        m.EventHeld,
        m.EventResumed,
        m.EventCustomReporting,
    }
)
LOGGED = AGENT_STATE | PARTIES | INVITATIONS | QUEUES | SERVICES | OTHERS
"""All that a log may be told."""

ROOM_AGAIN = 0.9
"""A gap closes when a spool is not fuller than so much of each of its bounds."""

NAMES = tuple(sorted(kind.__name__ for kind in LOGGED))
"""What `event-filter-by-id` may name."""


@dataclass(frozen=True, slots=True)
class LogRules:
    """
    One event log, as the rules see it.

    :ivar properties: names of the properties of interactions that it needs, of which the user
        data is one; None: all.
    :ivar only: names of the events that it is told; empty: all.
    :ivar max_queue: how many events may wait for it.
    :ivar max_bytes: how many bytes of them.
    :ivar mandatory: it gets everything: while so many wait, nothing is
        changed that it would have to know of.
    """

    agent_state: bool = True
    agent_activity: bool = True
    queue: bool = True
    strategy: bool = True
    esp_service: bool = True
    properties: frozenset[str] | None = None
    only: frozenset[str] = frozenset()
    max_queue: int = 1_000_000
    max_bytes: int = 1 << 30
    mandatory: bool = False

    def wants(self, kind: type[Event], *, of_agent: bool) -> bool:
        """
        Whether it is told of an event.

        :param of_agent: of one about a party: it is an agent.
        """
        if kind not in LOGGED or (self.only and kind.__name__ not in self.only):
            return False
        if kind in AGENT_STATE:
            return self.agent_state
        if kind in PARTIES:
            return self.agent_activity if of_agent else self.strategy
        if kind in INVITATIONS:
            return self.agent_activity
        if kind in QUEUES:
            return self.queue
        return self.esp_service if kind in SERVICES else True

    def full_by(self, events: int, size: int) -> Bound | None:
        """Which bound is reached where so many events wait, and so many bytes of them."""
        if events >= self.max_queue:
            return Bound.EVENTS
        return Bound.BYTES if size >= self.max_bytes else None

    def nearly_full_by(self, events: int, size: int) -> Bound | None:
        """Likewise, of which bound less than a tenth is free; None: a gap may close."""
        if events > ROOM_AGAIN * self.max_queue:
            return Bound.EVENTS
        return Bound.BYTES if size > ROOM_AGAIN * self.max_bytes else None


class Wanting:
    """Which logs want an event: asked for each one that happens, so it is looked up."""

    __slots__ = ("_found", "_rules")

    def __init__(self, rules: Mapping[str, LogRules]) -> None:
        self._rules = rules
        self._found: dict[tuple[type[Event], bool], tuple[str, ...]] = {}

    def of(self, kind: type[Event], of_agent: bool) -> tuple[str, ...]:
        """The names of those logs."""
        found = self._found.get((kind, of_agent))
        if found is None:
            found = tuple(
                name for name, each in self._rules.items() if each.wants(kind, of_agent=of_agent)
            )
            self._found[kind, of_agent] = found
        return found
