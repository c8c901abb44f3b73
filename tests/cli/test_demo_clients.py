"""The demo's clients."""

from __future__ import annotations

from pathlib import Path

import pytest
from twisted.internet.defer import Deferred

from ixproxy import messages as m
from ixproxy.cli.demo_clients import clients, in_flight
from ixproxy.errors import Code, IxproxyError, RequestRefused
from ixproxy.values import ClientType
from tests.cli.queues import Queues
from tests.deferreds import failure_of, no_result, result_of


@pytest.fixture
def queues(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Queues:
    return Queues(monkeypatch, tmp_path)


def test_a_busy_answer_is_asked_again_later(queues: Queues) -> None:
    async def asking() -> object:
        client = await queues.clients.open("proxy1", "a", ClientType.MEDIA_SERVER)
        queues.faults[m.RequestSubmit] = m.EventError(error_code=Code.BUSY)
        queues.clock.callLater(0.2, queues.faults.clear)
        return await queues.clients.ask(client, m.RequestSubmit(media_type="email"))

    assert isinstance(queues.run(asking()), m.EventAck)
    assert len(queues.asked) > 1
    assert queues.clients.measured.latencies["Submit"].count == 1


def test_not_for_ever(queues: Queues) -> None:
    async def asking() -> object:
        client = await queues.clients.open("proxy1", "a", ClientType.MEDIA_SERVER)
        queues.faults[m.RequestSubmit] = m.EventError(error_code=Code.BUSY)
        return await queues.clients.ask(client, m.RequestSubmit(media_type="email"))

    with pytest.raises(RequestRefused):
        queues.run(asking())


def test_an_error_may_be_counted_instead_of_raised(queues: Queues) -> None:
    async def asking() -> object:
        client = await queues.clients.open("proxy1", "a", ClientType.MEDIA_SERVER)
        queues.faults[m.RequestSubmit] = m.EventError(error_code=43, error_description="no")
        return await queues.clients.tried(client, m.RequestSubmit(media_type="email"))

    assert queues.run(asking()) is None
    assert queues.clients.measured.errors == {"RequestSubmit: 43: no": 1}


def test_clients_say_goodbye_whatever_happens(queues: Queues) -> None:
    async def failing() -> None:
        async with clients(queues.clock, queues.plan) as opened:
            await opened.open("proxy2", "a", ClientType.MEDIA_SERVER)
            raise IxproxyError("enough")

    with pytest.raises(IxproxyError, match="enough"):
        queues.run(failing())
    assert any(
        isinstance(request, m.RequestUnregisterClient)
        for request in queues.servers["proxy2"].last.requests
    )


def test_never_more_than_the_limit_are_under_way() -> None:
    under_way: list[Deferred[None]] = []
    most = 0

    async def do(work: int) -> None:
        nonlocal most
        waiting: Deferred[None] = Deferred()
        under_way.append(waiting)
        most = max(most, len(under_way))
        await waiting

    running = no_result(in_flight(range(10), 3, do))
    done = 0
    while under_way:
        under_way.pop(0).callback(None)
        done += 1
    result_of(running)
    assert (most, done) == (3, 10)


def test_the_first_failure_ends_it_once_those_under_way_are_done() -> None:
    under_way: dict[int, Deferred[None]] = {}

    async def do(work: int) -> None:
        under_way[work] = Deferred()
        await under_way[work]

    running = no_result(in_flight(range(10), 3, do))
    under_way[0].errback(ValueError("no"))
    no_result(running)
    under_way[1].callback(None)
    under_way[2].callback(None)
    assert isinstance(failure_of(running, ValueError), ValueError)
    assert len(under_way) == 3
