"""
Somebody who is told what happens on a node while an event log is away: a reporting client.

It looks how the log is now and then, too.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from twisted.internet.defer import CancelledError, Deferred

from ixproxy import messages as m
from ixproxy.client.places import Endpoint
from ixproxy.messages.message import Event, Message
from ixproxy.messages.status import LogStatus
from ixproxy.node.log_rules import NAMES
from ixproxy.testing.chaos_asking import Asking
from ixproxy.testing.chaos_history import History

LOOK_SECONDS = 0.3
_NAMES = frozenset(NAMES)


class Told:
    """
    The stream of one node, as far as it was connected.

    :ivar events: the name of each event that logs are told, too, by dbid and number.
    :ivar status: of the log, as of the last look; None: nobody has answered yet.
    :ivar log: the name of the log.
    :ivar epoch: of whoever answered.
    :ivar dropped: the most events that were dropped in each epoch, as far as it saw.
    """

    def __init__(self) -> None:
        self.events: dict[tuple[int, int], str] = {}
        self.status: LogStatus | None = None
        self.epoch = 0
        self.dropped: dict[int, int] = {}
        self.most_waiting = 0
        self.log = ""
        self._asker: Asking | None = None
        self._looking: Deferred[None] | None = None

    @property
    def waiting(self) -> int:
        """Events that wait for the log, as of the last look."""
        return self.status.waiting if self.status is not None else 0

    async def begin(
        self, reactor: Any, history: History, endpoints: Sequence[Endpoint], name: str, log: str
    ) -> None:
        """
        Be told everything from now on, by whichever server of the node serves.

        :param log: the one that is looked at.
        :raise ixproxy.errors.IxproxyError: nobody takes it.
        """
        self.log = log
        self._asker = asker = await Asking.come(
            reactor, history, endpoints, name, "ReportingEngine"
        )
        asker.client.on_event(self.event_received)
        start = m.RequestStartPlaceAgentStateReportingAll()
        while (await asker.ask(start)).refusal is not None:
            await asker.pause()
        self._looking = Deferred.fromCoroutine(self._look(asker))

    def event_received(self, event: Message) -> None:
        """One more. What only says how things are has no number."""
        name = type(event).__name__
        if isinstance(event, Event) and event.event_number and name in _NAMES:
            self.events[event.dbid, event.event_number] = name

    async def end(self) -> None:
        """Be told no more."""
        looking, self._looking = self._looking, None
        if looking is not None:
            looking.cancel()
            await looking.addErrback(lambda failure: failure.trap(CancelledError) and None)
        asker, self._asker = self._asker, None
        if asker is not None:
            await asker.client.close()

    async def _look(self, asker: Asking) -> None:
        while True:
            answer, _ = await asker.ask(m.RequestServerStatus())
            if answer is not None and answer.node_status is not None:
                self.looked(answer.node_status)
            await asker.pause(LOOK_SECONDS)

    def looked(self, status: m.NodeStatus) -> None:
        """A server of the node has said how it is."""
        for each in status.event_logs:
            if each.name == self.log:
                self.status, self.epoch = each, status.epoch
                dropped = each.counts.get("dropped", 0)
                self.dropped[status.epoch] = max(dropped, self.dropped.get(status.epoch, 0))
                self.most_waiting = max(self.most_waiting, each.waiting)
