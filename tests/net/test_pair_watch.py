"""The other server of a linked node's pair is asked, and the link moves when it must."""

from __future__ import annotations

import pytest
from twisted.internet.task import Clock
from twisted.logger import capturedLogs, formatEvent

from ixproxy.messages import ServerFacts
from ixproxy.net.pair_watch import PairWatch
from ixproxy.net.probing import INTERVAL, PATIENCE
from ixproxy.net.turn import TurnEnd
from tests.core.rig import EAST, Rig
from tests.net.scripted_servers import ScriptedServer, node


class Watched:
    """A link to a server with lease 5, and the other server of its pair."""

    def __init__(self, other: ScriptedServer) -> None:
        self.clock = Clock()
        self.other = other
        self.moves: list[str] = []
        core = Rig().core
        self.link = core.link(EAST)
        self.link.server = ServerFacts(name="east", role="node", dbid=101, epoch=5)
        self.watch = PairWatch(
            self.clock, TurnEnd(self.clock), core.state, lambda: other, self.moves.append
        )
        self.watch.start(self.link)

    def asked(self, times: int = 1) -> None:
        """Time for so many questions, each answered."""
        for _ in range(times):
            self.clock.advance(INTERVAL)
            self.clock.advance(0)
            self.other.answer()


def test_a_newer_lease_moves_the_link_once() -> None:
    """Test idea 51: both servers of a pair claim to be primary."""
    watched = Watched(node("east-b", 6))
    watched.asked()
    assert watched.moves == ["its lease 6 is newer than 5"]
    assert not watched.clock.getDelayedCalls(), "until the link is there again"


@pytest.mark.parametrize("epoch", [4, 5])
def test_an_older_or_equal_lease_changes_nothing_and_is_asked_again(epoch: int) -> None:
    watched = Watched(node("east-b", epoch))
    watched.asked(3)
    assert not watched.moves
    assert watched.other.attempts == 3
    watched.watch.stop()
    assert not watched.clock.getDelayedCalls()


def test_a_backup_that_refuses_every_time_is_asked_every_few_seconds() -> None:
    watched = Watched(node("east-b", 6))
    watched.other.there = False
    watched.asked(4)
    assert watched.other.attempts == 4
    assert not watched.moves
    watched.other.there = True
    watched.asked()
    assert watched.moves


def test_one_that_is_silent_is_given_up_before_it_is_asked_again() -> None:
    watched = Watched(node("east-b", 6))
    watched.other.silent = True
    for _ in range(2):
        watched.clock.advance(INTERVAL)
        watched.clock.advance(PATIENCE)
    assert watched.other.attempts == 2
    assert not watched.moves
    watched.watch.stop()
    assert not watched.clock.getDelayedCalls()


def test_another_node_is_reported_once_and_left_alone() -> None:
    watched = Watched(node("west", 9, dbid=102))
    with capturedLogs() as captured:
        watched.asked(3)
    said = [formatEvent(event) for event in captured]
    assert said == [
        "Where the other server of node east should be is node west with database id 102;"
        " it is left alone"
    ]
    assert not watched.moves
    watched.watch.stop()


@pytest.mark.parametrize("when", ["before", "between", "after"])
def test_a_link_that_is_gone_is_not_watched(when: str) -> None:
    watched = Watched(node("east-b", 6))
    if when != "before":
        watched.clock.advance(INTERVAL)
    if when == "after":
        watched.clock.advance(0)
    watched.watch.stop()
    watched.other.answer()
    watched.clock.advance(3 * INTERVAL)
    assert not watched.moves
    assert not watched.other.open
    assert not watched.clock.getDelayedCalls()
