"""
Events: numbered, told to sessions, reported, and gathered for event logs.

Every event that happens takes the node's next number, so that the numbers do
not depend on who listens; its message is made only where somebody does.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, NamedTuple

from ixproxy import messages as m
from ixproxy.messages.agents import AgentEvent
from ixproxy.messages.message import Actor, Event, KeyValues, Party
from ixproxy.messages.reporting import PartyEvent
from ixproxy.node.acting import actor_of
from ixproxy.node.answers import (
    decoded,
    interaction_properties,
    invited_shown,
    party_shown,
    workbin_shown,
)
from ixproxy.node.intake_notices import Occurrence, hears, notice
from ixproxy.node.invitations import DELIVER
from ixproxy.node.keeping import keep
from ixproxy.node.life_cycle import Step, To, Transition, When
from ixproxy.node.rows import (
    AgentRow,
    InteractionRow,
    InvitationRow,
    LogoutRow,
    PartyRow,
)
from ixproxy.node.turn import Cause, Turn
from ixproxy.node.visibility import foremost, seeing
from ixproxy.values import ClientType, PartyType

Changed = tuple[KeyValues, KeyValues, KeyValues]
"""Properties added, changed and deleted."""

Subject = PartyRow | InvitationRow | None
"""Whom or what one event of a step is about."""

_ONCE: tuple[None] = (None,)


class Happening(NamedTuple):
    """
    One transition of one interaction.

    :ivar before: the row as it was, None for a new interaction.
    :ivar after: the row as it is, None for a stopped one.
    :ivar stayed: the parties that it has before and after.
    :ivar invitations: those that it is about.
    :ivar called_off: those that end by the way.
    :ivar answered: sessions that hear of it by an answer.
    :ivar operation: why parties come and go.
    """

    before: InteractionRow | None
    after: InteractionRow | None
    cause: Cause
    joined: PartyRow | None = None
    left: Sequence[PartyRow] = ()
    stayed: Sequence[PartyRow] = ()
    changed: Changed = ({}, {}, {})
    invitations: Sequence[InvitationRow] = ()
    called_off: Sequence[InvitationRow] = ()
    answered: Collection[bytes] = ()
    operation: str = ""


def happen(turn: Turn, transition: Transition, what: Happening) -> None:
    """Walk the steps of a transition: number its events, and hand them on."""
    counters = turn.counters
    row = what.after or what.before
    assert row is not None
    streamed = turn.memory.is_reported(row.tenant_id)
    logged = bool(turn.spools.rules)
    heard = bool(turn.settings.capture) and hears(turn, row, what.cause)
    properties: KeyValues | None = None
    for step in transition.steps:
        for subject in _subjects(step, what):
            counters.event_number += 1
            if heard:
                _notice(turn, step, what, row)
            receivers = () if step.to is To.REPORTING else _receivers(turn, step, what, subject)
            logs = _logs(turn, step, subject) if logged and step.reported else ()
            if not (receivers or logs or (streamed and step.reported)):
                continue
            if properties is None:
                properties = _properties(what)
            event = _event(turn, step, what, subject, properties)
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
    actor, party = _acting(turn, what), _having(what)
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
    row = _place_of(step, what)
    return _ONCE if row is not None and row.workbin_type is not None else ()


def _place_of(step: Step, what: Happening) -> InteractionRow | None:
    """The interaction with the workbin that a step is about."""
    return what.before if step.when is When.OUT_OF_WORKBIN else what.after


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
        place = _place_of(step, what)
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


def _properties(what: Happening) -> KeyValues:
    row = what.after or what.before
    return interaction_properties(row, _having(what)) if row else {}


def _having(what: Happening) -> PartyRow | None:
    """Who has the interaction then."""
    party = what.joined
    if what.stayed:
        party = foremost((*what.stayed, party) if party else what.stayed)
    return party


def _event(turn: Turn, step: Step, what: Happening, party: Subject, properties: KeyValues) -> Event:
    row = what.after or what.before
    assert row is not None
    kind = step.event
    if kind is m.EventInvite:
        assert isinstance(party, InvitationRow)
        return invite_event(turn, party, row, properties)
    more: dict[str, Any] = {}
    if isinstance(party, InvitationRow):
        more = _invitation_shown(step, party)
    elif issubclass(kind, PartyEvent):
        more["operation"] = what.operation
        if party is not None:
            more["agent_id"] = party.agent_id
            more["party"] = party_shown(party)
            if party.agent_number:
                more["agent_session"] = (party.agent_number, party.agent_dbid)
    elif kind is m.EventRouteRequest:
        assert what.joined is not None
        more["strategy_id"] = what.joined.strategy_id
        more["queue"] = row.queue
        more["take_number"] = what.joined.take_number
    elif kind is m.EventAbandoned:
        pass
    elif kind in (m.EventPropertiesChanged, m.EventAttachedDataChanged):
        added, changed, deleted = what.changed
        more["added_properties"] = added
        more["changed_properties"] = changed
        more["deleted_properties"] = deleted
    elif kind is m.EventWorkbinContentChanged:
        more["workbin"] = workbin_shown(_place_of(step, what) or row)
        more["workbin_content_operation"] = step.operation
    elif kind not in (m.EventHeld, m.EventResumed):
        more["queue"] = row.queue
        if kind is m.EventPlacedInQueue:
            more["old_queue"] = what.before.queue if what.before else ""
        elif kind is m.EventTakenFromQueue:
            more["queue"] = what.before.queue if what.before else row.queue
            more["party"] = party_shown(what.joined) if what.joined else None
        elif kind is m.EventTakenFromWorkbin:
            more["queue"] = what.before.queue if what.before else row.queue
            more["workbin"] = workbin_shown(what.before or row)
        elif kind is m.EventPlacedInWorkbin:
            more["workbin"] = workbin_shown(row)
    return kind(
        event_time=turn.now,
        event_number=turn.counters.event_number,
        dbid=turn.identity.dbid,
        actor=_acting(turn, what),
        reason=step.why or what.cause.reason,
        tenant_id=row.tenant_id,
        media_type=row.media_type,
        interaction_id=row.id,
        interaction=properties,
        **more,
    )


def _invitation_shown(step: Step, row: InvitationRow) -> dict[str, Any]:
    """What an event says of an invitation; to a strategy: that it has the interaction no more."""
    if step.when is When.EACH_UNDELIVERED:
        party = Party(party_type=PartyType.STRATEGY, strategy_id=row.inviter_strategy)
        return {"party": party, "operation": row.operation}
    shown: dict[str, Any] = {
        "agent_id": row.agent_id,
        "party": invited_shown(row),
        "agent_session": (row.agent_number, row.agent_dbid),
        "operation": row.operation,
    }
    if step.event in (m.EventRevoked, m.EventAccepted):
        shown["ticket_id"] = row.ticket
    return shown


def invite_event(
    turn: Turn, row: InvitationRow, interaction: InteractionRow, properties: KeyValues | None = None
) -> m.EventInvite:
    """
    What an invited agent is told, with the node's last event number.

    :param properties: those of the interaction, where they are known already.
    """
    if properties is None:
        first = foremost(turn.rows.parties_of(interaction.id))
        properties = interaction_properties(interaction, first)
    return m.EventInvite(
        event_time=turn.now,
        event_number=turn.counters.event_number,
        dbid=turn.identity.dbid,
        actor=_inviter_shown(turn, row),
        tenant_id=row.tenant_id,
        media_type=interaction.media_type,
        interaction_id=interaction.id,
        interaction=properties,
        agent_id=row.agent_id,
        party=invited_shown(row),
        agent_session=(row.agent_number, row.agent_dbid),
        operation=row.operation,
        ticket_id=row.ticket,
        visibility_mode=row.visibility_mode,
        extension=decoded(row.extension),
    )


def _inviter_shown(turn: Turn, row: InvitationRow) -> Actor:
    if row.inviter_agent:
        agent = turn.memory.logged_in((row.tenant_id, row.inviter_agent))
        return Actor(agent_id=row.inviter_agent, place_id=agent.place_id if agent else "")
    session = turn.memory.sessions.get(row.inviter)
    name = session.client_name if session else ""
    return Actor(router_id=name, strategy_id=row.inviter_strategy)


def _acting(turn: Turn, what: Happening) -> Actor | None:
    """Who caused it: a party by its own name, else as the client is called."""
    sender = what.cause.sender
    if sender is not None:
        joined = () if what.joined is None else (what.joined,)
        for party in (*joined, *what.left, *what.stayed):
            if party.session != sender.session:
                continue
            if party.party_type == PartyType.AGENT:
                return Actor(agent_id=party.agent_id, place_id=party.place_id)
            return Actor(router_id=sender.client_name, strategy_id=party.strategy_id)
    return actor_of(turn, what.cause)


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


def agent_event(
    turn: Turn, kind: type[AgentEvent], row: AgentRow | LogoutRow, cause: Cause, **more: object
) -> AgentEvent:
    """The message, with the node's last event number."""
    sender = cause.sender
    by_agent = sender is not None and sender.client_type == ClientType.AGENT_APPLICATION
    own = Actor(agent_id=row.agent_id, place_id=row.place_id)
    return kind(
        event_time=turn.now,
        event_number=turn.counters.event_number,
        dbid=turn.identity.dbid,
        # Agents ask only for themselves, also for the end of their session.
        actor=own if by_agent else actor_of(turn, cause),
        reason=cause.reason,
        tenant_id=row.tenant_id,
        agent_id=row.agent_id,
        place_id=row.place_id,
        agent_session=(row.number, row.dbid) if row.number else None,
        **more,  # type: ignore[arg-type]
    )
