from __future__ import annotations

from random import Random

import pytest
from twisted.internet.defer import Deferred

from ixproxy.client.backoff import Backoff
from ixproxy.client.in_flight import Answer
from ixproxy.client.returning import Returning
from ixproxy.errors import Code, RequestRefused
from ixproxy.messages import EventAck, RequestLeaveInteraction
from ixproxy.testing.clock import SteppingClock


class Leaving:
    """What was asked of the server, and whether it was given up."""

    def __init__(self) -> None:
        self.clock = SteppingClock()
        self.asked: list[tuple[RequestLeaveInteraction, Deferred[Answer]]] = []
        self.given_up: list[str] = []
        self.returning = Returning(
            self.clock,
            Random(1),
            Backoff(1.0, 2.0, 8.0, 0.0),
            self.leave,
            self.given_up.append,
        )

    def leave(self, request: RequestLeaveInteraction) -> Deferred[Answer]:
        answer: Deferred[Answer] = Deferred()
        self.asked.append((request, answer))
        return answer

    def left(self) -> None:
        self.asked[-1][1].callback(Answer(EventAck()))

    def refused(self, code: int, *, in_doubt: bool = False) -> None:
        self.asked[-1][1].errback(RequestRefused(code, in_doubt=in_doubt))


def test_an_interaction_is_left_once_if_that_succeeds() -> None:
    leaving = Leaving()
    leaving.returning.begin("A", 1)
    [(request, _)] = leaving.asked
    assert request == RequestLeaveInteraction(tenant_id=1, interaction_id="A")
    leaving.left()
    leaving.clock.run(100)
    assert len(leaving.asked) == 1
    assert len(leaving.returning) == 0


@pytest.mark.parametrize(
    ("code", "in_doubt"),
    [
        (Code.LOST_CONNECTION, True),
        (Code.BUSY, False),
        (Code.EXPIRED, False),
        (Code.NOT_ACCESSIBLE, False),
    ],
)
def test_it_is_left_again_after_growing_pauses_until_that_is_settled(
    code: int, in_doubt: bool
) -> None:
    leaving = Leaving()
    leaving.returning.begin("A", 1)
    times = []
    for _ in range(4):
        leaving.refused(code, in_doubt=in_doubt)
        asked = len(leaving.asked)
        begun = leaving.clock.seconds()
        assert leaving.clock.run_until(lambda asked=asked: len(leaving.asked) > asked, 100)  # type: ignore[misc]
        times.append(leaving.clock.seconds() - begun)
    assert times == [1.0, 2.0, 4.0, 8.0]
    leaving.left()
    assert len(leaving.returning) == 0
    assert leaving.given_up == []


@pytest.mark.parametrize("code", [Code.UNKNOWN_INTERACTION, Code.NOT_A_PARTY])
def test_what_is_not_the_clients_any_more_is_back_already(code: int) -> None:
    leaving = Leaving()
    leaving.returning.begin("A", 1)
    leaving.refused(code)
    assert len(leaving.returning) == 0
    assert leaving.given_up == []


def test_a_server_that_will_not_have_it_loses_the_connection() -> None:
    leaving = Leaving()
    leaving.returning.begin("A", 1)
    leaving.refused(Code.NOT_ALLOWED)
    assert len(leaving.returning) == 0
    [reason] = leaving.given_up
    assert reason.startswith("A could not be given back: 3006")


def test_what_is_taken_anew_is_left_no_more() -> None:
    leaving = Leaving()
    leaving.returning.begin("A", 1)
    leaving.refused(Code.LOST_CONNECTION, in_doubt=True)
    leaving.returning.stop("A")
    leaving.clock.run(100)
    assert len(leaving.asked) == 1


def test_a_lost_connection_ends_it_all() -> None:
    leaving = Leaving()
    leaving.returning.begin("A", 1)
    leaving.returning.begin("B", 1)
    leaving.returning.clear()
    leaving.refused(Code.LOST_CONNECTION, in_doubt=True)
    leaving.clock.run(100)
    assert len(leaving.asked) == 2
    assert len(leaving.returning) == 0


def test_an_id_that_comes_twice_is_left_by_the_newer_request() -> None:
    leaving = Leaving()
    leaving.returning.begin("A", 1)
    leaving.returning.begin("A", 1)
    leaving.asked[0][1].callback(Answer(EventAck()))
    assert len(leaving.returning) == 1
    leaving.left()
    assert len(leaving.returning) == 0
