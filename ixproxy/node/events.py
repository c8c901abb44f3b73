"""
Events: numbered, told to sessions, and kept for the consumers of the outbox.

Every event that happens takes the node's next number, so that the numbers do
not depend on who listens; its message is made only where somebody does.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from ixproxy import messages as m
from ixproxy.messages.agents import AgentEvent
from ixproxy.messages.message import Actor, Event, KeyValues
from ixproxy.messages.reporting import PartyEvent
from ixproxy.node.answers import interaction_properties, party_shown, workbin_shown
from ixproxy.node.life_cycle import Step, To, Transition, When
from ixproxy.node.rows import AgentRow, InteractionRow, LogoutRow, OutboxRow, PartyRow
from ixproxy.node.turn import Cause, Turn
from ixproxy.values import ClientType, PartyType
from ixproxy.wire.codec import encode

Changed = tuple[KeyValues, KeyValues, KeyValues]
"""Properties added, changed and deleted."""

_ONCE: tuple[None] = (None,)


class Happening(NamedTuple):
    """
    One transition of one interaction.

    :ivar before: the row as it was, None for a new interaction.
    :ivar after: the row as it is, None for a stopped one.
    :ivar stayed: the parties that it has before and after.
    """

    before: InteractionRow | None
    after: InteractionRow | None
    cause: Cause
    joined: PartyRow | None = None
    left: Sequence[PartyRow] = ()
    stayed: Sequence[PartyRow] = ()
    changed: Changed = ({}, {}, {})


def happen(turn: Turn, transition: Transition, what: Happening) -> None:
    """Walk the steps of a transition: number its events, and hand them on."""
    counters = turn.counters
    row = what.after or what.before
    assert row is not None
    kept = is_kept(turn, row.tenant_id)
    properties: KeyValues | None = None
    for step in transition.steps:
        for party in _subjects(step, what):
            counters.event_number += 1
            receivers = () if step.to is To.REPORTING else _receivers(turn, step, what, party)
            if not receivers and not (kept and step.reported):
                continue
            if properties is None:
                properties = _properties(what)
            event = _event(turn, step, what, party, properties)
            for session in receivers:
                turn.tell(session, event)
            if step.reported:
                _keep(turn, row.tenant_id, event)


def _subjects(step: Step, what: Happening) -> Sequence[PartyRow | None]:
    when = step.when
    if when is When.ALWAYS:
        return _ONCE
    if when is When.EACH_LEAVING:
        return what.left
    if when is When.JOINING:
        return (what.joined,)
    if when is When.EACH_LOSER:
        requester = what.cause.requester
        return [party for party in what.left if party.session != requester]
    row = what.before if step.event is m.EventTakenFromWorkbin else what.after
    return _ONCE if row is not None and row.workbin_type is not None else ()


def _receivers(turn: Turn, step: Step, what: Happening, party: PartyRow | None) -> Sequence[bytes]:
    requester = what.cause.requester
    if step.to is To.THE_PARTY:
        return () if party is None else (party.session,)
    if step.to is To.OTHER_PARTIES:
        return [each.session for each in what.stayed if each.session != requester]
    row = what.after or what.before
    servers = turn.memory.servers.get(row.submitted_by, ()) if row else ()
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


def _properties(what: Happening) -> KeyValues:
    row = what.after or what.before
    party = what.joined or next(iter(what.stayed), None)
    return interaction_properties(row, party) if row else {}


def _event(
    turn: Turn, step: Step, what: Happening, party: PartyRow | None, properties: KeyValues
) -> Event:
    row = what.after or what.before
    assert row is not None
    kind = step.event
    more: dict[str, Any] = {}
    if issubclass(kind, PartyEvent):
        if party is not None:
            more["agent_id"] = party.agent_id
            more["party"] = party_shown(party)
            if party.agent_number:
                more["agent_session"] = (party.agent_number, party.agent_dbid)
    elif kind is m.EventPropertiesChanged:
        added, changed, deleted = what.changed
        more["added_properties"] = added
        more["changed_properties"] = changed
        more["deleted_properties"] = deleted
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
        reason=what.cause.reason,
        tenant_id=row.tenant_id,
        media_type=row.media_type,
        interaction_id=row.id,
        interaction=properties,
        **more,
    )


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


def actor_of(turn: Turn, cause: Cause) -> Actor | None:
    """Who caused an event; None: nobody, as when a timer expires."""
    sender = cause.sender
    if sender is None:
        return None
    if sender.client_type == ClientType.AGENT_APPLICATION:
        for name in turn.memory.agents_of.get(sender.session, ()):
            row = turn.memory.logged_in(name)
            if row is not None:
                return Actor(agent_id=row.agent_id, place_id=row.place_id)
        return None
    if sender.client_type == ClientType.ROUTING_ENGINE:
        return Actor(router_id=sender.client_name)
    return Actor(media_server=sender.client_name)


def report(turn: Turn, kind: type[Event], tenant_id: int, **more: object) -> None:
    """An event about a tenant that is not about one agent or interaction, for reporting."""
    turn.counters.event_number += 1
    if is_kept(turn, tenant_id):
        event = kind(
            event_time=turn.now,
            event_number=turn.counters.event_number,
            dbid=turn.identity.dbid,
            tenant_id=tenant_id,
            **more,  # type: ignore[arg-type, call-arg]
        )
        _keep(turn, tenant_id, event)


def report_agent(
    turn: Turn, kind: type[AgentEvent], row: AgentRow | LogoutRow, cause: Cause, **more: object
) -> None:
    """An event about an agent, for reporting."""
    turn.counters.event_number += 1
    if is_kept(turn, row.tenant_id):
        _keep(turn, row.tenant_id, agent_event(turn, kind, row, cause, **more))


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


def is_kept(turn: Turn, tenant_id: int) -> bool:
    """Whether anybody reads the reporting events of a tenant."""
    return bool(turn.settings.consumers) or turn.memory.is_reported(tenant_id)


def _keep(turn: Turn, tenant_id: int, event: Event) -> None:
    turn.report(tenant_id, event)
    consumers = turn.settings.consumers
    if consumers:
        body = encode(event)
        for consumer in consumers:
            turn.rows.put_outbox(
                OutboxRow(event_number=event.event_number, consumer=consumer, body=body)
            )
