from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ixproxy.messages import RequestWorkbinNotifications, Workbin
from ixproxy.wire.workbins import (
    PLACED_IN,
    PROPERTIES_CHANGED,
    STOPPED,
    TAKEN_OUT,
    WANTS_STOPS,
    Wishes,
    asking,
    wishes_of,
)

WISHES = st.builds(Wishes, st.booleans(), st.booleans())
OPERATIONS = (PLACED_IN, TAKEN_OUT, PROPERTIES_CHANGED, STOPPED)
DRAFTS = Workbin(workbin_type_id="Drafts", workbin_agent_id="Ann")


@given(WISHES)
def test_what_is_placed_in_and_taken_out_is_always_heard(wishes: Wishes) -> None:
    heard = [operation for operation in OPERATIONS if wishes.accept(operation)]
    assert heard[:2] == [PLACED_IN, TAKEN_OUT]
    assert (PROPERTIES_CHANGED in heard) == wishes.properties
    assert (STOPPED in heard) == wishes.stops


@given(WISHES, WISHES)
def test_two_together_hear_what_either_does(one: Wishes, other: Wishes) -> None:
    both = one.joined(other)
    for operation in OPERATIONS:
        assert both.accept(operation) == (one.accept(operation) or other.accept(operation))
    assert both.covers(one)
    assert both.covers(other)
    assert one.covers(other) == (both == one)


@given(WISHES)
def test_a_request_asks_for_what_is_wished(wishes: Wishes) -> None:
    assert wishes_of(asking(1, DRAFTS, wishes)) == wishes


@pytest.mark.parametrize("value", [1, True, "yes", 7])
def test_any_value_that_is_not_nothing_asks_for_stops(value: object) -> None:
    request = RequestWorkbinNotifications(extension={WANTS_STOPS: value})
    assert wishes_of(request) == Wishes(stops=True)


@pytest.mark.parametrize("value", [0, False, "", None])
def test_nothing_asks_for_nothing(value: object) -> None:
    request = RequestWorkbinNotifications(extension={WANTS_STOPS: value, "other": 1})
    assert wishes_of(request) == Wishes()
