"""Streams: which events are whose, by what numbers, encoded once."""

from __future__ import annotations

from ixproxy.messages import EventAgentLogin, EventPlacedInQueue
from ixproxy.messages.message import Event
from ixproxy.net.reporting_streams import Stream, Streams, Subscriber, Told
from ixproxy.wire.codec import decode
from ixproxy.wire.prefix import read_frame
from ixproxy.wire.streams import StreamKey, filter_of
from tests.failures import LoggedFailures


class Reader(Subscriber):
    def __init__(self) -> None:
        self.heard: list[Told] = []

    def told(self, told: Told) -> None:
        self.heard.append(told)

    @property
    def numbers(self) -> list[int]:
        return [told.number for told in self.heard]


def key(*tenants: int, **filters: dict[str, int]) -> StreamKey:
    return StreamKey(frozenset([filter_of(tenants, filters)]))


def placed(number: int, tenant: int = 1) -> EventPlacedInQueue:
    return EventPlacedInQueue(tenant_id=tenant, event_number=number, queue="In")


def test_an_event_is_encoded_once_for_all_who_read_a_stream() -> None:
    streams, readers = Streams(), [Reader() for _ in range(3)]
    for reader in readers:
        streams.join(key(1), reader)
    streams.report(placed(7))
    (first,), (second,), (third,) = (reader.heard for reader in readers)
    assert first is second is third
    event = decode(read_frame(first.raw))
    assert isinstance(event, EventPlacedInQueue)
    assert (event.reporting_event_sequence_number, event.event_number) == (1, 7)
    assert first.frame(0, 1 << 20) is first.raw
    assert read_frame(first.frame(5, 1 << 20)).client == 5


def test_streams_of_other_tenants_count_by_themselves() -> None:
    streams, one, both = Streams(), Reader(), Reader()
    streams.join(key(1), one)
    streams.join(key(1, 2), both)
    for tenant in (1, 2, 1, 3):
        streams.report(placed(9, tenant))
    assert (one.numbers, both.numbers) == ([1, 2], [1, 2, 3])


def test_a_filtered_stream_counts_with_the_whole_even_while_nobody_reads_that() -> None:
    streams, narrow, whole = Streams(), Reader(), Reader()
    streams.join(key(1, Events={"EventAgentLogin": 1}), narrow)
    streams.report(placed(1))
    streams.report(EventAgentLogin(tenant_id=1, event_number=2, agent_id="ann"))
    stream = streams.join(key(1), whole)
    assert stream.last == 2
    streams.report(placed(3))
    assert (narrow.numbers, whole.numbers) == ([2], [3])
    assert len(streams) == 2


def test_a_stream_is_forgotten_with_its_last_subscriber_and_its_numbers_with_it() -> None:
    streams, first, second = Streams(), Reader(), Reader()
    stream = streams.join(key(1), first)
    assert streams.join(key(1), second) is stream
    streams.report(placed(1))
    streams.leave(stream, first)
    assert list(streams) == [stream]
    streams.leave(stream, second)
    streams.leave(stream, second)
    assert list(streams) == []
    again = streams.join(key(1), first)
    assert isinstance(again, Stream)
    assert again.last == 0


def test_who_leaves_while_an_event_is_told_does_not_disturb_the_others() -> None:
    streams, other = Streams(), Reader()

    class Leaver(Reader):
        def told(self, told: Told) -> None:
            super().told(told)
            streams.leave(stream, self)

    leaver = Leaver()
    stream = streams.join(key(1), leaver)
    streams.join(key(1), other)
    for number in (1, 2):
        streams.report(placed(number))
    assert (leaver.numbers, other.numbers) == ([1], [1, 2])


def test_an_event_that_cannot_be_encoded_leaves_a_gap_in_every_stream(
    logged_failures: LoggedFailures,
) -> None:
    streams, whole, narrow = Streams(), Reader(), Reader()
    streams.join(key(1), whole)
    streams.join(key(1, Events={"EventPlacedInQueue": 1}), narrow)
    bad: Event = EventPlacedInQueue(tenant_id=1, event_number=1, queue="x" * 300)
    streams.report(bad)
    streams.report(placed(2))
    assert whole.numbers == narrow.numbers == [2]
    event = decode(read_frame(narrow.heard[0].raw))
    assert isinstance(event, EventPlacedInQueue)
    assert event.previous_sequence_number == 1
    logged_failures.flush()
