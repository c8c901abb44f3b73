"""
What the writer thread remembers from batch to batch.

Sessions and agent sessions are rows too; the node is their only writer, so it
keeps them here and writes them through. What a restart loses: the restarts of
handling timers by reads (they are due by their rows then), which media
servers asked for property changes (they say so again when they register), and
provisional logins (dropped, as by a lost link).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple, TypeVar

import msgspec

from ixproxy.node.journal import Journal
from ixproxy.node.rows import AgentRow, SessionRow
from ixproxy.values import ClientType, Stamp
from ixproxy.wire.subscribing import Subscribed

T = TypeVar("T")

AgentName = tuple[int, str]
"""Tenant id and agent id."""

AgentSessionName = tuple[AgentName, Stamp]


class Counters(msgspec.Struct):
    """
    The numbers that only go up.

    :ivar event_number: of the last event.
    :ivar queue_seq: of the last arrival in a queue.
    :ivar interaction_number: of the last generated id of this epoch.
    :ivar stamp_number: the highest number of any agent session seen.
    """

    event_number: int = 0
    queue_seq: int = 0
    interaction_number: int = 0
    stamp_number: int = 0


class Reporter(NamedTuple):
    """
    A client session with a reporting stream.

    :ivar number: of the stream, which it tells from the session's earlier ones.
    :ivar tenants: those that it is about.
    """

    number: int
    subscribed: Subscribed
    tenants: frozenset[int]


class Memory:
    """
    :ivar sessions: every client session, by its name.
    :ivar lost: those without a connection, and when it was lost.
    :ivar agents: an agent's sessions: one confirmed at most, and provisional ones.
    :ivar agents_of: the agents that are logged in through a client session.
    :ivar places: tenant and place to the agent who is logged in there.
    :ivar provisional: provisional agent sessions, and when they were made.
    :ivar provisional_of: those that a client session takes part in.
    :ivar servers: the sessions of media servers, by client name.
    :ivar interested: sessions that want to hear of changed properties.
    :ivar reporters: client sessions with a reporting stream.
    :ivar reported: how many streams are about a tenant, where any are.
    :ivar restarts: when the handling of an interaction was last seen going on.
    """

    __slots__ = (
        "agents",
        "agents_of",
        "counters",
        "interested",
        "journal",
        "lost",
        "places",
        "provisional",
        "provisional_of",
        "reported",
        "reporters",
        "restarts",
        "servers",
        "sessions",
        "streams",
    )

    def __init__(self, journal: Journal) -> None:
        self.journal = journal
        self.counters = Counters()
        self.sessions: dict[bytes, SessionRow] = {}
        self.lost: dict[bytes, float] = {}
        self.agents: dict[AgentName, tuple[AgentRow, ...]] = {}
        self.agents_of: dict[bytes, tuple[AgentName, ...]] = {}
        self.places: dict[AgentName, str] = {}
        self.provisional: dict[AgentSessionName, float] = {}
        self.provisional_of: dict[bytes, tuple[AgentSessionName, ...]] = {}
        self.servers: dict[str, tuple[bytes, ...]] = {}
        self.interested: dict[bytes, bool] = {}
        self.reporters: dict[bytes, Reporter] = {}
        self.reported: dict[int, int] = {}
        self.streams = 0
        self.restarts: dict[str, float] = {}

    def load(self, sessions: Iterable[SessionRow], agents: Iterable[AgentRow], now: float) -> None:
        """Take over what a start finds stored; all its sessions count as lost."""
        for session in sessions:
            lost_at = now if session.lost_at is None else session.lost_at
            self.keep_session(msgspec.structs.replace(session, lost_at=lost_at))
        for agent in agents:
            self.keep_agent(agent)
        self.journal.forget()

    def keep_session(self, row: SessionRow) -> None:
        """Remember a session as `row` says."""
        journal, session = self.journal, row.session
        old = self.sessions.get(session)
        if old is None or old.client_name != row.client_name or old.client_type != row.client_type:
            self._forget_server(old)
            if row.client_type == ClientType.MEDIA_SERVER:
                known = self.servers.get(row.client_name, ())
                journal.set(self.servers, row.client_name, (*known, session))
        journal.set(self.sessions, session, row)
        if row.lost_at is None:
            journal.remove(self.lost, session)
        else:
            journal.set(self.lost, session, row.lost_at)

    def drop_session(self, row: SessionRow) -> None:
        """Forget a session."""
        self._forget_server(row)
        self.journal.remove(self.sessions, row.session)
        self.journal.remove(self.lost, row.session)
        self.journal.remove(self.interested, row.session)
        self.drop_reporter(row.session)

    def next_stream(self) -> int:
        """A number that no stream had since the start."""
        self.streams += 1
        return self.streams

    def keep_reporter(self, session: bytes, reporter: Reporter) -> None:
        """Remember the stream of a session, in place of the one that it had."""
        self.drop_reporter(session)
        self.journal.set(self.reporters, session, reporter)
        for tenant in reporter.tenants:
            self.journal.set(self.reported, tenant, self.reported.get(tenant, 0) + 1)

    def drop_reporter(self, session: bytes) -> None:
        """Forget the stream of a session, if it has one."""
        reporter = self.reporters.get(session)
        if reporter is None:
            return
        self.journal.remove(self.reporters, session)
        for tenant in reporter.tenants:
            left = self.reported[tenant] - 1
            if left:
                self.journal.set(self.reported, tenant, left)
            else:
                self.journal.remove(self.reported, tenant)

    def is_reported(self, tenant_id: int) -> bool:
        """Whether some reporting stream is about a tenant."""
        return tenant_id in self.reported

    def _forget_server(self, row: SessionRow | None) -> None:
        if row is None or row.client_type != ClientType.MEDIA_SERVER:
            return
        others = tuple(s for s in self.servers.get(row.client_name, ()) if s != row.session)
        if others:
            self.journal.set(self.servers, row.client_name, others)
        else:
            self.journal.remove(self.servers, row.client_name)

    def agent_rows(self, name: AgentName) -> tuple[AgentRow, ...]:
        """All sessions of an agent."""
        return self.agents.get(name, ())

    def logged_in(self, name: AgentName) -> AgentRow | None:
        """The confirmed session of an agent."""
        return next((row for row in self.agents.get(name, ()) if row.confirmed), None)

    def keep_agent(self, row: AgentRow) -> None:
        """Remember an agent session as `row` says, in place of one with its stamp."""
        journal, name = self.journal, (row.tenant_id, row.agent_id)
        stamp = Stamp(row.number, row.dbid)
        old = self._without(row)
        if old is not None and old.confirmed:
            staying = set(row.sessions) if row.confirmed else set()
            self._leave(old, set(old.sessions) - staying)
        others = self.agents.get(name, ())
        journal.set(self.agents, name, (*others, row))
        if row.confirmed:
            journal.remove(self.provisional, (name, stamp))
            if row.place_id:
                journal.set(self.places, (row.tenant_id, row.place_id), row.agent_id)
            for session in row.sessions:
                known = self.agents_of.get(session, ())
                if name not in known:
                    journal.set(self.agents_of, session, (*known, name))
        else:
            journal.set(self.provisional, (name, stamp), row.logged_in_at)
            for session in row.sessions:
                waiting = self.provisional_of.get(session, ())
                journal.set(self.provisional_of, session, (*waiting, (name, stamp)))
        self.counters.stamp_number = max(self.counters.stamp_number, row.number)

    def drop_agent(self, row: AgentRow) -> None:
        """Forget an agent session."""
        name = (row.tenant_id, row.agent_id)
        self._without(row)
        if row.confirmed:
            self._leave(row, set(row.sessions))
        self.journal.remove(self.provisional, (name, Stamp(row.number, row.dbid)))
        if not self.agents.get(name):
            self.journal.remove(self.agents, name)

    def _without(self, row: AgentRow) -> AgentRow | None:
        """Take the row with the stamp of `row` out of its agent's; returns it."""
        name = (row.tenant_id, row.agent_id)
        rows = self.agents.get(name, ())
        stamp = (row.number, row.dbid)
        old = next((each for each in rows if (each.number, each.dbid) == stamp), None)
        if old is not None:
            self.journal.set(self.agents, name, tuple(each for each in rows if each is not old))
            if old.confirmed and self.places.get((old.tenant_id, old.place_id)) == old.agent_id:
                self.journal.remove(self.places, (old.tenant_id, old.place_id))
            if not old.confirmed:
                for session in old.sessions:
                    self._take_off(self.provisional_of, session, (name, Stamp(*stamp)))
        return old

    def _leave(self, row: AgentRow, sessions: set[bytes]) -> None:
        name = (row.tenant_id, row.agent_id)
        for session in sessions:
            self._take_off(self.agents_of, session, name)

    def _take_off(self, index: dict[bytes, tuple[T, ...]], session: bytes, what: T) -> None:
        rest = tuple(each for each in index.get(session, ()) if each != what)
        if rest:
            self.journal.set(index, session, rest)
        else:
            self.journal.remove(index, session)
