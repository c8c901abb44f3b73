"""
Events: numbered, told to sessions, reported, and gathered for event logs.

Every event that happens takes the node's next number, so that the numbers do
not depend on who listens; its message is made only where somebody does.
"""

from __future__ import annotations

from collections.abc import Sequence

from ixproxy.messages.agents import AgentEvent
from ixproxy.messages.message import Event
from ixproxy.node.event_making import (
    Happening,
    Shown,
    Subject,
    acting,
    agent_event,
    event_of,
    having,
    place_of,
)
from ixproxy.node.intake_notices import Occurrence, hears, notice
from ixproxy.node.invitations import DELIVER
from ixproxy.node.keeping import keep
from ixproxy.node.life_cycle import Step, To, Transition, When
from ixproxy.node.rows import AgentRow, InteractionRow, InvitationRow, LogoutRow, PartyRow
from ixproxy.node.turn import Cause, Turn
from ixproxy.node.visibility import seeing
from ixproxy.values import PartyType

_ONCE: tuple[None] = (None,)


def happen(turn: Turn, transition: Transition, what: Happening) -> None:
    """Walk the steps of a transition: number its events, and hand them on."""
    counters = turn.counters
    row = what.after or what.before
    assert row is not None
    streamed = turn.memory.is_reported(row.tenant_id)
    logged = bool(turn.spools.rules)
    heard = bool(turn.settings.capture) and hears(turn, row, what.cause)
    shown = Shown(turn, what)
    for step in transition.steps:
        for subject in _subjects(step, what):
            counters.event_number += 1
            if heard:
                _notice(turn, step, what, row)
            receivers = () if step.to is To.REPORTING else _receivers(turn, step, what, subject)
            logs = _logs(turn, step, subject) if logged and step.reported else ()
            if not (receivers or logs or (streamed and step.reported)):
                continue
            if receivers or streamed:
                properties = shown.told(row)
            else:
                properties = shown.logged(row, turn.spools.needed(logs))
            event = event_of(turn, step, what, subject, properties, shown.actor())
            for session in receivers:
                turn.tell(session, event)
            if step.reported:
                keep(turn, row.tenant_id, event, logs)


def _logs(turn: Turn, step: Step, subject: Subject) -> tuple[str, ...]:
    """The event logs that want one event."""
    of_agent = isinstance(subject, PartyRow) and subject.party_type == PartyType.AGENT
    return turn.spools.of(step.event, of_agent)


def _notice(turn: Turn, step: Step, what: Happening, row: InteractionRow) -> None:
    """Tell the capture point that has submitted it."""
    joined = what.joined if step.when is When.JOINING else None
    actor, party = acting(turn, what), having(what)
    notice(turn, Occurrence(step.event, row, what.cause, joined, party, what.changed, actor))


def _subjects(step: Step, what: Happening) -> Sequence[Subject]:
    when = step.when
    if when is When.ALWAYS:
        return _ONCE
    if when is When.EACH_LEAVING:
        return what.left
    if when is When.JOINING:
        return (what.joined,)
    if when is When.EACH_ROUTER:
        return [party for party in what.stayed if party.party_type == PartyType.ROUTER]
    if when in (When.EACH_LOSER, When.EACH_PUSHED, When.EACH_OTHER):
        losers = [party for party in what.left if not _asked(what, party.session)]
        if when is When.EACH_LOSER:
            return losers
        pushed = when is When.EACH_PUSHED
        return [each for each in losers if (each.party_type == PartyType.ROUTER) == pushed]
    if when is When.INVITATION:
        return what.invitations
    if when is When.EACH_CALLED_OFF:
        return what.called_off
    if when is When.EACH_UNDELIVERED:
        ended = (*what.invitations, *what.called_off)
        return [each for each in ended if each.operation == DELIVER]
    row = place_of(step, what)
    return _ONCE if row is not None and row.workbin_type is not None else ()


def _asked(what: Happening, session: bytes) -> bool:
    """Whether a session asked for just this, and hears of it by its answer."""
    return session == what.cause.requester or session in what.answered


def _receivers(turn: Turn, step: Step, what: Happening, subject: Subject) -> Sequence[bytes]:
    requester = what.cause.requester
    if isinstance(subject, InvitationRow):
        return _concerned(turn, step, what, subject)
    if step.to is To.THE_PARTY:
        return () if subject is None else (subject.session,)
    if step.to is To.THE_ROUTER:
        spared = turn.settings.no_userdata_changed_response_to_urs
        own = subject is None or (spared and subject.session == requester)
        return () if own or subject is None else (subject.session,)
    if step.to is To.OTHER_PARTIES:
        others = what.stayed if subject is None else seeing(subject, what.stayed)
        return [each.session for each in others if each.session != requester]
    if step.to is To.LISTENERS:
        place = place_of(step, what)
        return tuple(turn.memory.workbins.told(place, step.operation)) if place else ()
    row = what.after or what.before
    servers = _submitters(turn, row) if row else ()
    if step.to is To.SUBMITTERS:
        return [session for session in servers if session != requester]
    agents = [
        each.session
        for each in what.stayed
        if each.party_type == PartyType.AGENT and each.session != requester
    ]
    interested = turn.memory.interested
    asked = [session for session in servers if session in interested and session != requester]
    return [*agents, *asked]


def _submitters(turn: Turn, row: InteractionRow) -> Sequence[bytes]:
    """The media servers with the name of the submitter that work for its tenant."""
    found = turn.memory.servers.get(row.submitted_by, ())
    known = ((session, turn.memory.sessions.get(session)) for session in found)
    return [session for session, its in known if its is not None and row.tenant_id in its.tenants]


def _concerned(turn: Turn, step: Step, what: Happening, row: InvitationRow) -> Sequence[bytes]:
    """Who hears of an invitation."""
    requester = what.cause.requester
    if step.to in (To.THE_INVITED, To.OTHER_CLIENTS):
        agent = turn.memory.logged_in((row.tenant_id, row.agent_id))
        sessions = agent.sessions if agent else ()
        if step.to is To.THE_INVITED:
            return sessions
        return [each for each in sessions if each != requester]
    if step.to is To.UNANSWERED and row.inviter in what.answered:
        return ()
    return (row.inviter,) if row.inviter != requester else ()


def report(turn: Turn, kind: type[Event], tenant_id: int, **more: object) -> None:
    """An event about a tenant that is not about one agent or interaction, for reporting."""
    turn.counters.event_number += 1
    logs = turn.spools.of(kind)
    if logs or turn.memory.is_reported(tenant_id):
        event = kind(
            event_time=turn.now,
            event_number=turn.counters.event_number,
            dbid=turn.identity.dbid,
            tenant_id=tenant_id,
            **more,  # type: ignore[arg-type, call-arg]
        )
        keep(turn, tenant_id, event, logs)


def report_agent(
    turn: Turn, kind: type[AgentEvent], row: AgentRow | LogoutRow, cause: Cause, **more: object
) -> None:
    """An event about an agent, for reporting."""
    turn.counters.event_number += 1
    logs = turn.spools.of(kind)
    if logs or turn.memory.is_reported(row.tenant_id):
        keep(turn, row.tenant_id, agent_event(turn, kind, row, cause, **more), logs)


def tell_agent(
    turn: Turn, kind: type[AgentEvent], row: AgentRow, cause: Cause, **more: object
) -> None:
    """An event about an agent for its client sessions, but for the requester's."""
    sessions = [session for session in row.sessions if session != cause.requester]
    if sessions:
        turn.counters.event_number += 1
        event = agent_event(turn, kind, row, cause, **more)
        for session in sessions:
            turn.tell(session, event)
