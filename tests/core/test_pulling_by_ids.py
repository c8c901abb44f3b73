"""Pulls by ids: split by owner, the answers united."""

from __future__ import annotations

import pytest

from ixproxy.errors import Code
from ixproxy.messages import EventError, EventPulledInteractions
from ixproxy.wire.prefix import Flag
from tests.core.rig import EAST, NORTH, WEST, Rig, decode, only
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
