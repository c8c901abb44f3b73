"""What a node's server is told of each of its capture points."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from ixproxy.interfaces_capture import ICapturePoint
from ixproxy.node.intake_settings import CaptureRules


@dataclass(frozen=True, slots=True)
class CaptureLimits:
    """
    How much one capture point may do, and how it is told; all may change at any time.

    :ivar max_in_flight: documents that are handed in and not answered.
    :ivar max_operations: in one document.
    :ivar max_rate: documents a second; None: not limited.
    :ivar tell_once: a notification that is no reply is told once at most, and
        may be lost; otherwise, as a reply is in any case, it is told until it is
        known to have arrived.
    """

    max_in_flight: int = 100
    max_operations: int = 1000
    max_rate: float | None = None
    tell_once: bool = True


@dataclass(frozen=True, slots=True)
class CapturePlan:
    """
    One capture point. Equal plans mean that nothing changed.

    :ivar kind: the name of its maker.
    :ivar settings: what its maker takes; with others it is made anew.
    :ivar make: makes one for a term.
    """

    name: str
    kind: str
    make: Callable[[], ICapturePoint] = field(compare=False)
    settings: Mapping[str, object] = field(default_factory=dict)
    rules: CaptureRules = field(default_factory=CaptureRules)
    limits: CaptureLimits = field(default_factory=CaptureLimits)

    def same_point(self, other: CapturePlan) -> bool:
        """Whether the capture point of one can go on as that of the other."""
        mine, its = (self.kind, self.settings), (other.kind, other.settings)
        # What it wants to be told decides what it needs of the outside.
        return mine == its
