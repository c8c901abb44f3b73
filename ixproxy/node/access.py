"""
Whose what is: tenants, interactions, parties and agents, as a request sees them.

Every function here refuses what the sender has no business with, and what is
another tenant's is as unknown as what is not there.
"""

from __future__ import annotations

from collections.abc import Sequence

from ixproxy.errors import Code, RequestRefused
from ixproxy.messages import Request3rdServer
from ixproxy.messages.agents import AgentRequest
from ixproxy.messages.interactions import InteractionRequest
from ixproxy.node.model import MediaPlan, TenantModel
from ixproxy.node.rows import AgentRow, InteractionRow, PartyRow
from ixproxy.node.turn import Turn
from ixproxy.node.work import Sender
from ixproxy.values import ClientType, InteractionState, PartyType

_OUT = (InteractionState.ROUTING, InteractionState.HANDLING)


def tenant_of(turn: Turn, sender: Sender, tenant_id: int) -> TenantModel:
    """
    The tenant that a request names.

    :raise RequestRefused: the node does not serve it, or not for this client.
    """
    tenant = turn.model.tenants.get(tenant_id)
    if tenant is None:
        raise RequestRefused(Code.UNKNOWN_TENANT, f"tenant {tenant_id} is not known here")
    if tenant_id not in sender.tenants:
        raise RequestRefused(
            Code.NOT_ALLOWED, f"{sender.client_name!r} does not work for tenant {tenant_id}"
        )
    return tenant


def known_agent(turn: Turn, sender: Sender, request: AgentRequest) -> TenantModel:
    """
    The tenant of the agent that a request names.

    :raise RequestRefused: one of them is not named or not known.
    """
    tenant = tenant_of(turn, sender, request.tenant_id)
    if not request.agent_id:
        raise RequestRefused(Code.MISSING_VALUE, "AgentId is missing")
    if tenant.agents is not None and request.agent_id not in tenant.agents:
        raise RequestRefused(Code.UNKNOWN_AGENT, f"agent {request.agent_id!r} is not known")
    return tenant


def media_of(tenant: TenantModel, name: str) -> MediaPlan:
    """:raise RequestRefused: the tenant has no such media type."""
    media = tenant.media_types.get(name)
    if media is None:
        raise RequestRefused(
            Code.UNKNOWN_MEDIA_TYPE, f"tenant {tenant.name!r} has no media type {name!r}"
        )
    return media


def interaction_of(
    turn: Turn, sender: Sender, request: InteractionRequest | Request3rdServer
) -> InteractionRow:
    """
    The interaction that a request names.

    :raise RequestRefused: it is not here, or of another tenant than the
        request's or the client's.
    """
    row = turn.rows.interaction(request.interaction_id)
    if row is None or row.tenant_id not in sender.tenants:
        raise RequestRefused(Code.UNKNOWN_INTERACTION)
    if request.tenant_id and request.tenant_id != row.tenant_id:
        raise RequestRefused(Code.UNKNOWN_INTERACTION)
    return row


def connected(turn: Turn, sender: Sender) -> None:
    """
    What a session takes must be able to come back by it.

    :raise RequestRefused: the session is not registered, or lost its connection.
    """
    row = turn.memory.sessions.get(sender.session)
    if row is None or row.lost_at is not None:
        raise RequestRefused(Code.NOT_REGISTERED)


def agent_of(turn: Turn, sender: Sender, tenant_id: int) -> AgentRow:
    """
    The agent who is logged in through the sender's session.

    :raise RequestRefused: nobody is.
    """
    for name in turn.memory.agents_of.get(sender.session, ()):
        if name[0] == tenant_id:
            row = turn.memory.logged_in(name)
            if row is not None:
                return row
    raise RequestRefused(Code.AGENT_NOT_LOGGED_IN)


def own_party(
    turn: Turn, sender: Sender, row: InteractionRow, parties: Sequence[PartyRow]
) -> PartyRow | None:
    """
    The sender's party of an interaction: by its session, else by an agent who
    is logged in through it and takes part by another connection.
    """
    for party in parties:
        if party.session == sender.session:
            return party
    agents = turn.memory.agents_of.get(sender.session, ())
    for party in parties:
        if party.party_type == PartyType.AGENT and (row.tenant_id, party.agent_id) in agents:
            return party
    return None


def may_move(turn: Turn, sender: Sender, row: InteractionRow) -> tuple[PartyRow, ...]:
    """
    The parties of an interaction that the sender may move, hold or end.

    Media servers may at any time. Agents and routing clients must take part
    where anybody does: whoever lost an interaction must not take it from the
    one who has it now.

    :raise RequestRefused: somebody else has it, or has locked it.
    """
    _check_lock(turn, sender, row)
    parties = turn.rows.parties_of(row.id)
    if (
        row.state in _OUT
        and sender.client_type != ClientType.MEDIA_SERVER
        and own_party(turn, sender, row, parties) is None
    ):
        raise RequestRefused(Code.NOT_A_PARTY)
    return parties


def may_change(turn: Turn, sender: Sender, row: InteractionRow) -> tuple[PartyRow, ...]:
    """
    The parties of an interaction whose properties the sender may change.

    :raise RequestRefused: the sender is an agent, and somebody else has it; or
        somebody else has locked it.
    """
    _check_lock(turn, sender, row)
    parties = turn.rows.parties_of(row.id)
    if (
        row.state in _OUT
        and sender.client_type == ClientType.AGENT_APPLICATION
        and own_party(turn, sender, row, parties) is None
    ):
        raise RequestRefused(Code.NOT_A_PARTY)
    return parties


def _check_lock(turn: Turn, sender: Sender, row: InteractionRow) -> None:
    """
    What a snapshot has locked is for its session, and for media servers, whose
    chat or e-mail it is.

    :raise RequestRefused: it is not for the sender.
    """
    if row.snapshot_id is None or sender.client_type == ClientType.MEDIA_SERVER:
        return
    snapshot = turn.memory.snapshots.get(row.snapshot_id)
    if snapshot is None or snapshot.session != sender.session:
        raise RequestRefused(Code.LOCKED)
