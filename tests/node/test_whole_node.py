"""Whatever clients, time and the store do: what is stored, remembered and reported agrees."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from ixproxy import messages as m
from ixproxy.messages import Workbin
from ixproxy.messages.message import Request
from ixproxy.node.model import NodeSettings
from ixproxy.node.rows import AgentRow, SessionRow
from ixproxy.node.work import (
    Answer,
    Asked,
    ConnectionLost,
    Goodbye,
    Refuse,
    Registered,
    Sender,
    Tell,
    Tick,
    Work,
)
from ixproxy.values import ClientType
from tests.node.tried import TriedNode

MAIL = Sender(b"mail", "mail-1", ClientType.MEDIA_SERVER, frozenset({1}))
ROUTERS = [
    Sender(f"ors-{n}".encode(), f"ors-{n}", ClientType.ROUTING_ENGINE, frozenset({1}))
    for n in range(2)
]
DESKS = [
    Sender(f"desk-{n}".encode(), f"desk-{n}", ClientType.AGENT_APPLICATION, frozenset({1}), True)
    for n in range(3)
]
CLIENTS = [MAIL, *ROUTERS, *DESKS]
AGENTS = ["Ann", "Bob"]
DRAFTS = Workbin(workbin_type_id="Drafts", workbin_agent_id="Ann")

STEP = st.tuples(
    st.sampled_from(
        [
            "submit", "submit", "receipt", "workbin", "pull", "pull", "pull id", "pull id",
            "place", "put", "stop", "leave", "hold", "resume", "change", "focus", "cancel",
            "login", "login", "provisional", "confirm", "logout", "ready",
            "register", "register", "lost", "goodbye", "tick",
        ]
    ),
    st.integers(0, 5),
    st.integers(0, 5),
)  # fmt: skip
BATCH = st.tuples(
    st.lists(STEP, min_size=1, max_size=6),
    st.sampled_from([0.0, 0.0, 0.0, 5.0, 11.0, 61.0, 181 * 60.0]),
    st.sampled_from(["", "", "", "", "fails", "lost", "void", "restart"]),
)


class Script:
    """Makes works out of steps; knows the ids so far and what clients think they hold."""

    def __init__(self) -> None:
        self.ids: list[str] = []
        self.holding: dict[bytes, dict[str, int]] = {each.session: {} for each in CLIENTS}
        self.token = 0

    def work(self, step: tuple[str, int, int]) -> Work:
        kind, who, which = step
        self.token += 1
        client, desk = CLIENTS[who % len(CLIENTS)], DESKS[who % len(DESKS)]
        agent = AGENTS[which % len(AGENTS)]
        if kind == "register":
            return Registered(client, 1, dict(self.holding[client.session]), self.token)
        if kind == "lost":
            return ConnectionLost(client.session)
        if kind == "goodbye":
            self.holding[client.session] = {}
            return Goodbye(client.session, self.token)
        if kind == "tick":
            return Tick()
        sender, request = self.request(kind, client, desk, agent, who, which)
        return Asked(sender, request, 0, (self.token, sender.session))

    def request(
        self, kind: str, client: Sender, desk: Sender, agent: str, who: int, which: int
    ) -> tuple[Sender, Request]:
        id = self.ids[which % len(self.ids)] if self.ids else "none"
        by_id: dict[str, Any] = {"tenant_id": 1, "interaction_id": id}
        by_agent: dict[str, Any] = {"tenant_id": 1, "agent_id": agent}
        new: dict[str, Any] = {"tenant_id": 1, "media_type": "email"}
        submitter = [MAIL, desk][who % 2]
        taker = [*ROUTERS, *DESKS][who % 5]
        stamp = (10**9 + which, 102)
        match kind:
            case "submit":
                return submitter, m.RequestSubmit(**new, queue="Inbound")
            case "receipt":
                return MAIL, m.RequestSubmit(**new, queue="Inbound", submit_receipt=str(which))
            case "workbin":
                return submitter, m.RequestSubmit(**new, workbin=DRAFTS)
            case "pull":
                return taker, m.RequestPull(
                    tenant_id=1, view_id="Inbound/All", number_of_interactions=which % 3
                )
            case "pull id":
                return taker, m.RequestPull(
                    tenant_id=1, view_id="_system_", pull_parameters={id: ""}
                )
            case "place":
                return client, m.RequestPlaceInQueue(**by_id, queue="Inbound")
            case "put":
                return client, m.RequestPlaceInWorkbin(**by_id, workbin=DRAFTS)
            case "stop":
                return client, m.RequestStopProcessing(**by_id)
            case "leave":
                return client, m.RequestLeaveInteraction(**by_id)
            case "hold":
                return client, m.RequestHold(**by_id)
            case "resume":
                return client, m.RequestResume(**by_id)
            case "change":
                return client, m.RequestChangeProperties(**by_id, added_properties={"a": which})
            case "focus":
                return desk, m.RequestSetInFocus(**by_id)
            case "cancel":
                number = self.holding[client.session].get(id, which)
                return client, m.RequestCancelTake(**by_id, take_number=number)
            case "login":
                return desk, m.RequestAgentLogin(**by_agent, media_list={"email": which % 2})
            case "provisional":
                return desk, m.RequestAgentLogin(
                    **by_agent, provisional=True, agent_session=stamp if which % 2 else None
                )
            case "confirm":
                return desk, m.RequestConfirmSession(**by_agent, agent_session=stamp)
            case "logout":
                return desk, m.RequestAgentLogout(**by_agent)
            case _:
                return desk, m.RequestCancelNotReadyForMedia(**by_agent, media_type_name="email")

    def learn(self, effects: list[Any]) -> None:
        """Follow holdings as a client does, by answers and revocations."""
        for effect in effects:
            if isinstance(effect, Tell) and isinstance(effect.event, m.EventRevoked):
                self.holding[effect.session].pop(effect.event.interaction_id, None)
            if not isinstance(effect, Answer) or not isinstance(effect.token, tuple):
                continue
            mine = self.holding[effect.token[1]]
            message = effect.message
            if isinstance(message, m.EventPulledInteractions):
                mine.update(message.take_numbers)
            elif isinstance(message, m.EventAck) and "InteractionId" in message.extension:
                self.ids.append(message.interaction_id)
                if message.take_number:
                    mine[message.interaction_id] = message.take_number


def check_rows(node: TriedNode) -> None:
    """Nothing is out that nobody has, and nobody has what is not out."""
    rows = {row.id: row for row in node.store.fetch_by("interactions", "tenant_id", [1])}
    parties: dict[str, list[Any]] = {}
    for party in node.store.fetch_by("parties", "tenant_id", [1]):
        parties.setdefault(party.interaction_id, []).append(party)
    sessions = {row.session for row in node.sessions()}
    timers = {
        (row.kind, row.interaction_id)
        for row in node.store.fetch_by("timers", "kind", ["handling", "routing"])
    }
    expected = set()
    for id, row in rows.items():
        there = parties.pop(id, [])
        assert bool(there) == (row.state in (2, 3)), (row, there)
        assert {party.session for party in there} <= sessions
        assert {party.party_type for party in there} <= {row.state - 1}
        if there:
            expected.add(({2: "routing", 3: "handling"}[row.state], id))
    assert parties == {}
    assert timers == expected


def check_memory(node: TriedNode) -> None:
    """What is remembered is what is stored."""
    memory = node.core._standing.memory
    sessions: dict[bytes, SessionRow] = {row.session: row for row in node.sessions()}
    assert memory.sessions == sessions
    assert memory.lost == {
        name: row.lost_at for name, row in sessions.items() if row.lost_at is not None
    }
    stored: dict[Any, set[str]] = {}
    row: AgentRow
    for row in node.agents():
        stored.setdefault((row.tenant_id, row.agent_id), set()).add(repr(row))
        assert set(row.sessions) <= sessions.keys()
    assert {name: set(map(repr, rows)) for name, rows in memory.agents.items()} == stored
    assert sum(row.confirmed for row in node.agents()) == len(
        {row.agent_id for row in node.agents() if row.confirmed}
    )
    assert set(memory.restarts) <= {
        timer.interaction_id for timer in node.store.fetch_by("timers", "kind", ["handling"])
    }


class Told:
    """The state that a reporting client derives from the events alone."""

    def __init__(self) -> None:
        self.places: dict[str, str] = {}
        self.parties: dict[str, int] = {}
        self.agents: set[str] = set()
        self.last = 0

    def hear(self, events: list[Any]) -> None:
        for event in events:
            assert event.event_number > self.last
            self.last = event.event_number
            self.hear_one(type(event).__name__.removeprefix("Event"), event)

    def hear_one(self, name: str, event: Any) -> None:
        id = getattr(event, "interaction_id", "")
        match name:
            case "InteractionSubmitted":
                assert id not in self.places
                self.places[id] = event.queue
            case "PartyAdded":
                self.parties[id] = self.parties.get(id, 0) + 1
            case "PartyRemoved":
                self.parties[id] -= 1
            case "PlacedInQueue":
                assert event.old_queue == self.places[id]
                assert not self.parties.get(id)
                self.places[id] = event.queue
            case "TakenFromQueue":
                assert event.queue == self.places[id]
                assert not self.parties.get(id)
            case "ProcessingStopped":
                assert not self.parties.pop(id, 0)
                del self.places[id]
            case "AgentLogin":
                assert event.agent_id not in self.agents
                self.agents.add(event.agent_id)
            case "AgentLogout":
                self.agents.remove(event.agent_id)

    def check(self, node: TriedNode) -> None:
        rows = node.store.fetch_by("interactions", "tenant_id", [1])
        assert {row.id: row.queue for row in rows} == self.places
        out = {row.id for row in rows if row.state in (2, 3)}
        assert {id for id, number in self.parties.items() if number} == out
        assert {row.agent_id for row in node.agents() if row.confirmed} == self.agents


@given(
    batches=st.lists(BATCH, max_size=12),
    mode=st.sampled_from(["true", "false", "force-logout"]),
)
def test_what_is_stored_remembered_and_reported_agrees(
    batches: list[tuple[list[tuple[str, int, int]], float, str]], mode: str
) -> None:
    node = TriedNode(NodeSettings(allow_multiple_agent_connections=mode))
    script, told = Script(), Told()
    try:
        node.run(*(Registered(each, 1) for each in CLIENTS))
        for steps, pause, what in batches:
            node.now += pause
            if what == "restart":
                node.restart()
            elif what:
                node.store.commits = [what]
            works = [script.work(step) for step in steps]
            outcome = node.core.run(works, node.now)
            node.store.commits = []
            answered = [each for each in outcome.effects if isinstance(each, Answer | Refuse)]
            expected = [work.token for work in works if hasattr(work, "token")]
            assert [each.token for each in answered] == expected
            script.learn(outcome.effects)
            check_rows(node)
            check_memory(node)
            told.hear(node.reported())
            told.check(node)
        # Whoever comes back as it is, and whoever does not: nothing stays out for nobody.
        for each in CLIENTS[:3]:
            node.run(Registered(each, 1, dict(script.holding[each.session])))
        for each in CLIENTS[3:]:
            node.run(ConnectionLost(each.session))
        node.wait(61)
        for party in node.store.fetch_by("parties", "tenant_id", [1]):
            assert script.holding[party.session][party.interaction_id] == party.take_number
        assert node.agents() == []
    finally:
        node.discard()
