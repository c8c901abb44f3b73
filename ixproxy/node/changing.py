"""Changing, holding, leaving and ending interactions."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from ixproxy.errors import Code, RequestRefused
from ixproxy.messages import (
    EventAck,
    RequestChangeProperties,
    RequestHold,
    RequestLeaveInteraction,
    RequestResume,
    RequestSetInFocus,
    RequestStopProcessing,
)
from ixproxy.node.access import interaction_of, may_change, may_move, own_party
from ixproxy.node.event_making import Happening
from ixproxy.node.events import happen
from ixproxy.node.inviting import call_off_all
from ixproxy.node.life_cycle import Trigger, transition
from ixproxy.node.parties import put_back, release
from ixproxy.node.rows import InteractionRow, PartyRow
from ixproxy.node.timers import restart_handling, seen_handling
from ixproxy.node.turn import Cause, Turn
from ixproxy.node.user_data import edited
from ixproxy.node.work import Sender
from ixproxy.values import ClientType


def change_properties(turn: Turn, sender: Sender, request: RequestChangeProperties) -> EventAck:
    """Changes properties and user data; what is only left out makes no event."""
    row = interaction_of(turn, sender, request)
    parties = may_change(turn, sender, row)
    wanted = (request.added_properties, request.changed_properties, request.deleted_properties)
    columns, changed = edited(turn, sender, row, wanted)
    if any(changed):
        after = replace(row, **columns)
        turn.rows.put_interaction(after)
        cause = Cause(sender, request.reason, sender.session)
        step = transition(Trigger.CHANGED, row.state)
        happen(turn, step, Happening(row, after, cause, stayed=parties, changed=changed))
    if sender.client_type == ClientType.AGENT_APPLICATION:
        restart_handling(turn, row)
    return EventAck(interaction_id=row.id)


def stop_processing(turn: Turn, sender: Sender, request: RequestStopProcessing) -> EventAck:
    """T17 of the life cycle: the interaction ceases to exist."""
    row = interaction_of(turn, sender, request)
    parties = may_move(turn, sender, row)
    stop_one(turn, row, parties, Cause(sender, request.reason, sender.session))
    return EventAck(interaction_id=row.id)


def stop_one(turn: Turn, row: InteractionRow, parties: Sequence[PartyRow], cause: Cause) -> None:
    """An interaction, and what its parties have in it, ceases to exist."""
    step = transition(Trigger.STOPPED, row.state)
    called_off = call_off_all(turn, row, "the interaction was stopped")
    release(turn, row, parties)
    turn.rows.remove_interaction(row)
    happen(turn, step, Happening(row, None, cause, left=parties, called_off=called_off))


def hold(turn: Turn, sender: Sender, request: RequestHold) -> EventAck:
    """Holds an interaction: no view shows it until it is resumed."""
    return _hold(turn, sender, request, Trigger.HELD)


def resume(turn: Turn, sender: Sender, request: RequestResume) -> EventAck:
    """Ends a hold."""
    return _hold(turn, sender, request, Trigger.RESUMED)


def _hold(
    turn: Turn, sender: Sender, request: RequestHold | RequestResume, trigger: Trigger
) -> EventAck:
    row = interaction_of(turn, sender, request)
    parties = may_move(turn, sender, row)
    held = trigger is Trigger.HELD
    if bool(row.is_held) == held:
        raise RequestRefused(Code.ALREADY_HELD if held else Code.NOT_HELD)
    step = transition(trigger, row.state)
    after = replace(row, is_held=int(held), held_at=turn.now if held else None)
    turn.rows.put_interaction(after)
    cause = Cause(sender, request.reason, sender.session)
    happen(turn, step, Happening(row, after, cause, stayed=parties))
    if sender.client_type == ClientType.AGENT_APPLICATION:
        restart_handling(turn, row)
    return EventAck(interaction_id=row.id)


def leave(turn: Turn, sender: Sender, request: RequestLeaveInteraction) -> EventAck:
    """T16 of the life cycle: the last party out puts it back where it was."""
    row = interaction_of(turn, sender, request)
    party = own_party(turn, sender, row, turn.rows.parties_of(row.id))
    if party is None:
        raise RequestRefused(Code.NOT_A_PARTY)
    cause = Cause(sender, request.reason, sender.session)
    left = put_back(turn, row, (party,), Trigger.LEFT, cause)
    if sender.client_type == ClientType.AGENT_APPLICATION:
        restart_handling(turn, left)
    return EventAck(interaction_id=row.id)


def set_in_focus(turn: Turn, sender: Sender, request: RequestSetInFocus) -> EventAck:
    """The agent looks at an interaction: a sign that handling goes on."""
    row = interaction_of(turn, sender, request)
    if own_party(turn, sender, row, turn.rows.parties_of(row.id)) is None:
        raise RequestRefused(Code.NOT_A_PARTY)
    seen_handling(turn, row)
    return EventAck(interaction_id=row.id)
