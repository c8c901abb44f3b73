"""What an operator asks first: how a server is, what it is linked to, and how much it has to do."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from ixproxy.messages.message import Count, KeyValues, Message, Name, Request, Structure, Text, Time

__all__ = [
    "CaptureStatus",
    "ConfigurationFacts",
    "EventServerStatus",
    "LimitUse",
    "LinkStatus",
    "LogStatus",
    "NodeStatus",
    "ParkingStatus",
    "ProcessFacts",
    "ProxyStatus",
    "QueueStatus",
    "ReaderStatus",
    "RequestServerStatus",
    "WriterStatus",
]

LONGEST = 1e10
Seconds = Annotated[float, Meta(ge=0.0, le=LONGEST)]
"""How long something lasts, or has lasted; some three hundred years at most."""


class RequestServerStatus(Request, frozen=True, kw_only=True):
    """Asks the server that it reaches, node or proxy, how it is; never passed on."""


class LimitUse(Structure, frozen=True, kw_only=True):
    """
    How much of a limit is used.

    :ivar name: the option that sets it.
    :ivar used: how much of it is used.
    :ivar allowed: how much may be.
    :ivar node: of a limit for each node: which one is nearest to it.
    """

    name: Name = ""
    used: Count = 0
    allowed: Count = 0
    node: Name = ""


class ProcessFacts(Structure, frozen=True, kw_only=True):
    """
    What the operating system says of the server's process.

    :ivar pid: its number.
    :ivar memory: bytes of memory in use.
    :ivar open_files: files and sockets.
    :ivar cpu_seconds: processor time used since its start.
    """

    pid: Count = 0
    memory: Count = 0
    open_files: Count = 0
    cpu_seconds: Seconds = 0.0


class ConfigurationFacts(Structure, frozen=True, kw_only=True):
    """
    Which deployment file the server follows.

    :ivar applied_at: when it was read and applied last.
    :ivar problem: where the mistakes are for which the last reading changed
        nothing; empty: it was applied.
    :ivar failed_at: when that was.
    """

    applied_at: Time = 0.0
    problem: Text = ""
    failed_at: Time | None = None


class ParkingStatus(Structure, frozen=True, kw_only=True):
    """
    Requests that wait for a node to switch over, and what became of those that did.

    :ivar waiting: requests that wait now.
    :ivar size: bytes of them.
    :ivar parked: requests that ever waited: they still do, or one of the next three.
    :ivar handed_on: those that the node got when it was back.
    :ivar given_up: those that were refused when their time was over.
    :ivar dropped: those that nobody waited for any more.
    :ivar no_room: requests that were refused at once for want of room.
    """

    waiting: Count = 0
    size: Count = 0
    parked: Count = 0
    handed_on: Count = 0
    given_up: Count = 0
    dropped: Count = 0
    no_room: Count = 0


class LinkStatus(Structure, frozen=True, kw_only=True):
    """
    A proxy's link to one node.

    :ivar node: the node's name.
    :ivar endpoint: where the proxy connects to.
    :ivar state: `down`, `greeting`, `joining` or `linked`.
    :ivar seconds: for how long it has been linked, or has not; left out: it
        never was.
    :ivar problem: why it is not linked, or why it was lost last.
    :ivar server: the server that is used, or tried next, as the file calls it.
    :ivar other: the other server of its pair; empty: it has none.
    :ivar other_state: what that one is: `unknown`; `refused`: it stands by, or is
        gone; `hanging`: it does not answer; `unfit`: it is something else, or
        refuses the proxy; `serving`: it serves too, with no newer lease.
    :ivar left: why a server was left last.
    :ivar moves: how often another server was used than the one before.
    :ivar dbid: the node's database id.
    :ivar epoch: its lease epoch, as it said last.
    :ivar tenants: ids of its tenants.
    :ivar media_types: media types that new work may have there; left out: any.
    :ivar enable_submit: whether it takes new work.
    :ivar pending: requests that await the node's answer.
    :ivar output: bytes that wait to be sent.
    :ivar full: so many that the node counts as busy.
    :ivar clients: clients of this proxy that are registered there.
    :ivar replaying: agent sessions that the node has still to be told of.
    :ivar parking: requests that wait for it; left out: none ever did.
    :ivar backlog: interactions that wait there, by the node's last word.
    :ivar queues: the longest of its queues: tenant id to name to how many wait.
    """

    node: Name = ""
    endpoint: str = ""
    state: Name = ""
    seconds: Seconds | None = None
    problem: Text = ""
    server: Name = ""
    other: Name = ""
    other_state: Name = ""
    left: Text = ""
    moves: Count = 0
    dbid: Count = 0
    epoch: Count = 0
    tenants: list[Count] = []
    media_types: list[str] | None = None
    enable_submit: bool = True
    pending: Count = 0
    output: Count = 0
    full: bool = False
    clients: Count = 0
    replaying: Count = 0
    parking: ParkingStatus | None = None
    backlog: Count = 0
    queues: dict[Count, dict[str, Count]] = {}


class ProxyStatus(Structure, frozen=True, kw_only=True):
    """
    What only proxies have.

    :ivar links: its nodes, by name.
    :ivar owners: interactions whose node is remembered.
    :ivar owners_allowed: as many can be.
    :ivar locates: ids whose node is being looked for.
    :ivar gatherings: requests that several nodes are answering together.
    :ivar agent_sessions: agents that clients of this proxy logged in.
    :ivar streams: different reporting streams.
    :ivar subscribers: reporting clients, and proxies, that have one.
    :ivar routing: the routing strategy.
    :ivar pull: the pull strategy.
    :ivar merge: the merge policy.
    """

    links: list[LinkStatus] = []
    owners: Count = 0
    owners_allowed: Count = 0
    locates: Count = 0
    gatherings: Count = 0
    agent_sessions: Count = 0
    streams: Count = 0
    subscribers: Count = 0
    routing: Name = ""
    pull: Name = ""
    merge: Name = ""


class QueueStatus(Structure, frozen=True, kw_only=True):
    """
    What is in one queue of a node.

    :ivar tenant_id: its tenant.
    :ivar queue: its name.
    :ivar waiting: interactions that a pull could take.
    :ivar states: how many are `queued`, `cached`, `routing` and `handling`.
    """

    tenant_id: Count = 0
    queue: Name = ""
    waiting: Count = 0
    states: dict[str, Count] = {}


class WriterStatus(Structure, frozen=True, kw_only=True):
    """
    How a node's writer keeps up.

    :ivar waiting: works in its queue.
    :ivar batches: batches since the start.
    :ivar works: works in them.
    :ivar busy_seconds: how long the batch under way has lasted; 0: none is.
    :ivar longest_batch: seconds of the longest batch since the start.
    """

    waiting: Count = 0
    batches: Count = 0
    works: Count = 0
    busy_seconds: Seconds = 0.0
    longest_batch: Seconds = 0.0


class ReaderStatus(Structure, frozen=True, kw_only=True):
    """
    A node's connections for long reads.

    :ivar lanes: how many there are.
    :ivar busy: how many of them read.
    :ivar waiting: reads that wait for one.
    """

    lanes: Count = 0
    busy: Count = 0
    waiting: Count = 0


class CaptureStatus(Structure, frozen=True, kw_only=True):
    """
    How a capture point of a node is.

    :ivar name: the capture point's.
    :ivar kind: which plug-in it is.
    :ivar state: `connected`, `idle` or the like, as it says; or `failed` and why.
    :ivar in_flight: documents that are handed in and not answered.
    :ivar waiting: notifications that wait to be told, as of the last look.
    :ivar counts: what happened how often in this term: `documents`,
        `operations` and `bytes` handed in; documents `taken`, `repeated`,
        `busy`, `doubtful` and `rejected`; `refused` operations; `errors`:
        documents in the error place; `notified`, `replies` among them,
        `failed` attempts to tell, `lost` and `dropped` notifications;
        `raised`: how often the plug-in broke.
    :ivar figures: what else it says of itself.
    """

    name: Name = ""
    kind: Name = ""
    state: Text = ""
    in_flight: Count = 0
    waiting: Count = 0
    counts: dict[Name, Count] = {}
    figures: KeyValues = {}


class LogStatus(Structure, frozen=True, kw_only=True):
    """
    How an event log of a node is.

    :ivar kind: which plug-in it is.
    :ivar state: as it says itself; `failing` and why, while it takes nothing; or `failed` and why.
    :ivar waiting: events that wait for it, as of the last look.
    :ivar room: how many may.
    :ivar waiting_bytes: bytes of the events that wait.
    :ivar room_bytes: how many may; no more wait than one of the two allows.
    :ivar mandatory: requests are refused where there is no room.
    :ivar dropping: there is none, and events are dropped.
    :ivar refusing: there is none, and requests are refused.
    :ivar counts: in this term: `stored` events, `batches` of them, `failed` attempts, `dropped`
        events, `gaps` that began, `refused` requests, `lost`: not readable; the plug-in `raised`.
    :ivar figures: what else it says of itself.
    """

    name: Name = ""
    kind: Name = ""
    state: Text = ""
    waiting: Count = 0
    room: Count = 0
    waiting_bytes: Count = 0
    room_bytes: Count = 0
    mandatory: bool = False
    dropping: bool = False
    refusing: bool = False
    counts: dict[Name, Count] = {}
    figures: KeyValues = {}


class NodeStatus(Structure, frozen=True, kw_only=True):
    """
    What only nodes have.

    :ivar dbid: the node's database id.
    :ivar epoch: its lease epoch: how often a server of its pair has become primary.
    :ivar primary_since: when this server became primary; left out: it is not yet.
    :ivar terms: how often it has since its process began.
    :ivar last_event_number: number of its last event.
    :ivar store: the kind of its store, such as `sqlite`.
    :ivar writer: how its writer keeps up.
    :ivar readers: its long reads.
    :ivar held_pulls: pulls that found nothing and wait for work.
    :ivar streams: different reporting streams.
    :ivar subscribers: reporting clients, and proxies, that have one.
    :ivar sessions: client sessions that are connected.
    :ivar sessions_lost: those that wait for their clients to come back.
    :ivar agents_logged_in: agents that are logged in.
    :ivar next_due: when a timer or something else falls due next; left out: nothing does.
    :ivar interactions: all that the node has.
    :ivar queues: its queues, the fullest first.
    :ivar queues_left_out: how many more have something.
    :ivar counted_at: when they were counted.
    :ivar capture_points: how they are, by name.
    :ivar event_logs: likewise.
    """

    dbid: Count = 0
    epoch: Count = 0
    primary_since: Time | None = None
    terms: Count = 0
    last_event_number: Count = 0
    store: Name = ""
    writer: WriterStatus = WriterStatus()
    readers: ReaderStatus = ReaderStatus()
    held_pulls: Count = 0
    streams: Count = 0
    subscribers: Count = 0
    sessions: Count = 0
    sessions_lost: Count = 0
    agents_logged_in: Count = 0
    next_due: Time | None = None
    interactions: Count = 0
    queues: list[QueueStatus] = []
    queues_left_out: Count = 0
    counted_at: Time = 0.0
    capture_points: list[CaptureStatus] = []
    event_logs: list[LogStatus] = []


class EventServerStatus(Message, frozen=True, kw_only=True):
    """
    How a server is. It holds no secrets: no sessions, no credentials, nothing
    of what interactions contain.

    :ivar name: the server's name.
    :ivar role: `node` or `proxy`.
    :ivar program_version: of the program that it runs.
    :ivar time: the server's time of day.
    :ivar uptime: seconds since it began to serve.
    :ivar tenants: ids of the tenants that it works for.
    :ivar path: the names of the proxies in front of the nodes, this one first.
    :ivar clients_by_type: how many clients are registered, by client type.
    :ivar peers: connections.
    :ivar unregistered: those without a client.
    :ivar slow_readers: those that do not read what is sent to them.
    :ivar in_flight: requests without an answer.
    :ivar counters: what happened how often since the start.
    :ivar limits: how much of each limit is used.
    :ivar process: what the operating system says, where it can be asked.
    :ivar configuration: which deployment file the server follows.
    :ivar certificate_expires: when the server's certificate ends; left out: it
        has none.
    :ivar proxy_status: what only proxies have.
    :ivar node_status: what only nodes have.
    """

    name: Name = ""
    role: Name = ""
    program_version: Name = ""
    time: Time = 0.0
    uptime: Seconds = 0.0
    tenants: list[Count] = []
    path: list[str] = []
    clients_by_type: dict[str, Count] = {}
    peers: Count = 0
    unregistered: Count = 0
    slow_readers: Count = 0
    in_flight: Count = 0
    counters: dict[str, Count] = {}
    limits: list[LimitUse] = []
    process: ProcessFacts | None = None
    configuration: ConfigurationFacts | None = None
    certificate_expires: Time | None = None
    proxy_status: ProxyStatus | None = None
    node_status: NodeStatus | None = None
