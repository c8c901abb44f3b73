"""An outside lets time pass in steps, and waits for what happens."""

from __future__ import annotations

import pytest

from ixproxy.testing.capture_outside import Outside


def test_time_passes_in_steps_that_see_what_was_called_later() -> None:
    there = Outside()
    at: list[float] = []
    there.reactor.callLater(
        0.2, lambda: there.reactor.callLater(0.2, lambda: at.append(there.reactor.seconds()))
    )
    there.later(1)
    assert at == [0.5]
    assert there.reactor.seconds() == 1.0


def test_no_time_at_all_is_a_turn_of_the_reactor() -> None:
    there = Outside()
    turns: list[None] = []
    there.reactor.callLater(0, turns.append, None)
    there.later(0)
    assert len(turns) == 1
    assert there.reactor.seconds() == 0


def test_it_waits_for_something_and_complains_if_it_does_not_happen() -> None:
    there = Outside()
    there.until(lambda: there.reactor.seconds() >= 3)
    assert there.reactor.seconds() == 3
    with pytest.raises(AssertionError, match="did not happen"):
        there.until(lambda: False, 5)
    assert there.reactor.seconds() == 8
