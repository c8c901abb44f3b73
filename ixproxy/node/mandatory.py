"""
What is not done while an event log that must have everything is full.

Theory of operation: a request runs, and if a full log would have to be told of
it, it is refused with EVENT_LOG_FULL and undone, as any refusal is. So whatever
changes nothing that the log wants goes on: reads, and pulls that find nothing. What only
ends something goes on as well (logouts, goodbyes, lost connections, what takes
back a pull, timers, what an external server has answered), and may take the
spool above its bound. A call to an external server is refused before it is made. Nothing is
pushed to routers.
"""

from __future__ import annotations

from collections.abc import Iterable

from ixproxy import messages as m
from ixproxy.errors import Code, RequestRefused
from ixproxy.messages.message import Request
from ixproxy.node.esp_work import CallService
from ixproxy.node.intake_work import DocumentGiven
from ixproxy.node.turn import Turn
from ixproxy.node.work import Asked, Effect, GoesOn, PullRetried, Work

ENDING: frozenset[type[Request]] = frozenset(
    {m.RequestAgentLogout, m.RequestCancelTake, m.RequestConfirmSession}
)
"""Requests that are done all the same: they end what was begun, or settle it."""


def may_be_refused(work: Work | None) -> bool:
    """Whether somebody asks for a change who can ask again."""
    if type(work) is Asked:
        return type(work.message) not in ENDING
    return type(work) in (PullRetried, GoesOn, DocumentGiven)


def check_logs(turn: Turn, full: Iterable[str], effect: Effect | None, since: int) -> None:
    """
    Look at what a request has done.

    :param full: logs that were full when it began.
    :param since: how many events were gathered by then.
    :raise RequestRefused: one of them would have to be told of it.
    """
    told = {log for each in turn.spools.gathered[since:] for log in each.logs}
    if type(effect) is CallService:
        told.update(turn.spools.of(m.EventExternalServiceRequested))
    for log in full:
        if log in told:
            raise RequestRefused(
                Code.EVENT_LOG_FULL, f'event log "{log}" is away and must have everything'
            )
