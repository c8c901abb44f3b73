"""
What capture points are told that they did not ask for: what others do with what they submitted.

A notification is made of an event of the life cycle, and has its number; which
events are any is the table here. What a capture point does itself it hears of
by replies alone.
"""

from __future__ import annotations

from typing import NamedTuple

from ixproxy import messages as m
from ixproxy.messages.message import Actor, Event, KeyValues
from ixproxy.node.intake_settings import session_of
from ixproxy.node.intake_shown import plain, properties_shown
from ixproxy.node.intake_work import Notification, Said
from ixproxy.node.outbox import keep_notification
from ixproxy.node.rows import InteractionRow, PartyRow
from ixproxy.node.turn import Cause, Turn
from ixproxy.node.visibility import ordinary
from ixproxy.values import PartyType

_SAID: dict[type[Event], Said] = {
    m.EventPropertiesChanged: Said.CHANGED,
    m.EventProcessingStopped: Said.STOPPED,
    m.EventHeld: Said.HELD,
    m.EventResumed: Said.RESUMED,
    m.EventPlacedInQueue: Said.PLACED_IN_QUEUE,
    m.EventPlacedInWorkbin: Said.PLACED_IN_WORKBIN,
}


class Occurrence(NamedTuple):
    """
    One event, as a notification needs it.

    :ivar row: the interaction as it is, or as it was where it is no more.
    :ivar joined: who takes part now, of an event that says so.
    :ivar party: who has it, if anybody has.
    :ivar actor: who did it; None: nobody, as when a timer expires.
    """

    kind: type[Event]
    row: InteractionRow
    cause: Cause
    joined: PartyRow | None
    party: PartyRow | None
    changed: tuple[KeyValues, KeyValues, KeyValues]
    actor: Actor | None


def hears(turn: Turn, row: InteractionRow, cause: Cause) -> bool:
    """Whether a capture point may be told of what happens to an interaction."""
    if row.submitted_by not in turn.settings.capture:
        return False
    own = cause.sender is not None and cause.sender.session == session_of(row.submitted_by)
    return not own


def notice(turn: Turn, what: Occurrence) -> None:
    """Have the capture point told, with the node's last event number, if it wants to be."""
    row = what.row
    said = _said(what)
    if said is None or said not in turn.settings.capture[row.submitted_by].wanted:
        return
    added, changed, deleted = what.changed if said is Said.CHANGED else ({}, {}, {})
    reason = what.cause.reason
    keep_notification(
        turn,
        row.submitted_by,
        Notification(
            said=said,
            number=turn.counters.event_number,
            dbid=turn.identity.dbid,
            at=turn.now,
            interaction_id=row.id,
            external_id=row.external_id or "",
            properties=properties_shown(row, what.party),
            changed=plain({**added, **changed}),
            deleted=tuple(deleted),
            reason=(reason.reason_system_name, reason.reason_description) if reason else ("", ""),
            actor=_acting(what.actor),
            place=_place(said, row),
            extra=_extra(what.joined),
        ),
    )


def _said(what: Occurrence) -> Said | None:
    """What it says; None: no notification is made of it."""
    if what.kind is m.EventPartyAdded:
        party = what.joined
        if party is None or not ordinary(party):
            return None
        return Said.ASSIGNED if party.party_type == PartyType.AGENT else Said.ROUTE_REQUESTED
    said = _SAID.get(what.kind)
    if said is Said.PLACED_IN_QUEUE and what.row.workbin_type is not None:
        # The private queue of a workbin: another event says that it is there.
        return None
    return said


def _place(said: Said, row: InteractionRow) -> str:
    if said is Said.PLACED_IN_QUEUE:
        return row.queue
    return (row.workbin_type or "") if said is Said.PLACED_IN_WORKBIN else ""


def _extra(party: PartyRow | None) -> KeyValues:
    if party is None:
        return {}
    if party.party_type == PartyType.AGENT:
        return {"PartyAgentId": party.agent_id, "PartyPlaceId": party.place_id}
    return {"PartyStrategyId": party.strategy_id}


def _acting(actor: Actor | None) -> tuple[str, str]:
    if actor is None:
        return ("", "")
    if actor.agent_id:
        return ("agent", actor.agent_id)
    if actor.media_server:
        return ("media-server", actor.media_server)
    return ("router", actor.router_id or actor.strategy_id)
