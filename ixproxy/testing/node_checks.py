"""
What must be true of a node whatever was sent to it: its tables and its database.

`sizes` says how much a node remembers; all of it must be nothing again some
time after the last peer has gone. `mistakes` says what contradicts itself in
the database, or between it and what the node remembers.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any, Protocol

from ixproxy.net.node_server import NodeServer
from ixproxy.node.invitations import DELIVER
from ixproxy.node.timers import DELIVERING, HANDLING, ROUTING
from ixproxy.values import InteractionState, PartyType

_TABLES = (
    "interactions", "parties", "timers", "sessions", "agents", "invitations", "meta",
    "snapshots", "snapshot_members",
)  # fmt: skip
_OUT = (InteractionState.ROUTING, InteractionState.HANDLING)
_OF_STATE = {
    InteractionState.ROUTING: ((PartyType.STRATEGY, PartyType.ROUTER), ROUTING),
    InteractionState.HANDLING: ((PartyType.AGENT,), HANDLING),
}


def sizes(server: NodeServer) -> dict[str, int]:
    """How many entries each table of a node has, by a short name."""
    state, listener, held, writer = server.state, server.listener, server.state.held, server.writer
    memory = server.core._standing.memory
    peers = list(listener._peers.values())
    clients = [client for peer in peers for client in peer.clients.values()]
    return {
        "peers": len(peers),
        "unregistered peers": len(listener._waiting_room),
        "slow peers": len(listener._slow),
        "peers held back": len(listener._held_back),
        "watched peers": len(server._keep_alive._connections),
        "proxies": len(state.proxies),
        "clients": state.clients,
        "clients of peers": len(clients),
        "unfinished registrations": sum(len(peer.parts) for peer in peers),
        "ids in unfinished registrations": listener._requests.registrar._parts.listed,
        "registrations": sum(peer.registering for peer in peers),
        "bound sessions": len(state.sessions),
        "requests": sum(len(client.asked) for client in clients),
        "works": len(writer._waiting) + len(writer._first),
        "long reads": state.readers.waiting,
        "held pulls": len(held),
        "clients with held pulls": len(held._of),
        "reporting streams": len(server.reporting.streams),
        "subscribers of streams": len(server.reporting),
        "waiting requests": sum(client.waiting for client in clients),
        "views of held pulls": len(held._views),
        "reminders of held pulls": len(held._due),
        "held pulls with the writer": len(held._with_writer),
        "invitations": len(memory.invitations),
        "requests that await an invitation": len(memory.invitations._waiting),
        "sessions that await an invitation": len(memory.invitations._asked_by),
        "snapshots": len(memory.snapshots),
        "sessions with snapshots": len(memory.snapshots._of),
        "snapshots that are being freed": len(memory.snapshots.ending),
        "calls to external servers": server.third_party.servers.in_flight,
        "calls that wait for external servers": server.third_party.servers.waiting,
        "workbins that are listened to": len(memory.workbins),
        "sessions that listen to workbins": len(memory.workbins._of_session),
        **{name: len(getattr(memory, name)) for name in _REMEMBERED},
        **{f"routers: {name}": len(getattr(memory.routers, name)) for name in _OF_ROUTERS},
    }


_REMEMBERED = (
    "sessions", "lost", "agents", "agents_of", "places", "provisional",
    "places_taken", "provisional_of", "servers", "interested", "reporters", "reported", "restarts",
    "logging_in", "returned", "logouts", "available", "available_of", "topics", "topics_of", "seen",
    "service_readers",
)  # fmt: skip
_OF_ROUTERS = (
    "routers", "loaded", "buckets", "unread", "have", "routed", "lost", "awake", "looks",
)  # fmt: skip


class Tables(Protocol):
    """A node's database, to look at; see `ixproxy.testing.places.Place`."""

    def rows(self, table: str) -> list[dict[str, Any]]:
        """All rows of a table."""

    def damage(self) -> list[str]:
        """What the database says is broken in itself."""


def mistakes(place: Tables, server: NodeServer) -> list[str]:
    """
    What is wrong with a node's database, one line each; to be asked between two batches.

    :param place: where its database lies.
    """
    return list(_mistakes(place, server))


def _mistakes(place: Tables, server: NodeServer) -> Iterator[str]:
    for line in place.damage():
        yield f"integrity_check: {line}"
    tables = {name: place.rows(name) for name in _TABLES}
    yield from _wrong_rows(tables)
    yield from _wrong_snapshots(tables, server)
    yield from _forgotten(tables, server)


def _wrong_rows(tables: dict[str, list[dict[str, Any]]]) -> Iterator[str]:
    """Interactions against their parties and timers."""
    interactions = {row["id"]: row for row in tables["interactions"]}
    parties: dict[str, list[dict[str, Any]]] = {}
    for party in tables["parties"]:
        parties.setdefault(party["interaction_id"], []).append(party)
    timers: dict[str, list[str]] = {}
    for timer in tables["timers"]:
        timers.setdefault(timer["interaction_id"], []).append(timer["kind"])
    invited: dict[str, list[str]] = {}
    for invitation in tables["invitations"]:
        invited.setdefault(invitation["interaction_id"], []).append(invitation["operation"])
    for id in (parties.keys() | timers.keys() | invited.keys()) - interactions.keys():
        yield f"{id!r} is not there, but has {parties.get(id, [])} and timers {timers.get(id, [])}"
    (meta,) = tables["meta"]
    for id, row in interactions.items():
        state, here = row["state"], parties.get(id, [])
        if state in _OUT:
            kinds, wanted = _OF_STATE[InteractionState(state)]
            expected = [DELIVERING] if DELIVER in invited.get(id, ()) else [wanted]
            if id in invited and DELIVERING not in expected:
                expected.append(DELIVERING)
            least = int(wanted in expected)
            known = [party for party in here if party["party_type"] in kinds]
            if known != here or len(here) < least or (here and not least):
                yield f"{id!r} is in state {state} with the parties {here}"
            if sorted(timers.get(id, ())) != sorted(expected):
                yield f"{id!r} is in state {state} with the timers {timers.get(id)}"
            if (row["assigned_to"] is None) != (state == InteractionState.ROUTING):
                yield f"{id!r} is in state {state} and assigned to {row['assigned_to']!r}"
        elif here or id in timers or id in invited:
            yield f"{id!r} is in state {state} with {here} and timers {timers.get(id)}"
        if row["queue_seq"] > meta["last_queue_seq"]:
            yield f"{id!r} has number {row['queue_seq']} in its queue, the last one is {meta}"
        for party in here:
            if party["tenant_id"] != row["tenant_id"]:
                yield f"{id!r} of tenant {row['tenant_id']} has {party}"
            if not 0 < party["take_number"] <= meta["last_event_number"]:
                yield f"{id!r} was taken by event {party['take_number']}, the last one is {meta}"


def _wrong_snapshots(tables: dict[str, list[dict[str, Any]]], server: NodeServer) -> Iterator[str]:
    """Snapshots against their members, locks and what is remembered."""
    rows = {row["snapshot_id"]: row for row in tables["snapshots"]}
    members = Counter(row["snapshot_id"] for row in tables["snapshot_members"])
    listed = {(row["snapshot_id"], row["interaction_id"]) for row in tables["snapshot_members"]}
    if rows.keys() != server.core._standing.memory.snapshots._rows.keys():
        yield f"stored are the snapshots {sorted(rows)}, others are remembered"
    for number in members.keys() | rows.keys():
        size = rows[number]["size"] if number in rows else 0
        if size != members[number]:
            yield f"snapshot {number} has {members[number]} members, not {size}"
    for row in tables["interactions"]:
        id, number = row["id"], row["snapshot_id"]
        if bool(row["is_locked"]) != (number is not None):
            yield f"{id!r} is locked: {row['is_locked']}, by snapshot {number}"
        elif number is not None and (number, id) not in listed:
            yield f"{id!r} is locked by snapshot {number}, which does not have it"
        elif number is not None and row["state"] in _OUT:
            yield f"{id!r} is in state {row['state']} and locked by snapshot {number}"


def _forgotten(tables: dict[str, list[dict[str, Any]]], server: NodeServer) -> Iterator[str]:
    """What is stored against what is remembered."""
    memory = server.core._standing.memory
    sessions = {row["session"]: row["lost_at"] for row in tables["sessions"]}
    remembered = {session: row.lost_at for session, row in memory.sessions.items()}
    if sessions != remembered:
        yield f"stored are {len(sessions)} sessions, remembered {len(remembered)} or others"
    if memory.lost != {s: at for s, at in remembered.items() if at is not None}:
        yield "the sessions without a connection are not those that say so"
    tickets = {row["ticket"] for row in tables["invitations"]}
    if tickets != memory.invitations._rows.keys():
        yield f"stored are the invitations {tickets}, others are remembered"
    for row in tables["parties"]:
        if row["session"] not in sessions:
            yield f"{row['interaction_id']!r} is held by a session that is not there"
    stored = {
        (row["tenant_id"], row["agent_id"], row["number"], row["dbid"], bool(row["confirmed"]))
        for row in tables["agents"]
    }
    known = {
        (row.tenant_id, row.agent_id, row.number, row.dbid, row.confirmed)
        for rows in memory.agents.values()
        for row in rows
    }
    if stored != known:
        yield f"stored are {len(stored)} agent sessions, remembered {len(known)} or others"
    for name, rows in memory.agents.items():
        if not rows:
            yield f"agent {name} is remembered without a session"
        for agent in rows:
            for session in agent.sessions:
                if session not in sessions:
                    yield f"agent {name} is logged in through a session that is not there"
