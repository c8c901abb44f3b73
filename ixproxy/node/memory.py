"""
What the writer thread remembers from batch to batch.

Sessions and agent sessions are rows too; the node is their only writer, so it
keeps them here and writes them through. What a restart loses: the restarts of
handling timers by reads (they are due by their rows then), which media
servers asked for property changes, who listens to topics and workbins, who hears of
calls to external servers and who is available elsewhere (clients say so again when
they register), when agents were last seen (the start counts), by whom agents are
logged in provisionally (a confirmation that comes after all counts as a replay), and
who awaits the outcome of an invitation (see `invitations`).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple, TypeVar

import msgspec

from ixproxy.node.counters import Counters
from ixproxy.node.esp_work import ServiceReader
from ixproxy.node.invitations import Invitations
from ixproxy.node.journal import Journal
from ixproxy.node.kept_snapshots import KeptSnapshots
from ixproxy.node.pushing_memory import Routers
from ixproxy.node.rows import (
    AgentRow,
    InvitationRow,
    LogoutRow,
    PartyRow,
    SessionRow,
    SnapshotRow,
)
from ixproxy.node.workbin_listeners import WorkbinListeners
from ixproxy.values import ClientType, Stamp
from ixproxy.wire.streams import StreamKey
from ixproxy.wire.subscribing import Subscribed

K = TypeVar("K")
T = TypeVar("T")

AgentName = tuple[int, str]
"""Tenant id and agent id."""

AgentSessionName = tuple[AgentName, Stamp]

Topic = tuple[int, str]
"""Tenant id, and the topic's name in it."""


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
    :ivar places_taken: the same of provisional agent sessions.
    :ivar provisional: provisional agent sessions, and when they were made.
    :ivar provisional_of: those that a client session takes part in.
    :ivar logging_in: agents that a client session logged in provisionally, and did not confirm.
    :ivar returned: agents of a client session that registered again, and did not name them since.
    :ivar logouts: agents who are out, which is not reported yet.
    :ivar available: agents who work through another server, with who says so.
    :ivar available_of: the same by client session.
    :ivar topics: who listens to a topic.
    :ivar topics_of: the topics that a client session listens to.
    :ivar workbins: who listens to which workbin.
    :ivar seen: when a client session with agents last asked something.
    :ivar started_at: when the node was started.
    :ivar idle_due: before this no agent is idle for too long; None: there is none to be.
    :ivar servers: the sessions of media servers, by client name.
    :ivar interested: sessions that want to hear of changed properties.
    :ivar invitations: all that are out.
    :ivar snapshots: all that there are.
    :ivar routers: those that work is pushed to (see `pushing_memory`).
    :ivar reporters: client sessions with a reporting stream.
    :ivar reported: how many streams are about a tenant, where any are.
    :ivar wanted: the different streams that there are, and how many have each.
    :ivar service_readers: client sessions that hear of calls to external servers.
    :ivar restarts: when the handling of an interaction was last seen going on.
    """

    __slots__ = (
        "agents",
        "agents_of",
        "available",
        "available_of",
        "counters",
        "idle_due",
        "interested",
        "invitations",
        "journal",
        "logging_in",
        "logouts",
        "lost",
        "places",
        "places_taken",
        "provisional",
        "provisional_of",
        "reported",
        "reporters",
        "restarts",
        "returned",
        "routers",
        "seen",
        "servers",
        "service_readers",
        "sessions",
        "snapshots",
        "started_at",
        "streams",
        "topics",
        "topics_of",
        "wanted",
        "workbins",
    )

    def __init__(self, journal: Journal) -> None:
        self.journal = journal
        self.counters = Counters()
        self.sessions: dict[bytes, SessionRow] = {}
        self.lost: dict[bytes, float] = {}
        self.agents: dict[AgentName, tuple[AgentRow, ...]] = {}
        self.agents_of: dict[bytes, tuple[AgentName, ...]] = {}
        self.places: dict[AgentName, str] = {}
        self.places_taken: dict[AgentName, tuple[AgentSessionName, ...]] = {}
        self.provisional: dict[AgentSessionName, float] = {}
        self.provisional_of: dict[bytes, tuple[AgentSessionName, ...]] = {}
        self.logging_in: dict[bytes, dict[AgentName, None]] = {}
        self.returned: dict[bytes, dict[AgentName, None]] = {}
        self.logouts: dict[AgentName, LogoutRow] = {}
        self.available: dict[AgentName, AgentRow] = {}
        self.available_of: dict[bytes, dict[AgentName, None]] = {}
        self.topics: dict[Topic, dict[bytes, None]] = {}
        self.topics_of: dict[bytes, dict[Topic, None]] = {}
        self.workbins = WorkbinListeners(journal)
        self.seen: dict[bytes, float] = {}
        self.started_at = 0.0
        self.idle_due: float | None = None
        self.servers: dict[str, tuple[bytes, ...]] = {}
        self.interested: dict[bytes, bool] = {}
        self.invitations = Invitations(journal)
        self.snapshots = KeptSnapshots(journal)
        self.routers = Routers(journal)
        self.reporters: dict[bytes, Reporter] = {}
        self.reported: dict[int, int] = {}
        self.wanted: dict[StreamKey, int] = {}
        self.streams = 0
        self.restarts: dict[str, float] = {}
        self.service_readers: dict[bytes, ServiceReader] = {}

    def load(
        self,
        sessions: Iterable[SessionRow],
        agents: Iterable[AgentRow],
        now: float,
        logouts: Iterable[LogoutRow] = (),
        invitations: Iterable[InvitationRow] = (),
        snapshots: Iterable[SnapshotRow] = (),
        pushed: Iterable[PartyRow] = (),
    ) -> None:
        """Take over what a start finds stored; all its sessions count as lost."""
        self.started_at = now
        for logout in logouts:
            self.keep_logout(logout)
        for session in sessions:
            lost_at = now if session.lost_at is None else session.lost_at
            self.keep_session(msgspec.structs.replace(session, lost_at=lost_at))
        for agent in agents:
            self.keep_agent(agent)
            self.idle_due = now
        for invitation in sorted(invitations, key=lambda row: row.ticket):
            self.invitations.keep(invitation)
        self.snapshots.load(snapshots, self.sessions)
        self.routers.load(pushed, self.lost)
        self.journal.forget()

    def keep_session(self, row: SessionRow) -> None:
        """Remember a session as `row` says."""
        journal, session = self.journal, row.session
        old = self.sessions.get(session)
        if old is None or old.client_name != row.client_name or old.client_type != row.client_type:
            self._forget_server(old)
            if row.client_type == ClientType.MEDIA_SERVER:
                journal.add(self.servers, row.client_name, session)
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
        self.journal.remove(self.logging_in, row.session)
        self.journal.remove(self.returned, row.session)
        self.journal.remove(self.seen, row.session)
        self.listen_to_nothing(row.session)

    def next_stream(self) -> int:
        """A number that no stream had since the start."""
        self.streams += 1
        return self.streams

    def keep_reporter(self, session: bytes, reporter: Reporter) -> None:
        """Remember the stream of a session, in place of the one that it had."""
        self.drop_reporter(session)
        self.journal.set(self.reporters, session, reporter)
        for tenant in reporter.tenants:
            self._count(self.reported, tenant, 1)
        if reporter.subscribed.key is not None:
            self._count(self.wanted, reporter.subscribed.key, 1)

    def drop_reporter(self, session: bytes) -> None:
        """Forget the stream of a session, if it has one."""
        reporter = self.reporters.get(session)
        if reporter is None:
            return
        self.journal.remove(self.reporters, session)
        for tenant in reporter.tenants:
            self._count(self.reported, tenant, -1)
        if reporter.subscribed.key is not None:
            self._count(self.wanted, reporter.subscribed.key, -1)

    def _count(self, counts: dict[K, int], key: K, more: int) -> None:
        """Count up or down; what there is none of is not kept."""
        left = counts.get(key, 0) + more
        if left:
            self.journal.set(counts, key, left)
        else:
            self.journal.remove(counts, key)

    def is_reported(self, tenant_id: int) -> bool:
        """Whether some reporting stream is about a tenant."""
        return tenant_id in self.reported

    def _forget_server(self, row: SessionRow | None) -> None:
        if row is not None and row.client_type == ClientType.MEDIA_SERVER:
            self.journal.take_off(self.servers, row.client_name, row.session)

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
                journal.add(self.agents_of, session, name)
        else:
            journal.set(self.provisional, (name, stamp), row.logged_in_at)
            if row.place_id:
                journal.add(self.places_taken, (row.tenant_id, row.place_id), (name, stamp))
            for session in row.sessions:
                journal.add(self.provisional_of, session, (name, stamp))
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

    def keep_logout(self, row: LogoutRow) -> None:
        """Remember what is to be reported."""
        self.journal.set(self.logouts, (row.tenant_id, row.agent_id), row)

    def drop_logout(self, row: LogoutRow) -> None:
        """It is reported."""
        self.journal.remove(self.logouts, (row.tenant_id, row.agent_id))

    def keep_available(self, row: AgentRow, session: bytes) -> None:
        """Remember who says that an agent works elsewhere: `session`, too, or not any more."""
        name = (row.tenant_id, row.agent_id)
        if row.sessions:
            self.journal.set(self.available, name, row)
        else:
            self.journal.remove(self.available, name)
        self._mark(self.available_of, session, name, session in row.sessions)

    def logs_in(self, session: bytes, name: AgentName) -> None:
        """A client session has logged an agent in provisionally."""
        self._mark(self.logging_in, session, name, True)

    def logged_in_by(self, session: bytes, name: AgentName) -> bool:
        """Whether it has, without a confirmation since; there is one now, or none to come."""
        was = name in self.logging_in.get(session, {})
        self._mark(self.logging_in, session, name, False)
        return was

    def returns(self, session: bytes) -> None:
        """A client session registers again: it, or its proxy, may not know its agents whole."""
        for name in self.agents_of.get(session, ()):
            self._mark(self.returned, session, name, True)

    def names(self, session: bytes, row: AgentRow) -> bool:
        """
        A client session names an agent session.

        :return: whether it does so for the first time since it registered.
        """
        name = row.tenant_id, row.agent_id
        returned = name in self.returned.get(session, {})
        self._mark(self.returned, session, name, False)
        return returned or session not in row.sessions

    def listen(self, session: bytes, topic: Topic) -> None:
        """A client session listens to a topic."""
        self._mark(self.topics, topic, session, True)
        self._mark(self.topics_of, session, topic, True)

    def listen_no_more(self, session: bytes, topic: Topic) -> None:
        """A client session does not listen to a topic any more."""
        self._mark(self.topics, topic, session, False)
        self._mark(self.topics_of, session, topic, False)

    def listen_to_nothing(self, session: bytes) -> None:
        """The same for all its topics, for its workbins, and for calls to external servers."""
        self.workbins.listen_to_nothing(session)
        self.journal.remove(self.service_readers, session)
        for topic in tuple(self.topics_of.get(session, ())):
            self.listen_no_more(session, topic)

    def _mark(self, index: dict[K, dict[T, None]], key: K, what: T, marked: bool) -> None:
        """Put something into one of the sets of `index`, or take it out; none is empty."""
        marks = index.get(key)
        if marked:
            if marks is None:
                self.journal.set(index, key, {})
                marks = index[key]
            if what not in marks:
                self.journal.set(marks, what, None)
        elif marks is not None:
            self.journal.remove(marks, what)
            if not marks:
                self.journal.remove(index, key)

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
                named = name, Stamp(*stamp)
                self.journal.take_off(self.places_taken, (old.tenant_id, old.place_id), named)
                for session in old.sessions:
                    self.journal.take_off(self.provisional_of, session, named)
        return old

    def _leave(self, row: AgentRow, sessions: set[bytes]) -> None:
        name = (row.tenant_id, row.agent_id)
        for session in sessions:
            self._mark(self.returned, session, name, False)
            self.journal.take_off(self.agents_of, session, name)
