"""Snapshots through the proxy: what clients ask, and what ends them."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from ixproxy.errors import Code
from ixproxy.messages import (
    EventAck,
    EventInteractionMoved,
    EventSnapshotInteractions,
    EventSnapshotTaken,
    RequestStopInteractions,
)
from ixproxy.wire.codec import decode_map, encode, encode_map
from ixproxy.wire.names import BY_NAME, Kind
from ixproxy.wire.prefix import Flag, read_frame, write_frame
from tests.core.rig import EAST, NORTH, TENANT, decode, only
from tests.core.snapshot_world import TAKE, World, move, page, release


def test_a_snapshot_across_nodes_is_one_for_its_client_from_take_to_release() -> None:
    """Idea 23: counts of all nodes, pages across them, release releases all."""
    world = World(3, 0, 2)
    peer = world.client()
    taken = world.asked(peer, TAKE)
    assert taken.number_of_interactions == 5
    first = world.asked(peer, page(taken.snapshot_id, 0, 4))
    assert list(first.interactions) == ["east-0", "east-1", "east-2", "west-0"]
    assert first.have_more
    rest = world.asked(peer, page(taken.snapshot_id, 4, 4))
    assert list(rest.interactions) == ["west-1"]
    assert not rest.have_more
    assert world.asked(peer, release(taken.snapshot_id)) == EventAck()
    world.at_rest()


def test_each_node_has_its_own_limit_and_the_request_reaches_it_unchanged() -> None:
    """Idea 23: limit per node. CheckInteractionsState and what is not known here pass."""
    world = World(3, 2)
    peer = world.client()
    body = encode_map(
        {"Condition": "a > 1", "CheckInteractionsState": True, "NumberOfInteractions": 2, "New": 1}
    )
    code = BY_NAME["RequestTakeSnapshot"].code
    world.raw(peer, write_frame(Kind.REQUEST, code, reference=5, tenant=TENANT, body=body))
    for node in world.nodes:
        assert only(world.to_node[node]).body == body


def test_attributes_that_this_version_does_not_know_pass_to_every_part_and_back() -> None:
    world = World(1, 1)
    peer = world.client()
    identifier = world.taken(peer)
    body = encode_map({"SnapshotId": identifier, "New": [1]})
    code = BY_NAME["RequestStopInteractions"].code
    world.raw(peer, write_frame(Kind.REQUEST, code, reference=50, tenant=TENANT, body=body))
    for node in world.nodes:
        frame = only(world.sent(node))
        assert decode_map(frame) == {"SnapshotId": only(list(world.snapshots[node])), "New": [1]}
        answer = encode_map({"NumberOfInteractions": 1, "Newer": node})
        moved = BY_NAME["EventInteractionMoved"].code
        raw = write_frame(Kind.REPLY, moved, reference=frame.reference, body=answer)
        world.from_node(node, raw)
    assert decode_map(only(world.got_frames(peer))) == {"NumberOfInteractions": 2, "Newer": EAST}


def test_move_and_stop_add_up_and_name_what_was_not_there() -> None:
    world = World(3, 2)
    peer = world.client()
    identifier = world.taken(peer)
    world.gone[NORTH] = {"north-1"}
    stop = RequestStopInteractions(tenant_id=TENANT, snapshot_id=identifier)
    for message in (move(identifier), stop):
        assert world.asked(peer, message) == EventInteractionMoved(
            number_of_interactions=4, errors={"north-1": Code.UNKNOWN_INTERACTION}
        )


def test_a_page_covers_its_positions_whoever_has_left() -> None:
    world = World(2, 2)
    peer = world.client()
    identifier = world.taken(peer)
    world.gone[EAST] = {"east-1"}
    answer = world.asked(peer, page(identifier, 1, 2))
    assert list(answer.interactions) == ["north-0"]
    assert answer.errors == {"east-1": Code.UNKNOWN_INTERACTION}
    assert answer.have_more


@pytest.mark.parametrize(("start", "number"), [(4, 1), (5, 0), (1000, 10)])
def test_a_page_behind_the_last_position_is_empty(start: int, number: int) -> None:
    world = World(2, 2)
    peer = world.client()
    assert world.asked(peer, page(world.taken(peer), start, number)) == EventSnapshotInteractions()


@given(
    sizes=st.lists(st.integers(0, 4), min_size=1, max_size=4),
    number=st.integers(0, 9),
    shortest=st.integers(1, 3),
)
def test_where_a_node_gives_less_than_a_page_the_next_goes_on_from_there(
    sizes: list[int], number: int, shortest: int
) -> None:
    world = World(*sizes)
    peer = world.client()
    identifier = world.taken(peer)
    world.shortest = dict.fromkeys(world.nodes, shortest)
    seen: list[str] = []
    more = True
    while more:
        answer = world.asked(peer, page(identifier, len(seen), number))
        seen += answer.interactions
        more = answer.have_more
        assert answer.interactions or not more
    assert seen == [each for node in sorted(world.nodes) for each in world.members(node)]


def test_one_id_on_two_nodes_in_one_page_is_2005() -> None:
    world = World(1, 1)
    peer = world.client()
    identifier = world.taken(peer)
    for mine in world.snapshots.values():
        mine.update((each, ["twin"]) for each in list(mine))
    assert world.asked(peer, page(identifier)).error_code == Code.MORE_THAN_ONE


def test_a_node_that_is_away_makes_the_take_partial_and_no_page() -> None:
    world = World(1, 1)
    peer = world.client()
    world.lose(EAST)
    world.ask(peer, TAKE)
    world.work()
    [taken] = world.got_frames(peer)
    assert taken.flags & Flag.PARTIAL
    world.link(EAST)
    world.ask(peer, page(decode(taken).snapshot_id))
    world.work()
    [read] = world.got_frames(peer)
    assert not read.flags & Flag.PARTIAL
    assert list(decode(read).interactions) == ["north-0"]


def test_what_a_node_flags_partial_stays_so() -> None:
    world = World(1, 1)
    peer = world.client()
    world.flags = Flag.PARTIAL
    for message in (TAKE, page(1)):
        world.ask(peer, message)
        world.work()
        assert only(world.got_frames(peer)).flags & Flag.PARTIAL


def test_who_does_not_have_a_snapshot_is_told_2006_and_no_node_is_asked() -> None:
    """Idea 26: one client's number is nothing to another, nor in another tenant."""
    tenants = World(1).deployment.tenants
    world = World(1, tenants={**tenants, 2: replace(tenants[TENANT], id=2, name="Other")})
    anna, bert = world.client(), world.client()
    identifier = world.taken(anna)
    other = structs.replace(page(identifier), tenant_id=2)
    for peer, message in ((bert, page(identifier)), (anna, page(identifier + 1)), (anna, other)):
        world.ask(peer, message)
        assert only(world.got(peer)).error_code == Code.SNAPSHOT_NOT_ACCESSIBLE
    assert not world.to_node[EAST]


def test_two_clients_whose_snapshots_have_one_number_on_different_nodes_do_not_mix() -> None:
    """Idea 26: the nodes gave the same number; each client reads what it took."""
    world = World(2, 2)
    anna, bert = world.client(), world.client()
    world.lose(NORTH)
    hers = world.taken(anna)
    world.link(NORTH)
    world.lose(EAST)
    world.last = 6
    his = world.taken(bert)
    world.link(EAST)
    assert list(world.snapshots[EAST]) == list(world.snapshots[NORTH]) == [7]
    assert hers != his
    assert set(world.asked(anna, page(hers)).interactions) == {"east-0", "east-1"}
    assert set(world.asked(bert, page(his)).interactions) == {"north-0", "north-1"}
    assert world.asked(anna, release(hers)) == EventAck()
    assert list(world.left_over()) == [NORTH]


def test_a_proxy_that_is_started_again_does_not_know_an_id_of_before() -> None:
    """What a restart loses is 2006: ids begin elsewhere."""
    before, after = World(1, first_snapshot=1), World(1, first_snapshot=1_000)
    identifier = before.taken(before.client())
    peer = after.client()
    assert after.taken(peer) != identifier
    assert after.asked(peer, page(identifier)).error_code == Code.SNAPSHOT_NOT_ACCESSIBLE


def test_a_release_is_never_refused_as_busy() -> None:
    """Idea 23, under load: by the client's limit, the node's, and a full link."""
    world = World(1, max_pending_per_client=1, max_pending_per_node=1)
    peer = world.client()
    identifier = world.taken(peer)
    world.ask(peer, page(identifier))
    world.core.link(EAST).full = True
    world.ask(peer, release(identifier))
    world.work()
    assert [type(each) for each in world.got(peer)] == [EventSnapshotInteractions, EventAck]
    world.core.link(EAST).full = False
    world.at_rest()


def test_a_busy_node_refuses_a_page_and_nothing_else_is_asked() -> None:
    world = World(1, 1)
    peer = world.client()
    identifier = world.taken(peer)
    world.core.link(NORTH).full = True
    world.ask(peer, page(identifier))
    assert only(world.got(peer)).error_code == Code.BUSY
    assert not world.to_node[EAST]
    assert len(world.asked(peer, page(identifier, 0, 1)).interactions) == 1


def test_a_page_longer_than_the_clients_frames_comes_in_parts() -> None:
    world = World(300, 300, min_peer_frame=100)
    peer = world.client(max_frame=4000)
    identifier = world.taken(peer)
    world.ask(peer, page(identifier))
    world.work()
    frames = world.got_frames(peer)
    assert len(frames) > 2
    assert all(len(frame.raw) - 4 <= 4000 for frame in frames)
    assert [bool(frame.flags & Flag.MORE) for frame in frames] == [True] * (len(frames) - 1) + [
        False
    ]
    seen = [each for frame in frames for each in decode(frame).interactions]
    assert seen == [each for node in world.nodes for each in world.members(node)]


def test_a_page_that_a_node_gives_in_parts_is_one() -> None:
    world = World(2, 1)
    peer = world.client()
    identifier = world.taken(peer)
    world.ask(peer, page(identifier))
    frame = only(world.sent(EAST))
    for number, more in ((0, Flag.MORE), (1, Flag(0))):
        part = EventSnapshotInteractions(interactions={f"east-{number}": {}})
        world.answer(EAST, frame, part, flags=more)
    world.work(NORTH)
    assert list(only(world.got(peer)).interactions) == ["east-0", "east-1", "north-0"]


def test_what_pages_keep_is_bounded() -> None:
    world = World(50, 50, max_gathered=400)
    peer = world.client()
    identifier = world.taken(peer)
    assert world.asked(peer, page(identifier)).error_code == Code.LIMIT_REACHED
    assert world.asked(peer, page(identifier, 0, 1)).interactions
    world.asked(peer, release(identifier))
    world.at_rest()


def test_pages_and_takes_are_fan_outs_and_bounded_as_such() -> None:
    world = World(1, max_fan_outs=4)
    peer = world.client()
    identifier = world.taken(peer)
    for message in (TAKE, page(identifier)):
        world.ask(peer, page(identifier))
        world.ask(peer, message)
        assert only(world.got(peer)).error_code == Code.BUSY
        world.work()
        world.got(peer)


def test_a_client_that_leaves_while_it_reads_leaves_nothing() -> None:
    world = World(1, 1)
    peer = world.client()
    identifier = world.taken(peer)
    world.ask(peer, page(identifier))
    world.hang_up(peer)
    world.work()
    world.at_rest()


def test_an_answer_that_makes_no_sense_costs_its_node_the_link_and_is_2002() -> None:
    world = World(1, 1)
    peer = world.client()
    identifier = world.taken(peer)
    world.ask(peer, page(identifier))
    frame = only(world.sent(EAST))
    code = BY_NAME["EventSnapshotInteractions"].code
    body = encode_map({"Interactions": 5})
    raw = write_frame(Kind.REPLY, code, reference=frame.reference, body=body)
    world.from_node(EAST, raw)
    world.work(NORTH)
    assert only(world.got(peer)).error_code == Code.LOST_CONNECTION
    assert not world.core.link(EAST).linked


def test_bad_values_are_named() -> None:
    world = World(1)
    peer = world.client()
    code = BY_NAME["RequestGetSnapshotInteractions"].code
    body = encode_map({"SnapshotId": -1})
    world.raw(peer, write_frame(Kind.REQUEST, code, reference=5, tenant=TENANT, body=body))
    assert only(world.got(peer)).error_code == Code.BAD_ATTRIBUTE


def test_a_request_that_wants_no_reply_is_done_all_the_same() -> None:
    world = World(1)
    peer = world.client()
    identifier = world.taken(peer)
    world.ask(peer, release(identifier), flags=Flag.NO_REPLY)
    world.work()
    assert not world.got(peer)
    world.at_rest()


def test_every_release_that_the_proxy_makes_says_why_where_that_is_wanted() -> None:
    """Idea 62, for snapshots."""
    world = World(1, 1, mark_internal_requests=True)
    peer = world.client()
    identifier = world.taken(peer)
    world.ask(peer, release(identifier))
    assert not decode(only(world.sent(EAST))).extension
    world.taken(peer)
    world.hang_up(peer)
    asked = next(decode(frame) for frame in world.sent(EAST) if frame.kind == Kind.REQUEST)
    assert asked.extension == {"InternalRequestReason": "release-snapshot"}


def test_answers_have_the_clients_own_reference() -> None:
    world = World(1, 1)
    peer = world.client()
    raw = encode(TAKE, reference=0xFFFF_FFFF)
    world.raw(peer, raw)
    world.work()
    [frame] = world.got_frames(peer)
    assert (frame.reference, read_frame(raw).reference) == (0xFFFF_FFFF, 0xFFFF_FFFF)
    assert isinstance(decode(frame), EventSnapshotTaken)
