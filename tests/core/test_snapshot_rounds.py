"""One request, answered by its parts together: which answer counts."""

from __future__ import annotations

import pytest

from ixproxy.core.snapshot_rounds import Spoken, page_of
from ixproxy.core.snapshots import Part, Slice
from ixproxy.errors import Code
from ixproxy.messages import EventSnapshotInteractions
from ixproxy.wire.codec import encode
from ixproxy.wire.prefix import read_frame
from tests.core.rig import EAST, NORTH, WEST, only
from tests.core.snapshot_world import World, move, page

A, B = Part(EAST, 1, 3), Part(WEST, 2, 3)


def said(*ids: str, left: tuple[str, ...] = ()) -> Spoken:
    """A part's answer."""
    answer = EventSnapshotInteractions(
        interactions={each: {} for each in ids}, errors=dict.fromkeys(left, 1)
    )
    frame = read_frame(encode(answer))
    return Spoken(frame, frame.body)


@pytest.mark.parametrize(
    ("answers", "used", "cut_short"),
    [
        ([said("a", "b", "c"), said("d")], 2, False),
        ([said("a", "b", left=("c",)), said("d")], 2, False),
        ([said("a", "b"), said("d")], 1, True),
        ([said(), said("d")], 1, True),
        ([said("a", "b", "c"), said()], 2, True),
    ],
)
def test_a_page_ends_where_a_part_gave_less_than_it_was_asked_for(
    answers: list[Spoken], used: int, cut_short: bool
) -> None:
    found = page_of(answers, [Slice(A, 0, 3), Slice(B, 0, 1)])
    assert found == (answers[:used], cut_short)


def test_the_first_refusal_is_passed_on_as_it_is() -> None:
    world = World(1, 1, 1)
    peer = world.client()
    identifier = world.taken(peer)
    world.refusing = {WEST: Code.STORE_FAILED, NORTH: Code.BUSY}
    world.ask(peer, page(identifier))
    world.work(WEST)
    world.work()
    assert only(world.got(peer)).error_code == Code.STORE_FAILED


def test_a_refusal_says_that_others_did_it_and_keeps_its_words() -> None:
    world = World(1, 1)
    peer = world.client()
    identifier = world.taken(peer)
    world.refusing = {NORTH: Code.UNKNOWN_QUEUE}
    answer = world.asked(peer, move(identifier))
    assert (answer.error_code, answer.in_doubt) == (Code.UNKNOWN_QUEUE, True)
    assert answer.error_description == "Unknown queue"
    world.refusing = dict.fromkeys(world.nodes, Code.UNKNOWN_QUEUE)
    answer = world.asked(peer, move(identifier))
    assert (answer.error_code, answer.in_doubt) == (Code.UNKNOWN_QUEUE, False)


def test_a_part_that_is_gone_decides_whatever_others_say() -> None:
    world = World(1, 1, 1)
    peer = world.client()
    identifier = world.taken(peer)
    world.refusing = {WEST: Code.UNKNOWN_SNAPSHOT, NORTH: Code.BUSY}
    assert world.asked(peer, page(identifier)).error_code == Code.SNAPSHOT_NOT_ACCESSIBLE
    world.refusing = {}
    world.snapshots[WEST].clear()
    world.work()
    world.at_rest()


def test_a_part_that_is_lost_while_another_is_awaited_is_in_doubt_when_that_has_answered() -> None:
    world = World(1, 1)
    peer = world.client()
    identifier = world.taken(peer)
    world.ask(peer, move(identifier))
    world.lose(EAST)
    assert not world.got(peer)
    world.work(NORTH)
    answer = only(world.got(peer))
    assert (answer.error_code, answer.in_doubt) == (Code.LOST_CONNECTION, True)
