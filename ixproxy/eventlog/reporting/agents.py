"""
The time of agents, by state.

Theory of operation: the rows of one agent stand together, in the order of their
times. An agent is logged in or not; while he is, there is a set of media, each
ready or not, and do-not-disturb is on or off.

In a log that several nodes share, or that is not merged, each node tells the
same login and logout. The first login of an agent session begins it, and it ends
when each node that told its login has told its logout; what another session's
stamp says to the contrary is of before and is left out. In a merged log each
session has one of both. A session whose login is not in the log begins with the
first that is heard of the agent; one without a logout ends with the log, or where the
next one begins. Both are counted.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby

import msgspec

from ixproxy.eventlog.reporting.period import Period, Wanted
from ixproxy.eventlog.reporting.scratch import Scratch, Sums, Table
from ixproxy.eventlog.reporting.source import Log, Row, moment, number, text

MEDIA_MOST = 1000
"""So many media of one agent are followed."""

SESSIONS, LOGGED_IN, READY, NOT_READY, DISTURBED_NOT, NO_BEGIN, NO_END = range(7)
"""
The numbers of an agent: sessions in the period, seconds logged in, of these ready for at least one
medium, for none, and with do-not-disturb; and how many sessions were cut.
"""

M_READY, M_NOT_READY = range(2)
"""The numbers of an agent and a medium, seconds; do-not-disturb makes no difference to them."""

FOLLOWED = {
    "EventAgentLogin", "EventAgentLogout", "EventMediaAdded", "EventMediaRemoved",
    "EventReadyForMedia", "EventNotReadyForMedia", "EventDoNotDisturbOn", "EventDoNotDisturbOff",
}  # fmt: skip
"""All else may be said of who is not logged in, too."""

Stamp = tuple[object, object] | None


class AgentTimes(msgspec.Struct, frozen=True):
    """
    :ivar agents: by agent: the numbers above.
    :ivar media: by agent and media type: the numbers above.
    """

    agents: Table
    media: Table


def follow_agents(log: Log, wanted: Wanted, period: Period, scratch: Scratch) -> AgentTimes:
    """
    Read all rows of agents once.

    :raise LogUnreadable: the log is damaged.
    """
    agents = Sums(scratch, "agents", 1, 7)
    media = Sums(scratch, "agent_media", 2, 2)
    condition, parameters = wanted.where(log, "agent_id IS NOT NULL")
    rows = log.rows(
        f"SELECT tenant_id, agent_id, dbid, event, {log.time}, media_type, media_list,"
        " do_not_disturb, agent_session_number, agent_session_dbid"
        f" FROM rpt_agent WHERE {condition}"
        f" ORDER BY tenant_id, agent_id, {log.time}, dbid, epoch, event_number",
        parameters,
    )
    for (_, name), told in groupby(rows, key=lambda row: row[:2]):
        agent = _Agent(text(name), agents, media, period, log.merged)
        for row in told:
            agent.happened(row)
        agent.end()
    return AgentTimes(agents.table((LOGGED_IN,)), media.table())


class _Agent:
    def __init__(self, name: str, agents: Sums, media: Sums, period: Period, merged: bool) -> None:
        self._name = name
        self._agents = agents
        self._of_media = media
        self._period = period
        self._merged = merged
        self._known = False
        self._ended: Stamp = None
        # Of the session there is, if any.
        self._there = False
        self._stamp: Stamp = None
        self._holders: set[int] = set()
        self._counted = False
        self._until = 0.0
        self._ready: dict[str, bool] = {}
        self._undisturbed = False

    def happened(self, row: Row) -> None:
        _, _, dbid, event, at, media, listed, undisturbed, of_number, of_dbid = row
        if event not in FOLLOWED:
            return
        at, media = moment(at), text(media)
        stamp: Stamp = None if of_number is None else (of_number, of_dbid)
        self._pass(at)
        if event == "EventAgentLogin":
            if self._there and stamp != self._stamp:
                self._end_session()
                self._count(NO_END, at)
            if not self._there:
                self._begin(stamp, at)
                for name, state in _listed(listed):
                    self._set(name, state)
                self._undisturbed = bool(undisturbed)
            self._holders.add(number(dbid))
            return
        if not self._there:
            # Of a session that has ended others still speak for a while.
            if (stamp == self._ended and self._known) or (stamp is None and self._known):
                return
            self._begin(stamp, at)
            self._holders.add(number(dbid))
            self._count(NO_BEGIN, at)
        elif stamp is not None and self._stamp is not None and stamp != self._stamp:
            return
        match event:
            case "EventAgentLogout":
                self._holders.discard(number(dbid))
                if self._merged or not self._holders:
                    self._end_session()
            case "EventMediaAdded" | "EventNotReadyForMedia":
                self._set(media, False)
            case "EventReadyForMedia":
                self._set(media, True)
            case "EventMediaRemoved":
                self._ready.pop(media, None)
            case "EventDoNotDisturbOn":
                self._undisturbed = True
            case "EventDoNotDisturbOff":
                self._undisturbed = False

    def end(self) -> None:
        """The log ends here."""
        if self._there:
            end = max(self._period.end, self._until)
            self._pass(end)
            self._end_session()
            self._count(NO_END, end)

    def _begin(self, stamp: Stamp, at: float) -> None:
        self._there = self._known = True
        self._stamp = stamp
        self._until = at
        self._counted = False
        if at >= self._period.begin:
            self._count_session()

    def _end_session(self) -> None:
        self._there = False
        self._ended = self._stamp
        self._holders.clear()
        self._ready.clear()
        self._undisturbed = False

    def _set(self, media: str, ready: bool) -> None:
        if media in self._ready or len(self._ready) < MEDIA_MOST:
            self._ready[media] = ready

    def _count(self, place: int, at: float) -> None:
        if at >= self._period.begin:
            self._agents.add((self._name,), place)

    def _count_session(self) -> None:
        if not self._counted:
            self._counted = True
            self._agents.add((self._name,), SESSIONS)

    def _pass(self, at: float) -> None:
        """Time has passed in the state that there is."""
        if not self._there:
            return
        begin = max(self._until, self._period.begin)
        seconds = min(at, self._period.end) - begin
        self._until = max(at, self._until)
        if seconds <= 0:
            return
        self._count_session()
        name = (self._name,)
        self._agents.add(name, LOGGED_IN, seconds)
        if self._undisturbed:
            self._agents.add(name, DISTURBED_NOT, seconds)
        else:
            ready = any(self._ready.values())
            self._agents.add(name, READY if ready else NOT_READY, seconds)
        for media, ready in self._ready.items():
            self._of_media.add((self._name, media), M_READY if ready else M_NOT_READY, seconds)


def _listed(listed: object) -> Iterable[tuple[str, bool]]:
    """The media of a login: JSON, of which nothing is taken that is not as it should be."""
    if not isinstance(listed, dict):
        try:
            listed = msgspec.json.decode(text(listed))
        except msgspec.DecodeError:
            return ()
    if not isinstance(listed, dict):
        return ()
    return [(text(name), bool(state)) for name, state in listed.items()]
