"""
Invitations sent, answered to whoever asked, told again, and called off.

Theory of operation: an invitation is a row, kept in memory too, and named by
its ticket. The request that asked for it gets no answer yet: its token is
remembered with the ticket, and whatever settles the invitation answers it,
before any event says so. Where that request's client is gone, or another node
process took over, nobody is answered, and the outcome is told by events. All
invitations to one interaction share a timer: it is due with the first of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from msgspec.structs import replace

from ixproxy.errors import Code, RequestRefused
from ixproxy.messages import EventAck, EventRouteUsed
from ixproxy.messages.message import MAX_TEXT, Reason
from ixproxy.node.event_making import Happening, invite_event
from ixproxy.node.events import happen
from ixproxy.node.invitations import DELIVER, TRANSFER
from ixproxy.node.life_cycle import Trigger, transition
from ixproxy.node.rows import AgentRow, InteractionRow, InvitationRow, PartyRow, TimerRow
from ixproxy.node.timers import DELIVERING
from ixproxy.node.turn import Cause, Turn
from ixproxy.node.work import Answer, Refuse, Token
from ixproxy.values import InteractionState, PartyType

OUTCOMES = {
    Code.INVITATION_REJECTED: "Rejected",
    Code.INVITATION_EXPIRED: "Expired",
    Code.INVITATION_OVER: "CalledOff",
    Code.TARGET_NOT_LOGGED_IN: "LoggedOut",
}
"""Why a router's delivery has come to nothing: the system name of the reason, by code."""


def send(turn: Turn, row: InvitationRow, token: Token, used: EventRouteUsed | None = None) -> None:
    """
    An invitation is out, and `token` awaits its outcome.

    :param used: as of `Waiting`.
    """
    turn.memory.invitations.keep(row)
    turn.memory.invitations.wait(row.ticket, row.inviter, token, used)
    turn.rows.put(row)
    set_timer(turn, row.interaction_id)


def take_back(turn: Turn, row: InvitationRow) -> None:
    """An invitation is out no more."""
    turn.memory.invitations.drop(row)
    turn.rows.remove(row)
    set_timer(turn, row.interaction_id)


def set_timer(turn: Turn, id: str) -> None:
    """The timer of an interaction is due with the first of its invitations."""
    due = [row.due_at for row in turn.memory.invitations.of(id)]
    if due:
        turn.rows.put_timer(TimerRow(kind=DELIVERING, interaction_id=id, due_at=min(due)))
    else:
        turn.rows.remove_timer(DELIVERING, id)


def answer(turn: Turn, row: InvitationRow) -> frozenset[bytes]:
    """
    Answer whoever asked for the invitation: it was accepted.

    :return: the session that is answered; empty: nobody waits.
    """
    waiting = turn.memory.invitations.waits(row.ticket)
    if waiting is None:
        return frozenset()
    answered = waiting.used or EventAck(interaction_id=row.interaction_id)
    turn.tells.append(Answer(waiting.token, answered))
    return frozenset((waiting.session,))


def refuse(
    turn: Turn, row: InvitationRow, code: int, description: str = "", in_doubt: bool | None = None
) -> frozenset[bytes]:
    """The same: it was not."""
    waiting = turn.memory.invitations.waits(row.ticket)
    if waiting is None:
        return frozenset()
    refusal = RequestRefused(code, description, in_doubt=in_doubt)
    if waiting.used is not None and not refusal.in_doubt:
        # The router's part is over, whatever the agent says.
        why = Reason(
            reason_system_name=OUTCOMES.get(code, "NotDelivered"),
            reason_description=refusal.description[:MAX_TEXT],
            reason=code,
        )
        turn.tells.append(Answer(waiting.token, replace(waiting.used, reason=why)))
        return frozenset((waiting.session,))
    turn.tells.append(
        Refuse(waiting.token, code, refusal.description, refusal.in_doubt, row.interaction_id)
    )
    return frozenset((waiting.session,))


def call_off(turn: Turn, rows: Iterable[InvitationRow], why: str) -> list[InvitationRow]:
    """
    End invitations because of what happens to their interaction.

    :return: those invitations, for `Happening.called_off`.
    """
    ended = list(rows)
    for row in ended:
        take_back(turn, row)
        refuse(turn, row, Code.INVITATION_OVER, why)
    return ended


def call_off_all(turn: Turn, row: InteractionRow, why: str) -> list[InvitationRow]:
    """End every invitation to an interaction."""
    return call_off(turn, turn.memory.invitations.of(row.id), why)


def call_off_transfers(
    turn: Turn, row: InteractionRow, leaving: Sequence[PartyRow]
) -> list[InvitationRow]:
    """Agents leave an interaction: they have nothing to hand over any more."""
    agents = {party.agent_id for party in leaving if party.party_type == PartyType.AGENT}
    asked = [
        each
        for each in turn.memory.invitations.of(row.id)
        if each.operation == TRANSFER and each.inviter_agent in agents
    ]
    return call_off(turn, asked, "the agent who asked has left the interaction")


def nobody_waits(turn: Turn, session: bytes, code: int) -> None:
    """
    A client session lost its connection, or has another one: its requests
    are answered as in doubt, wherever that still leads, and it will hear of
    its invitations by events.
    """
    invitations = turn.memory.invitations
    for ticket in tuple(invitations.awaited_by(session)):
        row = invitations.get(ticket)
        if row is not None:
            refuse(turn, row, code, "the invitation is out still", in_doubt=True)


def tell_again(turn: Turn, agent: AgentRow, session: bytes) -> None:
    """A client of an agent is there (again): what the agent is invited to, it must know."""
    for row in turn.memory.invitations.to(agent.tenant_id, agent.agent_id):
        interaction = turn.rows.interaction(row.interaction_id)
        if interaction is not None:
            turn.counters.event_number += 1
            turn.tell(session, invite_event(turn, row, interaction))


def agent_is_gone(turn: Turn, agent: AgentRow, cause: Cause) -> None:
    """An agent logged out, or is logged out: nobody is left to accept."""
    for row in turn.memory.invitations.to(agent.tenant_id, agent.agent_id):
        interaction = turn.rows.interaction(row.interaction_id)
        if interaction is not None:
            delivery = row.operation == DELIVER
            trigger = Trigger.DELIVERY_CALLED_OFF if delivery else Trigger.INVITATION_CALLED_OFF
            end(turn, interaction, row, trigger, cause, Code.TARGET_NOT_LOGGED_IN)


def end(
    turn: Turn,
    row: InteractionRow,
    invitation: InvitationRow,
    trigger: Trigger,
    cause: Cause,
    code: int,
    description: str = "",
    *,
    answer_too: Answer | None = None,
) -> None:
    """
    An invitation ends without being accepted: what a strategy delivered goes
    back to its queue, all else stays with who has it.

    :param code: what the request that awaits the outcome is refused with.
    :param answer_too: the answer to the request that ends it.
    """
    step = transition(trigger, row.state)
    take_back(turn, invitation)
    answered = refuse(turn, invitation, code, description)
    if answer_too is not None:
        turn.tells.append(answer_too)
    after = row
    if invitation.operation == DELIVER:
        after = replace(row, state=InteractionState.QUEUED, assigned_to=None)
        turn.rows.put_interaction(after)
    happen(
        turn,
        step,
        Happening(
            row,
            after,
            cause,
            stayed=turn.rows.parties_of(row.id),
            invitations=(invitation,),
            answered=answered,
            operation=invitation.operation,
        ),
    )
