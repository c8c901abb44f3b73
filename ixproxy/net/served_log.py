"""
One event log of a term, with what it is told.

What it should have been told while it is not there waits in the outbox.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from twisted.internet.defer import Deferred
from twisted.logger import Logger

from ixproxy.errors import NodeUnavailable
from ixproxy.interfaces_eventlog import IEventLog
from ixproxy.messages.message import MAX_TEXT
from ixproxy.messages.status import LogStatus
from ixproxy.net.log_plans import LogPlan
from ixproxy.net.log_shipper import LogShipper
from ixproxy.net.served_part import ServedPart
from ixproxy.node.log_work import Bound, Entry, LogGrew, LogRefused, ShipLog

log = Logger()


class ServedLog:
    """
    :param node: the name of the node, the same for both servers of a pair.
    :param ask: gives work to the writer.
    :ivar counts: raised: how often it broke; dropped: events that the full spool
        lost, gaps: how often it began to; refused: requests.
    """

    def __init__(
        self,
        reactor: Any,
        node: str,
        dbid: int,
        plan: LogPlan,
        ask: Callable[[ShipLog], None],
    ) -> None:
        self.plan = plan
        self.counts: Counter[str] = Counter()
        self._drops = self._refuses = False
        self.shipper = LogShipper(
            reactor,
            plan.name,
            dbid,
            plan.pacing,
            ask,
            self._store,
            self._at_rest,
            self._spool_was_read,
        )
        self._part: ServedPart[IEventLog] = ServedPart(
            reactor,
            f"Event log {plan.name}",
            lambda: self.plan.make(),
            lambda made: made.begin(reactor, node, dbid),
            self.shipper.start,
            self.counts,
        )

    def begin(self) -> None:
        """Its node is primary."""
        self._part.begin()

    def use(self, plan: LogPlan) -> None:
        """Go on by another plan of the same log."""
        self.plan = plan
        self.shipper.pacing = plan.pacing

    def grew(self, effect: LogGrew) -> None:
        """There is something new for it, or something that it will never have: said once."""
        if effect.bound is not None:
            self.counts["dropped"] += effect.dropped
            if not self._drops:
                self._drops = True
                self.counts["gaps"] += 1
                log.error(
                    "Event log {log}: its spool is full ({key} is {limit}): "
                    "from event {number} on events are dropped and counted",
                    log=self.plan.name,
                    key=effect.bound.value,
                    limit=self._limit(effect.bound),
                    number=effect.first,
                )
        elif self._drops:
            self._drops_no_more()
        self.shipper.wake(effect.waiting, effect.waiting_bytes)

    def _limit(self, bound: Bound) -> int:
        rules = self.plan.rules
        return rules.max_queue if bound is Bound.EVENTS else rules.max_bytes

    def refused(self, effect: LogRefused) -> None:
        """Something was refused, for it must have everything and is full: said once."""
        self.counts["refused"] += 1
        if not self._refuses:
            self._refuses = True
            log.error(
                "Event log {log}: its spool is full ({key} is {limit}), and it must have all: "
                "requests that change something are refused until it has taken some",
                log=self.plan.name,
                key=effect.bound.value,
                limit=self._limit(effect.bound),
            )

    def _drops_no_more(self) -> None:
        self._drops = False
        log.info("Event log {log} is told of what happens again", log=self.plan.name)

    def _spool_was_read(self) -> None:
        rules, left = self.plan.rules, (self.shipper.left, self.shipper.left_bytes)
        if self._drops and rules.nearly_full_by(*left) is None:
            # The next event would say so as well, but on a quiet node there may be none for long.
            self._drops_no_more()
        if self._refuses and rules.full_by(*left) is None:
            self._refuses = False
            log.info("Event log {log} has room: requests are served again", log=self.plan.name)

    def close(self) -> None:
        """Tell nothing more."""
        self._part.close()
        self.shipper.stop()

    def end(self) -> Deferred[None]:
        """Have it let go of its outside; fires when it has, or does not in time."""
        self.close()
        return self._part.end()

    def _store(self, entries: Sequence[Entry]) -> Deferred[None]:
        return self._there().store(entries)

    def _at_rest(self, number: int, time: float) -> Deferred[None]:
        return self._there().at_rest(number, time)

    def _there(self) -> IEventLog:
        made = self._part.there
        if made is None:
            raise NodeUnavailable(f"it is not there: {self._part.absence}")
        return made

    def status(self) -> LogStatus:
        """How it is."""
        figures = self._part.figures()
        state = str(figures.pop("state"))
        if self.shipper.problem:
            state = f"failing: {self.shipper.problem}"
        counts = self.shipper.counts + self.counts
        return LogStatus(
            name=self.plan.name,
            kind=self.plan.kind,
            state=state[:MAX_TEXT],
            waiting=self.shipper.left,
            room=self.plan.rules.max_queue,
            waiting_bytes=self.shipper.left_bytes,
            room_bytes=self.plan.rules.max_bytes,
            mandatory=self.plan.rules.mandatory,
            dropping=self._drops,
            refusing=self._refuses,
            counts={name: number for name, number in sorted(counts.items()) if number},
            figures=figures,
        )
