"""
Requests that wait for their node while its pair switches over, instead of being refused.

Theory of operation
-------------------
Some requests can go to one node only: those for an interaction whose owner is
known, and submits with a receipt, which have one home. If that node is not
linked they are refused; nothing was done. Where `parking-window` is set they are
*parked* for that long after the link's loss: kept in their node's line and sent
nowhere. A node that is away for longer is not switching over, and one that never
was there is not either: for these all is as without parking. So it is where there
is no room: in the line, in all lines together, or in bytes.

A link that is back *drains* its line, oldest first and at the pace of
`parking-rate`. Until its line is empty, what comes for the node goes to the end
of it, so that nothing overtakes what the same client asked before, or somebody
else of the same interaction. Each that comes moves the oldest one on besides:
a line that drains never grows, however much comes.

A request leaves its line in one of three ways, and then goes on as if it had
never been in it, so that its one answer comes from where it always comes from:

HANDED ON  the node has it.
GIVEN UP   the time of the window, or its own, is over, the node was removed, or
           parking was switched off: refused, and nothing was done.
DROPPED    nobody waits any more: its client is gone, or has cancelled it.

No request is in a line for longer than the window. If the node is linked by then
but others are before it, it is handed on all the same.

What a restart loses, and who restores it: all that is parked. Its clients fail it
as in doubt when their connections break.
"""

from __future__ import annotations

from collections import deque
from typing import Protocol

from ixproxy.core.links import Link
from ixproxy.core.pending import Deadline
from ixproxy.core.state import Asked, ProxyState
from ixproxy.values import NodeName

AT_ONCE = 0.25
"""Seconds of the pace that are handed on in the moment in which a node is back."""


class Parkable(Protocol):
    """A request that one node only can answer."""

    @property
    def asked(self) -> Asked:
        """What the client sent."""

    def go(self, link: Link) -> None:
        """Wait no longer: go to the node, or be refused, as without parking."""


class Line:
    """
    What waits for one node, oldest first, and what became of all that did.

    :ivar waiting: the requests, and since when each waits.
    :ivar size: bytes of their frames.
    :ivar parked: requests ever parked here; they wait, or left in one of the ways.
    :ivar no_room: requests that were refused for want of room.
    :ivar credit: requests that may be handed on now.
    :ivar drained_at: when that was counted.
    """

    __slots__ = (
        "credit",
        "drained_at",
        "dropped",
        "given_up",
        "handed_on",
        "no_room",
        "noted",
        "parked",
        "size",
        "waiting",
    )

    def __init__(self) -> None:
        self.waiting: deque[tuple[Parkable, float]] = deque()
        self.size = 0
        self.parked = 0
        self.handed_on = 0
        self.given_up = 0
        self.dropped = 0
        self.no_room = 0
        self.credit = 0.0
        self.drained_at = 0.0
        self.noted = (0, 0)
        """How many were parked and handed on before the first that waits."""


class Parking:
    """
    All lines of one proxy.

    :ivar lines: by node, where something was ever parked, or had no room.
    :ivar count: requests that are parked.
    :ivar size: bytes of their frames.
    """

    def __init__(self, state: ProxyState) -> None:
        self._state = state
        self.lines: dict[NodeName, Line] = {}
        self.count = 0
        self.size = 0
        state.when_linked.append(self._linked)

    def takes(self, link: Link, request: Parkable) -> bool:
        """Whether a request was parked; if not, it goes on at once."""
        asked = request.asked
        if _is_ended(asked, self._state.now):
            return False
        if link.linked:
            if not link.parked:
                return False
            line = self.lines[link.name]
            moved = self._hand_on(link, line)
            if not link.parked:
                return False
            if moved or self._has_room(line, asked):
                self._park(link, line, request)
                return True
        elif self._switches_over(link):
            line = self.lines.setdefault(link.name, Line())
            if self._has_room(line, asked):
                self._park(link, line, request)
                return True
        else:
            return False
        line.no_room += 1
        self._state.counters["not parked for want of room"] += 1
        return False

    def _switches_over(self, link: Link) -> bool:
        """Whether the node may be back soon: its link was lost a moment ago."""
        window = self._state.settings.parking_window
        return window > 0 and link.since is not None and self._state.now < link.since + window

    def _has_room(self, line: Line, asked: Asked) -> bool:
        settings = self._state.settings
        return (
            len(line.waiting) < settings.max_parked_per_node
            and self.count < settings.max_parked
            and self.size + len(asked.frame.raw) <= settings.max_parked_size
        )

    def _park(self, link: Link, line: Line, request: Parkable) -> None:
        asked = request.asked
        if not line.waiting:
            line.noted = line.parked, line.handed_on
            self._state.note("info", "Requests wait for {link}", link=str(link))
        line.waiting.append((request, self._state.now))
        line.parked += 1
        line.size += len(asked.frame.raw)
        self.size += len(asked.frame.raw)
        self.count += 1
        link.parked += 1
        self._state.counters["parked"] += 1
        # It waits by design: its client may go on with what is for other nodes.
        asked.client.patient[asked.frame.reference] = None

    def _left(self, link: Link, line: Line, request: Parkable) -> None:
        """A request that is in the line no more goes on."""
        state, asked = self._state, request.asked
        line.size -= len(asked.frame.raw)
        self.size -= len(asked.frame.raw)
        self.count -= 1
        link.parked -= 1
        if asked.route.deadline is not Deadline.DELIVERY:
            asked.client.patient.pop(asked.frame.reference, None)
        if asked.client.gone or asked.cancelled:
            line.dropped += 1
            state.counters["parked and dropped"] += 1
        elif asked.due > state.now and self._can_go(link) and link.name in asked.client.numbers:
            line.handed_on += 1
            state.counters["parked and handed on"] += 1
        else:
            line.given_up += 1
            state.counters["parked and given up"] += 1
        request.go(link)
        if not line.waiting and not link.parked:
            self._note_end(link, line)

    def _note_end(self, link: Link, line: Line) -> None:
        parked, handed_on = line.noted
        self._state.note(
            "info",
            "No request waits for {link} any more; {handed_on} of {parked} were handed on",
            link=str(link),
            handed_on=line.handed_on - handed_on,
            parked=line.parked - parked,
        )

    def _can_go(self, link: Link) -> bool:
        most = self._state.settings.max_pending_per_node
        return link.linked and not link.full and link.pending.count < most

    def _hand_on(self, link: Link, line: Line) -> bool:
        """Hand the oldest one on; False: there is none, or the node is busy."""
        while line.waiting and self._can_go(link):
            request, _ = line.waiting.popleft()
            before = line.handed_on
            self._left(link, line, request)
            if line.handed_on > before:
                return True
        return False

    def _linked(self, link: Link) -> None:
        """A node is back."""
        line = self.lines.get(link.name)
        if line is not None:
            line.credit = max(1.0, AT_ONCE * self._state.settings.parking_rate)
            line.drained_at = self._state.now
            self._drain(link, line)

    def _drain(self, link: Link, line: Line) -> None:
        """Hand on what the pace allows."""
        now = self._state.now
        line.credit += (now - line.drained_at) * self._state.settings.parking_rate
        line.drained_at = now
        while line.credit >= 1 and self._hand_on(link, line):
            line.credit -= 1

    def ticked(self) -> None:
        """Some time passed: what is over leaves its line; nodes that are back get more."""
        for name, line in list(self.lines.items()):
            if line.waiting:
                link = self._state.links[name]
                self._sweep(link, line)
                if link.linked:
                    self._drain(link, line)

    def _sweep(self, link: Link, line: Line) -> None:
        now = self._state.now
        ended = [each for each in line.waiting if _is_ended(each[0].asked, now)]
        if ended:
            line.waiting = deque(each for each in line.waiting if not _is_ended(each[0].asked, now))
        for request, _ in ended:
            self._left(link, line, request)
        since = now - self._state.settings.parking_window
        given_up = not link.linked and not self._switches_over(link)
        while line.waiting and (given_up or line.waiting[0][1] <= since):
            request, _ = line.waiting.popleft()
            self._left(link, line, request)

    def node_removed(self, link: Link) -> None:
        """A node left the deployment, or its name means another one: nothing waits for it."""
        line = self.lines.pop(link.name, None)
        while line is not None and line.waiting:
            request, _ = line.waiting.popleft()
            self._left(link, line, request)


def _is_ended(asked: Asked, now: float) -> bool:
    """Whether a request has nothing to wait for: wherever it goes, it is not sent."""
    return asked.client.gone or asked.cancelled or asked.due <= now
