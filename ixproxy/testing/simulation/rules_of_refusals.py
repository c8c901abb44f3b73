"""
Rules of what is refused: nothing that is there is unknown, nothing that is well is in doubt.

As in `rules`, a rule yields what breaks it.
"""

from __future__ import annotations

from collections.abc import Iterator

from ixproxy.errors import Code, RequestRefused
from ixproxy.messages import EventAck
from ixproxy.testing.simulation.ledger import OWN
from ixproxy.testing.simulation.players import Asked
from ixproxy.testing.simulation.run import GIVEN_UP, Run

UNCERTAIN = (Code.LOST_CONNECTION, Code.NOT_ACCESSIBLE)

EARLY = 0.3
"""Seconds less than a whole time-out: who has no answer so soon has not waited for it."""


def what_is_there_is_not_unknown(run: Run, asked: Asked) -> Iterator[str]:
    """
    Only a node that has said so makes an interaction unknown; one that is away may have it
    (design 7, locate). Where a client has named it, a proxy may think of an earlier one.
    """
    outcome = asked.outcome
    if not isinstance(outcome, RequestRefused) or outcome.code != Code.UNKNOWN_INTERACTION:
        return
    identifier = getattr(asked.request, "interaction_id", "")
    ledger = run.ledger
    if not asked.there or (identifier.startswith(OWN) and not _submitted(run, asked, identifier)):
        return
    if identifier in ledger.owners and ledger.births[identifier] == asked.there:
        yield f"{identifier} is unknown to #{asked.step}, and it is on {ledger.owners[identifier]}"


def _submitted(run: Run, asked: Asked, identifier: str) -> bool:
    """Whether who asks was told, by the same proxy, that what it had so named was taken."""
    last = run.own[identifier]
    return (
        last.player is asked.player
        and isinstance(last.outcome, EventAck)
        and asked.player.since < last.at
        and last.answered_at < asked.at
    )


def nothing_is_in_doubt_where_nothing_breaks(run: Run, asked: Asked) -> Iterator[str]:
    """In a calm world every request is done or refused, in time (design 6, codes)."""
    outcome = asked.outcome
    if not run.world.calm or not isinstance(outcome, RequestRefused):
        return
    early = run.now() - asked.at < run.world.timeout - EARLY
    given_up = outcome.description == GIVEN_UP
    if outcome.code in UNCERTAIN and not (
        given_up or (early and outcome.code == Code.LOST_CONNECTION)
    ):
        yield f"{asked.name} of #{asked.step} is refused with {outcome.code}, and nothing is broken"


def nobody_is_sent_away_for_a_seat(run: Run) -> Iterator[str]:
    """
    Who is logged in has a seat while their number stays as it is (design 8, licences), and no
    node ever has more agents than seats. Only nodes that do not hear of each other may have
    more together: then somebody goes, but none by whose side there were not as many agents with
    smaller stamps as there are seats, all at one moment, each on some node (decision 0053).
    """
    if run.seats_changed:
        return
    seats = run.seats
    if seats is not None and run.ledger.seats.most > seats:
        yield f"{run.ledger.seats.most} agents are on one node, for {seats} seats"
    for player in run.players:
        for session in player.unseated:
            if seats is None or run.ledger.seats.older(session) < seats:
                yield (
                    f"{session[1]} of {player.name} is sent away, for there are fewer seats than "
                    "agents"
                )
