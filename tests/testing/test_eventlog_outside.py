"""What tests of event logs store."""

from __future__ import annotations

import pytest

from ixproxy.messages.message import Event
from ixproxy.node.log_work import Dropped
from ixproxy.testing.eventlog_outside import NOW, LogOutside, entry, gap, sample_event
from ixproxy.wire.codec import decode, encode
from ixproxy.wire.prefix import read_frame


def test_samples_are_events_of_eight_kinds_that_a_node_could_give() -> None:
    kinds = {type(sample_event(number)) for number in range(1, 30)}
    assert len(kinds) == 8
    for number in range(1, 9):
        event = sample_event(number)
        assert decode(read_frame(encode(event))) == event


def test_entries_say_their_number() -> None:
    event = entry(7, dbid=102, epoch=3)
    assert isinstance(event.what, Event)
    assert (event.dbid, event.epoch, event.number) == (102, 3, 7)
    assert (event.what.event_number, event.what.dbid) == (7, 102)
    lost = gap(3, 9, EventHeld=2)
    assert lost.number == 3
    assert lost.what == Dropped(3, 9, NOW + 3, NOW + 9, {"EventHeld": 2})


def test_waiting_in_vain_is_an_error() -> None:
    there = LogOutside()
    with pytest.raises(AssertionError, match="in time"):
        there.until(lambda: False, 5)
    assert there.reactor.seconds() >= 5
