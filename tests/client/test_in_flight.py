from __future__ import annotations

from typing import Any, cast

from twisted.internet.defer import Deferred

from ixproxy.client.in_flight import Answer, InFlight, Pending
from ixproxy.client.link import Link
from ixproxy.messages import RequestHold
from ixproxy.testing.clock import SteppingClock

ONE, OTHER = (cast(Link, name) for name in ("one", "other"))


def pending(**arguments: Any) -> Pending:
    return Pending(RequestHold(), b"", Deferred(), 1.0, **arguments)


def test_a_request_waits_then_is_sent_then_is_forgotten() -> None:
    in_flight, request = InFlight(2), pending()
    in_flight.wait(request)
    assert list(in_flight.waiting()) == [request]
    assert [request.sent] == [False]
    assert in_flight.send(request, ONE) == 1
    assert list(in_flight.waiting()) == []
    assert [request.sent] == [True]
    assert in_flight.find(ONE, 1) is request
    in_flight.forget(request)
    assert in_flight.find(ONE, 1) is None
    assert len(in_flight) == 0


def test_an_answer_on_another_connection_is_no_answer() -> None:
    in_flight, request = InFlight(2), pending()
    in_flight.send(request, ONE)
    assert in_flight.find(OTHER, 1) is None


def test_waiting_and_sent_count_alike() -> None:
    in_flight = InFlight(2)
    in_flight.wait(pending())
    assert not in_flight.full
    in_flight.send(pending(), ONE)
    assert in_flight.full


def test_a_lost_connection_takes_only_what_was_sent_on_it() -> None:
    in_flight = InFlight(9)
    first, second, third, waiting = (pending() for _ in range(4))
    for request, link in ((first, ONE), (second, OTHER), (third, ONE)):
        in_flight.send(request, link)
    in_flight.wait(waiting)
    assert in_flight.lost(ONE) == [first, third]
    assert in_flight.lost(ONE) == []
    assert in_flight.find(OTHER, 2) is second
    assert list(in_flight.waiting()) == [waiting]


def test_whoever_waits_is_told_once_and_the_timer_stops() -> None:
    clock = SteppingClock()
    timer = clock.callLater(1, print)
    request = pending(timer=timer)
    waiter = request.answer
    assert request.settle() is waiter
    assert request.settle() is None
    assert not timer.active()


def test_an_answer_says_whether_it_is_partial() -> None:
    assert Answer(RequestHold()) == (RequestHold(), False)
