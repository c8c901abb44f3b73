"""
Agents are asked to take part: delivered to, transferred to, asked to a conference.

These three are answered when they are settled, that is by what the invited
agent says (`accepting`), by the end of `delivering-timeout`, or by whatever
ends the invitation before. Whether an agent is ready for the media type is
not looked at: whoever asks has chosen the agent. Who joins by intrusion asks
nobody.
"""

from __future__ import annotations

from msgspec.structs import replace

from ixproxy.errors import Code, RequestRefused
from ixproxy.messages import (
    EventAck,
    EventRouteUsed,
    RequestConference,
    RequestDeliver,
    RequestIntrude,
    RequestTransfer,
)
from ixproxy.messages.delivery import TargetRequest
from ixproxy.node import inviting
from ixproxy.node.access import agent_of, connected, interaction_of, own_party
from ixproxy.node.answers import encode_map
from ixproxy.node.event_making import Happening
from ixproxy.node.events import happen
from ixproxy.node.invitations import CONFERENCE, DELIVER, TRANSFER
from ixproxy.node.life_cycle import Trigger, transition
from ixproxy.node.parties import agent_party
from ixproxy.node.rows import AgentRow, InteractionRow, InvitationRow, PartyRow
from ixproxy.node.timers import restart_handling, stop_timers
from ixproxy.node.turn import Cause, Turn
from ixproxy.node.visibility import CONFERENCE as IN_CONFERENCE
from ixproxy.node.visibility import MODES, assigned
from ixproxy.node.work import Sender, Token

INTRUDE = "Intrude"
MAX_INVITATIONS = 50
"""Agents who may be invited to one interaction at a time."""
MAX_INVITED = 1000
"""Interactions that one agent may be invited to at a time: what one more costs grows with them."""
MAX_EXTENSION = 16 << 10
"""Bytes of the extension that an invitation carries: a row, and a part of what agents are told."""


def deliver(
    turn: Turn,
    sender: Sender,
    request: RequestDeliver,
    token: Token,
    used: EventRouteUsed | None = None,
) -> None:
    """
    T7 of the life cycle: the strategy has done its part, an agent is invited.

    :param used: what answers it when it is settled; None: EventAck where it is
        accepted, else an error.
    :raise RequestRefused: the client does not route it, or the agent cannot
        be invited.
    """
    row = interaction_of(turn, sender, request)
    party = _own(turn, sender, row)
    step = transition(Trigger.DELIVERED, row.state)
    agent = _target(turn, row, request)
    invitation = _invitation(turn, sender, row, request, DELIVER, agent, "")
    invitation = replace(invitation, inviter_strategy=party.strategy_id)
    turn.rows.remove_party(party)
    stop_timers(turn, row)
    what = Happening(
        row,
        _offered(turn, row),
        Cause(sender, request.reason, sender.session),
        left=(party,),
        invitations=(invitation,),
        operation=DELIVER,
    )
    inviting.send(turn, invitation, token, used)
    happen(turn, step, what)


def transfer(turn: Turn, sender: Sender, request: RequestTransfer, token: Token) -> None:
    """
    The first half of T14: who asks has the interaction until the other accepts.

    :raise RequestRefused: the agent does not take part, or the other cannot
        be invited.
    """
    _ask(turn, sender, request, token, TRANSFER, None)


def conference(turn: Turn, sender: Sender, request: RequestConference, token: Token) -> None:
    """
    The first half of T15.

    :raise RequestRefused: as for a transfer, or there is no such visibility mode.
    """
    _ask(turn, sender, request, token, CONFERENCE, request.visibility_mode)


def intrude(turn: Turn, sender: Sender, request: RequestIntrude) -> EventAck:
    """
    An agent joins what another handles.

    :raise RequestRefused: nobody handles it, or the agent takes part already.
    """
    row = interaction_of(turn, sender, request)
    connected(turn, sender)
    agent = agent_of(turn, sender, row.tenant_id)
    mode = _mode(request.visibility_mode)
    step = transition(Trigger.INTRUDED, row.state)
    parties = turn.rows.parties_of(row.id)
    check_no_party(parties, agent.agent_id, sender.session)
    if any(each.agent_id == agent.agent_id for each in turn.memory.invitations.of(row.id)):
        raise RequestRefused(Code.ALREADY_A_PARTY, "the agent is invited and may accept")
    party = replace(agent_party(turn, sender, row.id, agent), visibility_mode=mode)
    turn.rows.put_party(party)
    after = replace(row, assigned_to=assigned(row, (*parties, party), party))
    if after.assigned_to != row.assigned_to:
        turn.rows.put_interaction(after)
    restart_handling(turn, row)
    cause = Cause(sender, request.reason, sender.session)
    happen(
        turn,
        step,
        Happening(row, after, cause, joined=party, stayed=parties, operation=INTRUDE),
    )
    return EventAck(interaction_id=row.id, take_number=party.take_number)


def check_no_party(parties: tuple[PartyRow, ...], agent_id: str, session: bytes) -> None:
    """
    :raise RequestRefused: the agent takes part already, or another one by
        the same client session, which can hold an interaction only once.
    """
    for party in parties:
        if party.agent_id == agent_id:
            raise RequestRefused(Code.ALREADY_A_PARTY)
        if party.session == session:
            raise RequestRefused(
                Code.ALREADY_A_PARTY, f"agent {party.agent_id!r} takes part by the same client"
            )


def _ask(
    turn: Turn,
    sender: Sender,
    request: RequestTransfer | RequestConference,
    token: Token,
    operation: str,
    mode: str | None,
) -> None:
    row = interaction_of(turn, sender, request)
    party = _own(turn, sender, row)
    mode = party.visibility_mode if mode is None else _mode(mode)
    asked = Trigger.TRANSFER_ASKED if operation == TRANSFER else Trigger.CONFERENCE_ASKED
    step = transition(asked, row.state)
    agent = _target(turn, row, request)
    invitation = _invitation(turn, sender, row, request, operation, agent, mode)
    invitation = replace(invitation, inviter_agent=party.agent_id)
    restart_handling(turn, row)
    what = Happening(
        row,
        _offered(turn, row),
        Cause(sender, request.reason, sender.session),
        stayed=turn.rows.parties_of(row.id),
        invitations=(invitation,),
        operation=operation,
    )
    inviting.send(turn, invitation, token)
    happen(turn, step, what)


def _own(turn: Turn, sender: Sender, row: InteractionRow) -> PartyRow:
    """:raise RequestRefused: the sender does not take part."""
    party = own_party(turn, sender, row, turn.rows.parties_of(row.id))
    if party is None:
        raise RequestRefused(Code.NOT_A_PARTY)
    return party


def _target(turn: Turn, row: InteractionRow, request: TargetRequest) -> AgentRow:
    """
    The agent who is to be invited, named by login name, by place, or by both.

    :raise RequestRefused: nobody is named, or whoever is cannot be invited.
    """
    name, place = request.agent_id, request.place_id
    if not name and not place:
        raise RequestRefused(Code.MISSING_VALUE, "AgentId or PlaceId is required")
    tenant = turn.model.tenants.get(row.tenant_id)
    if name and tenant is not None and tenant.agents is not None and name not in tenant.agents:
        raise RequestRefused(Code.UNKNOWN_AGENT, f"agent {name!r} is not known")
    if not name:
        name = turn.memory.places.get((row.tenant_id, place), "")
    agent = turn.memory.logged_in((row.tenant_id, name)) if name else None
    if agent is None:
        raise RequestRefused(
            Code.TARGET_NOT_LOGGED_IN,
            f"agent {name!r} is not logged in" if name else f"nobody is logged in at {place!r}",
        )
    if place and place != agent.place_id:
        raise RequestRefused(
            Code.TARGET_NOT_LOGGED_IN, f"agent {name!r} is not logged in at {place!r}"
        )
    if agent.donot_disturb:
        raise RequestRefused(Code.DO_NOT_DISTURB)
    if any(party.agent_id == name for party in turn.rows.parties_of(row.id)):
        raise RequestRefused(Code.ALREADY_A_PARTY)
    others = turn.memory.invitations.of(row.id)
    if any(other.agent_id == name for other in others):
        raise RequestRefused(Code.ALREADY_A_PARTY, f"agent {name!r} is invited already")
    if len(others) >= MAX_INVITATIONS:
        raise RequestRefused(Code.LIMIT_REACHED, f"{MAX_INVITATIONS} agents are invited already")
    if len(turn.memory.invitations.to(row.tenant_id, name)) >= MAX_INVITED:
        raise RequestRefused(
            Code.LIMIT_REACHED, f"agent {name!r} is invited to {MAX_INVITED} interactions already"
        )
    return agent


def _packed(request: TargetRequest) -> bytes:
    """:raise RequestRefused: the extension is too large to be kept with an invitation."""
    made = encode_map(request.extension)
    if len(made) > MAX_EXTENSION:
        raise RequestRefused(
            Code.LIMIT_REACHED,
            f"Extension takes {len(made)} bytes, {MAX_EXTENSION} are allowed",
        )
    return made


def _invitation(
    turn: Turn,
    sender: Sender,
    row: InteractionRow,
    request: TargetRequest,
    operation: str,
    agent: AgentRow,
    mode: str,
) -> InvitationRow:
    """The invitation that goes out by the next event."""
    return InvitationRow(
        ticket=turn.counters.event_number + 1,
        interaction_id=row.id,
        tenant_id=row.tenant_id,
        operation=operation,
        agent_id=agent.agent_id,
        agent_number=agent.number,
        agent_dbid=agent.dbid,
        place_id=agent.place_id,
        visibility_mode=mode,
        inviter=sender.session,
        invited_at=turn.now,
        due_at=turn.now + turn.settings.delivering_timeout,
        extension=_packed(request),
    )


def _offered(turn: Turn, row: InteractionRow) -> InteractionRow:
    """The row of what is offered to an agent now; the first time is remembered."""
    if row.delivered_at is not None:
        return row
    offered = replace(row, delivered_at=turn.now)
    turn.rows.put_interaction(offered)
    return offered


def _mode(name: str) -> str:
    """:raise RequestRefused: there is no such visibility mode."""
    if not name:
        return IN_CONFERENCE
    if name not in MODES:
        raise RequestRefused(
            Code.BAD_ATTRIBUTE, f"VisibilityMode: {name!r} is none of {', '.join(MODES)}"
        )
    return name
