"""What a hostile node says is mostly a stream, or nobody would listen to it."""

from __future__ import annotations

import random
from collections import Counter

from ixproxy.core.composing import Composer
from ixproxy.messages import EventForcedAgentStateChange
from ixproxy.messages.message import Event
from ixproxy.testing.hostile_reporting import HostileReporter
from ixproxy.wire.codec import decode
from ixproxy.wire.prefix import Frame, read_frame


def said(seed: int, times: int) -> list[Frame]:
    reporter = HostileReporter(random.Random(seed), 101)
    return [read_frame(raw) for _ in range(times) for raw in reporter.frames(clients=3)]


def test_it_says_the_same_for_the_same_seed() -> None:
    assert [each.raw for each in said(1, 50)] == [each.raw for each in said(1, 50)]
    assert [each.raw for each in said(1, 50)] != [each.raw for each in said(2, 50)]


def test_a_composer_believes_some_of_it_and_counts_the_rest_and_does_not_grow() -> None:
    composer, told, largest = Composer(), Counter[str](), 0
    for frame in said(3, 5000):
        event = decode(frame)
        if frame.client == 0 and isinstance(event, Event):
            if "east" in composer.wants_restart or not composer.counters:
                composer.source_joined("east", 101)
            told.update(type(each).__name__ for each in composer.event_received("east", event))
            largest = max(largest, len(composer))
    assert told["EventAgentLogin"] > 100
    assert told["EventMassAgentLogout"]
    assert told["EventPartyAdded"]
    for counted in ("gaps", "repeats", "events without a state", "lost streams", "resyncs"):
        assert composer.counters[counted], counted
    assert largest < 60


def test_it_speaks_to_clients_that_are_there_and_to_others() -> None:
    frames = [each for each in said(4, 2000) if each.client]
    assert {each.client for each in frames} == {1, 2, 3, 4, 5}
    assert any(isinstance(decode(each), EventForcedAgentStateChange) for each in frames)
