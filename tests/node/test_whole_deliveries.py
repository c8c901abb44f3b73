"""
Whatever is delivered, transferred, shared, lost and ended: nodes and clients agree.

Clients follow what they hold as the library does, by answers and events alone.
After every batch each connected client has just what the node says that it has.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from ixproxy.client.holdings import Held
from ixproxy.client.invited import Invited
from ixproxy.messages import (
    RequestAccept,
    RequestAgentLogin,
    RequestAgentLogout,
    RequestConference,
    RequestDeliver,
    RequestIntrude,
    RequestLeaveInteraction,
    RequestPlaceInQueue,
    RequestPull,
    RequestReject,
    RequestStopProcessing,
    RequestTransfer,
)
from ixproxy.messages.message import Request
from ixproxy.node.model import NodeSettings
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

AGENTS = ("Ann", "Bob", "Eve")
REQUESTS: dict[str, type[Any]] = {
    "deliver": RequestDeliver,
    "transfer": RequestTransfer,
    "conference": RequestConference,
    "intrude": RequestIntrude,
    "accept": RequestAccept,
    "reject": RequestReject,
    "leave": RequestLeaveInteraction,
    "stop": RequestStopProcessing,
    "place": RequestPlaceInQueue,
}
TARGETED = ("deliver", "transfer", "conference")
OTHERS = ("pull", "lose", "register", "goodbye", "logout", "login", "restart", "wait")


class Office:
    """A node, a media server, two routers, and three agents on four desktops."""

    def __init__(self) -> None:
        self.node = TriedNode(NodeSettings(delivering_timeout=30, agent_session_restore_timeout=40))
        self.mail = self.node.media_server()
        self.people: list[Sender] = [self.node.router(f"ors-{number}") for number in range(2)]
        self.people += [self.node.desktop(f"desk-{number}") for number in range(4)]
        self.held = {sender.session: Held() for sender in self.people}
        self.invited = {sender.session: Invited() for sender in self.people}
        self.connected = dict.fromkeys(self.held, True)
        self.incarnations = dict.fromkeys(self.held, 1)
        self.waiting: dict[int, tuple[bytes, Request]] = {}
        self.answered: Counter[int] = Counter()
        self.token = 0
        self.ids = [self.node.submit(self.mail) for _ in range(3)]
        for number in range(4):
            self.log_in(number)

    def log_in(self, desk: int) -> None:
        agent = AGENTS[desk % 3]
        login = RequestAgentLogin(tenant_id=1, agent_id=agent, place_id=f"P-{agent}")
        self.ask(self.people[2 + desk], login)

    def ask(self, sender: Sender, request: Request) -> None:
        self.token += 1
        if self.connected.get(sender.session, True):
            if sender.session in self.held:
                self.waiting[self.token] = sender.session, request
            self.run(Asked(sender, request, 0, self.token))

    def run(self, *works: Work) -> None:
        outcome = self.node.run(*works)
        for effect in outcome.effects:
            if isinstance(effect, Answer | Refuse):
                self.settled(effect)
            elif isinstance(effect, Tell) and self.connected.get(effect.session):
                self.held[effect.session].event_received(effect.event)
                self.invited[effect.session].event_received(effect.event)

    def settled(self, effect: Answer | Refuse) -> None:
        if not isinstance(effect.token, int):
            return
        self.answered[effect.token] += 1
        session, request = self.waiting.pop(effect.token, (b"", None))
        if request is None or not self.connected[session]:
            return
        if isinstance(effect, Refuse):
            self.held[session].refused(request, effect.code, effect.in_doubt)
            self.invited[session].refused(request, effect.code)
        else:
            self.held[session].answered(request, effect.message)
            self.invited[session].answered(request)

    def lose(self, sender: Sender, *, goodbye: bool = False) -> None:
        session = sender.session
        for _, request in self.waiting.values():
            self.held[session].refused(request, 2002, True)
        self.connected[session] = False
        self.invited[session].lost()
        self.run(Goodbye(session) if goodbye else ConnectionLost(session))
        if goodbye:
            self.held[session] = Held()

    def register(self, sender: Sender) -> None:
        session = sender.session
        if self.connected[session]:
            self.lose(sender)
        self.connected[session] = True
        self.incarnations[session] += 1
        listed = dict(self.held[session].numbers)
        work = Registered(sender, self.incarnations[session], listed, "registration")
        outcome = self.node.run(work)
        for effect in outcome.effects:
            if isinstance(effect, Answer) and effect.token == "registration":
                self.held[session].confirmed(effect.message.held)  # type: ignore[attr-defined]
            elif isinstance(effect, Answer | Refuse):
                self.settled(effect)
            elif isinstance(effect, Tell) and self.connected.get(effect.session):
                self.held[effect.session].event_received(effect.event)
                self.invited[effect.session].event_received(effect.event)

    def restart(self) -> None:
        for sender in self.people:
            self.connected[sender.session] = False
            self.invited[sender.session].lost()
        self.waiting.clear()
        self.node.restart()
        self.node.client("mail-1")
        for sender in self.people:
            self.register(sender)

    def likely(self, what: str, who: int, which: int) -> tuple[Sender, str]:
        """Who does something with what: one who can, if there is one."""
        able: list[tuple[Sender, str]] = []
        for sender in self.people:
            if not self.connected[sender.session]:
                continue
            if what in ("accept", "reject"):
                able += [(sender, id) for id, _ in self.invited[sender.session].open]
            elif what in (*TARGETED, "leave"):
                agent = sender.client_type == ClientType.AGENT_APPLICATION
                if what == "leave" or agent == (what != "deliver"):
                    able += [(sender, id) for id in self.held[sender.session].numbers]
        return able[(who * 3 + which) % len(able)] if able else (self.people[who], self.ids[which])

    def step(self, what: str, who: int, which: int, agent: int) -> None:
        sender, id = self.likely(what, who, which)
        named: dict[str, Any] = {"tenant_id": 1, "interaction_id": id}
        if what in REQUESTS:
            if what in TARGETED:
                named["agent_id"] = AGENTS[agent]
            elif what == "place":
                named["queue"] = "Other"
            actor = self.mail if what in ("stop", "place") and agent == 2 else sender
            self.ask(actor, REQUESTS[what](**named))
        elif what == "pull":
            ids = {id: ""}
            self.ask(sender, RequestPull(tenant_id=1, view_id="_system_", pull_parameters=ids))
        elif what in ("lose", "goodbye") and self.connected[sender.session]:
            self.lose(sender, goodbye=what == "goodbye")
        elif what == "register":
            self.register(sender)
        elif what == "logout" and sender.client_type == ClientType.AGENT_APPLICATION:
            self.ask(sender, RequestAgentLogout(tenant_id=1, agent_id=AGENTS[(who - 2) % 3]))
        elif what == "login" and who > 1:
            self.log_in(who - 2)
        elif what == "restart":
            self.restart()
        elif what == "wait":
            self.node.now += (1.0, 20.0, 31.0)[agent]
            self.run(Tick())

    def check(self) -> None:
        """The node by itself, and against its clients."""
        node = self.node
        memory = node.core._standing.memory.invitations
        invitations = node.invitations()
        assert {row.ticket: row for row in invitations} == memory._rows
        assert memory._waiting.keys() <= memory._rows.keys()
        assert {each.token for each in memory._waiting.values()} == self.waiting.keys()
        parties = [party for id in self.ids for party in node.parties(id)]
        for id in self.ids:
            row, here = node.row(id), [each for each in parties if each.interaction_id == id]
            out = [each for each in invitations if each.interaction_id == id]
            delivered = [each for each in out if each.operation == "Deliver"]
            assert (node.timer("delivering", id) is not None) == bool(out)
            if row is None or row.state == 0:
                assert here == []
                assert out == []
            elif row.state == 2:
                assert [party.party_type for party in here] == [1] * (1 - len(delivered))
                assert len(out) == len(delivered) <= 1
            else:
                assert {party.party_type for party in here} == {2}
                assert delivered == []
                assert row.assigned_to in {party.agent_id for party in here}
                assert node.timer("handling", id) is not None
        delivering = {
            (each.inviter, each.interaction_id)
            for each in invitations
            if each.operation == "Deliver"
        }
        for sender in self.people:
            session = sender.session
            if not self.connected[session]:
                continue
            mine = {
                each.interaction_id: each.take_number for each in parties if each.session == session
            }
            has = {
                id: number
                for id, number in self.held[session].numbers.items()
                if (session, id) not in delivering
            }
            assert has == mine, sender
            agents = node.core._standing.memory.agents_of.get(session, ())
            asked = {
                (each.interaction_id, each.ticket)
                for each in invitations
                if (1, each.agent_id) in agents
            }
            assert self.invited[session].open.keys() == asked, sender
        assert all(number == 1 for number in self.answered.values())


STEPS = st.lists(
    st.tuples(
        st.sampled_from([*REQUESTS, *OTHERS, "pull", "accept", "deliver", "conference"]),
        st.integers(0, 5),
        st.integers(0, 2),
        st.integers(0, 2),
    ),
    max_size=40,
)


@settings(deadline=None)
@given(STEPS)
def test_nodes_and_clients_agree_on_who_has_what_and_who_is_invited(
    steps: list[tuple[str, int, int, int]],
) -> None:
    office = Office()
    try:
        office.check()
        for step in steps:
            office.step(*step)
            office.check()
        office.node.now += 31.0
        office.run(Tick())
        office.check()
        assert office.waiting == {}
        assert office.node.invitations() == []
    finally:
        office.node.discard()
