"""Handing in and comparing."""

from __future__ import annotations

from pathlib import Path
from unittest.mock import Mock

import pytest

from ixproxy import messages as m
from ixproxy.cli.demo_feeding import Feeding
from ixproxy.cli.demo_input import MadeUp, Work
from ixproxy.cli.demo_submitting import compare, differences, find, media_servers, submit
from ixproxy.client import Client
from ixproxy.errors import Code
from tests.cli.queues import Queues

SOURCE = MadeUp(150)


@pytest.fixture
def queues(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Queues:
    return Queues(monkeypatch, tmp_path)


async def _submit(queues: Queues) -> tuple[dict[str, list[Client]], list[str]]:
    servers = await media_servers(queues.clients, queues.plan.media_types)
    ways = Feeding(queues.clock, queues.plan, Mock())
    return servers, await submit(queues.clients, servers, SOURCE, ways, lambda _: None)


async def _both(queues: Queues) -> tuple[list[str], int]:
    servers, ids = await _submit(queues)
    return ids, await compare(queues.clients, servers, SOURCE, ids, lambda _: None)


def test_everything_is_handed_in_once_through_both_proxies_and_found_equal(
    queues: Queues,
) -> None:
    ids, differs = queues.run(_both(queues))
    assert len(set(ids)) == 150 == queues.made
    assert differs == 0
    for work in SOURCE:
        assert queues.properties[ids[work.number]]["UserData"] == work.user_data
    shares = [
        sum(isinstance(each, m.RequestSubmit) for each in served.requests)
        for server in queues.servers.values()
        for served in server.connections
    ]
    assert sum(shares) == 150
    assert all(shares)


def test_each_is_looked_up_through_the_other_proxy(queues: Queues) -> None:
    ids, _ = queues.run(_both(queues))
    looked = [
        request.interaction_id
        for served in queues.servers["proxy2"].connections
        for request in served.requests
        if isinstance(request, m.RequestGetInteractionProperties)
    ]
    assert sorted(looked) == sorted(ids[0::2])


def test_what_differs_is_counted(queues: Queues) -> None:
    async def tampered() -> int:
        servers, ids = await _submit(queues)
        queues.properties[ids[3]]["UserData"]["Subject"] = "another"
        queues.properties[ids[4]]["UserData"]["more"] = "x"
        del queues.properties[ids[5]]["UserData"]["Customer"]
        queues.properties[ids[6]]["Queue"] = "elsewhere"
        return await compare(queues.clients, servers, SOURCE, ids, lambda _: None)

    assert queues.run(tampered()) == 4


def test_a_refused_one_has_no_id_and_is_an_error(queues: Queues) -> None:
    queues.faults[m.RequestSubmit] = m.EventError(error_code=Code.UNKNOWN_QUEUE)
    ids, differs = queues.run(_both(queues))
    assert ids == [""] * 150
    assert differs == 0
    assert queues.clients.measured.errors.total() == 150


def test_every_queue_is_found_as_it_is_stored(queues: Queues) -> None:
    stored = {name: set(queues.fill(name, 3)) for name in ("Q1", "Kim's queue")}

    async def finding(expected: dict[str, set[str]]) -> int:
        servers = await media_servers(queues.clients, queues.plan.media_types)
        return await find(queues.clients, servers, expected, lambda _: None)

    assert queues.run(finding(stored)) == 0
    assert queues.run(finding({**stored, "Q2": {"id-9"}})) == 1
    assert queues.run(finding({**stored, "Q1": {"id-1"}})) == 1


def test_every_field_counts() -> None:
    work = Work(0, "email", "Q1", {"a": "1", "b": ""})
    same = {"MediaType": "email", "Queue": "Q1", "UserData": {"a": "1", "b": ""}}
    assert differences(work, same) == 0
    assert differences(work, {**same, "UserData": {"a": "1"}}) == 1
    assert differences(work, {**same, "UserData": {"a": 1, "b": "", "c": ""}}) == 2
    assert differences(work, {}) == 4
