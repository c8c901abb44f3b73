"""A proxy behind this one: what it asks is answered as a node would."""

from __future__ import annotations

from typing import Any

from ixproxy.errors import Code
from ixproxy.messages import (
    EventAck,
    RequestCancelTake,
    RequestClientsGone,
    RequestConfirmSession,
    RequestGetInteractionProperties,
    RequestLocate,
    RequestRegisterClient,
    RequestUnregisterClient,
)
from tests.core.rig import EAST, NORTH, TENANT, WEST, Rig, decode, only

NAMED: Any = {"tenant_id": TENANT, "interaction_id": "a"}


def chained(clients: int = 0) -> tuple[Rig, int, list[int]]:
    """A downstream proxy's peer, and the numbers of its clients."""
    rig = Rig()
    peer = rig.client("Proxy", client_name="proxy-2", path=["proxy-2"])
    numbers = []
    for number in range(clients):
        name = f"desk-{number}"
        rig.ask(peer, RequestRegisterClient(client_name=name, client_type="AgentApplication"))
        for node in (EAST, NORTH, WEST):
            rig.accept(node)
        numbers.append(only(rig.got(peer)).proxy_client_id)
    return rig, peer, numbers


def test_locate_finds_the_owner_through_this_proxys_nodes() -> None:
    rig, peer, _ = chained()
    rig.ask(peer, RequestLocate(**NAMED))
    for node in (EAST, NORTH, WEST):
        rig.located(node, found=node == NORTH)
    assert only(rig.got(peer)).interaction_id == "a"
    rig.ask(peer, RequestLocate(**NAMED))
    assert only(rig.got(peer)).interaction_id == "a", "it is known now"


def test_locate_says_no_or_that_it_cannot_be_known() -> None:
    rig, peer, _ = chained()
    for lost, code in ((False, Code.UNKNOWN_INTERACTION), (True, Code.NOT_ACCESSIBLE)):
        if lost:
            rig.lose(WEST)
        rig.ask(peer, RequestLocate(**NAMED))
        for node in (EAST, NORTH, WEST):
            rig.located(node, found=False)
        assert only(rig.got(peer)).error_code == code
    rig.ask(peer, RequestLocate(tenant_id=TENANT))
    assert only(rig.got(peer)).error_code == Code.NOT_ACCESSIBLE
    rig.ask(peer, RequestLocate(tenant_id=77, interaction_id="a"))
    assert only(rig.got(peer)).error_code == Code.NOT_ACCESSIBLE


def test_a_question_whose_time_runs_out_is_answered() -> None:
    rig, peer, _ = chained()
    rig.ask(peer, RequestLocate(**NAMED), ttl=1000)
    rig.tick(1.0)
    assert only(rig.got(peer)).error_code == Code.EXPIRED


def test_a_cancelled_take_goes_to_the_owner() -> None:
    rig, peer, _ = chained()
    rig.core.state.owners.confirm(b"a", EAST)
    rig.ask(peer, RequestCancelTake(**NAMED, take_number=7))
    assert decode(only(rig.sent(EAST))) == RequestCancelTake(**NAMED, take_number=7)
    assert isinstance(only(rig.got(peer)), EventAck)
    rig.lose(EAST)
    rig.ask(peer, RequestCancelTake(**NAMED, take_number=7))
    assert only(rig.got(peer)).error_code == Code.NOT_ACCESSIBLE


def test_whose_take_a_proxy_behind_cancels_does_not_have_it_here_either() -> None:
    rig, peer, numbers = chained(2)
    rig.core.state.owners.confirm(b"a", EAST)
    one, two = (
        next(client for client in rig.core.state.clients if client.number == number)
        for number in numbers
    )
    one.took("a", 7, EAST)
    two.took("a", 8, EAST)
    rig.ask(peer, RequestCancelTake(**NAMED, take_number=7))
    assert not one.holding
    assert two.holding == {"a": (8, EAST)}, "it has taken it since"


def test_who_has_what_a_cancelled_take_names_is_found_without_looking_at_all_clients() -> None:
    rig, peer, numbers = chained(2)
    rig.core.state.owners.confirm(b"a", EAST)
    clients = rig.core.state.clients.peers[peer].clients
    clients[numbers[0]].took("a", 7, EAST)
    looked_at: list[str] = []

    class Watched(dict[str, Any]):
        def get(self, *key: Any) -> Any:
            looked_at.append(key[0])
            return super().get(*key)

    for number in numbers[1:]:
        clients[number].holding = Watched()
    rig.ask(peer, RequestCancelTake(**NAMED, take_number=7))
    assert not clients[numbers[0]].holding
    assert not looked_at


def test_clients_that_are_gone_are_gone_on_all_nodes_and_nobody_else_is() -> None:
    rig, peer, (one, two, three) = chained(3)
    rig.core.state.owners.confirm(b"a", EAST)
    asked = rig.ask(peer, RequestGetInteractionProperties(**NAMED), client=one)
    frame = only(rig.sent(EAST))
    gone = RequestClientsGone(clients=[one, 0, two, two, 99], application_name="desk")
    reference = rig.ask(peer, gone)
    answers = {each.reference: each for each in rig.got_frames(peer)}
    assert decode(answers[asked]).error_code == Code.CANCELLED
    assert decode(answers[asked]).in_doubt, "it was sent"
    assert isinstance(decode(answers[reference]), EventAck)
    for node in (EAST, NORTH, WEST):
        onward = [decode(each) for each in rig.sent(node) if each.kind == 1]
        assert onward == [RequestClientsGone(clients=[1, 2], application_name="desk")]
    assert {client.number for client in rig.core.state.clients} == {0, three}
    rig.answer(EAST, frame, EventAck())
    assert not rig.got(peer)
    rig.ask(peer, RequestGetInteractionProperties(**NAMED), client=two)
    assert only(rig.got(peer)).error_code == Code.NOT_REGISTERED


def test_a_session_is_confirmed_in_the_name_of_a_client() -> None:
    rig, peer, (client,) = chained(1)
    confirm = RequestConfirmSession(tenant_id=TENANT, agent_id="ann", agent_session=(7, 101))
    rig.ask(peer, confirm, client=client)
    for _ in range(2):
        for node in (EAST, NORTH, WEST):
            for frame in rig.sent(node):
                assert decode(frame) == confirm
                rig.answer(node, frame, EventAck(agent_session=(7, 101)))
    assert only(rig.got(peer)).agent_session == (7, 101)


def test_unregistering_a_client_that_is_not_there_is_harmless() -> None:
    """Test idea 52: an answer that says so, and everybody else stays."""
    rig, peer, (one, two) = chained(2)
    for client, message in (
        (0, RequestUnregisterClient(proxy_client_id=99)),
        (99, RequestUnregisterClient(proxy_client_id=99)),
    ):
        rig.ask(peer, message, client=client)
        assert only(rig.got(peer)).error_code == Code.NOT_REGISTERED
    assert not any(rig.to_node.values())
    assert {client.number for client in rig.core.state.clients} == {0, one, two}
    rig.ask(peer, RequestUnregisterClient(proxy_client_id=one))
    assert isinstance(only(rig.got(peer)), EventAck)
    rig.ask(peer, RequestUnregisterClient(proxy_client_id=one))
    assert only(rig.got(peer)).error_code == Code.NOT_REGISTERED
    assert {client.number for client in rig.core.state.clients} == {0, two}
