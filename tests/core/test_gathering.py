"""Fan-outs: asked, answered, lost, merged."""

from __future__ import annotations

import pytest

from ixproxy.core.gathering import raw_attributes, same_id_twice
from ixproxy.errors import Code
from ixproxy.interfaces import Merged
from ixproxy.messages import (
    EventInteractionsFound,
    EventNodeLoad,
    EventWorkbinContent,
    EventWorkbinTypesInfo,
    RequestFindInteractions,
    RequestGetWorkbinContent,
    RequestWorkbinTypesInfo,
)
from ixproxy.strategies import merge_first_found, merge_partial, merge_union
from ixproxy.values import NodeName
from ixproxy.wire.codec import encode
from ixproxy.wire.names import BY_MESSAGE, Kind
from ixproxy.wire.prefix import Flag, read_frame, write_frame
from tests.core.chained import UPSTREAM, Outer
from tests.core.rig import EAST, NORTH, TENANT, WEST, Rig, decode, facts, only


def find(media_type: str = "") -> RequestFindInteractions:
    return RequestFindInteractions(tenant_id=TENANT, media_type=media_type, condition="state = 0")


def found(*identifiers: str, more: bool = False) -> EventInteractionsFound:
    return EventInteractionsFound(
        interactions={name: {"Name": name} for name in identifiers}, have_more=more
    )


def test_answers_of_all_nodes_are_one_and_limits_multiply() -> None:
    """Idea 20: union of a find's answers, limit times nodes; more-flag right."""
    rig = Rig()
    peer = rig.client()
    rig.ask(peer, find())
    for number, node in enumerate((EAST, NORTH, WEST)):
        frame = only(rig.sent(node))
        rig.answer(node, frame, found(f"{number}a", f"{number}b", more=node == NORTH))
    frame = only(rig.got_frames(peer))
    assert not frame.flags & Flag.PARTIAL
    rig.to_peer[peer].append(frame)
    answer = only(rig.got(peer))
    assert list(answer.interactions) == ["0a", "0b", "1a", "1b", "2a", "2b"]
    assert answer.have_more


@pytest.mark.parametrize("more", [(), (EAST,), (NORTH, WEST)])
def test_content_of_a_workbin_is_one_list_and_there_is_more_if_any_node_has_more(
    more: tuple[NodeName, ...],
) -> None:
    """Idea 20: merge of workbin content: union, no duplicates; more-flag right."""
    rig = Rig()
    peer = rig.client()
    rig.ask(peer, RequestGetWorkbinContent(tenant_id=TENANT))
    for node in (WEST, EAST, NORTH):
        content = EventWorkbinContent(interactions={f"{node}-1": {}}, have_more=node in more)
        rig.answer(node, only(rig.sent(node)), content)
    answer = only(rig.got(peer))
    assert list(answer.interactions) == ["east-1", "north-1", "west-1"]
    assert answer.have_more is bool(more)


def test_the_same_id_twice_is_more_than_one() -> None:
    """Idea 20: no duplicates."""
    rig = Rig()
    peer = rig.client()
    rig.ask(peer, find())
    for node in (EAST, NORTH, WEST):
        rig.answer(node, only(rig.sent(node)), found("same"))
    assert only(rig.got(peer)).error_code == Code.MORE_THAN_ONE


def test_a_node_known_to_be_down_makes_the_answer_partial_and_one_lost_later_an_error() -> None:
    rig = Rig()
    peer = rig.client()
    rig.lose(WEST)
    rig.ask(peer, find())
    for node in (EAST, NORTH):
        rig.answer(node, only(rig.sent(node)), found(node))
    frame = only(rig.got_frames(peer))
    assert frame.flags & Flag.PARTIAL
    rig.ask(peer, find())
    rig.answer(EAST, only(rig.sent(EAST)), found("x"))
    rig.lose(NORTH)
    assert only(rig.got(peer)).error_code == Code.LOST_CONNECTION


@pytest.mark.parametrize(
    ("on_loss", "answer"),
    [("continue", 0), ("report", Code.LOST_CONNECTION), ("stop", Code.LOST_CONNECTION)],
)
def test_when_time_is_up_with_some_answers_in_hand_the_policy_decides(
    on_loss: str, answer: int
) -> None:
    """Idea 21: one node silent: continue, report or stop; the deadline comes with partial data."""
    rig = Rig(merge=merge_union.make({"on-loss": on_loss}))
    peer = rig.client()
    rig.ask(peer, find())
    for node in (EAST, NORTH):
        rig.answer(node, only(rig.sent(node)), found(node))
    rig.tick(29.0)
    assert rig.got(peer) == []
    rig.tick(2.0)
    frame = only(rig.got_frames(peer))
    if not answer:
        assert frame.flags & Flag.PARTIAL
        assert list(decode(frame).interactions) == [EAST, NORTH]
    else:
        assert decode(frame).error_code == answer
    rig.answer(WEST, only(rig.sent(WEST)[:1]), found("late"))
    assert rig.got(peer) == []


@pytest.mark.parametrize("on_loss", ["continue", "report", "stop"])
def test_when_one_node_is_lost_only_stop_answers_before_the_others_have(on_loss: str) -> None:
    """Idea 21: a node drops instead of being silent."""
    rig = Rig(merge=merge_union.make({"on-loss": on_loss}))
    peer = rig.client()
    rig.ask(peer, find())
    rig.lose(WEST)
    assert len(rig.got(peer)) == (on_loss == "stop")


def test_by_policy_a_silent_node_leaves_a_partial_answer() -> None:
    rig = Rig(merge=merge_partial.make({}))
    peer = rig.client()
    rig.ask(peer, find())
    rig.answer(EAST, only(rig.sent(EAST)), found("x"))
    rig.tick(31.0)
    frame = only(rig.got_frames(peer))
    assert frame.flags & Flag.PARTIAL


def test_by_policy_the_first_that_finds_something_is_the_whole_answer() -> None:
    rig = Rig(merge=merge_first_found.make({}))
    peer = rig.client()
    rig.ask(peer, find())
    frames = {node: only(rig.sent(node)) for node in (EAST, NORTH, WEST)}
    rig.answer(EAST, frames[EAST], found())
    assert rig.got_frames(peer) == []
    rig.answer(WEST, frames[WEST], found("w"))
    frame = only(rig.got_frames(peer))
    assert not frame.flags & Flag.PARTIAL
    rig.answer(NORTH, frames[NORTH], found("late"))
    assert rig.got_frames(peer) == []


def test_a_nodes_error_passes_unchanged() -> None:
    rig = Rig()
    peer = rig.client()
    rig.ask(peer, find())
    for node in (EAST, NORTH, WEST):
        rig.refuse(node, only(rig.sent(node)), Code.INVALID_CONDITION)
    assert only(rig.got(peer)).error_code == Code.INVALID_CONDITION


def test_a_media_type_is_sought_where_it_is_taken_or_reported() -> None:
    rig = Rig([facts(EAST, media_types=frozenset({"chat"})), facts(NORTH), facts(WEST)])
    peer = rig.client()
    rig.ask(peer, find("email"))
    assert not rig.sent(EAST)
    assert len(rig.sent(NORTH)) == len(rig.sent(WEST)) == 1
    rig.from_node(EAST, encode(EventNodeLoad(media_types={TENANT: ["email"]})))
    rig.ask(peer, find("email"))
    assert len(rig.sent(EAST)) == 1


def test_equal_workbin_types_of_all_nodes_are_one() -> None:
    rig = Rig()
    peer = rig.client()
    rig.ask(peer, RequestWorkbinTypesInfo(tenant_id=TENANT))
    for node in (EAST, NORTH, WEST):
        rig.answer(node, only(rig.sent(node)), EventWorkbinTypesInfo(workbin_types={"Drafts": {}}))
    assert only(rig.got(peer)).workbin_types == {"Drafts": {}}


def test_nobody_to_ask_is_not_accessible() -> None:
    rig = Rig(link=False)
    peer = rig.client()
    rig.ask(peer, find())
    assert only(rig.got(peer)).error_code == Code.NOT_ACCESSIBLE


def test_a_parted_answer_counts_as_one() -> None:
    rig = Rig()
    peer = rig.client()
    rig.ask(peer, find())
    for node in (EAST, NORTH, WEST):
        frame = only(rig.sent(node))
        rig.answer(node, frame, found(f"{node}1"), flags=Flag.MORE)
        rig.answer(node, frame, found(f"{node}2"))
    assert len(only(rig.got(peer)).interactions) == 6


def test_values_stay_undecoded() -> None:
    body = read_frame(encode(found("a"))).body
    attributes = raw_attributes(body)
    assert bytes(attributes["Interactions"]) in body
    assert same_id_twice([attributes, attributes])
    assert not same_id_twice([attributes, {}])


@pytest.mark.parametrize("said", [None, "union", Merged(nodes=[4])])  # type: ignore[list-item]
def test_a_policy_that_answers_with_something_else_costs_one_request_only(said: object) -> None:
    class Broken:
        def settled(self, gathered: object) -> bool:
            return True

        def merge(self, gathered: object) -> object:
            return said

    rig = Rig(merge=Broken())
    peer = rig.client()
    rig.ask(peer, find())
    rig.answer(EAST, only(rig.sent(EAST)), found("x"))
    assert only(rig.got(peer)).error_code == Code.STRATEGY_FAILED
    for node in (NORTH, WEST):
        rig.answer(node, only(rig.sent(node)), found("x"))
    assert not rig.got(peer)


def test_a_list_that_is_none_is_its_nodes_fault_and_not_the_clients() -> None:
    rig = Rig()
    peer = rig.client()
    rig.ask(peer, find())
    frames = {node: only(rig.sent(node)) for node in (EAST, NORTH, WEST)}
    rig.answer(NORTH, frames[NORTH], found("n"))
    name, body = BY_MESSAGE[EventInteractionsFound].code, b"\x81\xacInteractions\x05"
    reference = frames[EAST].reference
    rig.from_node(EAST, write_frame(Kind.REPLY, name, reference=reference, body=body))
    assert not rig.core.link(EAST).linked
    rig.answer(WEST, frames[WEST], found("w"))
    assert only(rig.got(peer)).error_code == Code.LOST_CONNECTION


def test_what_an_upstream_proxy_flags_as_partial_stays_partial() -> None:
    for answered in (True, False):
        rig = Outer()
        peer = rig.client()
        rig.ask(peer, find())
        frame = only(rig.sent(UPSTREAM))
        rig.answer(UPSTREAM, frame, found("a"), flags=Flag.PARTIAL if answered else 0)
        assert bool(only(rig.got_frames(peer)).flags & Flag.PARTIAL) is answered


def test_an_upstream_proxy_is_asked_whatever_the_media_type() -> None:
    """Its nodes say to it, and not to this proxy, which media types they hold."""
    rig = Outer()
    peer = rig.client()
    rig.ask(peer, find("chat"))
    assert only(rig.sent(UPSTREAM)).media == "chat"
