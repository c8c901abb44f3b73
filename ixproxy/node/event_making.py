"""
The messages of events: what each says of what happened.

An event is made where somebody is told of it, or an event log is. One for logs alone is
only encoded, so what is stored encoded stays so.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, Literal, NamedTuple

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
from ixproxy.node.life_cycle import Step, When
from ixproxy.node.packed_properties import Needed, packer
from ixproxy.node.rows import AgentRow, InteractionRow, InvitationRow, LogoutRow, PartyRow
from ixproxy.node.turn import Cause, Turn
from ixproxy.node.visibility import foremost
from ixproxy.values import ClientType, PartyType

Changed = tuple[KeyValues, KeyValues, KeyValues]
"""Properties added, changed and deleted."""

Subject = PartyRow | InvitationRow | None
"""Whom or what one event of a step is about."""


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


def place_of(step: Step, what: Happening) -> InteractionRow | None:
    """The interaction with the workbin that a step is about."""
    return what.before if step.when is When.OUT_OF_WORKBIN else what.after


def having(what: Happening) -> PartyRow | None:
    """Who has the interaction then."""
    party = what.joined
    if what.stayed:
        party = foremost((*what.stayed, party) if party else what.stayed)
    return party


class Shown:
    """What the events of one happening have in common, made when the first one needs it."""

    __slots__ = ("_actor", "_needed", "_packed", "_properties", "_turn", "_what")

    def __init__(self, turn: Turn, what: Happening) -> None:
        self._turn = turn
        self._what = what
        self._properties: KeyValues | None = None
        self._packed: Any = None
        self._needed: Needed = None
        self._actor: Actor | Literal[False] | None = False

    def told(self, row: InteractionRow) -> KeyValues:
        """The properties of the interaction, for somebody who is told of them."""
        if self._properties is None:
            self._properties = interaction_properties(row, having(self._what))
        return self._properties

    def logged(self, row: InteractionRow, needed: Needed) -> Any:
        """What some of them are encoded from, for event logs alone."""
        if self._packed is None or needed != self._needed:
            self._packed = packer(needed).pack(row, having(self._what))
            self._needed = needed
        return self._packed

    def actor(self) -> Actor | None:
        """Who caused it."""
        if self._actor is False:
            self._actor = acting(self._turn, self._what)
        return self._actor


def event_of(
    turn: Turn,
    step: Step,
    what: Happening,
    party: Subject,
    properties: KeyValues,
    actor: Actor | None,
) -> Event:
    row = what.after or what.before
    assert row is not None
    kind = step.event
    if kind is m.EventInvite:
        assert isinstance(party, InvitationRow)
        return invite_event(turn, party, row, properties)
    if isinstance(party, InvitationRow):
        more = _invitation_shown(step, party)
    elif issubclass(kind, PartyEvent):
        more = _party_concerned(what, party)
    else:
        more = _MORE.get(kind, _queue)(step, what, row)
    return kind(
        event_time=turn.now,
        event_number=turn.counters.event_number,
        dbid=turn.identity.dbid,
        actor=actor,
        reason=step.why or what.cause.reason,
        tenant_id=row.tenant_id,
        media_type=row.media_type,
        interaction_id=row.id,
        interaction=properties,
        **more,
    )


def _party_concerned(what: Happening, party: PartyRow | None) -> dict[str, Any]:
    more: dict[str, Any] = {"operation": what.operation}
    if party is not None:
        more["agent_id"] = party.agent_id
        more["party"] = party_shown(party)
        if party.agent_number:
            more["agent_session"] = (party.agent_number, party.agent_dbid)
    return more


def _nothing(step: Step, what: Happening, row: InteractionRow) -> dict[str, Any]:
    return {}


def _queue(step: Step, what: Happening, row: InteractionRow) -> dict[str, Any]:
    return {"queue": row.queue}


def _old_queue(what: Happening, row: InteractionRow) -> str:
    return what.before.queue if what.before else row.queue


def _placed_in_queue(step: Step, what: Happening, row: InteractionRow) -> dict[str, Any]:
    return {"queue": row.queue, "old_queue": what.before.queue if what.before else ""}


def _taken_from_queue(step: Step, what: Happening, row: InteractionRow) -> dict[str, Any]:
    party = party_shown(what.joined) if what.joined else None
    return {"queue": _old_queue(what, row), "party": party}


def _placed_in_workbin(step: Step, what: Happening, row: InteractionRow) -> dict[str, Any]:
    return {"queue": row.queue, "workbin": workbin_shown(row)}


def _taken_from_workbin(step: Step, what: Happening, row: InteractionRow) -> dict[str, Any]:
    return {"queue": _old_queue(what, row), "workbin": workbin_shown(what.before or row)}


def _workbin_content(step: Step, what: Happening, row: InteractionRow) -> dict[str, Any]:
    workbin = workbin_shown(place_of(step, what) or row)
    return {"workbin": workbin, "workbin_content_operation": step.operation}


def _route_request(step: Step, what: Happening, row: InteractionRow) -> dict[str, Any]:
    joined = what.joined
    assert joined is not None
    return {
        "strategy_id": joined.strategy_id,
        "queue": row.queue,
        "take_number": joined.take_number,
    }


def _changes(step: Step, what: Happening, row: InteractionRow) -> dict[str, Any]:
    added, changed, deleted = what.changed
    return {
        "added_properties": added,
        "changed_properties": changed,
        "deleted_properties": deleted,
    }


_MORE: Mapping[type[Event], Callable[[Step, Happening, InteractionRow], dict[str, Any]]] = {
    m.EventRouteRequest: _route_request,
    m.EventPropertiesChanged: _changes,
    m.EventAttachedDataChanged: _changes,
    m.EventWorkbinContentChanged: _workbin_content,
    m.EventPlacedInQueue: _placed_in_queue,
    m.EventTakenFromQueue: _taken_from_queue,
    m.EventPlacedInWorkbin: _placed_in_workbin,
    m.EventTakenFromWorkbin: _taken_from_workbin,
    m.EventAbandoned: _nothing,
    m.EventHeld: _nothing,
    m.EventResumed: _nothing,
}
"""What events of each kind say beyond what all do; the others say the queue."""


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


def acting(turn: Turn, what: Happening) -> Actor | None:
    """Who caused it: a party by its own name, else as the client is called."""
    sender = what.cause.sender
    if sender is not None and (what.joined is not None or what.left or what.stayed):
        joined = () if what.joined is None else (what.joined,)
        for party in (*joined, *what.left, *what.stayed):
            if party.session != sender.session:
                continue
            if party.party_type == PartyType.AGENT:
                return Actor(agent_id=party.agent_id, place_id=party.place_id)
            return Actor(router_id=sender.client_name, strategy_id=party.strategy_id)
    return actor_of(turn, what.cause)


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
