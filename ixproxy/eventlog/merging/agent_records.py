"""What is kept of an agent session while logs are merged, from one run to the next."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

MOST_ACTS = 200
"""Acts of a channel that copies are looked for among."""


class Act(msgspec.Struct):
    """
    A change that is in the clean history.

    :ivar value: what the event said beside its name: a reason.
    :ivar state: of the channel after it.
    :ivar time: by the common clock.
    :ivar at: when it happened by the clocks of the nodes that have told of it, by dbid.
    """

    event: str
    value: str
    state: str
    time: float
    at: dict[int, float]


class Channel(msgspec.Struct):
    """
    The acts of one channel of an agent session, and how far each node is in them.

    Acts are counted from the first of the session; those that no copy can be of
    any more are forgotten.

    :ivar first: number of `acts[0]`.
    :ivar before: state before `acts[0]`; None: not known.
    :ivar state: after all acts.
    :ivar changed: time of the last act, by the common clock.
    :ivar pointers: number of the next act that a node may tell of, by dbid.
    """

    before: str | None
    state: str | None
    first: int = 0
    changed: float = -1e300
    acts: list[Act] = []
    pointers: dict[int, int] = {}

    def find(self, node: int, event: str, value: str, time: float, tolerance: float) -> Act | None:
        """The act that a node tells of again; its pointer is put behind it."""
        start = max(self.pointers.get(node, self.first), self.first)
        for number in range(start, self.first + len(self.acts)):
            act = self.acts[number - self.first]
            if act.event == event and act.value == value and abs(time - act.time) <= tolerance:
                self.pointers[node] = number + 1
                return act
        return None

    def append(self, node: int, act: Act, now: float, tolerance: float) -> None:
        """A node told of a new act."""
        self.acts.append(act)
        self.state = act.state
        self.changed = max(act.time, self.changed)
        old = 0
        while old < len(self.acts) - 1 and (
            self.acts[old].time < now - tolerance or len(self.acts) - old > MOST_ACTS
        ):
            old += 1
        if old:
            self.before = self.acts[old - 1].state
            del self.acts[:old]
            self.first += old
        self.pointers[node] = self.first + len(self.acts)

    def joined(self, node: int, state: str, time: float, tolerance: float) -> None:
        """
        A node says that this is the channel's state: it will go on from the first act after
        which that was so, of those that copies may still come of.
        """
        before = self.before
        for place, act in enumerate(self.acts):
            if before == state and act.time >= time - tolerance:
                self.pointers[node] = self.first + place
                return
            before = act.state
        self.pointers[node] = self.first + (len(self.acts) if before == state else 0)


class Held(msgspec.Struct):
    """
    A logout that waits for the last node, or what a node told behind it.

    :ivar home: it is that of the node that named the session.
    """

    row: Sequence[Any]
    time: float
    late: bool
    home: bool = False


class Session(msgspec.Struct):
    """
    One agent session.

    :ivar key: its name, or that of its first event where logs name no sessions.
    :ivar named: whether `key` is the session's own name.
    :ivar began: time of the first event, by the common clock.
    :ivar whole: the login was seen: a channel that nothing was said of is as in a new session.
    :ivar nodes: those that have it, by dbid, and since when.
    :ivar left: those that had it, and until when.
    :ivar logins: when nodes told of the login, by their clocks; `logouts` likewise.
    :ivar logout: the last logout, while another node has the session.
    :ivar behind: what stands behind it.
    :ivar deadline: when that is waited for no longer; without a logout: when the session is
        forgotten, for another one of the agent has begun.
    :ivar closed: when it ended, by the common clock.
    """

    key: str
    named: bool
    tenant_id: int
    agent_id: str
    place_id: str
    began: float
    whole: bool = False
    nodes: dict[int, float] = {}
    left: dict[int, float] = {}
    logins: dict[int, float] = {}
    logouts: dict[int, float] = {}
    channels: dict[str, Channel] = {}
    logout: Held | None = None
    behind: list[Held] = []
    deadline: float | None = None
    closed: float | None = None
