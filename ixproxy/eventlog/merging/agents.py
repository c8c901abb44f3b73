"""
One clean history of each agent, out of the rows that every node wrote.

Theory of operation: each node of a cluster logs the same login, the same
changes and the same logout. Rows come in the order of a common clock. The first
row of an act is emitted, and the act is appended to the session's; a row of
another node that equals an act which that node has not told of yet is its copy.
Acts are aligned for each channel of the agent by itself: two changes that were
on their way at the same time may have come to two nodes in either order. A row
that is no copy and changes nothing is a repeat: its node was away and was told
again what the others knew. Everything else is emitted.

*Login*: the first node's. *Logout*: when the last node that has the session has ended it; until
then it is held. The home's row is taken, for that node knows best who did it, or the last
node's, if that came much later. It is emitted sooner if the agent's next session begins, or if a
node that still has the session has told nothing of it for `restore` seconds after
the others ended it. A node has one session of an agent: when it logs
in to another, it has left the one before, be it without a word. A session that
the last node leaves so ends without a logout. What a node tells of no session (that the agent is
not available) behind a logout that is held is held with it. Two sessions that several
nodes have at the same time stay two.

*A session that is left over*: its nodes are gone for ever, and no logout is logged. When the
agent's next session has begun, and a while went by without a word of the older one, it is
forgotten; nothing is told for it. If a node speaks of it after all, it is as one that began
before the logs.

*What is over* is remembered for a while: rows that come then are copies, or
too late to be told. A node that had ended a session and logs in to it again opens it again.

*Logs without names of sessions*: a login belongs to the session of the same agent
and place that is open on another node. A node that ended that moments ago begins a
new one: the others' logouts are on their way.

*Late rows* are looked for among what was emitted (`past`), for the acts are forgotten; so
are sessions that are not known: they may have been over for long.

All state is in `sessions` and `now`, so that it can be kept and gone on with.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from heapq import heapify, heappop, heappush
from operator import itemgetter
from typing import Any, NamedTuple

from ixproxy.eventlog.merging.agent_acts import (
    LOGIN,
    LOGOUT,
    OWN,
    AgentEvent,
    absent,
    channel_of,
    reason_of,
    session_of,
    state_after,
    states_at_login,
)
from ixproxy.eventlog.merging.agent_finding import SETTLING, Sessions
from ixproxy.eventlog.merging.agent_past import NOTHING, Past
from ixproxy.eventlog.merging.agent_records import Act, Channel, Held, Session

REMEMBERED = 600.0
"""Seconds for which a session that is over is remembered, at least."""

COPIES = "copies"
REPEATS = "repeats"
AFTER_END = "after the end"


class Emitted(NamedTuple):
    """A row of the clean history, with its time by the common clock."""

    row: Sequence[Any]
    time: float
    late: bool


class Shared(NamedTuple):
    """Two nodes told of the same act, each at its own time."""

    dbid: int
    time: float
    other_dbid: int
    other_time: float


class AgentHistories:
    """
    All agents.

    :param sessions: as they were kept.
    :param now: time of the last row, by the common clock.
    :param tolerance: seconds by which nodes may tell of the same act apart.
    :param restore: seconds for which a node that has a session alone may be silent about it.
    :param past: what was emitted long ago.
    :ivar changed: keys of sessions that are to be kept anew, or are gone.
    :ivar shared: what was learned of the nodes' clocks; the caller empties it.
    """

    def __init__(
        self,
        sessions: Iterable[Session] = (),
        now: float = -1e300,
        *,
        tolerance: float = 300.0,
        restore: float = 300.0,
        past: Past = NOTHING,
    ) -> None:
        self._known = Sessions(sessions)
        self.now = now
        self.counters: Counter[str] = Counter()
        self.changed: set[str] = set()
        self.shared: list[Shared] = []
        self._tolerance = tolerance
        self._restore = restore
        self._remembered = max(REMEMBERED, 2 * restore)
        self._past = past
        self._due: list[tuple[float, str]] = []
        for session in self.sessions.values():
            # A merge without a clock may have been in the future when it kept them.
            if session.closed is not None:
                session.closed = min(session.closed, now)
            if session.deadline is not None:
                session.deadline = min(session.deadline, now + self._remembered)
            self._due.extend(self._dates(session))
        heapify(self._due)

    @property
    def sessions(self) -> Mapping[str, Session]:
        """Those that are open, or were a while ago, by their keys."""
        return self._known.all

    def seen(self, event: AgentEvent) -> list[Emitted]:
        """What a row adds to the clean history, with what was due before it."""
        out = [] if event.late else self.passed(event.time)
        if event.agent_id is None or event.event == OWN:
            self._emit(event, out)
        elif event.event == LOGIN:
            self._login(event, out)
        elif event.event == LOGOUT:
            self._logout(event, out)
        else:
            self._change(event, out)
        return out

    def passed(self, time: float) -> list[Emitted]:
        """What is due when the common clock shows `time`."""
        out: list[Emitted] = []
        while self._due and self._due[0][0] < time:
            date, key = heappop(self._due)
            session = self.sessions.get(key)
            if session is None or (date, key) not in self._dates(session):
                continue
            # As if it was done when it was due, whenever the next row came.
            self.now = max(date, self.now)
            if session.closed is not None or session.logout is None:
                self._forget(session)
            else:
                self._close(session, out)
        self.now = max(time, self.now)
        return out

    def finish(self) -> list[Emitted]:
        """Every logout that is held, for no node is waited for."""
        out: list[Emitted] = []
        held = [
            (each.logout.time, each.key, each)
            for each in self.sessions.values()
            if each.logout is not None
        ]
        for _, _, session in sorted(held, key=itemgetter(0, 1)):
            self._close(session, out)
        return out

    def _login(self, event: AgentEvent, out: list[Emitted]) -> None:
        session = self._known.for_login(event)
        node = event.dbid
        if session is None:
            if self._is_known(event):
                return
            self._leave_others(event, None, out)
            self._begin(self._new(event), event, out)
            return
        self._touch(session)
        if session.closed is not None:
            if session.named and event.time > session.left.get(node, 1e300) and not event.late:
                self._leave_others(event, session, out, begins=True)
                self._begin(session, event, out)
                return
            self.counters[COPIES] += 1
            if not session.named:
                session.nodes[node] = event.time
            return
        self._leave_others(event, session, out)
        self.counters[REPEATS if node in session.nodes or node in session.left else COPIES] += 1
        self._learn(session.logins, event)
        session.left.pop(node, None)
        session.nodes[node] = event.time
        self._wait_again(session)
        states = states_at_login(event)
        for name, channel in session.channels.items():
            state = states.get(name, absent(name))
            channel.joined(node, state, event.time, self._tolerance)

    def _begin(self, session: Session, event: AgentEvent, out: list[Emitted]) -> None:
        session.whole = True
        session.closed = session.logout = session.deadline = None
        session.nodes, session.left = {event.dbid: event.time}, {}
        session.logins, session.logouts = {event.dbid: event.event_time}, {}
        session.channels = {
            name: Channel(state, state) for name, state in states_at_login(event).items()
        }
        self._emit(event, out)

    def _logout(self, event: AgentEvent, out: list[Emitted]) -> None:
        session = self._known.of(event)
        if session is None:
            if self._is_known(event):
                return
            # Its login is in no log: the session began before them.
            self._emit(event, out)
            session = self._new(event)
            session.left[event.dbid] = event.time
            self._over(session)
            return
        self._touch(session)
        session.nodes.pop(event.dbid, None)
        if session.closed is not None or event.dbid in session.left:
            self.counters[COPIES] += 1
            session.left[event.dbid] = event.time
            return
        session.left[event.dbid] = event.time
        self._learn(session.logouts, event)
        if session.logout is not None:
            self.counters[COPIES] += 1
        self._hold(session, event)
        if session.nodes:
            self._wait_again(session)
        else:
            self._close(session, out)

    def _hold(self, session: Session, event: AgentEvent) -> None:
        """The logout that is told is the home's, if others follow at once, or else the last."""
        held, home = session.logout, event.dbid == event.session_dbid
        if held is not None:
            if abs(event.time - held.time) <= SETTLING and (home or held.home):
                if not home:
                    return
            elif event.time < held.time:
                return
        session.logout = Held(event.row, event.time, event.late, home)

    def _change(self, event: AgentEvent, out: list[Emitted]) -> None:
        session = self._known.of(event)
        node = event.dbid
        if session is None:
            if self._is_known(event):
                return
            session = self._new(event)
        elif event.late and self._past.told(event):
            self.counters[COPIES] += 1
            return
        self._touch(session)
        if session.closed is not None or node in session.left:
            self.counters[AFTER_END] += 1
            return
        session.nodes.setdefault(node, event.time)
        self._wait_again(session)
        name, value = channel_of(event), reason_of(event)
        channel = session.channels.get(name)
        if channel is None:
            state = absent(name) if session.whole else None
            channel = session.channels[name] = Channel(state, state)
        if event.late and event.time < channel.changed:
            self._emit(event, out)
            return
        act = channel.find(node, event.event, value, event.time, self._tolerance)
        if act is not None:
            self.counters[COPIES] += 1
            self._learn(act.at, event)
            return
        state = state_after(event, channel.state)
        if state == channel.state:
            self.counters[REPEATS] += 1
            return
        act = Act(event.event, value, state, event.time, {node: event.event_time})
        channel.append(node, act, self.now, self._tolerance)
        for other in self._known.of_agent(event):
            if session_of(event) is None and other.named and other.logout and node in other.left:
                # Of no session; its node told of it behind the logout that is held.
                other.behind.append(Held(event.row, event.time, event.late))
                self._touch(other)
                return
        self._emit(event, out)

    def _is_known(self, event: AgentEvent) -> bool:
        """Whether an event of no session that is known here was told long ago."""
        if event.late and self._past.told(event):
            self.counters[COPIES] += 1
            return True
        number, dbid = event.session_number, event.session_dbid
        if number is not None and dbid is not None and self._past.ended(number, dbid):
            self.counters[AFTER_END] += 1
            return True
        return False

    def _emit(self, event: AgentEvent, out: list[Emitted]) -> None:
        out.append(Emitted(event.row, event.time, event.late))

    def _learn(self, times: dict[int, float], event: AgentEvent) -> None:
        """Nodes told of the same: what their clocks showed is known of each."""
        for other, time in times.items():
            if other != event.dbid:
                self.shared.append(Shared(other, time, event.dbid, event.event_time))
        times.setdefault(event.dbid, event.event_time)

    def _leave_others(
        self, event: AgentEvent, joined: Session | None, out: list[Emitted], *, begins: bool = False
    ) -> None:
        """A node has a session, and with it no other of the agent; one that begins ends others."""
        for other in self._known.of_agent(event):
            if other is joined or other.closed is not None:
                continue
            if not other.named and other.place_id != (event.place_id or ""):
                continue
            if event.late and other.began > event.time:
                continue
            if event.dbid in other.nodes:
                self._touch(other)
                del other.nodes[event.dbid]
                other.left[event.dbid] = event.time
            new = begins or joined is None
            if not other.nodes or (other.logout is not None and new):
                self._close(other, out)
            elif new and other.deadline is None:
                other.deadline = self.now + self._remembered
                self._schedule(other)

    def _close(self, session: Session, out: list[Emitted]) -> None:
        """The session is over: its logout is emitted, if there is one."""
        logout, behind = session.logout, session.behind
        if logout is not None:
            out.append(Emitted(logout.row, logout.time, logout.late))
            out += [Emitted(each.row, max(each.time, logout.time), each.late) for each in behind]
        session.behind = []
        self._over(session)

    def _over(self, session: Session) -> None:
        session.closed, session.logout, session.deadline = self.now, None, None
        session.channels = {}
        self._schedule(session)

    def _wait_again(self, session: Session) -> None:
        if session.logout is not None:
            session.deadline = self.now + self._restore
            self._schedule(session)
        elif session.deadline is not None:
            session.deadline = self.now + self._remembered
            self._schedule(session)

    def _dates(self, session: Session) -> list[tuple[float, str]]:
        if session.closed is not None:
            return [(session.closed + self._remembered, session.key)]
        return [] if session.deadline is None else [(session.deadline, session.key)]

    def _schedule(self, session: Session) -> None:
        self._touch(session)
        for date in self._dates(session):
            heappush(self._due, date)

    def _new(self, event: AgentEvent) -> Session:
        key = session_of(event)
        session = Session(
            key or f"{event.dbid}-{event.epoch}-{event.event_number}",
            key is not None,
            event.tenant_id,
            event.agent_id or "",
            event.place_id or "",
            event.time,
        )
        self._known.keep(session)
        self._touch(session)
        return session

    def _touch(self, session: Session) -> None:
        self.changed.add(session.key)

    def _forget(self, session: Session) -> None:
        self._touch(session)
        self._known.forget(session)
