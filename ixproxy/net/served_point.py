"""One capture point of a term, with what goes into it and comes out of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from twisted.internet.defer import Deferred
from twisted.logger import Logger

from ixproxy.errors import NotTold
from ixproxy.interfaces_capture import ICapturePoint
from ixproxy.messages.status import CaptureStatus
from ixproxy.net.capture_intake import Intake
from ixproxy.net.capture_plans import CapturePlan
from ixproxy.net.capture_shipper import Shipper
from ixproxy.net.served_part import ServedPart
from ixproxy.node.intake_work import IntakeWork, Notification

log = Logger()


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
        self.plan = plan
        self.counts: Counter[str] = Counter()
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
        self._part: ServedPart[ICapturePoint] = ServedPart(
            reactor,
            f"Capture point {plan.name}",
            lambda: self.plan.make(),
            lambda point: point.begin(self.intake),
            self.shipper.start,
            self.counts,
        )

    def begin(self) -> None:
        """Its node is primary."""
        self._part.begin()

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
        self._part.close()
        self.shipper.stop()
        self.intake.close()

    def end(self) -> Deferred[None]:
        """Have it let go of its outside; fires when it has, or does not in time."""
        self.close()
        self.intake.doubt()
        return self._part.end()

    def _tell(self, notifications: Sequence[Notification]) -> Deferred[None]:
        point = self._part.there
        if point is None:
            raise NotTold(f"it is not there: {self._part.absence}")
        return point.tell(notifications)

    def status(self) -> CaptureStatus:
        """How it is."""
        figures = self._part.figures()
        counts = self.intake.counts + self.shipper.counts + self.counts
        return CaptureStatus(
            name=self.plan.name,
            kind=self.plan.kind,
            state=str(figures.pop("state")),
            in_flight=self.intake.in_flight,
            waiting=self.shipper.left,
            counts={name: number for name, number in sorted(counts.items()) if number},
            figures=figures,
        )
