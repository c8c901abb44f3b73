"""What becomes of each request, whatever each node does: every combination, from one table."""

from __future__ import annotations

from enum import Enum
from itertools import product

import pytest

from ixproxy.errors import Code, in_doubt
from ixproxy.messages import (
    EventAck,
    EventError,
    EventInteractionMoved,
    EventSnapshotInteractions,
    EventSnapshotTaken,
)
from ixproxy.messages.message import Message
from ixproxy.values import NodeName
from ixproxy.wire.codec import decode
from ixproxy.wire.prefix import Flag
from tests.core.rig import EAST
from tests.core.snapshot_world import TAKE, World, lock, move, page, release

REFUSAL = Code.STORE_FAILED


class Does(Enum):
    """What a node does with what it is asked."""

    ANSWERS = "a"
    REFUSES = "r"
    SILENT = "s"
    """It answers when the time is up."""
    LOST = "l"
    """It does what it was asked, and its link breaks before it has said so."""
    AWAY = "w"
    """It switches over, and is asked nothing."""


Doing = tuple[Does, ...]


@pytest.fixture(params=[1, 2, 3, 4], ids="{} nodes".format)
def doings(request: pytest.FixtureRequest) -> list[Doing]:
    """Everything that so many nodes may do."""
    return list(product(Does, repeat=request.param))


def name(doing: Doing) -> str:
    """For messages of failures."""
    return " ".join(each.name for each in doing)


def play(world: World, peer: int, message: Message, doing: Doing) -> tuple[Message, bool]:
    """A client asks; each node does its part; the answer, and whether it is partial."""
    does = dict(zip(world.nodes, doing, strict=True))
    for node, what in does.items():
        if what is Does.AWAY:
            world.lose(node)
    world.ask(peer, message)
    for node, what in does.items():
        if what is Does.REFUSES:
            world.refusing[node] = REFUSAL
        if what in (Does.ANSWERS, Does.REFUSES):
            world.work(node)
        elif what is Does.LOST:
            unheard, world.to_node[node] = world.to_node[node], []
            for frame in unheard:
                world.done(node, frame)
            world.lose(node)
    world.refusing.clear()
    world.tick(31.0)
    [frame] = world.got_frames(peer)
    return decode(frame), bool(frame.flags & Flag.PARTIAL)


def heal(world: World, doing: Doing) -> None:
    """All nodes come back, and answer what they were asked."""
    for node, what in zip(world.nodes, doing, strict=True):
        if what in (Does.LOST, Does.AWAY):
            world.link(node)
    for _ in range(3):
        world.work()
        world.tick(1.0)


def expected_of_all(doing: Doing) -> int:
    """The code, or 0, where all parts are asked."""
    if Does.AWAY in doing:
        return Code.SNAPSHOT_NOT_ACCESSIBLE
    if Does.SILENT in doing or Does.LOST in doing:
        return Code.LOST_CONNECTION
    return REFUSAL if Does.REFUSES in doing else 0


def sized(doing: Doing) -> World:
    return World(*range(2, 2 + len(doing)))


def test_a_take_is_on_all_nodes_that_were_asked_or_on_none(doings: list[Doing]) -> None:
    """Idea 23, the take; and idea 21: one node silent, or lost, or away."""
    for doing in doings:
        world = sized(doing)
        peer = world.client()
        answer, partial = play(world, peer, TAKE, doing)
        asked = [each for each in doing if each is not Does.AWAY]
        if not asked:
            code = Code.NOT_ACCESSIBLE
        elif Does.REFUSES in asked:
            code = REFUSAL
        else:
            code = Code.LOST_CONNECTION if {Does.SILENT, Does.LOST} & set(asked) else 0
        if code:
            assert isinstance(answer, EventError)
            assert answer.error_code == code
            heal(world, doing)
            world.at_rest()
            continue
        assert isinstance(answer, EventSnapshotTaken)
        assert partial is (Does.AWAY in doing)
        have = [node for node, what in zip(world.nodes, doing, strict=True) if what is Does.ANSWERS]
        assert answer.number_of_interactions == sum(world.sizes[node] for node in have)
        heal(world, doing)
        assert list(world.left_over()) == have
        read = world.asked(peer, page(answer.snapshot_id))
        assert list(read.interactions) == ids(world, have)


def ids(world: World, nodes: list[NodeName] | tuple[NodeName, ...]) -> list[str]:
    return [each for node in sorted(nodes) for each in world.members(node)]


def test_a_page_is_whole_or_an_error_and_the_snapshot_stays(doings: list[Doing]) -> None:
    for doing in doings:
        world = sized(doing)
        peer = world.client()
        identifier = world.taken(peer)
        answer, partial = play(world, peer, page(identifier), doing)
        code = expected_of_all(doing)
        if code:
            assert isinstance(answer, EventError)
            assert (answer.error_code, answer.in_doubt) == (code, code == Code.LOST_CONNECTION)
        else:
            assert isinstance(answer, EventSnapshotInteractions)
            assert list(answer.interactions) == ids(world, world.nodes)
            assert not partial
        heal(world, doing)
        again = world.asked(peer, page(identifier))
        assert list(again.interactions) == ids(world, world.nodes)
        assert isinstance(world.asked(peer, release(identifier)), EventAck)
        world.at_rest()


def test_a_move_adds_up_or_says_whether_something_may_have_been_moved(doings: list[Doing]) -> None:
    for doing in doings:
        world = sized(doing)
        peer = world.client()
        identifier = world.taken(peer)
        answer, _ = play(world, peer, move(identifier), doing)
        code = expected_of_all(doing)
        if code:
            assert isinstance(answer, EventError)
            some_did = code == REFUSAL and Does.ANSWERS in doing
            assert answer.error_code == code
            assert answer.in_doubt is (
                some_did or code == Code.LOST_CONNECTION or (code == REFUSAL and in_doubt(REFUSAL))
            )
        else:
            assert isinstance(answer, EventInteractionMoved)
            assert answer.number_of_interactions == sum(world.sizes.values())
        heal(world, doing)
        assert isinstance(world.asked(peer, release(identifier)), EventAck)
        world.at_rest()


def test_a_lock_goes_to_the_owner_if_all_parts_are_there(doings: list[Doing]) -> None:
    """Idea 23: lock of ids on several nodes; the owner is the first one, others are as they are."""
    for doing in doings:
        others = doing[1:]
        if set(others) - {Does.ANSWERS, Does.AWAY}:
            # They are not asked.
            continue
        world = sized(doing)
        peer = world.client()
        identifier = world.taken(peer)
        world.core.state.owners.confirm(b"east-1", EAST)
        answer, _ = play(world, peer, lock(identifier, "east-1"), doing)
        code = expected_of_all(doing)
        if code:
            assert isinstance(answer, EventError)
            assert answer.error_code == code
        else:
            assert isinstance(answer, EventAck)
            assert answer.interaction_id == "east-1"
        heal(world, doing)
        assert isinstance(world.asked(peer, release(identifier)), EventAck)
        world.at_rest()


def test_a_release_is_always_done_and_leaves_nothing(doings: list[Doing]) -> None:
    """Idea 23: release releases all, now or when a node is back."""
    for doing in doings:
        world = sized(doing)
        peer = world.client()
        identifier = world.taken(peer)
        answer, _ = play(world, peer, release(identifier), doing)
        assert answer == EventAck()
        assert world.asked(peer, page(identifier)).error_code == Code.SNAPSHOT_NOT_ACCESSIBLE
        heal(world, doing)
        world.at_rest()
