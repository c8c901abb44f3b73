from __future__ import annotations

from ixproxy.client.registration import FIRST_FRAME, Identity, Listed
from ixproxy.messages import Credentials
from ixproxy.wire.codec import encode
from ixproxy.wire.parts import split_frame

SESSION = bytes(range(16))


def test_a_registration_says_who_it_is_and_what_it_holds() -> None:
    credentials = Credentials(user="u", password="p")
    identity = Identity(
        "d", "AgentApplication", SESSION, (1, 2), credentials, 1 << 21, {"event_x": 1}
    )
    request = identity.registration(3, Listed({"A": 5}))
    assert (request.client_name, request.client_type) == ("d", "AgentApplication")
    assert (request.session, request.incarnation) == (SESSION, 3)
    assert (request.tenants, request.credentials) == ([1, 2], credentials)
    assert (request.max_frame, request.holding) == (1 << 21, {"A": 5})
    assert request.extension == {"event_x": 1}


def test_a_registration_says_in_which_agent_sessions_it_is_where_that_is_known() -> None:
    identity = Identity("d", "AgentApplication", SESSION)
    assert identity.registration(1, Listed({})).agent_sessions is None
    assert identity.registration(2, Listed({}, [(5, 101)])).agent_sessions == [(5, 101)]


def test_a_registration_names_its_snapshots_where_they_are_known() -> None:
    identity = Identity("d", "AgentApplication", SESSION)
    assert identity.registration(1, Listed({})).snapshots is None
    assert identity.registration(2, Listed({}, [], [])).snapshots == []
    assert identity.registration(2, Listed({}, [], [7, 9])).snapshots == [7, 9]


def test_what_it_holds_is_a_copy_of_that_moment() -> None:
    holding = {"A": 5}
    request = Identity("d", "AgentApplication", SESSION).registration(1, Listed(holding))
    holding.clear()
    assert request.holding == {"A": 5}


def test_very_many_holdings_go_in_parts_that_any_server_takes() -> None:
    holding = {f"{number:0255}": number for number in range(1000)}
    request = Identity("d", "AgentApplication", SESSION).registration(1, Listed(holding))
    frames = split_frame(encode(request), FIRST_FRAME)
    assert len(frames) == 4
    assert max(map(len, frames)) <= FIRST_FRAME + 4


def test_neither_session_nor_password_is_printed() -> None:
    identity = Identity("d", "AgentApplication", SESSION, (), Credentials(password="secret"))
    assert "secret" not in repr(identity)
    assert repr(SESSION) not in repr(identity)
