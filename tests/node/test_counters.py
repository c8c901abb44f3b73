"""The numbers that only go up."""

from __future__ import annotations

import msgspec

from ixproxy.node.counters import Counters, set_back


def test_all_begin_before_the_first() -> None:
    assert set(msgspec.structs.asdict(Counters()).values()) == {0}


def test_they_can_be_set_back() -> None:
    counters = Counters(event_number=5)
    numbers = msgspec.structs.astuple(counters)
    counters.event_number = 9
    counters.queue_seq = 2
    set_back(counters, numbers)
    assert counters == Counters(event_number=5)
