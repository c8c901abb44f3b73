"""What is wrong in a deployment, in words, from what its servers said of themselves."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from ixproxy.cli.amounts import duration, number_of, number_of_bytes
from ixproxy.cli.output import moment
from ixproxy.cli.status_asking import Found
from ixproxy.messages import (
    CaptureStatus,
    EventServerStatus,
    LimitUse,
    LinkStatus,
    LogStatus,
)

NEAR = 0.8
"""Share of a limit from which on it is said."""

ENDS_SOON = 30 * 86400.0
"""Seconds before its end from which on a certificate is spoken of."""

STUCK = 5.0
"""Seconds of one batch after which a writer is slow, whatever it does."""

CLOCKS_APART = 10.0
"""Seconds that clocks may differ by before it is said."""


TROUBLED = ("failed", "failing", "connecting", "lost", "waiting:")
"""
What the state of a capture point begins with that does not work.

After `waiting:` stands why; who waits without a reason waits for work.
"""

FAULTS = ("problem", "unmarkable-because", "notifications-problem")
"""Figures of a capture point or an event log that say what is wrong; empty: nothing."""

NO_HELP = ("hanging", "unfit")
"""What the other server of a pair may be that will not take over."""


@dataclass(frozen=True, slots=True)
class Problem:
    """
    One thing that is wrong.

    :ivar about: the server that it is shown with.
    :ivar missing: something that should be there is not.
    """

    about: str
    text: str
    missing: bool = False


def problems_of(found: Sequence[Found]) -> list[Problem]:
    """All problems: what is missing first, then server by server."""
    problems = [*_missing(found), *_claimed_twice(found)]
    for each in found:
        if each.server is not None and each.status is None and each.failure:
            text = f"{each.target.name} does not say how it is: {each.failure}"
            problems.append(Problem(each.target.name, text))
        problems += _of_server(each)
    return sorted(problems, key=lambda problem: not problem.missing)


def state_of(each: Found, found: Iterable[Found]) -> str:
    """
    `up`, `standby`, `standby or down`, or `away`.

    A server of a pair stands by when the other one answers. Nobody listens at
    that of a node, so it cannot be told from one that is down.
    """
    if each.up:
        return "up"
    other = any(one.up and one.target.pair == each.target.pair for one in found)
    alone = each.target.primary and not any(one.target.name == each.target.primary for one in found)
    if not other and not alone:
        return "away"
    return "standby or down" if each.target.nodes is None else "standby"


def _missing(found: Sequence[Found]) -> Iterator[Problem]:
    """Servers that should be there: of a pair, one is enough."""
    up = {each.target.pair for each in found if each.up}
    for each in found:
        target = each.target
        if each.up or target.primary or target.pair in up:
            continue
        where = "" if target.by_address else f" at {target.endpoint}"
        text = f"{target.name} does not answer{where}: {each.failure}"
        backups = [one.target.name for one in found if one.target.primary == target.name]
        if backups:
            text += f"; neither does its backup {', '.join(backups)}"
        yield Problem(target.name, text, missing=True)


def _claimed_twice(found: Sequence[Found]) -> Iterator[Problem]:
    """Two servers that are the same node, and servers that are not who they should be."""
    nodes: dict[int, list[Found]] = {}
    for each in found:
        if each.server is None:
            continue
        if each.server.role == "node" and each.server.dbid:
            nodes.setdefault(each.server.dbid, []).append(each)
        target, name = each.target, each.server.name
        if not target.by_address and name not in (target.name, target.pair):
            yield Problem(
                target.name, f"{name or 'another server'} answers at {target.endpoint}, where "
                f"{target.name} should be"
            )  # fmt: skip
    for dbid, claimants in nodes.items():
        # Whoever is asked by two addresses is one server all the same.
        if len({each.target.endpoint for each in claimants}) < 2:
            continue
        name = claimants[0].target.pair
        who = ", ".join(
            f"{each.target.name} (epoch {each.server.epoch})" for each in claimants if each.server
        )
        text = f"{len(claimants)} servers claim {name} (database id {dbid}): {who}"
        yield Problem(name, text)


def _of_server(each: Found) -> Iterator[Problem]:
    status, name = each.status, each.target.name
    if status is None:
        return
    if status.proxy_status is not None:
        for link in status.proxy_status.links:
            yield from _of_link(name, status, link)
        if each.target.nodes is not None:
            known = {link.node for link in status.proxy_status.links}
            for node in each.target.nodes:
                if node not in known:
                    text = f"{name} does not know {node}: it runs an older configuration"
                    yield Problem(name, text)
    if status.node_status is not None and status.node_status.writer.busy_seconds >= STUCK:
        writer = status.node_status.writer
        yield Problem(
            name,
            f"{name} has been writing one batch for {duration(writer.busy_seconds)}, and "
            f"{number_of(writer.waiting, 'request waits', 'requests wait')}: look at its disk",
        )
    if status.node_status is not None:
        for point in status.node_status.capture_points:
            yield from _of_capture_point(name, point)
        for log in status.node_status.event_logs:
            yield from _of_event_log(name, log)
    for limit in status.limits:
        if limit.allowed and limit.used >= NEAR * limit.allowed:
            yield Problem(name, _limit(name, limit))
    if status.slow_readers:
        who = number_of(status.slow_readers, "peer")
        does = "does" if status.slow_readers == 1 else "do"
        yield Problem(name, f"{who} of {name} {does} not read what is sent")
    yield from _of_configuration(name, status)
    yield from _of_certificate(name, status)
    if each.asked_at and abs(status.time - each.asked_at) >= CLOCKS_APART:
        apart = status.time - each.asked_at
        how = "ahead of" if apart > 0 else "behind"
        yield Problem(name, f"the clock of {name} is {duration(abs(apart))} {how} ours")


def _of_capture_point(name: str, point: CaptureStatus) -> Iterator[Problem]:
    if point.state.startswith(TROUBLED):
        yield Problem(name, f"capture point {point.name} of {name} is {point.state}")
    yield from _of_figures(name, f"capture point {point.name} of {name}", point)
    if dropped := point.counts.get("dropped", 0):
        changes = number_of(dropped, "change")
        text = f"was not told of {changes}: it does not read what waits for it"
        yield Problem(name, f"capture point {point.name} of {name} {text}")


def _of_figures(name: str, which: str, part: CaptureStatus | LogStatus) -> Iterator[Problem]:
    """What is wrong in the words of a capture point or a log, beyond what its state says."""
    said = [text for key in FAULTS if isinstance(text := part.figures.get(key), str) and text]
    stuck = part.figures.get("stuck")
    if isinstance(stuck, int) and stuck > 0:
        many = "1 document that is" if stuck == 1 else f"{stuck} documents that are"
        why = f": {'; '.join(said)}" if said else ""
        yield Problem(name, f"{which} cannot put away {many} done{why}")
        return
    for text in said:
        # The state was said if it is trouble, and is cut where it is long.
        if not (part.state.startswith(TROUBLED) and text[:200] in part.state):
            yield Problem(name, f"{which} says: {text}")


def _of_event_log(name: str, log: LogStatus) -> Iterator[Problem]:
    which = f"event log {log.name} of {name}"
    size = number_of_bytes(log.waiting_bytes)
    if log.state.startswith(TROUBLED):
        waiting = number_of(log.waiting, "event waits", "events wait")
        yield Problem(name, f"{which} is {log.state}; {waiting} for it")
    yield from _of_figures(name, which, log)
    if log.refusing:
        text = "and must have everything: requests that change something are refused"
        events = number_of(log.waiting, "event")
        yield Problem(name, f"{which} is full with {events} ({size}), {text}")
    if dropped := log.counts.get("dropped", 0):
        now = ", and more are being dropped" if log.dropping else ""
        events = number_of(dropped, "event")
        yield Problem(name, f"{which} will never have {events}: it was full{now}")
    elif not log.refusing and log.waiting >= NEAR * log.room:
        yield Problem(name, f"{which} is nearly full: {log.waiting} of {log.room} events wait")
    elif not log.refusing and log.room_bytes and log.waiting_bytes >= NEAR * log.room_bytes:
        most = number_of_bytes(log.room_bytes)
        yield Problem(name, f"{which} is nearly full: {size} of {most} wait")


def _of_link(name: str, status: EventServerStatus, link: LinkStatus) -> Iterator[Problem]:
    why = f": {link.problem}" if link.problem else ""
    if link.state == "linked":
        if link.full:
            yield Problem(
                name,
                f"{link.node} does not keep up with {name}: {number_of_bytes(link.output)} wait "
                "to be sent",
            )
        if link.other_state in NO_HELP:
            text = f"{link.other} could not take over {link.node}: it is {link.other_state}"
            yield Problem(name, f"{text} for {name}")
        return
    if link.seconds is None:
        since = f"since {name} began {duration(status.uptime)} ago"
    else:
        since = f"since {_clock(status.time - link.seconds, status.time)}"
    if link.state == "joining":
        text = f"{link.node} is joining {name} again, {since}"
        if link.replaying:
            sessions = number_of(link.replaying, "agent session is", "agent sessions are")
            text += f"; {sessions} still to be told"
        yield Problem(name, text)
        return
    if link.parking is not None and link.parking.waiting:
        waiting = number_of(link.parking.waiting, "request waits", "requests wait")
        since += f" ({waiting} for it)"
    yield Problem(name, f"{link.node} is down for {name} {since}{why}", missing=True)


def _limit(name: str, limit: LimitUse) -> str:
    share = round(100 * limit.used / limit.allowed)
    to = f" to {limit.node}" if limit.node else ""
    return f"{name} uses {share} % of {limit.name}{to} ({limit.used} of {limit.allowed})"


def _of_configuration(name: str, status: EventServerStatus) -> Iterator[Problem]:
    configuration = status.configuration
    if configuration is not None and configuration.problem:
        when = _clock(configuration.failed_at or 0.0, status.time)
        applied = _clock(configuration.applied_at, status.time)
        yield Problem(
            name,
            f"{name} runs an older configuration, of {applied}: the reload at {when} failed; "
            f"its log says what is wrong at {configuration.problem}",
        )


def _of_certificate(name: str, status: EventServerStatus) -> Iterator[Problem]:
    ends = status.certificate_expires
    if ends is None or ends - status.time > ENDS_SOON:
        return
    left = ends - status.time
    if left <= 0:
        yield Problem(name, f"the certificate of {name} ended {duration(-left)} ago")
    else:
        yield Problem(name, f"the certificate of {name} ends in {duration(left)}")


def _clock(then: float, now: float) -> str:
    """A time of day, with its date where it was not in the last day."""
    text = moment(then)
    return f"{text.partition(' ')[2] if now - then < 86400 else text} UTC"
