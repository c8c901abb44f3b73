"""Pulls by ids: split by owner, the answers united."""

from __future__ import annotations

import pytest

from ixproxy.core.settings import Deployment
from ixproxy.errors import Code
from ixproxy.messages import (
    EventError,
    EventPulledInteractions,
    EventRevoked,
    RequestCancelTake,
    RequestLocate,
)
from ixproxy.wire.codec import decode_map, encode, encode_map
from ixproxy.wire.names import BY_NAME, Kind
from ixproxy.wire.prefix import Flag, readdress, write_frame
from tests.core.chained import UPSTREAM, Inner, Outer
from tests.core.rig import EAST, NORTH, TENANT, WEST, Rig, decode, facts, only
from tests.core.test_pulling import by_ids, gives


def test_ids_on_several_nodes_are_one_answer() -> None:
    rig = Rig()
    peer = rig.client()
    rig.core.state.owners.confirm(b"a", EAST)
    rig.core.state.owners.confirm(b"b", WEST)
    rig.ask(peer, by_ids("a", "b"))
    for node, name in ((EAST, "a"), (WEST, "b")):
        frame = only(rig.sent(node))
        assert set(decode(frame).pull_parameters) == {name}
        rig.answer(node, frame, gives(name))
    frame = only(rig.got_frames(peer))
    assert decode(frame).take_numbers == {"a": 1, "b": 1}
    assert not frame.flags & Flag.PARTIAL


def test_ids_of_a_node_that_is_down_are_missing_from_a_partial_answer() -> None:
    """Test idea 19: pull by ids spanning nodes, one of them down."""
    rig = Rig()
    peer = rig.client()
    rig.core.state.owners.confirm(b"a", EAST)
    rig.core.state.owners.confirm(b"b", WEST)
    rig.lose(WEST)
    rig.ask(peer, by_ids("a", "b"))
    rig.answer(EAST, only(rig.sent(EAST)), gives("a"))
    frame = only(rig.got_frames(peer))
    answer = decode(frame)
    assert answer.take_numbers == {"a": 1}
    assert answer.errors == {"b": Code.NOT_ACCESSIBLE}
    assert frame.flags & Flag.PARTIAL


def test_nothing_taken_by_ids_is_an_error() -> None:
    rig = Rig()
    peer = rig.client()
    rig.core.state.owners.confirm(b"a", EAST)
    rig.ask(peer, by_ids("a"))
    rig.refuse(EAST, only(rig.sent(EAST)), Code.NOT_QUEUED)
    answer = only(rig.got(peer))
    assert isinstance(answer, EventError)
    assert answer.error_code == Code.NOT_QUEUED


def test_when_nothing_is_taken_the_error_is_that_of_the_first_id_as_one_server_says_it() -> None:
    rig = Rig()
    peer = rig.client()
    for known, node in ((b"a", WEST), (b"b", EAST)):
        rig.core.state.owners.confirm(known, node)
    rig.ask(peer, by_ids("a", "b"))
    for node, name, code in ((EAST, "b", Code.LOCKED), (WEST, "a", Code.NOT_QUEUED)):
        nothing = EventPulledInteractions(errors={name: code})
        rig.answer(node, only(rig.sent(node)), nothing, flags=Flag.PARTIAL)
    answer = only(rig.got(peer))
    assert answer.error_code == Code.NOT_QUEUED
    assert answer.error_description == "'a': Interaction is not in a pullable state"


def test_a_nodes_refusal_of_the_request_itself_comes_before_the_codes_of_ids() -> None:
    rig = Rig()
    peer = rig.client()
    for known, node in ((b"a", WEST), (b"b", EAST)):
        rig.core.state.owners.confirm(known, node)
    rig.ask(peer, by_ids("a", "b"))
    nothing = EventPulledInteractions(errors={"a": Code.NOT_QUEUED})
    rig.answer(WEST, only(rig.sent(WEST)), nothing, flags=Flag.PARTIAL)
    rig.refuse(EAST, only(rig.sent(EAST)), Code.AGENT_NOT_LOGGED_IN)
    assert only(rig.got(peer)).error_code == Code.AGENT_NOT_LOGGED_IN


def test_ids_that_nobody_has_are_refused_by_a_node_for_its_own_reasons_come_first() -> None:
    rig = Rig()
    peer = rig.client()
    rig.ask(peer, by_ids("a", "b"))
    for _ in range(2):
        for node in (EAST, NORTH, WEST):
            rig.located(node, found=False)
    assert not rig.got(peer)
    frame = only(rig.sent(EAST))
    assert set(decode(frame).pull_parameters) == {"a", "b"}
    rig.refuse(EAST, frame, Code.AGENT_NOT_LOGGED_IN)
    assert only(rig.got(peer)).error_code == Code.AGENT_NOT_LOGGED_IN


def test_an_unknown_id_is_located_first_and_the_pull_goes_to_its_owner() -> None:
    rig = Rig()
    peer = rig.client()
    rig.ask(peer, by_ids("a"))
    for node in (EAST, NORTH, WEST):
        rig.located(node, found=node == NORTH)
    rig.answer(NORTH, only(rig.sent(NORTH)), gives("a"))
    assert only(rig.got(peer)).take_numbers == {"a": 1}


@pytest.mark.parametrize("count", [0, 501])
def test_too_few_or_too_many_ids_are_refused(count: int) -> None:
    rig = Rig()
    peer = rig.client()
    rig.ask(peer, by_ids(*(f"i{number}" for number in range(count))))
    assert only(rig.got(peer)).error_code in (Code.NOT_ACCESSIBLE, Code.LIMIT_REACHED)
    assert not any(rig.to_node.values())


def test_a_node_lost_while_other_owners_are_sought_is_not_asked() -> None:
    rig = Rig()
    peer = rig.client()
    rig.core.state.owners.confirm(b"a", EAST)
    rig.ask(peer, by_ids("a", "b"))
    rig.located(WEST, found=True)
    rig.lose(EAST)
    rig.located(NORTH, found=False)
    rig.answer(WEST, only(rig.sent(WEST)), gives("b"))
    answer = only(rig.got(peer))
    assert answer.take_numbers == {"b": 1}
    assert answer.errors == {"a": Code.NOT_ACCESSIBLE}


def test_a_node_that_leaves_the_cluster_while_other_owners_are_sought_is_not_asked() -> None:
    rig = Rig()
    peer = rig.client()
    rig.core.state.owners.confirm(b"a", EAST)
    rig.ask(peer, by_ids("a", "b"))
    nodes = {node: facts(node) for node in (NORTH, WEST)}
    changed = Deployment(rig.deployment.tenants, nodes)
    rig.core.configuration_changed(rig.core.state.settings, changed, rig.strategies, rig.now)
    rig.pump()
    rig.located(NORTH, found=False)
    rig.located(WEST, found=True)
    rig.answer(WEST, only(rig.sent(WEST)), gives("b"))
    assert only(rig.got(peer)).errors == {"a": Code.NOT_ACCESSIBLE}


def test_a_pull_cancelled_or_out_of_time_while_owners_are_sought_takes_nothing() -> None:
    rig = Rig()
    peer = rig.client()
    reference = rig.ask(peer, by_ids("a"))
    rig.raw(peer, write_frame(Kind.CANCEL, 0, reference=reference))
    for node in (EAST, NORTH, WEST):
        rig.located(node, found=node == EAST)
    assert only(rig.got(peer)).error_code == Code.CANCELLED
    rig.core.state.owners.forget(b"a")
    rig.ask(peer, by_ids("a", "b"), ttl=1000)
    rig.tick(1.0)
    assert only(rig.got(peer)).error_code == Code.EXPIRED
    assert all(isinstance(decode(frame), RequestLocate) for frame in rig.sent(EAST))


@pytest.mark.parametrize("errors", [{}, {"stranger": 7}])
def test_an_answer_with_nothing_in_it_is_an_empty_answer(errors: dict[str, int]) -> None:
    rig = Rig()
    peer = rig.client()
    rig.core.state.owners.confirm(b"a", EAST)
    rig.ask(peer, by_ids("a"))
    rig.answer(EAST, only(rig.sent(EAST)), EventPulledInteractions(errors=errors))
    assert only(rig.got(peer)) == EventPulledInteractions()


def test_attributes_that_this_version_does_not_know_pass_to_every_owner_and_back() -> None:
    rig = Rig()
    peer = rig.client()
    rig.core.state.owners.confirm(b"a", EAST)
    rig.core.state.owners.confirm(b"b", WEST)
    asked = encode_map({"PullParameters": {"a": 1, "b": 2}, "New": [1, 2]})
    name = BY_NAME["RequestPull"].code
    raw = write_frame(Kind.REQUEST, name, reference=5, tenant=1, queue=b"_system_", body=asked)
    rig.raw(peer, raw)
    for node, identifier, value in ((EAST, "a", 1), (WEST, "b", 2)):
        frame = only(rig.sent(node))
        assert decode_map(frame) == {"PullParameters": {identifier: value}, "New": [1, 2]}
        body = encode_map(
            {
                "Interactions": {identifier: {"k": 1.5}},
                "TakeNumbers": {identifier: 3},
                "Newer": node,
            }
        )
        answer = write_frame(Kind.REPLY, 1002, reference=frame.reference, body=body)
        rig.from_node(node, answer)
    united = decode_map(only(rig.got_frames(peer)))
    assert united["Interactions"] == {"a": {"k": 1.5}, "b": {"k": 1.5}}
    assert united["Newer"] == EAST


def test_where_one_node_has_all_its_frames_pass_as_they_are() -> None:
    rig = Rig()
    peer = rig.client()
    for identifier in (b"a", b"b"):
        rig.core.state.owners.confirm(identifier, EAST)
    reference = rig.ask(peer, by_ids("a", "b"))
    frame = only(rig.sent(EAST))
    assert readdress(frame.raw, 0, reference) == encode(by_ids("a", "b"), reference=reference)


def test_what_one_node_gave_too_late_goes_back_and_the_rest_stays() -> None:
    rig = Rig()
    peer = rig.client()
    rig.core.state.owners.confirm(b"a", EAST)
    rig.core.state.owners.confirm(b"b", WEST)
    rig.ask(peer, by_ids("a", "b"))
    late = only(rig.sent(EAST))
    rig.answer(WEST, only(rig.sent(WEST)), gives("b"))
    rig.tick(31.0)
    answer = only(rig.got(peer))
    assert answer.take_numbers == {"b": 1}
    assert answer.errors == {"a": Code.LOST_CONNECTION}
    rig.sent(EAST)
    rig.answer(EAST, late, gives("a"))
    back = decode(only(rig.sent(EAST)))
    assert back == RequestCancelTake(tenant_id=TENANT, interaction_id="a", take_number=1)
    assert not rig.got(peer)


def test_a_downstream_proxy_is_told_the_code_of_each_id_as_by_a_node() -> None:
    rig = Inner()
    for name in (b"a", b"b"):
        rig.core.state.owners.confirm(name, EAST)
    rig.ask(rig.edge, by_ids("a", "b"), client=rig.numbers_at_edge[0])
    errors = {"a": Code.LOCKED, "b": Code.NOT_QUEUED}
    rig.answer(EAST, only(rig.sent(EAST)), EventPulledInteractions(errors=errors))
    frame = only(rig.got_frames(rig.edge))
    assert (decode(frame).errors, frame.flags) == (errors, Flag.PARTIAL)


def test_a_nodes_own_refusal_passes_a_downstream_proxy_too() -> None:
    rig = Inner()
    rig.core.state.owners.confirm(b"a", EAST)
    rig.ask(rig.edge, by_ids("a"), client=rig.numbers_at_edge[0])
    rig.refuse(EAST, only(rig.sent(EAST)), Code.AGENT_NOT_LOGGED_IN)
    assert only(rig.got(rig.edge)).error_code == Code.AGENT_NOT_LOGGED_IN


@pytest.mark.parametrize("taken", [("a",), ()])
def test_a_partial_answer_of_an_upstream_proxy_stays_partial(taken: tuple[str, ...]) -> None:
    rig = Outer()
    peer = rig.client()
    rig.core.state.owners.confirm(b"a", UPSTREAM)
    rig.ask(peer, by_ids("a"))
    rig.answer(UPSTREAM, only(rig.sent(UPSTREAM)), gives(*taken), flags=Flag.PARTIAL)
    assert only(rig.got_frames(peer)).flags & Flag.PARTIAL


def revoke(rig: Rig, name: str) -> None:
    """What the node in the east gave its only client, it takes away again."""
    rig.from_node(EAST, encode(EventRevoked(interaction_id=name), client=1))


@pytest.mark.parametrize("revoked", [("a",), ("a", "b")])
def test_what_was_revoked_before_the_last_owner_answered_is_not_in_the_answer(
    revoked: tuple[str, ...],
) -> None:
    rig = Rig()
    peer = rig.client()
    for known, node in ((b"a", EAST), (b"b", EAST), (b"c", WEST)):
        rig.core.state.owners.confirm(known, node)
    rig.ask(peer, by_ids("a", "b", "c"))
    rig.answer(EAST, only(rig.sent(EAST)), gives("a", "b"))
    for name in revoked:
        revoke(rig, name)
    rig.answer(WEST, only(rig.sent(WEST)), gives("c"))
    *events, answer = rig.got_frames(peer)
    assert [frame.interaction for frame in events] == list(revoked)
    message = decode(answer)
    left = [name for name in ("a", "b", "c") if name not in revoked]
    assert list(message.take_numbers) == list(message.interactions) == left
    assert message.errors == dict.fromkeys(revoked, Code.NOT_A_PARTY)
    assert answer.flags & Flag.PARTIAL


def revoked_while_another_is_awaited() -> tuple[Rig, int]:
    """The pull by ids of a, which was taken and revoked, and c, of which nothing is known yet."""
    rig = Rig()
    peer = rig.client()
    for known, node in ((b"a", EAST), (b"c", WEST)):
        rig.core.state.owners.confirm(known, node)
    rig.ask(peer, by_ids("a", "c"))
    rig.answer(EAST, only(rig.sent(EAST)), gives("a"))
    revoke(rig, "a")
    assert isinstance(only(rig.got(peer)), EventRevoked)
    return rig, peer


def test_a_pull_of_which_all_was_revoked_took_nothing() -> None:
    rig, peer = revoked_while_another_is_awaited()
    errors = {"c": Code.LOCKED}
    rig.answer(WEST, only(rig.sent(WEST)), EventPulledInteractions(errors=errors))
    answer = only(rig.got(peer))
    assert (answer.error_code, answer.in_doubt) == (Code.NOT_A_PARTY, False)


def test_what_was_revoked_and_taken_anew_meanwhile_is_in_the_newer_answer_only() -> None:
    rig, peer = revoked_while_another_is_awaited()
    rig.ask(peer, by_ids("a"))
    newer = EventPulledInteractions(interactions={"a": {}}, take_numbers={"a": 9})
    rig.answer(EAST, only(rig.sent(EAST)), newer)
    rig.answer(WEST, only(rig.sent(WEST)), gives("c"))
    second, first = rig.got(peer)
    assert second.take_numbers == {"a": 9}
    assert first.take_numbers == {"c": 1}
    assert first.errors == {"a": Code.NOT_A_PARTY}
