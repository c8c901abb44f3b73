"""The demo's calls to its external server."""

from __future__ import annotations

from typing import Any
from unittest.mock import Mock

import pytest
from twisted.internet.defer import Deferred, fail, succeed

from ixproxy import messages as m
from ixproxy.cli.demo_calling import (
    PROGRAM,
    Calls,
    all_connected,
    call,
    is_acknowledged,
    output_of,
)
from ixproxy.cli.demo_clients import Clients, Measured
from ixproxy.client import Answer
from ixproxy.errors import NodeUnavailable, RequestRefused
from ixproxy.testing.clock import SteppingClock
from tests.deferreds import failure_of, no_result, result_of

EMAIL = {"MediaType": "email"}


class Server:
    """What all clients are answered with, one after the other."""

    server = m.ServerFacts()

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)
        self.asked: list[Any] = []

    def ask(self, message: Any, timeout: float | None = None) -> Deferred[Answer]:
        self.asked.append(message)
        answer = self.answers.pop(0)
        return fail(answer) if isinstance(answer, Exception) else succeed(Answer(answer))

    def on_event(self, callback: Any) -> None:
        raise AssertionError("nobody wants to hear of events")

    def request(self, message: Any, timeout: float | None = None) -> Deferred[Any]:
        return self.ask(message).addCallback(lambda answer: answer.message)


def response(**output: Any) -> m.Event3rdServerResponse:
    return m.Event3rdServerResponse(envelope3rd_server={"Parameters": output})


def clients() -> Clients:
    made = Clients(SteppingClock(), Mock())
    made.measured = Measured()
    return made


def test_the_program_comes_with_the_source() -> None:
    assert PROGRAM.exists()


def test_some_e_mails_are_acknowledged_and_acknowledgements_are_not() -> None:
    drawn = [is_acknowledged(str(number), EMAIL) for number in range(400)]
    assert 60 < sum(drawn) < 140
    assert drawn == [is_acknowledged(str(number), EMAIL) for number in range(400)]
    for other in ({"MediaType": "chat"}, {**EMAIL, "InteractionType": "Outbound"}, {}):
        assert not any(is_acknowledged(str(number), other) for number in range(400))


def test_every_call_that_brings_an_interaction_is_counted_on_both_sides() -> None:
    server = Server(response(NewInteractionId="n1"), response(NewInteractionId="n2"))
    calls, asking = Calls(), clients()
    for identifier in ("a", "b"):
        properties = {**EMAIL, "UserData": {"Subject": identifier}}
        result_of(Deferred.fromCoroutine(calls.acknowledge(asking, server, identifier, properties)))
    assert [each.interaction_id for each in server.asked] == ["a", "b"]
    assert server.asked[0].user_data == {"Subject": "a"}
    assert not calls.agree
    server.answers.append(response(Acknowledged=2))
    result_of(Deferred.fromCoroutine(calls.count(asking, server)))
    assert (calls.made, calls.new, calls.answered) == (2, {"n1", "n2"}, 2)
    assert calls.agree


@pytest.mark.parametrize(
    "answer",
    [
        m.Event3rdServerFault(fault_code="E1", fault_string="no"),
        RequestRefused(3071),
        response(),
    ],
)
def test_a_call_that_comes_to_nothing_is_no_agreement(answer: Any) -> None:
    calls, asking = Calls(), clients()
    server = Server(answer, response(Acknowledged=1))
    result_of(Deferred.fromCoroutine(calls.acknowledge(asking, server, "a", EMAIL)))
    result_of(Deferred.fromCoroutine(calls.count(asking, server)))
    assert not calls.agree
    assert bool(asking.measured.errors) == (not isinstance(answer, m.Event3rdServerResponse))


def test_it_is_waited_until_all_nodes_are_connected() -> None:
    clock = SteppingClock()
    server = Server(
        RequestRefused(3071),
        response(Callers="ixn1"),
        response(Callers="ixn1,ixn2"),
        response(Callers="ixn1,ixn2,ixn3"),
    )
    waiting = Deferred.fromCoroutine(all_connected(clock, server, 10.0, lambda: None))
    no_result(waiting)
    clock.run(1.0)
    result_of(waiting)
    assert server.asked == [call("Count")] * 4


def test_it_is_not_waited_for_ever() -> None:
    clock = SteppingClock()
    server = Server(*[response(Callers="ixn1")] * 99)
    waiting = Deferred.fromCoroutine(all_connected(clock, server, 2.0, lambda: None))
    clock.run(3.0)
    assert "ixn2, ixn3" in str(failure_of(waiting, NodeUnavailable))


def test_what_is_no_response_brings_nothing() -> None:
    assert output_of(None) == output_of(m.Event3rdServerFault()) == {}
    assert output_of(m.Event3rdServerResponse(envelope3rd_server={"Parameters": 7})) == {}
