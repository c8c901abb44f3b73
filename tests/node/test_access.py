from __future__ import annotations

import pytest
from msgspec.structs import replace

from ixproxy.errors import Code, RequestRefused
from ixproxy.messages import RequestAgentLogin, RequestLocate
from ixproxy.node.access import (
    agent_of,
    connected,
    interaction_of,
    may_change,
    may_move,
    media_of,
    own_party,
    tenant_of,
)
from ixproxy.node.work import ConnectionLost, Sender
from tests.node.snapping import Snapping
from tests.node.tried import TriedNode


def test_a_tenant_must_be_known_and_the_clients(node: TriedNode) -> None:
    turn, mail = node.turn(), node.media_server(tenants=(1,))
    assert tenant_of(turn, mail, 1).name == "Environment"
    with pytest.raises(RequestRefused, match="3030: tenant 9"):
        tenant_of(turn, mail, 9)
    with pytest.raises(RequestRefused, match="3006: 'mail-1' does not work for tenant 2"):
        tenant_of(turn, mail, 2)


def test_a_media_type_must_be_the_tenants(node: TriedNode) -> None:
    tenant = node.model.tenants[2]
    assert media_of(tenant, "email").enabled
    with pytest.raises(RequestRefused, match="3031: tenant 'Second' has no media type 'chat'"):
        media_of(tenant, "chat")


@pytest.mark.parametrize("asked", [0, 1])
def test_an_interaction_is_found_by_the_tenant_or_without_one(node: TriedNode, asked: int) -> None:
    mail = node.media_server()
    id = node.submit(mail)
    request = RequestLocate(tenant_id=asked, interaction_id=id)
    assert interaction_of(node.turn(), mail, request).id == id


def test_a_session_must_be_connected(node: TriedNode) -> None:
    router = node.router()
    connected(node.turn(), router)
    node.run(ConnectionLost(router.session))
    for sender in (router, Sender(b"x" * 16, "x", "RoutingEngine", frozenset({1}))):
        with pytest.raises(RequestRefused, match=str(Code.NOT_REGISTERED)):
            connected(node.turn(), sender)


def test_the_agent_of_a_session_is_the_tenants(node: TriedNode) -> None:
    desk = node.agent("Ann")
    node.ask(desk, RequestAgentLogin(tenant_id=2, agent_id="Ann", place_id="P1"))
    assert agent_of(node.turn(), desk, 1).place_id == "P-Ann"
    assert agent_of(node.turn(), desk, 2).place_id == "P1"
    with pytest.raises(RequestRefused, match=str(Code.AGENT_NOT_LOGGED_IN)):
        agent_of(node.turn(), desk, 3)


MAY_MOVE = {
    # who asks: waiting, routed by a strategy, handled by an agent
    "mail": (True, True, True),
    "ann": (True, False, True),
    "anns other desk": (True, False, True),
    "bob": (True, False, False),
    "router": (True, True, False),
    "other router": (True, False, False),
}


@pytest.mark.parametrize("who", MAY_MOVE)
def test_who_may_move_and_change_what(node: TriedNode, who: str) -> None:
    mail = node.media_server()
    senders = {
        "mail": mail,
        "ann": node.agent("Ann"),
        "anns other desk": node.agent("Ann", "other"),
        "bob": node.agent("Bob"),
        "router": node.router(),
        "other router": node.router("ors-2"),
    }
    ids = [node.submit(mail) for _ in range(3)]
    node.pull_ids(senders["router"], ids[1])
    node.pull_ids(senders["ann"], ids[2])
    turn, sender = node.turn(), senders[who]
    for id, expected in zip(ids, MAY_MOVE[who], strict=True):
        row, parties = node.kept(id), turn.rows.parties_of(id)
        if expected:
            assert may_move(turn, sender, row) == parties
        else:
            with pytest.raises(RequestRefused, match=str(Code.NOT_A_PARTY)):
                may_move(turn, sender, row)
        if expected or "router" in who:
            assert may_change(turn, sender, row) == parties
        else:
            with pytest.raises(RequestRefused, match=str(Code.NOT_A_PARTY)):
                may_change(turn, sender, row)


def test_ones_own_session_goes_before_ones_agents(node: TriedNode) -> None:
    mail, desk, second = node.media_server(), node.agent("Ann"), node.agent("Ann", "other")
    id = node.submit(mail)
    node.pull_ids(desk, id)
    turn = node.turn()
    (party,) = turn.rows.parties_of(id)
    mine = replace(party, session=second.session)
    row = node.kept(id)
    assert own_party(turn, second, row, (party, mine)) == mine
    assert own_party(turn, second, row, (party,)) == party
    assert own_party(turn, mail, row, (party,)) is None


def test_what_a_snapshot_has_locked_is_for_its_session_and_for_media_servers(
    node: TriedNode,
) -> None:
    mail, supervisor = node.media_server(), Snapping(node, node.desktop("supervisor"))
    id = node.submit(mail)
    number = supervisor.take(lock=True).snapshot_id
    for check in (may_move, may_change):
        for sender in (supervisor.sender, mail):
            assert check(node.turn(), sender, node.kept(id)) == ()
        for sender in (node.router(), node.agent("Ann")):
            with pytest.raises(RequestRefused, match=str(Code.LOCKED)):
                check(node.turn(), sender, node.kept(id))
    supervisor.release(number)
    assert may_move(node.turn(), node.router(), node.kept(id)) == ()
