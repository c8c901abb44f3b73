"""
The invited agent answers: accepts, and is a party from then on, or refuses.

Two requests are answered in one transaction, and before its events: first the
inviter's, then the agent's own. (In this order a client of both agents ends
up holding what it handed over to itself.)
"""

from __future__ import annotations

from msgspec.structs import replace

from ixproxy.errors import Code, RequestRefused
from ixproxy.messages import EventAck, RequestAccept, RequestReject
from ixproxy.node import inviting
from ixproxy.node.access import connected, interaction_of
from ixproxy.node.delivering import check_no_party
from ixproxy.node.event_making import Happening
from ixproxy.node.events import happen
from ixproxy.node.invitations import CONFERENCE, DELIVER
from ixproxy.node.life_cycle import Trigger, transition
from ixproxy.node.parties import agent_party
from ixproxy.node.rows import AgentRow, InteractionRow, InvitationRow, PartyRow
from ixproxy.node.timers import restart_handling, seen_handling, start_handling
from ixproxy.node.turn import Cause, Turn
from ixproxy.node.visibility import assigned
from ixproxy.node.work import Answer, Sender, Token
from ixproxy.values import InteractionState, PartyType

_ACCEPTED = {
    DELIVER: Trigger.DELIVERY_ACCEPTED,
    CONFERENCE: Trigger.CONFERENCE_ACCEPTED,
}


def accept(turn: Turn, sender: Sender, request: RequestAccept, token: Token) -> None:
    """
    T8 of the life cycle, and the second half of T14 and T15.

    :raise RequestRefused: there is no such invitation of an agent who is
        logged in through this client, or another has answered it, or the
        client has the interaction already.
    """
    row = interaction_of(turn, sender, request)
    connected(turn, sender)
    invitation, agent = _invited(turn, sender, row, request.ticket_id)
    trigger = _ACCEPTED.get(invitation.operation, Trigger.TRANSFER_ACCEPTED)
    step = transition(trigger, row.state)
    parties = turn.rows.parties_of(row.id)
    leaving: tuple[PartyRow, ...] = ()
    if trigger is Trigger.TRANSFER_ACCEPTED:
        leaving = tuple(party for party in parties if _is(party, invitation.inviter_agent))
    stayed = tuple(party for party in parties if party not in leaving)
    check_no_party(stayed, agent.agent_id, sender.session)
    inviting.take_back(turn, invitation)
    answered = inviting.answer(turn, invitation)
    called_off = inviting.call_off_transfers(turn, row, leaving)
    party = replace(
        agent_party(turn, sender, row.id, agent),
        visibility_mode=invitation.visibility_mode,
        take_number=turn.counters.event_number + len(called_off) + 1,
    )
    for each in leaving:
        turn.rows.remove_party(each)
    turn.rows.put_party(party)
    first = assigned(row, (*stayed, party), party)
    after = row
    if row.state != InteractionState.HANDLING or row.assigned_to != first:
        after = replace(row, state=InteractionState.HANDLING, assigned_to=first)
        turn.rows.put_interaction(after)
    if trigger is Trigger.CONFERENCE_ACCEPTED:
        restart_handling(turn, row)
    else:
        start_handling(turn, after)
    if request.initial_in_focus_state:
        seen_handling(turn, after)
    ack = EventAck(interaction_id=row.id, take_number=party.take_number)
    turn.tells.append(Answer(token, ack))
    what = Happening(
        row,
        after,
        Cause(sender, request.reason, sender.session),
        joined=party,
        left=leaving,
        stayed=stayed,
        invitations=(invitation,),
        called_off=called_off,
        answered=answered,
        operation=invitation.operation,
    )
    happen(turn, step, what)


def reject(turn: Turn, sender: Sender, request: RequestReject, token: Token) -> None:
    """
    T9 of the life cycle; a transfer or conference stays with who asked.

    :raise RequestRefused: as for an acceptance.
    """
    row = interaction_of(turn, sender, request)
    invitation, _ = _invited(turn, sender, row, request.ticket_id)
    delivery = invitation.operation == DELIVER
    trigger = Trigger.DELIVERY_REJECTED if delivery else Trigger.INVITATION_REJECTED
    why = request.reason.reason_description if request.reason else ""
    cause = Cause(sender, request.reason, sender.session)
    ack = Answer(token, EventAck(interaction_id=row.id))
    inviting.end(
        turn, row, invitation, trigger, cause, Code.INVITATION_REJECTED, why, answer_too=ack
    )


def _is(party: PartyRow, agent_id: str) -> bool:
    return party.party_type == PartyType.AGENT and party.agent_id == agent_id


def _invited(
    turn: Turn, sender: Sender, row: InteractionRow, ticket: int
) -> tuple[InvitationRow, AgentRow]:
    """
    The invitation that a request means, and its agent.

    :param ticket: 0: the only one that there is.
    :raise RequestRefused: there is none, or it is not clear which.
    """
    logged_in = turn.memory.agents_of.get(sender.session, ())
    found = [
        each
        for each in turn.memory.invitations.of(row.id)
        if (each.tenant_id, each.agent_id) in logged_in and ticket in (0, each.ticket)
    ]
    if len(found) > 1:
        raise RequestRefused(
            Code.MISSING_VALUE, f"TicketId is missing: {len(found)} agents here are invited"
        )
    agent = turn.memory.logged_in((found[0].tenant_id, found[0].agent_id)) if found else None
    if agent is None:
        raise RequestRefused(Code.INVITATION_OVER)
    return found[0], agent
