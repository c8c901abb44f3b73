from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from ixproxy.errors import Code
from ixproxy.messages import (
    EventAck,
    RequestAgentLogin,
    RequestConfirmSession,
    RequestStopProcessing,
    RequestSubmit,
)
from ixproxy.node.work import (
    Answer,
    Asked,
    ClientsLost,
    ConnectionLost,
    Goodbye,
    Refuse,
    Registered,
)
from tests.node.tried import TriedNode


def register(node: TriedNode, *works: Registered) -> list[Any]:
    outcome = node.run(*works)
    return [each for each in outcome.effects if isinstance(each, Answer | Refuse)]


def test_a_new_session_is_stored_and_holds_nothing(node: TriedNode) -> None:
    router = node.router(tenants=(2, 1))
    (answer,) = register(node, Registered(router, 1, {"x": 1}, "t"))
    assert answer == Answer("t", EventAck(held={}))
    (row,) = node.sessions()
    assert (row.client_name, row.client_type) == ("ors-1", "RoutingEngine")
    assert (row.incarnation, row.tenants, row.lost_at) == (1, [1, 2], None)


def test_a_lower_incarnation_is_superseded_and_changes_nothing(node: TriedNode) -> None:
    mail, router = node.media_server(), node.router()
    id = node.submit(mail)
    node.pull(router)
    node.run(Registered(router, 5, {}))
    node.pull(router)
    before = node.stored()
    (refusal,) = register(node, Registered(router, 4, {}, "t"))
    assert refusal.code == Code.SUPERSEDED
    assert node.stored() == before
    assert node.kept(id).state == 2


def test_what_is_listed_with_its_number_is_kept_and_all_else_returned(node: TriedNode) -> None:
    mail, router = node.media_server(), node.router()
    rows = [node.kept(node.submit(mail)) for _ in range(4)]
    taken = node.pull(router, number_of_interactions=3)
    kept, wrong, forgotten = taken
    node.reported()
    node.run(ConnectionLost(router.session))
    node.wait(30)
    holding = {kept: taken[kept], wrong: taken[wrong] + 1, rows[3].id: 7, "elsewhere": 9}
    (answer,) = register(node, Registered(router, 2, holding, "t"))
    assert answer.message.held == {kept: taken[kept]}
    assert [node.kept(row.id) for row in rows] == [replace(rows[0], state=2), *rows[1:]]
    assert node.names_reported() == ["EventPartyRemoved", "EventPlacedInQueue"] * 2
    assert node.told(router) == []
    assert node.outcome.pullable == {(1, "Inbound")}
    assert forgotten != wrong
    node.wait(61)
    assert node.kept(kept).state == 2


def test_a_lost_session_keeps_what_it_holds_for_its_time(node: TriedNode) -> None:
    mail, router = node.media_server(), node.router()
    before = node.kept(node.submit(mail))
    node.pull(router)
    node.run(ConnectionLost(router.session))
    node.wait(59)
    assert node.kept(before.id).state == 2
    node.reported()
    node.wait(1)
    assert node.kept(before.id) == before
    assert node.names_told(router) == ["EventRevoked"]
    assert node.names_reported() == ["EventPartyRemoved", "EventPlacedInQueue"]
    assert {row.client_name for row in node.sessions()} == {"mail-1"}


def test_the_time_of_stored_sessions_counts_from_the_start(node: TriedNode) -> None:
    mail, router = node.media_server(), node.router()
    before = node.kept(node.submit(mail))
    taken = node.pull(router)
    node.now += 1000
    node.restart()
    node.wait(59)
    assert node.kept(before.id).state == 2
    (answer,) = register(node, Registered(router, 2, taken, "t"))
    assert answer.message.held == taken
    node.wait(1000)
    assert node.kept(before.id).state == 2


def test_a_goodbye_returns_everything_and_logs_agents_out(node: TriedNode) -> None:
    mail, ann = node.media_server(), node.agent("Ann")
    before = node.kept(node.submit(mail))
    node.pull_ids(ann, before.id)
    node.reported()
    outcome = node.run(Goodbye(ann.session, "t"))
    assert Answer("t", EventAck()) in outcome.effects
    assert node.kept(before.id) == before
    assert node.agents() == []
    assert node.told(ann) == []
    assert node.names_reported() == ["EventPartyRemoved", "EventPlacedInQueue", "EventAgentLogout"]


def test_a_goodbye_of_a_stranger_is_no_mistake(node: TriedNode) -> None:
    outcome = node.run(Goodbye(b"nobody", "t"), Goodbye(b"nobody"), ConnectionLost(b"nobody"))
    assert [each for each in outcome.effects if isinstance(each, Answer)] == [
        Answer("t", EventAck())
    ]


def test_a_client_without_a_session_of_its_own_cannot_come_back(node: TriedNode) -> None:
    mail, router = node.media_server(), node.router()
    before = node.kept(node.submit(mail))
    node.pull(router)
    node.run(ConnectionLost(router.session, lasting=False))
    assert node.kept(before.id) == before
    assert {row.client_name for row in node.sessions()} == {"mail-1"}


def test_clients_that_a_proxy_lost_together_wait_like_others(node: TriedNode) -> None:
    first, second = node.router("ors-1"), node.router("ors-2")
    outcome = node.run(ClientsLost((first.session, second.session, b"nobody"), "app", "t"))
    assert Answer("t", EventAck()) in outcome.effects
    assert {row.lost_at for row in node.sessions()} == {node.now}


def test_a_second_loss_does_not_make_the_wait_longer(node: TriedNode) -> None:
    router = node.router()
    node.run(ConnectionLost(router.session))
    node.wait(40)
    node.run(ConnectionLost(router.session))
    node.wait(20)
    assert node.sessions() == []


def test_an_agent_whose_connection_is_lost_stays_logged_in_for_a_while(node: TriedNode) -> None:
    ann = node.agent("Ann")
    node.reported()
    node.run(ConnectionLost(ann.session))
    node.wait(59)
    assert [row.agent_id for row in node.agents()] == ["Ann"]
    node.wait(1)
    assert node.agents() == []
    assert node.names_reported() == ["EventAgentLogout"]


def test_a_client_that_comes_back_is_out_of_the_agent_sessions_that_it_does_not_list(
    node: TriedNode,
) -> None:
    desk, other = node.agent("Ann"), node.agent("Bob")
    node.ask(desk, RequestAgentLogin(tenant_id=1, agent_id="Cid"))
    node.ask(desk, RequestAgentLogin(tenant_id=1, agent_id="Bob"))
    stamps = {row.agent_id: (row.number, row.dbid) for row in node.agents()}
    id = node.submit(node.media_server())
    taken = node.pull_ids(desk, id)
    node.run(ConnectionLost(desk.session))
    node.reported()
    (answer,) = register(node, Registered(desk, 2, taken, "t"))
    assert answer.message.held == taken
    assert {row.agent_id for row in node.agents()} == {"Ann", "Bob", "Cid"}, "it does not say"
    listed = (stamps["Cid"], (1, 102))
    (answer,) = register(node, Registered(desk, 3, taken, "t", listed))
    assert answer.message.held == {}
    assert not node.parties(id), "what Ann has in hand went back"
    assert {row.agent_id: row.sessions for row in node.agents()} == {
        "Bob": [other.session],
        "Cid": [desk.session],
    }
    assert "EventAgentLogout" in node.names_reported()


def test_a_provisional_login_ends_with_its_connection(node: TriedNode) -> None:
    desk = node.desktop(through_proxy=True)
    node.ask(desk, RequestAgentLogin(tenant_id=1, agent_id="Ann", provisional=True))
    node.reported()
    node.run(ConnectionLost(desk.session))
    assert node.agents() == []
    assert node.reported() == []


def test_a_session_that_is_registered_again_unchanged_is_not_written_again(
    node: TriedNode,
) -> None:
    router = node.router()
    number = node.core.last_event_number
    node.run(Registered(router, 1, {}))
    assert node.core.last_event_number == number


def test_a_registration_says_anew_whether_changes_are_wanted(node: TriedNode) -> None:
    mail = node.media_server(wants_properties_changed=True)
    memory = node.core._standing.memory
    assert memory.interested.keys() == {mail.session}
    node.media_server(wants_properties_changed=False)
    assert memory.interested == {}


def test_what_is_taken_and_lost_in_one_batch_waits_for_its_client(node: TriedNode) -> None:
    ann = node.agent("Ann")
    submit = RequestSubmit(tenant_id=1, media_type="email", queue="Inbound")
    outcome = node.run(Asked(ann, submit, 0, "t"), ConnectionLost(ann.session))
    (ack,) = [each.message for each in outcome.effects if isinstance(each, Answer)]
    assert node.kept(ack.interaction_id).state == 3  # type: ignore[attr-defined]
    node.wait(60)
    assert node.kept(ack.interaction_id).state == 0  # type: ignore[attr-defined]


@given(
    listed=st.lists(st.sampled_from(["right", "older", "newer", "not"]), min_size=6, max_size=6),
    stopped=st.sets(st.integers(0, 5)),
    how=st.sampled_from(["lost", "restart", "still there"]),
)
def test_after_a_registration_both_sides_hold_the_same(
    listed: list[str], stopped: set[int], how: str
) -> None:
    node = TriedNode()
    try:
        mail, router = node.media_server(), node.router()
        rows = [node.kept(node.submit(mail)) for _ in range(6)]
        taken = node.pull(router, number_of_interactions=6)
        for place in stopped:
            stop = RequestStopProcessing(tenant_id=1, interaction_id=rows[place].id)
            node.ask(mail, stop)
        if how == "lost":
            node.run(ConnectionLost(router.session))
        elif how == "restart":
            node.restart()
        shift = {"right": 0, "older": -1, "newer": 1}
        holding = {
            row.id: taken[row.id] + shift[word]
            for row, word in zip(rows, listed, strict=True)
            if word != "not"
        }
        (answer,) = register(node, Registered(router, 2, holding, "t"))
        held = answer.message.held
        assert held == {
            row.id: taken[row.id]
            for place, row in enumerate(rows)
            if listed[place] == "right" and place not in stopped
        }
        for place, row in enumerate(rows):
            parties = node.parties(row.id)
            if place in stopped:
                assert (node.row(row.id), parties) == (None, [])
            elif row.id in held:
                assert [party.take_number for party in parties] == [held[row.id]]
            else:
                assert (node.kept(row.id), parties) == (row, [])
    finally:
        node.discard()


def test_a_login_that_was_not_confirmed_ends_with_its_connection_even_if_another_is_there_already(
    node: TriedNode,
) -> None:
    desk = node.desktop(through_proxy=True)
    ann: dict[str, Any] = {"tenant_id": 1, "agent_id": "Ann"}
    stamp = node.ask(desk, RequestAgentLogin(**ann, provisional=True)).agent_session
    node.run(Registered(desk, 2))
    assert node.agents() == []
    # What is said of it from now on is no answer to the login: it is a replay.
    node.ask(desk, RequestConfirmSession(**ann, agent_session=stamp))
    assert [row.confirmed for row in node.agents()] == [True]
