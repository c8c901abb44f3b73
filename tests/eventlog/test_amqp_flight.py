"""Messages on their way to a broker."""

from __future__ import annotations

from twisted.internet.defer import Deferred, fail, succeed

from ixproxy.brokers.amqp_links import AmqpLost
from ixproxy.eventlog.amqp_flight import MOST_BYTES, MOST_MESSAGES, Flight
from ixproxy.eventlog.amqp_messages import Written
from tests.deferreds import no_result, result_of


def test_a_flight_is_full_of_messages_or_of_bytes() -> None:
    flight = Flight()
    for _ in range(MOST_MESSAGES - 1):
        flight.add(Written("m", b""), succeed(None))
    seen = [flight.full]
    flight.add(Written("m", b""), succeed(None))
    seen.append(flight.full)
    large = Flight()
    for size in (MOST_BYTES - 1, 1):
        large.add(Written("m", b"x" * size), succeed(None))
        seen.append(large.full)
    assert seen == [False, True, False, True]


def test_outcomes_come_in_the_order_of_giving() -> None:
    flight, first = Flight(), Deferred[None]()
    flight.add(Written("a", b"1"), first)
    flight.add(Written("b", b"2"), succeed(None))
    waiting = no_result(flight.oldest())
    first.callback(None)
    assert result_of(waiting) == (Written("a", b"1"), None)
    assert result_of(flight.oldest()) == (Written("b", b"2"), None)
    assert flight.messages == 0


def test_what_is_wrong_with_one_is_told_with_it() -> None:
    flight, problem = Flight(), AmqpLost("no")
    flight.add(Written("a", b"1"), fail(problem))
    assert result_of(flight.oldest()) == (Written("a", b"1"), problem)
    assert not flight.full
