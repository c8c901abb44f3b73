"""
All event logs of a node's server, in one term.

Theory of operation: they begin once the server listens, and end after its store is
closed; what they have not taken by then waits in the outbox for the next term.
When the configuration changes, those that are gone or made otherwise end, and only
then does another one with the same name begin: it goes on where the other was.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from twisted.internet.defer import Deferred, DeferredList
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from ixproxy.messages.status import LogStatus
from ixproxy.net.log_plans import LogPlan
from ixproxy.net.log_shipper import LogShipper
from ixproxy.net.served_log import ServedLog
from ixproxy.node.log_packs import Amount
from ixproxy.node.log_work import LogEffect, LogGrew, LogRefused, LogShipment, ShipLog

log = Logger()


class EventLogs:
    """
    :param node: the name of the node, the same for both servers of a pair.
    :param ask: gives work to the writer.
    """

    def __init__(
        self,
        reactor: IReactorTime,
        node: str,
        dbid: int,
        plans: Sequence[LogPlan],
        ask: Callable[[ShipLog], None],
    ) -> None:
        self._reactor = reactor
        self._node = node
        self._dbid = dbid
        self._ask = ask
        self._plans: dict[str, LogPlan] = {plan.name: plan for plan in plans}
        self._logs: dict[str, ServedLog] = {}
        self._leaving: dict[ServedLog, Deferred[None]] = {}
        self._started = False
        self._closed = False
        self._left_behind: frozenset[str] = frozenset()

    def start(self) -> None:
        """The server is primary, and listens."""
        if not self._closed:
            self._started = True
            for plan in self._plans.values():
                self._begin(plan)

    def use(self, plans: Sequence[LogPlan]) -> None:
        """Follow a changed configuration."""
        self._plans = {plan.name: plan for plan in plans}
        if not self._started or self._closed:
            return
        for name, served in list(self._logs.items()):
            plan = self._plans.get(name)
            if plan is not None and served.plan.same_log(plan):
                served.use(plan)
            else:
                del self._logs[name]
                self._leaving[served] = left = served.end()
                left.addCallback(self._left, served)
        for plan in self._plans.values():
            self._begin_unless_busy(plan)

    def left_behind(self, found: Mapping[str, Amount]) -> None:
        """What waits for logs that are not configured, by name: said once of each."""
        for name, waits in sorted(found.items()):
            if name not in self._left_behind:
                log.warn(
                    "Event log {log} is not configured, and {events} events ({size} bytes) wait "
                    "for it: they stay in the node's database until it is configured again",
                    log=name,
                    events=waits.events,
                    size=waits.size,
                )
        self._left_behind = frozenset(found)

    def _begin_unless_busy(self, plan: LogPlan) -> None:
        busy = any(served.plan.name == plan.name for served in self._leaving)
        if plan.name not in self._logs and not busy:
            self._begin(plan)

    def _begin(self, plan: LogPlan) -> None:
        served = ServedLog(self._reactor, self._node, self._dbid, plan, self._ask)
        self._logs[plan.name] = served
        served.begin()

    def _left(self, _: object, served: ServedLog) -> None:
        """One has ended; whoever has its name now begins."""
        self._leaving.pop(served, None)
        plan = self._plans.get(served.plan.name)
        if plan is not None and not self._closed:
            self._begin_unless_busy(plan)

    def perform(self, effect: LogEffect) -> None:
        """What a batch came to, for one of them."""
        _PERFORM[type(effect)](self, effect)

    def _shipment(self, effect: LogShipment) -> None:
        shipper: LogShipper = effect.token
        shipper.shipment(effect)

    def _grew(self, effect: LogGrew) -> None:
        served = self._logs.get(effect.log)
        if served is not None:
            served.grew(effect)

    def _refused(self, effect: LogRefused) -> None:
        served = self._logs.get(effect.log)
        if served is not None:
            served.refused(effect)

    def close(self) -> None:
        """Tell nothing more: the server is to stop."""
        self._closed = True
        for served in self._logs.values():
            served.close()

    def end(self) -> Deferred[None]:
        """
        Let go of all outsides; fires when that is done, or takes too long. May
        be called again.
        """
        self.close()
        logs, self._logs = list(self._logs.values()), {}
        for served in logs:
            self._leaving[served] = left = served.end()
            left.addCallback(self._left, served)
        ended: Deferred[None] = Deferred()
        waits = []
        for left in list(self._leaving.values()):
            gone: Deferred[None] = Deferred()
            left.addBoth(_pass_on, gone)
            waits.append(gone)
        DeferredList(waits).addCallback(lambda _: ended.callback(None))
        return ended

    def statuses(self) -> list[LogStatus]:
        """How each of them is."""
        return [self._logs[name].status() for name in sorted(self._logs)]


_PERFORM: Mapping[type[Any], Callable[[EventLogs, Any], None]] = {
    LogShipment: EventLogs._shipment,
    LogGrew: EventLogs._grew,
    LogRefused: EventLogs._refused,
}
EFFECTS = tuple(_PERFORM)
"""The effects that are for event logs."""


def _pass_on(result: object, gone: Deferred[None]) -> object:
    gone.callback(None)
    return result
