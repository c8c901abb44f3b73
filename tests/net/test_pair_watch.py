"""The other server of a node's pair is asked, again and again."""

from __future__ import annotations

from dataclasses import replace

import pytest
from twisted.internet.task import Clock

from ixproxy.core.link_times import LinkTimes
from ixproxy.core.pairs import Event
from ixproxy.messages import ServerFacts
from ixproxy.net.pair_watch import PairWatch
from ixproxy.net.probing import Answer
from ixproxy.net.turn import TurnEnd
from tests.core.rig import EAST, Rig
from tests.net.scripted_servers import ScriptedServer, node

TIMES = LinkTimes()


class Watched:
    """The other server of a pair, and what it is heard to be."""

    def __init__(self, other: ScriptedServer, chance: float = 0.0) -> None:
        self.clock = Clock()
        self.other = other
        self.suspect = False
        self.heard: list[Answer] = []
        core = self.core = Rig().core
        self.pair = core.link(EAST).pair
        self.watch = PairWatch(
            self.clock,
            TurnEnd(self.clock),
            core.state,
            self.pair,
            lambda: chance,
            other=lambda: other,
            suspect=lambda: self.suspect,
            answered=lambda answer, why: self.heard.append(answer),
        )
        self.watch.start()

    def run(self, seconds: float) -> None:
        for _ in range(round(seconds / 0.05)):
            self.clock.advance(0.05)
            self.clock.advance(0)
            self.other.answer()

    def stop(self) -> None:
        self.watch.stop()
        assert not self.clock.getDelayedCalls()


def test_it_is_left_alone_for_a_moment_and_then_asked_every_second() -> None:
    watched = Watched(node("east-b", 6))
    watched.run(TIMES.head_start - 0.1)
    assert not watched.other.attempts
    watched.run(3.2)
    assert watched.heard == [watched.other.facts] * 4
    assert not watched.other.open
    watched.stop()


def test_a_backup_that_refuses_is_asked_as_often() -> None:
    watched = Watched(node("east-b", 6))
    watched.other.there = False
    watched.run(TIMES.head_start + 3.1)
    assert watched.heard == [Event.OTHER_GONE] * 4
    watched.other.there = True
    watched.run(1.1)
    assert isinstance(watched.heard[-1], ServerFacts), "a second after it listens"
    watched.stop()


@pytest.mark.parametrize("how", ["silent", "stopped"])
def test_one_that_hangs_is_asked_again_when_its_time_is_over(how: str) -> None:
    watched = Watched(node("east-b", 6))
    setattr(watched.other, how, True)
    watched.run(TIMES.head_start + 3 * TIMES.answer + 0.3)
    assert watched.heard == [Event.OTHER_LATE] * 3
    watched.stop()
    assert not watched.other.open


def test_another_interval_counts_from_the_next_question_on() -> None:
    watched = Watched(node("east-b", 6))
    watched.run(TIMES.head_start + 0.1)
    state = watched.core.state
    state.settings = replace(state.settings, link_times=LinkTimes(probe=5.0))
    watched.run(TIMES.probe)
    assert watched.other.attempts == 2
    watched.run(4.8)
    assert watched.other.attempts == 2
    watched.run(0.3)
    assert watched.other.attempts == 3
    watched.stop()


def test_many_proxies_do_not_ask_in_step() -> None:
    times = set()
    for chance in (0.0, 0.5, 0.9):
        watched = Watched(node("east-b", 6), chance)
        watched.run(10.0)
        times.add(watched.other.attempts)
        watched.stop()
    assert len(times) == 3


def test_when_the_one_in_turn_is_suspect_the_other_is_not_waited_for() -> None:
    watched = Watched(node("east-b", 6))
    watched.pair.vain = 3
    watched.run(TIMES.head_start + TIMES.quiet + 0.1)
    assert watched.other.attempts == 1, "it has promised in vain, and has time"
    watched.suspect = True
    watched.run(TIMES.quiet)
    assert watched.other.attempts == 2
    watched.stop()


@pytest.mark.parametrize("when", [0.0, 0.3, 1.0])
def test_an_attempt_or_a_link_that_is_over_is_not_watched(when: float) -> None:
    watched = Watched(node("east-b", 6))
    watched.other.stopped = True
    watched.run(when)
    watched.watch.stop()
    watched.other.stopped = False
    watched.run(3.0)
    assert not watched.heard
    assert not watched.other.open
    watched.stop()
