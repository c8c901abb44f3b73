"""Nothing is missed and nothing comes twice between the states and what follows them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.net.reporting_runs import Run

_HAPPENS = ["submit", "pull", "place", "ready", "not ready", "log out", "log in"]
_GOES_ON = ["write", "commit", "read", "turn"]
_BEGINS = ["begin one", "begin two", "begin proxy", "begin narrow"]
NARROW = {"Events": {"EventPartyAdded": 1, "EventAgentLogin": 1, "EventReadyForMedia": 1}}


_STEPS = st.one_of(
    st.sampled_from(["submit", "pull"]), st.sampled_from([*_HAPPENS, *_BEGINS]),
    st.sampled_from(_GOES_ON), st.sampled_from(["write", "commit"]),
)  # fmt: skip


@given(st.lists(_STEPS, min_size=8, max_size=40))
def test_whenever_the_states_are_read_streams_go_on_right_behind_them(steps: list[str]) -> None:
    """Test idea 43 of the reference: a client that comes in mid-flight."""
    run = Run()
    for name in ("one", "two"):
        run.begin(name)
    run.rest()
    run.hold()
    run.begin("two")
    for step in steps:
        if step.startswith("begin "):
            name = step.removeprefix("begin ")
            run.rig.settle()
            if name not in run.readers:
                # A registration passes the writer, too.
                run.rest()
            run.begin(name, NARROW if name == "narrow" else None)
            run.hold()
        else:
            run.do(step)
    run.rest()
    # Something that shows whether the numbers go on rightly.
    run.do("submit")
    run.rest()
    for name in run.readers:
        run.check(name, NARROW if name == "narrow" else None)
    run.stop()


@pytest.mark.parametrize("behind", [0, 1, 2])
def test_events_that_a_read_saw_before_they_came_are_not_told_again(behind: int) -> None:
    """The reader may see a commit before anybody was told of its events."""
    run = Run()
    run.begin("one")
    run.begin("two")
    run.rest()
    run.hold()
    run.begin("two")
    run.do("write")
    for _ in range(behind):
        run.do("submit")
        run.do("write")
    for _ in range(3):
        # Ticks, too.
        run.do("write")
    run.do("submit")
    run.do("commit")
    run.do("read")
    run.rig.settle()
    assert len(run.stream("two")) == 3, "the stream before"
    assert len(run.readers["two"].answers(run.readers["two"].reference)) == 1
    run.rest()
    begin, _, end = run.stream("two")
    assert (begin.reporting_event_sequence_number, end.activity) == (behind + 1, "End")
    run.check("one")
    run.check("two")
    run.stop()
