"""Taking interactions, and the ways in which they go back where they were."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from ixproxy.node.event_making import Happening
from ixproxy.node.events import happen
from ixproxy.node.inviting import call_off_all, call_off_transfers
from ixproxy.node.life_cycle import SILENT, Trigger, transition
from ixproxy.node.rows import AgentRow, InteractionRow, PartyRow
from ixproxy.node.timers import start_handling, start_routing, stop_timers
from ixproxy.node.turn import Cause, Turn
from ixproxy.node.visibility import assigned
from ixproxy.node.work import Sender
from ixproxy.values import InteractionState, PartyType


def agent_party(turn: Turn, sender: Sender, id: str, agent: AgentRow) -> PartyRow:
    """The party of an agent who takes an interaction by the next event."""
    return PartyRow(
        interaction_id=id,
        session=sender.session,
        tenant_id=agent.tenant_id,
        party_type=PartyType.AGENT,
        take_number=turn.counters.event_number + 1,
        joined_at=turn.now,
        agent_id=agent.agent_id,
        place_id=agent.place_id,
        agent_number=agent.number,
        agent_dbid=agent.dbid,
    )


def take_by_agent(
    turn: Turn, sender: Sender, row: InteractionRow, agent: AgentRow
) -> tuple[InteractionRow, PartyRow]:
    """
    An agent takes a queued interaction.

    :raise RequestRefused: it cannot be taken.
    """
    step = transition(Trigger.TAKEN_BY_AGENT, row.state)
    party = agent_party(turn, sender, row.id, agent)
    taken = replace(row, state=InteractionState.HANDLING, assigned_to=agent.agent_id)
    turn.rows.put_interaction(taken)
    turn.rows.put_party(party)
    start_handling(turn, taken)
    cause = Cause(sender, None, sender.session)
    happen(turn, step, Happening(row, taken, cause, joined=party))
    return taken, party


def take_by_strategy(
    turn: Turn, sender: Sender, row: InteractionRow, strategy_id: str
) -> tuple[InteractionRow, PartyRow]:
    """
    A routing client takes a queued interaction.

    :raise RequestRefused: it cannot be taken.
    """
    return _take(turn, sender, row, strategy_id, Trigger.TAKEN_BY_STRATEGY, PartyType.STRATEGY)


def push_to(
    turn: Turn, router: Sender, row: InteractionRow, strategy_id: str
) -> tuple[InteractionRow, PartyRow]:
    """
    T4 of the life cycle: a router gets a queued interaction, and is told so.

    :raise RequestRefused: it cannot be taken.
    """
    return _take(turn, router, row, strategy_id, Trigger.PUSHED, PartyType.ROUTER)


def _take(
    turn: Turn,
    sender: Sender,
    row: InteractionRow,
    strategy_id: str,
    trigger: Trigger,
    party_type: PartyType,
) -> tuple[InteractionRow, PartyRow]:
    step = transition(trigger, row.state)
    party = PartyRow(
        interaction_id=row.id,
        session=sender.session,
        tenant_id=row.tenant_id,
        party_type=party_type,
        take_number=turn.counters.event_number + 1,
        joined_at=turn.now,
        strategy_id=strategy_id,
    )
    taken = replace(row, state=InteractionState.ROUTING)
    turn.rows.put_interaction(taken)
    turn.rows.put_party(party)
    start_routing(turn, taken)
    cause = Cause(sender, None, sender.session)
    happen(turn, step, Happening(row, taken, cause, joined=party))
    return taken, party


def release(turn: Turn, row: InteractionRow, parties: Sequence[PartyRow]) -> None:
    """Take the parties and the timers off an interaction that nobody has any more."""
    for party in parties:
        turn.rows.remove_party(party)
    stop_timers(turn, row)


def put_back(
    turn: Turn,
    row: InteractionRow,
    leaving: Sequence[PartyRow],
    trigger: Trigger,
    cause: Cause,
) -> InteractionRow:
    """
    Parties leave an interaction; with the last one it goes back where it was:
    same queue or workbin, same order keys.

    :raise RequestRefused: it is not out.
    """
    stayed = [party for party in turn.rows.parties_of(row.id) if party not in leaving]
    if stayed:
        return _stay(turn, row, leaving, stayed, trigger, cause)
    step = transition(trigger, row.state)
    back = replace(row, state=InteractionState.QUEUED, assigned_to=None)
    called_off = call_off_all(turn, row, "nobody has the interaction any more")
    release(turn, row, leaving)
    turn.rows.put_interaction(back)
    happen(turn, step, Happening(row, back, cause, left=leaving, called_off=called_off))
    return back


def _stay(
    turn: Turn,
    row: InteractionRow,
    leaving: Sequence[PartyRow],
    stayed: Sequence[PartyRow],
    trigger: Trigger,
    cause: Cause,
) -> InteractionRow:
    """Parties leave an interaction that others have."""
    twin = Trigger.PARTY_LEFT if trigger in SILENT else Trigger.PARTY_REVOKED
    step = transition(twin, row.state)
    called_off = call_off_transfers(turn, row, leaving)
    for party in leaving:
        turn.rows.remove_party(party)
    after = replace(row, assigned_to=assigned(row, stayed))
    if after.assigned_to != row.assigned_to:
        turn.rows.put_interaction(after)
    what = Happening(row, after, cause, left=leaving, stayed=stayed, called_off=called_off)
    happen(turn, step, what)
    return after
