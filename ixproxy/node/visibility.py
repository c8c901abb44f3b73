"""
How agents take part in an interaction: who sees them, and who stands for all.

The mode says what other parties are told of an agent, not what the agent may
do. `Conference` is the ordinary one. A coach is seen by those who take part in
the ordinary way, who are coached; a monitor by nobody. Reporting sees all.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ixproxy.node.rows import InteractionRow, PartyRow

CONFERENCE, COACH, MONITOR = "Conference", "Coach", "Monitor"
MODES = (CONFERENCE, COACH, MONITOR)
"""The values of `VisibilityMode`."""


def ordinary(party: PartyRow) -> bool:
    """Whether a party handles the interaction, and does not only watch."""
    return party.visibility_mode not in (COACH, MONITOR)


def seeing(party: PartyRow, others: Iterable[PartyRow]) -> Iterable[PartyRow]:
    """Those of `others` who are told of what `party` does."""
    if ordinary(party):
        return others
    if party.visibility_mode == COACH:
        return [other for other in others if ordinary(other)]
    return ()


def foremost(parties: Sequence[PartyRow]) -> PartyRow | None:
    """Who is shown as having the interaction: of those who handle it, the longest there."""
    if len(parties) < 2:
        return parties[0] if parties else None
    return min(parties, key=lambda party: (not ordinary(party), party.take_number))


def assigned(
    row: InteractionRow, parties: Sequence[PartyRow], joined: PartyRow | None = None
) -> str | None:
    """
    Which agent an interaction is assigned to once parties have joined or left: as
    before, but for who left, or only watches beside one who handles it.

    :param parties: those that it has then, `joined` among them.
    """
    handling = [party for party in parties if ordinary(party)] or parties
    if any(party.agent_id == row.assigned_to for party in handling):
        return row.assigned_to
    first = joined if joined in handling else foremost(parties)
    return first.agent_id if first is not None else None
