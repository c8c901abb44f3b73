"""Whatever a plug-in's part of a node does, the node lives on and says so."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest
from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.task import Clock
from twisted.logger import capturedLogs, formatEvent

from ixproxy.messages.message import MAX_TEXT
from ixproxy.net.served_part import END_LIMIT, MOST_FIGURES, RETRY, ServedPart


def nothing() -> None:
    pass


def raising(problem: Exception) -> Callable[[], Any]:
    def act() -> Any:
        raise problem

    return act


class Wild:
    """Does what it is told to."""

    def __init__(self, rig: Rig) -> None:
        self.rig = rig

    def begin(self) -> None:
        self.rig.begins()

    def end(self) -> Deferred[None]:
        return self.rig.ends()

    def figures(self) -> Mapping[str, object]:
        return self.rig.shows()


class Rig:
    def __init__(self) -> None:
        self.clock = Clock()
        self.counts: Counter[str] = Counter()
        self.made = self.begun = 0
        self.makes: Callable[[], None] = nothing
        self.begins: Callable[[], None] = nothing
        self.ends: Callable[[], Deferred[None]] = lambda: succeed(None)
        self.shows: Callable[[], Mapping[str, object]] = lambda: {"state": "connected"}
        self.part: ServedPart[Wild] = ServedPart(
            self.clock, "Thing one", self._make, Wild.begin, self._begun, self.counts
        )

    def _make(self) -> Wild:
        self.made += 1
        self.makes()
        return Wild(self)

    def _begun(self) -> None:
        self.begun += 1

    def ended(self) -> list[None]:
        done: list[None] = []
        self.part.end().addCallback(done.append)
        return done


def texts(events: Sequence[Any]) -> list[str]:
    return [formatEvent(each) for each in events]


@pytest.mark.parametrize("breaks", ["makes", "begins"])
def test_one_that_cannot_begin_is_made_anew_after_a_while(
    breaks: str, logged_failures: Any
) -> None:
    rig = Rig()
    setattr(rig, breaks, raising(OSError("no such directory")))
    with capturedLogs() as said:
        rig.part.begin()
    assert texts(said) == ["Thing one could not begin"]
    assert len(logged_failures.flush(OSError)) == 1
    assert rig.part.figures() == {"state": "failed: OSError: no such directory"}
    assert rig.part.absence == "OSError: no such directory"
    assert (rig.begun, rig.counts) == (0, {"raised": 1})
    setattr(rig, breaks, nothing)
    rig.clock.advance(RETRY)
    assert (rig.made, rig.begun) == (2, 1)
    assert rig.part.figures() == {"state": "connected"}


def test_one_that_waits_to_begin_again_can_end(logged_failures: Any) -> None:
    rig = Rig()
    rig.begins, rig.ends = raising(OSError("no")), raising(KeyError("nor that"))
    rig.part.begin()
    assert rig.ended() == [None]
    assert rig.clock.getDelayedCalls() == []
    assert (rig.made, rig.begun) == (1, 0)
    assert rig.part.figures() == {"state": "ended"}
    assert len(logged_failures.flush(OSError)) == 1
    assert len(logged_failures.flush(KeyError)) == 1


@pytest.mark.parametrize("ends", [raising(KeyError("end")), lambda: fail(KeyError("end"))])
def test_one_that_breaks_at_its_end_has_ended(ends: Any, logged_failures: Any) -> None:
    rig = Rig()
    rig.ends = ends
    rig.part.begin()
    with capturedLogs() as said:
        assert rig.ended() == [None]
    assert texts(said) == ["Thing one could not end"]
    assert rig.counts == {"raised": 1}
    assert len(logged_failures.flush(KeyError)) == 1
    assert rig.clock.getDelayedCalls() == []


def test_one_that_does_not_end_is_not_waited_for_for_ever() -> None:
    rig = Rig()
    late: Deferred[None] = Deferred()
    rig.ends = lambda: late
    rig.part.begin()
    with capturedLogs() as said:
        done = rig.ended()
        rig.clock.advance(END_LIMIT - 0.1)
        assert done == []
        rig.clock.advance(0.1)
        assert done == [None]
        late.callback(None)
    assert texts(said) == ["Thing one does not end within 2 s"]


@pytest.mark.parametrize(
    ("shows", "figures"),
    [
        ({"state": "idle", "files": 3, "rate": 0.5, "on": True},
         {"state": "idle", "files": 3, "rate": 0.5, "on": True}),
        ({}, {"state": "unknown"}),
        ({"state": ["a"], 5: {"b": 1}}, {"state": "['a']", "5": "{'b': 1}"}),
        ({"state": "x" * 5000, "big": 2**70}, {"state": "x" * MAX_TEXT, "big": str(2**70)}),
    ],
)  # fmt: skip
def test_its_figures_are_shown_as_far_as_they_can_be(shows: Any, figures: Any) -> None:
    rig = Rig()
    rig.shows = lambda: shows
    rig.part.begin()
    assert rig.part.figures() == figures


def test_figures_that_cannot_be_had_are_said_and_counted() -> None:
    rig = Rig()
    rig.shows = raising(KeyError("x" * 5000))
    rig.part.begin()
    state = rig.part.figures()["state"]
    assert state.startswith("failed: figures: KeyError: 'xxx")
    assert (len(state), rig.counts) == (MAX_TEXT, {"raised": 1})


def test_too_many_figures_are_cut_off() -> None:
    rig = Rig()
    rig.shows = lambda: {f"f{number}": number for number in range(500)}
    rig.part.begin()
    assert len(rig.part.figures().keys() - {"state"}) == MOST_FIGURES


def test_before_it_begins_it_says_so() -> None:
    assert Rig().part.figures() == {"state": "not begun"}
    assert Rig().part.absence == "ended"
