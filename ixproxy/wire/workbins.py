"""
What a client that listens to a workbin hears of it; the same on nodes and proxies.

Theory of operation: a workbin is named by its type and its one owner. Whoever
listens hears what is placed in and what is taken out, with
EventWorkbinContentChanged, and on request also of changed properties of what
lies there, and of the end of what lies there or was taken out of it. To listen
anew is to wish anew: the last request counts.
"""

from __future__ import annotations

from typing import NamedTuple

from ixproxy.messages import RequestWorkbinNotifications, Workbin

PLACED_IN, TAKEN_OUT = "PlacedIn", "TakenOut"
PROPERTIES_CHANGED, STOPPED = "PropertiesChanged", "ProcessingStopped"
"""The values of `workbin_content_operation`."""

WANTS_STOPS = "event_processing_stopped"
"""The key of an extension: whoever listens wants to hear of stops, too."""

MOST_OF_CLIENT = 10_000
"""Workbins that one client may listen to."""
MOST_OF_PROXY = 100_000
"""Workbins that one proxy may listen to, for all its clients together."""


class Wishes(NamedTuple):
    """
    What is heard beside what is placed in and taken out.

    :ivar properties: changed properties of what lies in the workbin.
    :ivar stops: the end of what lies there, or was taken out of it.
    """

    properties: bool = False
    stops: bool = False

    def accept(self, operation: str) -> bool:
        """Whether an event of this operation is heard."""
        if operation == PROPERTIES_CHANGED:
            return self.properties
        return self.stops if operation == STOPPED else True

    def joined(self, other: Wishes) -> Wishes:
        """What one of two wants to hear."""
        return Wishes(self.properties or other.properties, self.stops or other.stops)

    def covers(self, other: Wishes) -> bool:
        """Whether nothing more is heard with the wishes of `other`."""
        return self.joined(other) == self


def wishes_of(request: RequestWorkbinNotifications) -> Wishes:
    """What a request asks for."""
    return Wishes(bool(request.notify_property_changes), bool(request.extension.get(WANTS_STOPS)))


def asking(tenant_id: int, workbin: Workbin, wishes: Wishes) -> RequestWorkbinNotifications:
    """The request that asks for it."""
    return RequestWorkbinNotifications(
        tenant_id=tenant_id,
        workbin=workbin,
        notify_property_changes=int(wishes.properties),
        extension={WANTS_STOPS: 1} if wishes.stops else {},
    )
