"""
Logouts of agents whose clients were lost: when they are reported, and how.

Theory of operation: an agent whose client does not come back is logged out at
once for everybody but reporting: the seat and the place are free, and nothing
is sent to the agent any more. The report waits until `delayed-logout-timeout`
after the loss at least. What is due then is counted for each application that
was lost: a proxy with all its clients, or a client. Where so many go together
that `delayed-logout-panic-threshold` is reached, they are not reported one by
one: each tenant gets an EventMassAgentLogout with its agents; event logs are told of
each agent all the same, for they are asked about agents. Reports are due
at whole seconds, so that what was lost together is counted together.

A report that waits is a row, and outlasts the node. Until it is told, streams that
begin have the agent among their states, for they will hear the report. An agent who logs in
before is reported as logged out first.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from ixproxy.messages import EventAgentLogout, EventMassAgentLogout, Reason
from ixproxy.node.event_making import agent_event
from ixproxy.node.events import report, report_agent
from ixproxy.node.memory import AgentName
from ixproxy.node.rows import AgentRow, LogoutRow
from ixproxy.node.turn import Cause, Turn

EXPIRED = Reason(reason_system_name="Expired", reason_description="The session did not come back")

MASS_BYTES = 128 << 10
"""Bytes of agents' names in one EventMassAgentLogout: it must fit the frames of its receivers."""


class Loss(NamedTuple):
    """
    How a client session was lost.

    :ivar at: seconds since the epoch, UTC.
    :ivar application: what was lost with it.
    :ivar lasting: it could have come back.
    """

    at: float
    application: str
    lasting: bool = True


def logged_out(turn: Turn, row: AgentRow, cause: Cause, loss: Loss | None = None) -> None:
    """An agent session has ended: report it, or keep the report of a loss for later."""
    delay = turn.settings.delayed_logout_timeout
    if loss is None or not delay:
        report_agent(turn, EventAgentLogout, row, cause)
        return
    waiting = LogoutRow(
        tenant_id=row.tenant_id,
        agent_id=row.agent_id,
        number=row.number,
        dbid=row.dbid,
        place_id=row.place_id,
        application_name=loss.application,
        lasting=loss.lasting,
        due_at=float(math.ceil(max(loss.at + delay, turn.now))),
        last_state={
            "media": row.media,
            "reasons": row.reasons,
            "donot_disturb": row.donot_disturb,
            "logged_in_at": row.logged_in_at,
        },
    )
    turn.memory.keep_logout(waiting)
    turn.rows.put(waiting)


def flush_logout(turn: Turn, name: AgentName) -> None:
    """Report now what waits of an agent."""
    waiting = turn.memory.logouts.get(name)
    if waiting is not None:
        _report(turn, waiting)


def due_logouts(turn: Turn) -> list[Sequence[LogoutRow]]:
    """What is to be reported by now, as it is counted: by application, in the order of names."""
    due: dict[str, list[LogoutRow]] = {}
    for row in turn.memory.logouts.values():
        if row.due_at <= turn.now:
            due.setdefault(row.application_name, []).append(row)
    return [sorted(due[name], key=_order) for name in sorted(due)]


def report_logouts(turn: Turn, rows: Sequence[LogoutRow]) -> None:
    """Report what one application lost: one by one, or together."""
    if len(rows) < turn.settings.delayed_logout_panic_threshold:
        for row in rows:
            _report(turn, row)
        return
    for part in _parts(rows):
        first = part[0]
        names = [row.agent_id for row in part]
        report(
            turn,
            EventMassAgentLogout,
            first.tenant_id,
            application_name=first.application_name,
            number_of_agents=len(names),
            agents=names,
            reason=EXPIRED if first.lasting else None,
        )
        for row in part:
            _forget(turn, row)
            _log(turn, row)


def _parts(rows: Sequence[LogoutRow]) -> Iterator[list[LogoutRow]]:
    """Those of one event each: of one tenant, and with room for their names."""
    part: list[LogoutRow] = []
    size = 0
    for row in rows:
        length = len(row.agent_id.encode()) + 3
        if part and (row.tenant_id != part[0].tenant_id or size + length > MASS_BYTES):
            yield part
            part, size = [], 0
        part.append(row)
        size += length
    if part:
        yield part


def _report(turn: Turn, row: LogoutRow) -> None:
    _forget(turn, row)
    report_agent(turn, EventAgentLogout, row, Cause(None, EXPIRED if row.lasting else None))


def _log(turn: Turn, row: LogoutRow) -> None:
    """A logout of which reporting clients hear together with others."""
    turn.counters.event_number += 1
    if logs := turn.spools.of(EventAgentLogout):
        cause = Cause(None, EXPIRED if row.lasting else None)
        turn.spools.gather(logs, agent_event(turn, EventAgentLogout, row, cause))


def _forget(turn: Turn, row: LogoutRow) -> None:
    turn.memory.drop_logout(row)
    turn.rows.remove(row)


def _order(row: LogoutRow) -> AgentName:
    return row.tenant_id, row.agent_id
