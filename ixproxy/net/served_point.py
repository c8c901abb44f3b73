"""
One capture point of a term: made, begun, and let go of, whatever it does.

Theory of operation: a capture point is somebody else's program. Whatever it
raises is logged with its name and counted, and costs the node nothing: one
that could not be made or begun is made anew after a while. Its end is waited
for, but not for ever.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.interfaces import IDelayedCall
from twisted.logger import Logger
from twisted.python.failure import Failure

from ixproxy.errors import NotTold
from ixproxy.interfaces_capture import ICapturePoint
from ixproxy.messages.message import MAX_NAME, MAX_TEXT
from ixproxy.messages.status import CaptureStatus
from ixproxy.net.capture_intake import Intake
from ixproxy.net.capture_plans import CapturePlan
from ixproxy.net.capture_shipper import Shipper
from ixproxy.node.intake_work import IntakeWork, Notification

log = Logger()

RETRY = 10.0
"""Seconds after which a capture point that could not begin is made anew."""
END_LIMIT = 2.0
"""Seconds that its end may take."""
MOST_FIGURES = 50
"""Of its own figures that are shown."""


class ServedPoint:
    """
    :param ask: gives work to the writer.
    :param is_full: whether the writer should get nothing now.
    :ivar counts: raised: how often it broke; dropped: notifications that the full outbox lost.
    """

    def __init__(
        self,
        reactor: Any,
        node: str,
        plan: CapturePlan,
        ask: Callable[[IntakeWork], None],
        is_full: Callable[[], bool],
    ) -> None:
        self._reactor = reactor
        self.plan = plan
        self.counts: Counter[str] = Counter()
        self._point: ICapturePoint | None = None
        self._problem = ""
        self._over = False
        self._retrying: IDelayedCall | None = None
        self._full = False
        self.intake = Intake(reactor, plan.name, node, plan.limits, ask, is_full)
        self.shipper = Shipper(
            reactor,
            plan.name,
            ask,
            self._tell,
            self._outbox_was_read,
            tell_once=plan.limits.tell_once,
        )

    def begin(self) -> None:
        """Its node is primary."""
        try:
            self._point = point = self.plan.make()
            point.begin(self.intake)
        except Exception as problem:
            self._broke("could not begin", problem)
            self._let_go()
            self._retrying = self._reactor.callLater(RETRY, self.begin)
            return
        self._problem = ""
        self.shipper.start()

    def use(self, plan: CapturePlan) -> None:
        """Go on by another plan of the same capture point."""
        self.plan = plan
        self.shipper.tell_once = plan.limits.tell_once
        self.intake.use(plan.limits)

    def wake(self) -> None:
        """There is something new to tell it."""
        self.shipper.wake()

    def dropped(self) -> None:
        """It is not told of something, for its outbox is full: said once until there is room."""
        self.counts["dropped"] += 1
        if not self._full:
            self._full = True
            log.error(
                "Capture point {point}: {limit} notifications wait for it, and no more are kept: "
                "it will not hear of what happens until it has read some",
                point=self.plan.name,
                limit=self.plan.rules.max_outbox,
            )

    def _outbox_was_read(self) -> None:
        if self._full and self.shipper.left < self.plan.rules.max_outbox:
            self._full = False
            log.info("Capture point {point} hears of things again", point=self.plan.name)
        self.intake.outbox_was_read()

    def close(self) -> None:
        """Take nothing more in, and tell nothing more."""
        self._over = True
        if self._retrying is not None and self._retrying.active():
            self._retrying.cancel()
        self.shipper.stop()
        self.intake.close()

    def end(self) -> Deferred[None]:
        """Have it let go of its outside; fires when it has, or does not in time."""
        self.close()
        self.intake.doubt()
        ended: Deferred[None] = Deferred()
        if self._point is None:
            ended.callback(None)
            return ended
        late = self._reactor.callLater(END_LIMIT, self._too_late, ended)

        def over(result: object) -> None:
            if isinstance(result, Failure):
                self._failed_to_end(result)
            if late.active():
                late.cancel()
                ended.callback(None)

        self._let_go().addBoth(over)
        return ended

    def _too_late(self, ended: Deferred[None]) -> None:
        self.counts["raised"] += 1
        log.error(
            "Capture point {point} does not end within {seconds:g} s",
            point=self.plan.name,
            seconds=END_LIMIT,
        )
        ended.callback(None)

    def _let_go(self) -> Deferred[None]:
        point, self._point = self._point, None
        if point is None:
            return maybeDeferred(lambda: None)
        ended: Deferred[None] = maybeDeferred(point.end)
        if not self._over:
            ended.addErrback(self._failed_to_end)
        return ended

    def _failed_to_end(self, failure: Failure) -> None:
        self._broke("could not end", failure.value or Exception(failure.type))

    def _tell(self, notifications: Sequence[Notification]) -> Deferred[None]:
        point = self._point
        if point is None:
            raise NotTold(f"it is not there: {self._problem or 'ended'}")
        return point.tell(notifications)

    def _broke(self, what: str, problem: BaseException) -> None:
        self.counts["raised"] += 1
        self._problem = f"{type(problem).__name__}: {problem}"
        log.failure(
            "Capture point {point} {what}",
            failure=Failure(problem),
            point=self.plan.name,
            what=what,
        )

    def status(self) -> CaptureStatus:
        """How it is."""
        figures = self._figures()
        counts = self.intake.counts + self.shipper.counts + self.counts
        return CaptureStatus(
            name=self.plan.name,
            kind=self.plan.kind,
            state=str(figures.pop("state", "unknown"))[:MAX_TEXT],
            in_flight=self.intake.in_flight,
            waiting=self.shipper.left,
            counts={name: number for name, number in sorted(counts.items()) if number},
            figures=figures,
        )

    def _figures(self) -> dict[str, Any]:
        """What it says of itself, as far as it can be shown."""
        point = self._point
        if point is None:
            why = f"failed: {self._problem}" if self._problem else "not begun"
            return {"state": "ended" if self._over else why}
        try:
            return figures_shown(point.figures())
        except Exception as problem:
            self.counts["raised"] += 1
            return {"state": f"failed: figures: {type(problem).__name__}: {problem}"}


def figures_shown(given: Mapping[str, object]) -> dict[str, Any]:
    """What a plug-in says of itself, in words and numbers that can be sent."""
    shown: dict[str, Any] = {}
    for key, value in list(given.items())[:MOST_FIGURES]:
        name = str(key)[:MAX_NAME]
        plain = isinstance(value, bool | float) or (isinstance(value, int) and abs(value) < 2**63)
        shown[name] = value if plain else str(value)[:MAX_TEXT]
    return shown
