"""
What must never be, looked for in the nodes' databases and in the clients' minds.

A client and the nodes may differ for a moment, while something is on its way;
once everything has come to rest they must agree.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ixproxy.client import Client
from ixproxy.values import InteractionState

Rows = Sequence[Mapping[str, Any]]
"""Rows of all nodes; `node` says whose a row is."""

TAKEN = (InteractionState.ROUTING, InteractionState.HANDLING)


def stranded(
    interactions: Rows, parties: Rows, clients: Iterable[Client], invitations: Rows = ()
) -> list[str]:
    """
    Interactions that are taken by a client that does not have them, or by
    nobody, while no agent is asked to take them.
    """
    asked = {(row["node"], row["interaction_id"]) for row in invitations}
    holders = {client.session: client for client in clients}
    taken: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for party in parties:
        taken.setdefault((party["node"], party["interaction_id"]), []).append(party)
    problems = []
    for row in interactions:
        if row["state"] not in TAKEN:
            continue
        what = f"{row['id']} on {row['node']} is taken by"
        who = taken.get((row["node"], row["id"]), [])
        if not who and (row["node"], row["id"]) not in asked:
            problems.append(f"{what} nobody")
        for party in who:
            client, number = holders.get(party["session"]), party["take_number"]
            if client is None:
                problems.append(f"{what} one who is gone")
            elif client.holding.get(row["id"]) != number:
                has = client.holding.get(row["id"])
                problems.append(f"{what} {client!r} as {number}, which has {has}")
    return problems


def doubled(interactions: Rows, clients: Iterable[Client], parties: Rows = ()) -> list[str]:
    """Interactions that are on two nodes, or held by two clients that do not share them."""
    places: dict[str, list[str]] = {}
    for row in interactions:
        places.setdefault(row["id"], []).append(row["node"])
    # Only on one node can clients know of each other.
    shared = _known([each for each in parties if len(places.get(each["interaction_id"], ())) < 2])
    held: dict[str, list[Client]] = {}
    for client in clients:
        for identifier, number in client.holding.items():
            if (client.session, identifier, number) not in shared:
                held.setdefault(identifier, []).append(client)
    return [
        *(f"{key} is on {', '.join(on)}" for key, on in places.items() if len(on) > 1),
        *(f"{key} is held by {who}" for key, who in held.items() if len(who) > 1),
    ]


def imagined(parties: Rows, clients: Iterable[Client], invitations: Rows = ()) -> list[str]:
    """
    Interactions that a connected client believes it has, and no node knows of.

    What it has given back with a doubtful outcome does not count, nor what it
    delivers to an agent who has not answered.
    """
    known = _known(parties)
    delivered = {(row["inviter"], row["interaction_id"]) for row in invitations}
    return [
        f"{client!r} does not have {identifier} (taken as {number})"
        for client in clients
        if client.connected
        for identifier, number in client.holding.items()
        if identifier not in client.doubtful
        and (client.session, identifier, number) not in known
        and (client.session, identifier) not in delivered
    ]


def _known(parties: Rows) -> set[tuple[Any, ...]]:
    """Who has what, as the nodes know it."""
    return {(party["session"], party["interaction_id"], party["take_number"]) for party in parties}
