"""
Offices under whatever happens: batches of many works, stores that fail, fewer seats.

After every batch what is remembered is what is stored, a start from the store
would remember the same, and every request has one answer, or one to come.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from ixproxy import messages as m
from ixproxy.errors import StorageError
from ixproxy.messages.message import Request
from ixproxy.node.journal import Journal
from ixproxy.node.memory import Memory
from ixproxy.node.model import NodeSettings
from ixproxy.node.work import (
    Answer,
    Asked,
    ClientsLost,
    ConnectionLost,
    Goodbye,
    Refuse,
    Registered,
    Sender,
    Tick,
    Work,
)
from ixproxy.values import ClientType
from tests.node.tried import TriedNode

MAIL = Sender(b"mail", "mail-1", ClientType.MEDIA_SERVER, frozenset({1}))
ROUTER = Sender(b"ors", "ors-1", ClientType.ROUTING_ENGINE, frozenset({1}))
DESKS = [
    Sender(f"desk-{n}".encode(), f"desk-{n}", ClientType.AGENT_APPLICATION, frozenset({1}), n > 0)
    for n in range(3)
]
CLIENTS = [MAIL, ROUTER, *DESKS]
AGENTS = ("Ann", "Bob", "Eve")
ASKED: dict[str, tuple[type[Any], dict[str, Any]]] = {
    "deliver": (m.RequestDeliver, {}),
    "transfer": (m.RequestTransfer, {}),
    "conference": (m.RequestConference, {}),
    "coach": (m.RequestConference, {"visibility_mode": "Coach"}),
    "intrude": (m.RequestIntrude, {"visibility_mode": "Monitor"}),
    "accept": (m.RequestAccept, {"initial_in_focus_state": 1}),
    "reject": (m.RequestReject, {}),
    "leave": (m.RequestLeaveInteraction, {}),
    "stop": (m.RequestStopProcessing, {}),
    "place": (m.RequestPlaceInQueue, {"queue": "Other"}),
    "cancel": (m.RequestCancelTake, {}),
}
ABOUT_AGENTS: dict[str, tuple[type[Any], dict[str, Any]]] = {
    "login": (m.RequestAgentLogin, {"media_list": {"email": 1}}),
    "log in at home": (m.RequestAgentLogin, {"provisional": True}),
    "log in away": (m.RequestAgentLogin, {"provisional": True}),
    "confirm": (m.RequestConfirmSession, {"media_list": {"email": 1}}),
    "logout": (m.RequestAgentLogout, {}),
    "log this out": (m.RequestAgentLogout, {}),
    "not ready": (m.RequestNotReadyForMedia, {"media_type_name": "email"}),
    "do not disturb": (m.RequestDoNotDisturbOn, {}),
    "disturb": (m.RequestDoNotDisturbOff, {}),
    "available": (m.RequestAgentAvailable, {}),
}
OTHERS = ("submit", "pull", "pull", "register", "lost", "lost together", "goodbye", "tick")
STEP = st.tuples(
    st.sampled_from([*ASKED, *ABOUT_AGENTS, *OTHERS, "deliver", "accept", "login", "confirm"]),
    st.integers(0, 4),
    st.integers(0, 2),
    st.integers(0, 2),
)
BATCH = st.tuples(
    st.lists(STEP, min_size=1, max_size=6),
    st.sampled_from([0.0, 0.0, 0.0, 1.0, 11.0, 31.0, 61.0]),
    st.sampled_from(["", "", "", "fails", "lost", "void", "full", "restart", "fewer", "more"]),
)


class Office:
    """A node with its clients, who know no more than ids, stamps and take numbers."""

    def __init__(self, mode: str) -> None:
        self.node = TriedNode(
            NodeSettings(
                allow_multiple_agent_connections=mode,
                delayed_logout_panic_threshold=2,
                delayed_logout_timeout=70,
                agent_seats=3,
                not_ready_on_invitation_timeout=True,
            )
        )
        self.ids: list[str] = []
        self.numbers: dict[str, int] = {}
        self.stamps: dict[str, tuple[int, int]] = {}
        self.answered: Counter[int] = Counter()
        self.open: set[int] = set()
        self.token = 0
        self.reported: set[str] = set()
        logins = [("login", number, number, 0) for number in range(3)]
        self.run([*(Registered(each, 1) for each in CLIENTS)])
        self.run([self.work(step) for step in [*logins, *[("submit", 0, 0, 0)] * 3]])
        self.run([self.work(("pull", 0, number, 0)) for number in range(2)])

    def work(self, step: tuple[str, int, int, int]) -> Work:
        kind, who, which, agent = step
        client = CLIENTS[who]
        match kind:
            case "register":
                return Registered(client, 1, dict(self.numbers))
            case "lost":
                return ConnectionLost(client.session, which > 0)
            case "lost together":
                return ClientsLost(tuple(desk.session for desk in DESKS), "proxy-1")
            case "goodbye":
                return Goodbye(client.session)
            case "tick":
                return Tick()
        sender, request = self.request(kind, who, which, AGENTS[agent])
        self.token += 1
        self.open.add(self.token)
        return Asked(sender, request, 0, self.token)

    def request(self, kind: str, who: int, which: int, agent: str) -> tuple[Sender, Request]:
        desk = DESKS[who % 3]
        if kind == "submit":
            return MAIL, m.RequestSubmit(tenant_id=1, media_type="email", queue="Inbound")
        if kind in ABOUT_AGENTS:
            made, more = ABOUT_AGENTS[kind]
            # Most desks have an agent of their own; `which` is who it is.
            name = AGENTS[which]
            if kind in ("confirm", "log this out"):
                more = {**more, "agent_session": self.stamps.get(name, (1, 1))}
            elif kind == "log in away":
                stamp = self.stamps[name] = (int(self.node.now * 1000) + who * 1000, 102)
                more = {**more, "agent_session": stamp}
            return desk, made(tenant_id=1, agent_id=name, **more)
        id = self.ids[which % len(self.ids)] if self.ids else "none"
        if kind == "pull":
            taker = ROUTER if who < 3 else desk
            return taker, m.RequestPull(tenant_id=1, view_id="_system_", pull_parameters={id: ""})
        made, more = ASKED[kind]
        if kind == "cancel":
            more = {"take_number": self.numbers.get(id, which)}
        elif issubclass(made, m.RequestDeliver | m.RequestTransfer | m.RequestConference):
            more = {**more, "agent_id": agent}
        actor = ROUTER if kind == "deliver" else MAIL if kind == "stop" and who == 0 else desk
        return actor, made(tenant_id=1, interaction_id=id, **more)

    def run(self, works: list[Work]) -> None:
        outcome = self.node.core.run(works, self.node.now)
        assert [
            each for each in outcome.failures if not isinstance(each.problem, StorageError)
        ] == []
        for effect in outcome.effects:
            if isinstance(effect, Answer | Refuse) and effect.token is not None:
                self.answered[effect.token] += 1
                self.open.discard(effect.token)
            if isinstance(effect, Answer):
                self.learn(effect.message)
        self.hear()

    def learn(self, message: Any) -> None:
        if isinstance(message, m.EventPulledInteractions):
            self.numbers.update(message.take_numbers)
        elif isinstance(message, m.EventAck) and message.take_number:
            self.numbers[message.interaction_id] = message.take_number
        elif isinstance(message, m.EventAck) and "InteractionId" in message.extension:
            self.ids.append(message.interaction_id)
        elif isinstance(message, m.EventAck) and message.agent_session:
            for row in self.node.agents():
                if (row.number, row.dbid) == message.agent_session:
                    self.stamps[row.agent_id] = message.agent_session

    def hear(self) -> None:
        """An agent is reported to log in and out in turns, and to do things in between."""
        for event in self.node.reported():
            match type(event).__name__.removeprefix("Event"):
                case "AgentLogin":
                    assert event.agent_id not in self.reported
                    self.reported.add(event.agent_id)
                case "AgentLogout":
                    self.reported.remove(event.agent_id)
                case "MassAgentLogout":
                    assert event.number_of_agents == len(event.agents) >= 2
                    self.reported -= set(event.agents)
                case "AgentAvailable" | "AgentNotAvailable":
                    pass
                case _:
                    assert not getattr(event, "agent_session", None) or (
                        event.agent_id in self.reported
                    ), event

    def batch(self, steps: list[tuple[str, int, int, int]], pause: float, what: str) -> None:
        node = self.node
        node.now += pause
        if what == "restart":
            self.open -= self.waiting()
            node.restart()
        elif what in ("fewer", "more"):
            node.settings = replace(node.settings, agent_seats=1 if what == "fewer" else 3)
            node.core.configuration_changed(node.model, node.settings, node.now)
        elif what == "full":
            node.store.commits = ["fails"] * 3
        elif what:
            node.store.commits = [what]
        works = [self.work(step) for step in steps]
        self.run(works)
        node.store.commits = []
        self.check()
        if what == "fewer":
            self.run([Tick()])
            self.check()
            assert len({row.agent_id for row in node.agents()}) <= 1

    def waiting(self) -> set[int]:
        return {each.token for each in self.memory._waiting.values()}

    @property
    def memory(self) -> Any:
        return self.node.core._standing.memory.invitations

    def check(self) -> None:
        self.check_memory()
        self.check_rows()
        assert self.waiting() == self.open
        assert self.memory._waiting.keys() <= self.memory._rows.keys()
        assert all(number == 1 for number in self.answered.values())
        memory = self.node.core._standing.memory
        confirmed = {row.agent_id for row in self.node.agents() if row.confirmed}
        assert confirmed | {name for _, name in memory.logouts} == self.reported
        assert not confirmed & {name for _, name in memory.logouts}

    def check_memory(self) -> None:
        """What is remembered is what a start would remember."""
        node, memory = self.node, self.node.core._standing.memory
        fresh = Memory(Journal())
        logouts = list(node.store.fetch_by("logouts", "lasting", [0, 1]))
        fresh.load(node.sessions(), node.agents(), node.now, logouts, node.invitations())
        assert _sorted(memory.agents) == _sorted(fresh.agents)
        assert _sorted(memory.agents_of) == _sorted(fresh.agents_of)
        assert _sorted(memory.provisional_of) == _sorted(fresh.provisional_of)
        assert memory.provisional == fresh.provisional
        assert memory.places == fresh.places
        assert memory.logouts == fresh.logouts
        assert memory.sessions.keys() == fresh.sessions.keys()
        assert memory.servers == fresh.servers
        for name in ("_rows", "_of", "_to"):
            assert getattr(memory.invitations, name) == getattr(fresh.invitations, name)
        for index in (memory.agents_of, memory.logging_in, memory.available_of, memory.returned):
            assert index.keys() <= memory.sessions.keys()
        for session, agents in memory.returned.items():
            assert agents.keys() <= set(memory.agents_of[session])
        assert memory.seen.keys() <= memory.sessions.keys()
        if any(row.dbid == node.dbid and row.confirmed for row in node.agents()):
            assert memory.idle_due is not None

    def check_rows(self) -> None:
        node = self.node
        rows = {row.id: row for row in node.store.fetch_by("interactions", "tenant_id", [1])}
        parties = list(node.store.fetch_by("parties", "tenant_id", [1]))
        agents = {row.agent_id: row for row in node.agents() if row.confirmed}
        invitations = node.invitations()
        assert {each.interaction_id for each in (*parties, *invitations)} <= rows.keys()
        for invitation in invitations:
            assert invitation.agent_id in agents
        for party in parties:
            assert party.party_type == 1 or party.session in agents[party.agent_id].sessions
        for id, row in rows.items():
            here = [each for each in parties if each.interaction_id == id]
            out = [each for each in invitations if each.interaction_id == id]
            delivered = [each for each in out if each.operation == "Deliver"]
            assert (node.timer("delivering", id) is not None) == bool(out)
            assert (node.timer("handling", id) is not None) == (row.state == 3)
            assert (node.timer("routing", id) is not None) == (row.state == 2 and bool(here))
            assert len({each.agent_id for each in (*here, *out)}) == len(here) + len(out)
            if row.state == 0:
                assert (here, out, row.assigned_to) == ([], [], None)
            elif row.state == 2:
                assert len(here) + len(delivered) == 1
                assert out == delivered
            else:
                ordinary = [each for each in here if each.visibility_mode in ("", "Conference")]
                assert row.assigned_to in {each.agent_id for each in ordinary or here}
                assert delivered == []


def _sorted(index: dict[Any, Any]) -> dict[Any, list[str]]:
    return {key: sorted(map(repr, values)) for key, values in index.items()}


@settings(deadline=None)
@given(
    batches=st.lists(BATCH, max_size=12),
    mode=st.sampled_from(["true", "false", "force-logout"]),
)
def test_nothing_that_happens_to_an_office_leaves_its_node_at_odds_with_itself(
    batches: list[tuple[list[tuple[str, int, int, int]], float, str]], mode: str
) -> None:
    office = Office(mode)
    try:
        office.check()
        for batch in batches:
            office.batch(*batch)
        office.node.now += 31.0
        office.run([Tick()])
        office.check()
        assert office.open == set()
        office.run([ClientsLost(tuple(each.session for each in CLIENTS), "all")])
        for _ in range(2):
            office.node.now += 71.0
            office.run([Tick()])
            office.check()
        assert (office.node.agents(), office.node.sessions(), office.reported) == ([], [], set())
    finally:
        office.node.discard()
