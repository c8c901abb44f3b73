"""Agent requests: one change of an agent at a time; confirmations wait for their turn."""

from __future__ import annotations

from msgspec.structs import replace

from ixproxy.errors import Code
from ixproxy.messages import (
    EventAck,
    RequestAgentLogin,
    RequestClientsGone,
    RequestConfirmSession,
)
from tests.core.chained import Inner
from tests.core.rig import TENANT, decode, only
from tests.core.test_confirming import HOME, OTHERS, STAMP, accept_all, confirmation

LOGIN = RequestAgentLogin(tenant_id=TENANT, agent_id="ann", place_id="p1", media_list={"email": 1})
PROVISIONAL = replace(LOGIN, provisional=True)


def logged_in(rig: Inner, client: int) -> None:
    rig.ask(rig.edge, LOGIN, client=client)
    for nodes in ([HOME], OTHERS, [HOME], OTHERS):
        accept_all(rig, *nodes)
    assert only(rig.got(rig.edge)).agent_session == STAMP


def test_a_login_through_a_downstream_proxy_is_a_whole_login_and_is_confirmed_at_once() -> None:
    rig = Inner()
    (client,) = rig.numbers_at_edge
    rig.ask(rig.edge, PROVISIONAL, client=client)
    kinds = []
    for nodes in ([HOME], OTHERS, [HOME], OTHERS):
        for node in nodes:
            frame = only(rig.sent(node))
            kinds.append(type(decode(frame)).__name__)
            rig.answer(node, frame, EventAck(agent_session=STAMP))
    assert kinds == [*["RequestAgentLogin"] * 3, *["RequestConfirmSession"] * 3]
    assert only(rig.got(rig.edge)).agent_session == STAMP
    rig.ask(rig.edge, confirmation(), client=client)
    assert only(rig.got(rig.edge)).agent_session == STAMP
    assert not any(rig.to_node.values()), "the nodes are not asked again"


def test_another_clients_confirmation_is_told_to_the_nodes() -> None:
    rig = Inner(clients=2)
    one, two = rig.numbers_at_edge
    logged_in(rig, one)
    rig.ask(rig.edge, confirmation(), client=two)
    accept_all(rig, HOME, *OTHERS)
    assert only(rig.got(rig.edge)).agent_session == STAMP
    assert len(only(list(rig.core._agents.sessions)).clients) == 2


def test_confirmations_of_one_agent_wait_for_one_another() -> None:
    rig = Inner(clients=3)
    for client in rig.numbers_at_edge:
        rig.ask(rig.edge, confirmation(), client=client)
    for _ in rig.numbers_at_edge:
        assert not rig.got(rig.edge)
        accept_all(rig, HOME, *OTHERS)
        assert only(rig.got(rig.edge)).agent_session == STAMP
    assert len(only(list(rig.core._agents.sessions)).clients) == 3
    assert not rig.core._agents._waiting


def test_a_login_does_not_wait() -> None:
    rig = Inner(clients=2)
    one, two = rig.numbers_at_edge
    rig.ask(rig.edge, confirmation(), client=one)
    rig.ask(rig.edge, LOGIN, client=two)
    assert only(rig.got(rig.edge)).error_code == Code.IN_PROGRESS


def test_who_waits_may_go_or_wait_too_long_and_the_next_has_its_turn() -> None:
    rig = Inner(clients=4)
    first, gone, late, last = rig.numbers_at_edge
    rig.ask(rig.edge, confirmation(), client=first)
    rig.ask(rig.edge, confirmation(), client=gone)
    rig.ask(rig.edge, confirmation(), client=late, ttl=1000)
    rig.ask(rig.edge, confirmation(), client=last)
    rig.ask(rig.edge, RequestClientsGone(clients=[gone]))
    rig.got(rig.edge)
    for node in (HOME, *OTHERS):
        for frame in rig.sent(node):
            if isinstance(decode(frame), RequestConfirmSession):
                rig.to_node[node].append(frame)
    rig.now += 2.0
    accept_all(rig, HOME, *OTHERS)
    answers = {frame.client: decode(frame) for frame in rig.got_frames(rig.edge)}
    assert answers[first].agent_session == STAMP
    assert answers[late].error_code == Code.EXPIRED
    accept_all(rig, HOME, *OTHERS)
    assert only(rig.got_frames(rig.edge)).client == last
    assert not rig.core._agents._waiting
    assert not rig.core._agents.busy


def test_with_no_node_there_a_replayed_session_is_kept_for_those_that_come() -> None:
    rig = Inner()
    for node in (HOME, *OTHERS):
        rig.lose(node)
    rig.ask(rig.edge, confirmation(), client=rig.numbers_at_edge[0])
    assert only(rig.got(rig.edge)).agent_session == STAMP
    rig.link(HOME)
    assert decode(only(rig.sent(HOME))) == confirmation()


def test_a_confirmation_must_name_its_session() -> None:
    rig = Inner()
    rig.ask(rig.edge, confirmation(agent_session=None), client=rig.numbers_at_edge[0])
    error = only(rig.got(rig.edge))
    assert (error.error_code, "AgentSession" in error.error_description) == (
        Code.MISSING_VALUE,
        True,
    )


def test_only_a_proxy_confirms_and_only_in_the_name_of_an_agent() -> None:
    rig = Inner(client_type="MediaServer")
    desk = rig.client()
    for peer, client in ((desk, 0), (rig.edge, 0), (rig.edge, rig.numbers_at_edge[0])):
        rig.ask(peer, confirmation(), client=client)
        assert only(rig.got(peer)).error_code == Code.NOT_ALLOWED
