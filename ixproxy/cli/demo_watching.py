"""
Watches the demo: a reporting client counts what it is told, to be compared with what was done.

Theory of operation: the client subscribes through one of the proxies before anything is
handed in, so its stream has everything, whichever node it happened on and whichever
proxy it was asked through. Events come behind answers: at the end it is
waited a while for those that are still to come.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from twisted.internet.defer import Deferred, TimeoutError

from ixproxy import messages as m
from ixproxy.cli.connecting import Asking
from ixproxy.cli.demo_agents import CONFERENCE, DELIVER, TRANSFER
from ixproxy.messages.message import Event, Message
from ixproxy.wire.streams import BEGIN

PATIENCE_SECONDS = 15.0

TITLES = {
    "logins": "agents logged in",
    "submitted": "handed in",
    "invited": "invited",
    "accepted": "deliveries accepted",
    "rejected": "deliveries refused",
    "expired": "deliveries let pass",
    "transferred": "transferred",
    "joined": "conferences joined",
    "called": "calls to the external server",
    "stopped": "stopped",
    "logouts": "agents logged out",
}
"""What is counted, and what it is called."""

_BY_EVENT: dict[type[Event], str] = {
    m.EventAgentLogin: "logins",
    m.EventAgentLogout: "logouts",
    m.EventInteractionSubmitted: "submitted",
    m.EventAgentInvited: "invited",
    m.EventRejected: "rejected",
    m.EventProcessingStopped: "stopped",
}
_BY_OPERATION = {DELIVER: "accepted", TRANSFER: "transferred", CONFERENCE: "joined"}


def name_of(event: Message) -> str:
    """What an event counts as; "": nothing."""
    match event:
        case m.EventPartyAdded(operation=operation):
            return _BY_OPERATION.get(operation, "")
        case m.EventRevoked(reason=m.Reason(reason_system_name="Expired")):
            return "expired"
        case m.EventExternalServiceResponded():
            return "called" if event.esp_request_envelope.get("Method") == "Acknowledge" else ""
        case Event():
            return _BY_EVENT.get(type(event), "")
    return ""


class Watcher:
    """
    Counts what a stream tells.

    :ivar counts: by the names of `TITLES`.
    :ivar events: all events of the stream.
    :ivar gaps: events that do not follow the one before them.
    """

    def __init__(self, client: Asking) -> None:
        self._client = client
        self._last = 0
        self._wanted: Mapping[str, int] = {}
        self._complete: Deferred[None] | None = None
        self.counts: Counter[str] = Counter()
        self.events = 0
        self.gaps = 0
        client.on_event(self.event_received)

    async def begin(self) -> None:
        """:raise RequestRefused: the proxy does not give the stream."""
        await self._client.request(m.RequestStartPlaceAgentStateReportingAll())
        await self._client.request(m.RequestStartExternalServiceReporting())

    def event_received(self, event: Message) -> None:
        """The proxy told something."""
        if isinstance(event, m.EventActivityReport):
            if event.activity == BEGIN:
                self._last = event.reporting_event_sequence_number
        elif isinstance(event, Event) and event.reporting_event_sequence_number:
            number = event.reporting_event_sequence_number
            self.gaps += number != self._last + 1
            self._last = number
            self.events += 1
            self._count(event)
        elif isinstance(event, m.EventExternalServiceResponded):
            # It is told on its own, and not in the stream.
            self._count(event)

    def _count(self, event: Event) -> None:
        if name := name_of(event):
            self.counts[name] += 1
        if self._complete is not None and self._has_all():
            complete, self._complete = self._complete, None
            complete.callback(None)

    async def told_all(self, reactor: Any, wanted: Mapping[str, int]) -> None:
        """Wait until everything that is wanted was told, but not for ever."""
        self._wanted = wanted
        if self._has_all():
            return
        self._complete = Deferred()
        try:
            await self._complete.addTimeout(PATIENCE_SECONDS, reactor)
        except TimeoutError:
            self._complete = None

    def _has_all(self) -> bool:
        return all(self.counts[name] >= count for name, count in self._wanted.items())
