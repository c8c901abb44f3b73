"""Agent requests: one change of an agent at a time; confirmations wait for their turn."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from ixproxy import messages as m
from ixproxy.errors import Code
from ixproxy.messages import (
    EventAck,
    RequestAgentLogin,
    RequestClientsGone,
    RequestConfirmSession,
)
from ixproxy.messages.agents import BY_SERVER, REPLAYED, AgentRequest
from tests.core.chained import Inner
from tests.core.rig import TENANT, decode, only
from tests.core.test_confirming import HOME, OTHERS, STAMP, accept_all, confirmation

LOGIN = RequestAgentLogin(tenant_id=TENANT, agent_id="ann", place_id="p1", media_list={"email": 1})
ANN: Any = {"tenant_id": TENANT, "agent_id": "ann"}
WHY = m.Reason(reason_system_name="lunch")
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


@pytest.mark.parametrize(
    "request_",
    [
        m.RequestAddMedia(**ANN, media_type_name="email"),
        m.RequestRemoveMedia(**ANN, media_type_name="chat"),
        m.RequestCancelNotReadyForMedia(**ANN, media_type_name="email"),
        m.RequestDoNotDisturbOff(**ANN),
        m.RequestChangeAgentStateReason(**ANN),
        m.RequestChangeMediaStateReason(**ANN, media_type_name="email"),
        LOGIN,
        replace(LOGIN, media_list={}, place_id=""),
        replace(LOGIN, agent_session=STAMP),
        m.RequestAddMedia(**ANN, media_type_name="email", agent_session=STAMP),
    ],
)
def test_what_is_so_already_is_answered_at_once(request_: AgentRequest) -> None:
    """Test idea 34: a repeat is one ack, and no node is asked."""
    rig = Inner()
    (client,) = rig.numbers_at_edge
    logged_in(rig, client)
    rig.ask(rig.edge, request_, client=client)
    assert only(rig.got(rig.edge)) == EventAck(agent_session=STAMP)
    assert not any(rig.to_node.values())


@pytest.mark.parametrize(
    "request_",
    [
        m.RequestAddMedia(**ANN, media_type_name="chat"),
        m.RequestRemoveMedia(**ANN, media_type_name="email"),
        m.RequestNotReadyForMedia(**ANN, media_type_name="email"),
        m.RequestCancelNotReadyForMedia(**ANN, media_type_name="email", reason=WHY),
        m.RequestCancelNotReadyForMedia(**ANN, media_type_name="chat"),
        m.RequestDoNotDisturbOn(**ANN),
        m.RequestChangeAgentStateReason(**ANN, reason=WHY),
        m.RequestChangeMediaStateReason(**ANN, media_type_name="email", reason=WHY),
        m.RequestAgentAvailable(**ANN),
        m.RequestAgentNotAvailable(**ANN),
        m.RequestAddMedia(**ANN, media_type_name="email", agent_session=(9, 101)),
        replace(LOGIN, media_list={"email": 0}),
        replace(LOGIN, place_id="p2"),
    ],
)
def test_what_is_not_so_is_asked_of_the_home_node(request_: AgentRequest) -> None:
    rig = Inner()
    (client,) = rig.numbers_at_edge
    logged_in(rig, client)
    rig.ask(rig.edge, request_, client=client)
    assert isinstance(decode(only(rig.sent(HOME))), type(request_))
    assert not rig.got(rig.edge)


def test_a_change_and_its_repeat_are_one_request_to_each_node() -> None:
    """Test idea 34, reasons and do-not-disturb too."""
    rig = Inner()
    (client,) = rig.numbers_at_edge
    logged_in(rig, client)
    for request in (
        m.RequestDoNotDisturbOn(**ANN),
        m.RequestNotReadyForMedia(**ANN, media_type_name="email", reason=WHY),
        m.RequestChangeAgentStateReason(**ANN, reason=WHY),
    ):
        rig.ask(rig.edge, request, client=client)
        accept_all(rig, HOME)
        accept_all(rig, *OTHERS)
        rig.ask(rig.edge, request, client=client)
        assert rig.got(rig.edge) == [EventAck(agent_session=STAMP)] * 2
        assert not any(rig.to_node.values())
    rig.lose(HOME)
    rig.link(HOME)
    told = decode(only(rig.sent(HOME)))
    assert (told.media_list, told.donot_disturb) == ({"email": 0}, 1)
    assert (told.media_reasons, told.state_reason) == ({"email": WHY}, WHY)


def test_another_client_of_the_agent_is_asked_for() -> None:
    rig = Inner(clients=2)
    one, two = rig.numbers_at_edge
    logged_in(rig, one)
    rig.ask(rig.edge, m.RequestAddMedia(**ANN, media_type_name="email"), client=two)
    assert decode(only(rig.sent(HOME))).agent_session is None


def test_a_repeat_while_a_change_is_under_way_is_in_progress() -> None:
    """Test idea 28: whatever the second request is."""
    rig = Inner()
    (client,) = rig.numbers_at_edge
    logged_in(rig, client)
    rig.ask(rig.edge, m.RequestDoNotDisturbOn(**ANN), client=client)
    rig.ask(rig.edge, m.RequestAddMedia(**ANN, media_type_name="email"), client=client)
    assert only(rig.got(rig.edge)).error_code == Code.IN_PROGRESS


def test_too_many_agents_who_work_elsewhere_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ixproxy.core.standing.MOST_AGENTS", 0)
    rig = Inner()
    rig.ask(rig.edge, m.RequestAgentAvailable(**ANN), client=rig.numbers_at_edge[0])
    assert only(rig.got(rig.edge)).error_code == Code.LIMIT_REACHED


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
    replayed = replace(confirmation(), extension={REPLAYED: 1})
    assert decode(only(rig.sent(HOME))) == replayed


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


def test_that_nobody_asked_for_a_change_is_a_proxys_own_word() -> None:
    rig = Inner()
    (client,) = rig.numbers_at_edge
    logged_in(rig, client)
    faked = m.RequestDoNotDisturbOn(**ANN, extension={BY_SERVER: 1, "Mine": 2})
    rig.ask(rig.edge, faked, client=client)
    assert decode(only(rig.sent(HOME))).extension == {"Mine": 2}


def test_confirmations_that_wait_are_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ixproxy.core.agent_requests.MOST_WAITING", 2)
    rig = Inner()
    (client,) = rig.numbers_at_edge
    for _ in range(4):
        rig.ask(rig.edge, confirmation(), client=client)
    assert only(rig.got(rig.edge)).error_code == Code.IN_PROGRESS
