"""What `ixctl status` shows: problems first, then servers, links and queues."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from ixproxy.cli.amounts import duration, milliseconds, number_of_bytes
from ixproxy.cli.output import Output, moment
from ixproxy.cli.status_asking import Found
from ixproxy.cli.status_problems import Problem, state_of
from ixproxy.messages import (
    CaptureStatus,
    EventServerStatus,
    LinkStatus,
    LogStatus,
    NodeStatus,
    ParkingStatus,
    ProxyStatus,
    ServerFacts,
)

SERVERS = (
    *("server", "role", "endpoint", "state", "version", "up for", "clients", "in flight"),
    *("memory", "CPU"),
)
LINKS = (
    *("node", "endpoint", "state", "for", "epoch", "clients", "pending", "to send", "waiting"),
    "takes new work",
)
PAIRS = ("node", "used", "the other", "is", "moves", "one was left because")
POINTS = (
    *("capture point", "kind", "state", "taken", "refused", "errors", "in flight", "told"),
    "to tell",
)
LOGS = (
    *("event log", "kind", "state", "waiting", "room", "size", "room for"),
    *("stored", "failed", "dropped", "refused"),
)
QUEUES = ("tenant", "queue", "waiting", "queued", "cached", "routing", "handling")
MOST_QUEUES = 20
"""Queues of one node that are shown; `--json` has all that the node names."""
MOST_LETTERS = 64
"""Of a state with what else a capture point or an event log says of itself, likewise."""


def show(found: Sequence[Found], problems: Sequence[Problem], output: Output) -> None:
    """Print all of it for a person."""
    if problems:
        output.line(f"{len(problems)} problem{'' if len(problems) == 1 else 's'}")
        for problem in problems:
            output.line(f"  {problem.text}")
    else:
        output.line("no problems")
    output.line("")
    output.table(SERVERS, [_server(each, state_of(each, found)) for each in found])
    for each in found:
        if each.status is not None and each.status.proxy_status is not None:
            _show_proxy(each.target.name, each.status, each.status.proxy_status, output)
        if each.status is not None and each.status.node_status is not None:
            _show_node(each.target.name, each.status, each.status.node_status, output)
        _show_earlier(each, output)
    if len(found) == 1 and found[0].status is not None:
        _show_details(found[0].status, output)


def _server(each: Found, state: str) -> list[object]:
    server, status = each.server or ServerFacts(), each.status
    row: list[object] = [each.target.name, server.role, each.target.endpoint, state]
    if status is None:
        return row + [""] * (len(SERVERS) - len(row))
    process = status.process
    return [
        *row,
        status.program_version,
        duration(status.uptime),
        sum(status.clients_by_type.values()),
        status.in_flight,
        number_of_bytes(process.memory) if process else "",
        f"{process.cpu_seconds:.1f} s" if process else "",
    ]


def _show_proxy(name: str, status: EventServerStatus, proxy: ProxyStatus, output: Output) -> None:
    output.line("")
    output.line(
        f"{name} reaches: (routing {proxy.routing}, pull {proxy.pull}, merge {proxy.merge}; "
        f"owners {proxy.owners} of {proxy.owners_allowed}, agents {proxy.agent_sessions}"
        + (f"; {proxy.subscribers} read {proxy.streams} reporting streams" if proxy.streams else "")
        + ")"
    )
    output.table(LINKS, [_link(link, status) for link in proxy.links])
    if pairs := [link for link in proxy.links if link.other]:
        output.line("")
        output.table(PAIRS, [_pair(link) for link in pairs])
    for link in proxy.links:
        if link.parking is not None:
            output.line(_parking(link.node, link.parking))


def _link(link: LinkStatus, status: EventServerStatus) -> list[object]:
    takes = "no" if not link.enable_submit else "any"
    if link.enable_submit and link.media_types is not None:
        takes = ", ".join(link.media_types) or "no"
    return [
        link.node,
        link.endpoint,
        link.state,
        duration(status.uptime if link.seconds is None else link.seconds),
        link.epoch or "",
        link.clients,
        link.pending,
        number_of_bytes(link.output) if link.output else "",
        link.backlog,
        takes,
    ]


def _pair(link: LinkStatus) -> list[object]:
    return [link.node, link.server, link.other, link.other_state, link.moves, link.left]


def _parking(node: str, parking: ParkingStatus) -> str:
    """What waits for a node, and what became of all that did."""
    waiting = parking.waiting
    verb = "request waits" if waiting == 1 else "requests wait"
    size = f" ({number_of_bytes(parking.size)})" if waiting else ""
    became = (
        f"of {parking.parked} that did {parking.handed_on} were handed on, "
        f"{parking.given_up} given up, {parking.dropped} dropped"
    )
    room = f"; {parking.no_room} found no room" if parking.no_room else ""
    return f"{waiting or 'no'} {verb} for {node}{size}; {became}{room}"


def _show_node(name: str, status: EventServerStatus, node: NodeStatus, output: Output) -> None:
    output.line("")
    writer, readers = node.writer, node.readers
    each = writer.works / writer.batches if writer.batches else 0.0
    output.line(
        f"{name} has {node.interactions} interactions, {node.agents_logged_in} agents, "
        f"{node.sessions} sessions ({node.sessions_lost} may come back)"
    )
    output.line(
        f"  store {node.store or 'not named'}, epoch {node.epoch}"
        + (f" since {moment(node.primary_since)} UTC" if node.primary_since else "")
        + (f", primary {node.terms} times" if node.terms > 1 else "")
        + f", last event {node.last_event_number}; writer: {writer.waiting} wait, "
        f"{each:.1f} in a batch, longest {milliseconds(writer.longest_batch)} ms"
    )
    output.line(
        f"  {node.held_pulls} held pulls; {readers.busy} of {readers.lanes} readers busy, "
        f"{readers.waiting} wait"
        + (f"; {node.subscribers} read {node.streams} reporting streams" if node.streams else "")
        + (f"; next due {moment(node.next_due)} UTC" if node.next_due else "")
    )
    if node.queues:
        _show_queues(node, output)
    if node.capture_points:
        output.line("")
        output.table(POINTS, [_point(point) for point in node.capture_points])
    if node.event_logs:
        output.line("")
        output.table(LOGS, [_log(log) for log in node.event_logs])


def _point(point: CaptureStatus) -> list[object]:
    counts = point.counts
    return [
        point.name,
        point.kind,
        _said(point.state, point.figures, (*POINTS, "notified")),
        counts.get("taken", 0),
        counts.get("refused", 0),
        counts.get("errors", 0),
        point.in_flight,
        counts.get("notified", 0),
        point.waiting,
    ]


def _log(log: LogStatus) -> list[object]:
    counts = log.counts
    return [
        log.name,
        log.kind,
        _said(log.state, log.figures, LOGS),
        log.waiting,
        log.room,
        number_of_bytes(log.waiting_bytes),
        number_of_bytes(log.room_bytes),
        *(counts.get(name, 0) for name in LOGS[7:]),
    ]


def _said(state: str, figures: Mapping[str, object], columns: Sequence[str]) -> str:
    """
    The state, with those figures that say more than it and the columns do, and fit beside it.

    :param columns: under what names figures are shown already.
    """
    text = state
    for name, value in figures.items():
        shown = ("no", "yes")[value] if isinstance(value, bool) else str(value or "")
        repeated = isinstance(value, str) and value in state
        if shown and not repeated and re.sub("[_-]", " ", name) not in columns:
            more = f"{text}; {name} {shown}"
            text = more if len(more) <= MOST_LETTERS else text
    return text


def _show_queues(node: NodeStatus, output: Output) -> None:
    rows = [
        [
            queue.tenant_id,
            queue.queue,
            queue.waiting,
            *(queue.states.get(state, 0) for state in QUEUES[3:]),
        ]
        for queue in node.queues[:MOST_QUEUES]
    ]
    output.table(QUEUES, rows)
    left = len(node.queues) - len(rows) + node.queues_left_out
    if left:
        output.line(f"and {left} more queues")


def _show_earlier(each: Found, output: Output) -> None:
    """What servers of earlier versions say."""
    if each.nodes:
        tenants = ", ".join(f"tenant {id}: {how} linked" for id, how in each.nodes.items())
        output.line("")
        output.line(f"{each.target.name} is of an earlier version; nodes of {tenants}")
    if each.statistics:
        output.line("")
        output.line(f"{each.target.name} is of an earlier version")
        output.properties(each.statistics, "  ")


def _show_details(status: EventServerStatus, output: Output) -> None:
    """What is of interest where one server is asked."""
    output.line("")
    kinds = ", ".join(f"{number} {kind}" for kind, number in sorted(status.clients_by_type.items()))
    details: dict[str, object] = {
        "clients": kinds or "none",
        "peers": f"{status.peers}, {status.unregistered} not registered, "
        f"{status.slow_readers} that do not read",
        "path": " > ".join(status.path) or "itself",
        "limits": {
            limit.name: f"{limit.used} of {limit.allowed}{f' ({limit.node})' if limit.node else ''}"
            for limit in status.limits
        },
        "counters": dict(sorted(status.counters.items())),
    }
    if status.process is not None:
        details["process"] = f"{status.process.pid}, {status.process.open_files} open files"
    if status.configuration is not None:
        details["configuration of"] = f"{moment(status.configuration.applied_at)} UTC"
    if status.certificate_expires is not None:
        details["certificate until"] = f"{moment(status.certificate_expires)} UTC"
    output.properties(details)
