"""
All capture points of a node's server, in one term.

Theory of operation: they begin once the server listens. When it is to stop,
nothing more is taken in at once; they end when the writer has answered what it
has, or when nobody waits for it any longer, and then the rest is in doubt.

When the configuration changes, those that are gone or made otherwise are
closed, wait for what they have in flight, and end; only then does another one
with the same name begin, for both would have the same outside.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from msgspec.structs import replace
from twisted.internet.defer import Deferred, DeferredList
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from ixproxy.errors import Code
from ixproxy.messages.message import KeyValues
from ixproxy.messages.status import CaptureStatus
from ixproxy.net.capture_intake import Handed
from ixproxy.net.capture_plans import CapturePlan
from ixproxy.net.capture_shipper import Shipper
from ixproxy.net.served_part import END_LIMIT
from ixproxy.net.served_point import ServedPoint
from ixproxy.node.intake_work import (
    DocumentDone,
    DocumentGiven,
    DocumentRefused,
    IntakeEffect,
    IntakeWork,
    NoticeDropped,
    OutboxGrew,
    Shipment,
    Verb,
)

log = Logger()


class CapturePoints:
    """
    :param node: the name of the server.
    :param ask: gives work to the writer.
    :param is_full: whether the writer should get nothing more now.
    """

    def __init__(
        self,
        reactor: IReactorTime,
        node: str,
        plans: Sequence[CapturePlan],
        ask: Callable[[IntakeWork], None],
        is_full: Callable[[], bool],
    ) -> None:
        self._reactor = reactor
        self._node = node
        self._ask = ask
        self._is_full = is_full
        self._plans: dict[str, CapturePlan] = {plan.name: plan for plan in plans}
        self._points: dict[str, ServedPoint] = {}
        self._leaving: dict[ServedPoint, Deferred[None]] = {}
        self._started = False
        self._closed = False

    def start(self) -> None:
        """The server is primary, and listens."""
        if not self._closed:
            self._started = True
            for plan in self._plans.values():
                self._begin(plan)

    def use(self, plans: Sequence[CapturePlan]) -> None:
        """Follow a changed configuration."""
        self._plans = {plan.name: plan for plan in plans}
        if not self._started or self._closed:
            return
        for name, point in list(self._points.items()):
            plan = self._plans.get(name)
            if plan is not None and point.plan.same_point(plan):
                point.use(plan)
            else:
                del self._points[name]
                point.close()
                self._leaving[point] = left = Deferred.fromCoroutine(self._leave(point))
                left.addErrback(_log_broken)
        for plan in self._plans.values():
            busy = any(point.plan.name == plan.name for point in self._leaving)
            if plan.name not in self._points and not busy:
                self._begin(plan)

    def _begin(self, plan: CapturePlan) -> None:
        point = ServedPoint(self._reactor, self._node, plan, self._give, self._is_full)
        self._points[plan.name] = point
        point.begin()

    def _give(self, work: IntakeWork) -> None:
        """Give the writer work, and what it cannot know if it is asked for that."""
        if isinstance(work, DocumentGiven) and any(
            each.verb is Verb.PING for each in work.document.operations
        ):
            known = {status.name: _statistics(status) for status in self.statuses()}
            work = replace(work, statistics=known)
        self._ask(work)

    async def _leave(self, point: ServedPoint) -> None:
        """What is not wanted any more ends, and whoever has its name now begins."""
        emptied = point.intake.emptied()
        late = self._reactor.callLater(END_LIMIT, _fire, emptied)
        await emptied
        if late.active():
            late.cancel()
        await point.end()
        self._leaving.pop(point, None)
        plan = self._plans.get(point.plan.name)
        if plan is not None and not self._closed and plan.name not in self._points:
            self._begin(plan)

    def perform(self, effect: IntakeEffect) -> None:
        """What a batch came to, for one of them."""
        _PERFORM[type(effect)](self, effect)

    def _done(self, effect: DocumentDone) -> None:
        handed: Handed = effect.token
        handed.done(effect)

    def _refused(self, effect: DocumentRefused) -> None:
        handed: Handed = effect.token
        handed.refuse(effect)

    def _shipment(self, effect: Shipment) -> None:
        shipper: Shipper = effect.token
        shipper.shipment(effect)

    def _grew(self, effect: OutboxGrew) -> None:
        point = self._points.get(effect.point)
        if point is not None:
            point.wake()

    def _dropped(self, effect: NoticeDropped) -> None:
        point = self._points.get(effect.point)
        if point is not None:
            point.dropped()

    def not_run(self, work: object) -> None:
        """The writer was stopped before it came to some work."""
        if isinstance(work, DocumentGiven):
            work.token.refuse(DocumentRefused(work.token, Code.STOPPING, "", in_doubt=False))

    def close(self) -> None:
        """Take nothing more in: the server is to stop."""
        self._closed = True
        for point in self._points.values():
            point.close()

    def end(self) -> Deferred[None]:
        """
        Let go of all outsides, whatever is still in flight; fires when that is
        done, or takes too long. May be called again.
        """
        self.close()
        points, self._points = list(self._points.values()), {}
        for point in points:
            self._leaving[point] = point.end().addCallback(self._left, point)
        ended: Deferred[None] = Deferred()
        waits = []
        for left in self._leaving.values():
            gone: Deferred[None] = Deferred()
            left.addBoth(_pass_on, gone)
            waits.append(gone)
        DeferredList(waits).addCallback(lambda _: ended.callback(None))
        return ended

    def _left(self, _: object, point: ServedPoint) -> None:
        self._leaving.pop(point, None)

    def statuses(self) -> list[CaptureStatus]:
        """How each of them is."""
        return [self._points[name].status() for name in sorted(self._points)]


_PERFORM: Mapping[type[Any], Callable[[CapturePoints, Any], None]] = {
    DocumentDone: CapturePoints._done,
    DocumentRefused: CapturePoints._refused,
    Shipment: CapturePoints._shipment,
    OutboxGrew: CapturePoints._grew,
    NoticeDropped: CapturePoints._dropped,
}
_COUNTED = (
    *("documents", "operations", "taken", "repeated", "refused", "errors"),
    *("notified", "lost", "dropped"),
)
"""What a ping tells of what was counted."""

EFFECTS = tuple(_PERFORM)
"""The effects that are for capture points."""


def _statistics(status: CaptureStatus) -> KeyValues:
    """What a source is told of a capture point: not why it is so, for that names others."""
    counts = {name.capitalize(): status.counts.get(name, 0) for name in _COUNTED}
    state = status.state.partition(":")[0].partition(",")[0]
    return {"Kind": status.kind, "State": state, "InFlight": status.in_flight, **counts}


def _fire(waited: Deferred[None]) -> None:
    if not waited.called:
        waited.callback(None)


def _pass_on(result: object, gone: Deferred[None]) -> object:
    gone.callback(None)
    return result


def _log_broken(failure: Any) -> None:
    log.failure("A capture point could not be let go of", failure=failure)
