"""What a node's server is told of each of its event logs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from ixproxy.interfaces_eventlog import IEventLog
from ixproxy.node.log_rules import LogRules


@dataclass(frozen=True, slots=True)
class LogPacing:
    """
    When an event log is told; may change at any time.

    :ivar batch_size: at once, where so many events wait; and never more in one call.
    :ivar storing_timeout: seconds that the first of fewer waits.
    """

    batch_size: int = 500
    storing_timeout: float = 1.0


@dataclass(frozen=True, slots=True)
class LogPlan:
    """
    One event log. Equal plans mean that nothing changed.

    :ivar kind: the name of its maker.
    :ivar settings: what its maker takes; with others it is made anew.
    :ivar make: makes one for a term.
    """

    name: str
    kind: str
    make: Callable[[], IEventLog] = field(compare=False)
    settings: Mapping[str, object] = field(default_factory=dict)
    rules: LogRules = field(default_factory=LogRules)
    pacing: LogPacing = field(default_factory=LogPacing)

    def same_log(self, other: LogPlan) -> bool:
        """Whether the log of one can go on as that of the other."""
        return (self.kind, self.settings) == (other.kind, other.settings)
