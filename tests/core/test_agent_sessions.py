"""Which agents are logged in, and through whom."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from ixproxy.core.agent_sessions import AgentSession, AgentSessions
from ixproxy.core.agent_states import AgentState
from ixproxy.core.clients import Client, Clients
from ixproxy.core.destinations import Outputs
from ixproxy.messages import RequestRegisterClient
from ixproxy.messages.agents import REPLAYED
from tests.core.rig import TENANT

ANN = (TENANT, "ann")


def client(number: int) -> Client:
    clients = Clients(Outputs())
    message = RequestRegisterClient(client_name=f"c{number}", client_type="AgentApplication")
    return Client(clients.connect(number), 0, message, frozenset())


def session(*clients: Client, number: int = 1) -> AgentSession:
    state = AgentState({"email": 1})
    return AgentSession(
        TENANT, "ann", (number, 101), "p1", state, dict.fromkeys(clients, state)
    )


def test_a_session_lasts_as_long_as_one_of_its_clients() -> None:
    one, other = client(1), client(2)
    sessions = AgentSessions()
    sessions.keep(session(one, other))
    sessions.leave(ANN, one)
    sessions.leave(ANN, one)
    assert sessions.get(ANN) is not None
    sessions.client_gone(other)
    assert sessions.get(ANN) is None
    assert len(sessions) == 0


def test_a_newer_session_takes_the_place_of_the_older() -> None:
    one, other = client(1), client(2)
    sessions = AgentSessions()
    sessions.keep(session(one))
    sessions.keep(session(other, number=2))
    sessions.client_gone(one)
    found = sessions.get(ANN)
    assert found is not None
    assert found.stamp == (2, 101)
    sessions.client_gone(other)
    assert list(sessions) == []


def test_an_agent_follows_its_client_to_a_newer_connection() -> None:
    older, newer = client(1), client(2)
    sessions = AgentSessions()
    sessions.keep(session(older))
    sessions.moved(older, newer)
    sessions.client_gone(older)
    found = sessions.get(ANN)
    assert found is not None
    assert found.clients.keys() == {newer}
    sessions.client_gone(newer)
    assert len(sessions) == 0


def test_nodes_are_told_the_whole_session() -> None:
    told = session(client(1)).confirmation()
    assert (told.agent_id, told.place_id, told.agent_session) == ("ann", "p1", (1, 101))
    assert told.media_list == {"email": 1}
    assert told.extension == {}, "it follows a login"
    assert session(client(1)).replay() == replace(told, extension={REPLAYED: 1})


def test_sessions_that_newer_ones_end_are_remembered_up_to_a_limit(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("ixproxy.core.agent_sessions.MOST_OUSTED", 3)
    sessions, one, two = AgentSessions(), client(1), client(2)
    for number in range(0, 20, 2):
        for more, each in enumerate((one, two)):
            stamp = number + more, 1
            sessions.keep(AgentSession(1, "ann", stamp, "", clients={each: AgentState()}))
    assert not sessions.ousted(one, (1, "ann"), (0, 1))
    assert [sessions.ousted(one, (1, "ann"), (at, 1)) for at in (12, 14, 16, 18)] == [
        False, True, True, True,
    ]  # fmt: skip
    assert not sessions.ousted(one, (1, "ann"), (18, 1)), "once"


@pytest.mark.parametrize("lists", [True, False])
def test_who_lists_its_agent_sessions_is_followed_in_and_out_of_them(lists: bool) -> None:
    sessions, one, two = AgentSessions(), client(1), client(2)
    one.agent_sessions = {(9, 9)} if lists else None
    sessions.keep(AgentSession(1, "ann", (1, 1), "", clients={one: AgentState()}))
    assert one.agent_sessions == ({(9, 9), (1, 1)} if lists else None)
    sessions.keep(AgentSession(1, "ann", (2, 1), "", clients={one: AgentState()}))
    assert one.agent_sessions == ({(9, 9), (2, 1)} if lists else None)
    two.agent_sessions = set() if lists else None
    sessions.moved(one, two)
    assert two.agent_sessions == ({(2, 1)} if lists else None)
    sessions.leave((1, "ann"), two)
    assert two.agent_sessions == (set() if lists else None)
