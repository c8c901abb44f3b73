"""The demo's calls to web services."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random
from typing import Any

import pytest
import pytest_twisted
from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.error import ConnectionLost
from twisted.internet.task import Clock
from twisted.web.resource import Resource
from twisted.web.server import Site

from ixproxy.capture.json_reading import read_submit
from ixproxy.cli.demo_deployment import NODES, plan
from ixproxy.cli.demo_input import Work
from ixproxy.cli.demo_posting import (
    ATTEMPTS,
    CALL_SECONDS,
    ONCE_MORE,
    Caller,
    CallFailed,
    Posts,
    body_of,
)
from ixproxy.cli.demo_ways import Way

WORK = Work(0, "email", "Q1", {"Subject": "Größe\0", "ExternalId": "a", "Hold": "no"})


class Services:
    """
    The web services of all nodes.

    :ivar calls: address and name of each call.
    :ivar faults: what is answered instead, in turn; None: nothing.
    """

    def __init__(self, tmp_path: Path) -> None:
        self.clock = Clock()
        self.plan = plan(tmp_path, ["email"], ["Q1"], Random(1), ways=(Way.CALLS,))
        self.posts = Posts(self.clock, self.plan, self.post)
        self.calls: list[tuple[str, str]] = []
        self.faults: list[Any] = []
        self.known: dict[tuple[str, str], str] = {}

    def post(self, address: str, headers: dict[str, str], body: bytes) -> Deferred[Any]:
        call = address, headers["Idempotency-Key"]
        self.calls.append(call)
        if self.faults:
            fault = self.faults.pop(0)
            return Deferred() if fault is None else fault
        read_submit(body)
        repeated = {"repeated": True} if call in self.known else {}
        identifier = self.known.setdefault(call, f"id-{len(self.known)}")
        answer = {"interactionId": identifier, **repeated}
        return succeed((200 if repeated else 201, json.dumps(answer).encode()))

    def hand_in(self, number: int) -> Any:
        """The id, or why there is none."""
        work = Work(number, "email", "Q1", {"Subject": "Hello"})
        outcome: list[Any] = []
        Deferred.fromCoroutine(self.posts.hand_in(work)).addBoth(outcome.append)
        for _ in range(100):
            if outcome:
                break
            self.clock.advance(1)
        return getattr(outcome[0], "value", outcome[0])


@pytest.fixture
def services(tmp_path: Path) -> Services:
    return Services(tmp_path)


def test_a_body_says_all_of_it_whatever_keys_are_called() -> None:
    read = read_submit(body_of(WORK))
    assert read.properties == {"MediaType": "email", "Queue": "Q1"}
    assert read.user_data == {"Subject": "Größe\0", "Hold": "no"}
    assert read.external_id == "a"
    assert read_submit(body_of(Work(0, "email", "Q1", {}))).external_id == ""


def test_calls_go_round_the_nodes_each_with_a_name_of_its_own(services: Services) -> None:
    assert [services.hand_in(number) for number in range(6)] == [f"id-{n}" for n in range(6)]
    ports = [services.plan.web_port(node) for node in NODES]
    assert len(set(ports)) == 3
    expected = [
        (f"http://127.0.0.1:{port}/interactions", f'"{number}"')
        for number, port in enumerate(ports * 2)
    ]
    assert services.calls == [expected[0], *expected], "the first is made once more"


def test_some_are_made_once_more_and_known_again(services: Services) -> None:
    for number in range(2 * ONCE_MORE):
        services.hand_in(number)
    assert services.posts.record() == {
        "per_node": {"ixn1": 7, "ixn2": 7, "ixn3": 6}, "answered": 20, "made_again": 0,
        "made_once_more": 2, "known": 2,
    }  # fmt: skip
    assert not any(services.posts.wrong.values())


@pytest.mark.parametrize(
    "second",
    [
        (200, b'{"interactionId": "another", "repeated": true}'),
        (201, b'{"interactionId": "id-0"}'),
        (404, b"gone"),
        (200, b"[]"),
    ],
)
def test_a_repetition_that_is_not_known_is_wrong(services: Services, second: Any) -> None:
    first = 201, b'{"interactionId": "id-0"}'
    services.faults += [succeed(first), succeed(second)]
    assert services.hand_in(0) == "id-0", "it is handed in all the same"
    assert services.posts.wrong == {"calls not known again": 1}


def test_a_call_is_made_again_by_its_name_until_there_is_an_answer(services: Services) -> None:
    services.hand_in(0)
    services.calls.clear()
    services.faults += [succeed((503, b"busy")), fail(ConnectionLost()), None]
    assert services.hand_in(1) == "id-1"
    assert len(services.calls) == 4
    assert len(set(services.calls)) == 1
    assert services.posts.again == 3


def test_a_refused_call_is_not_made_again(services: Services) -> None:
    services.faults.append(succeed((400, b'{"detail": "no such queue"}')))
    problem = services.hand_in(0)
    assert isinstance(problem, CallFailed)
    assert str(problem) == 'call 0 to ixn1: 400: {"detail": "no such queue"}'
    assert len(services.calls) == 1
    assert services.posts.answered == 0


def test_a_call_that_is_never_answered_is_given_up(services: Services) -> None:
    services.faults += [fail(ConnectionLost()) for _ in range(ATTEMPTS - 1)] + [None]
    problem = services.hand_in(0)
    assert str(problem) == f"call 0 to ixn1: no answer within {CALL_SECONDS:.0f} s"
    assert len(services.calls) == ATTEMPTS


@pytest.mark.parametrize("body", [b"<html>", b"[]"])
def test_an_answer_that_is_none_is_said(services: Services, body: bytes) -> None:
    services.faults.append(succeed((200, body)))
    assert "an answer that is no" in str(services.hand_in(0))


class _Echo(Resource):
    isLeaf = True

    def render_POST(self, request: Any) -> bytes:
        request.setResponseCode(201)
        said = request.getHeader(b"idempotency-key") + b" " + request.content.read()
        return bytes(said)


@pytest_twisted.ensureDeferred
async def test_a_real_call_has_its_headers_and_leaves_no_connection(real_reactor: Any) -> None:
    echo: Any = _Echo  # twisted.web has few types
    port = real_reactor.listenTCP(0, Site(echo(), timeout=None), interface="127.0.0.1")
    caller = Caller(real_reactor)
    try:
        address = f"http://127.0.0.1:{port.getHost().port}/interactions"
        answer = await caller.post(address, {"Idempotency-Key": '"7"'}, b"body")
        assert answer == (201, b'"7" body')
    finally:
        await caller.close()
        await port.stopListening()
