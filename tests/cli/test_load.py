"""`ixctl load`."""

from __future__ import annotations

from argparse import ArgumentTypeError
from collections import deque

import pytest

from ixproxy.cli.load import mix
from ixproxy.errors import Code
from ixproxy.messages import (
    EventAck,
    EventError,
    EventPulledInteractions,
    RequestPull,
    RequestStopProcessing,
    RequestSubmit,
)
from tests.cli.worlds import CommandWorld

ALL = ("--media-type", "email", "--queue", "Q1", "--view", "Q1/All")


@pytest.fixture
def queue(world: CommandWorld) -> deque[str]:
    """A queue on the server; what is stopped is gone from `stopped`."""
    waiting: deque[str] = deque()
    made = iter(range(100_000))

    def submit(request: RequestSubmit) -> EventAck:
        waiting.append(f"id-{next(made)}")
        return EventAck(interaction_id=waiting[-1])

    def pull(request: RequestPull) -> EventPulledInteractions:
        if not waiting:
            return EventPulledInteractions()
        identifier = waiting.popleft()
        return EventPulledInteractions(interactions={identifier: {}}, take_numbers={identifier: 1})

    world.reply(RequestSubmit, submit)
    world.reply(RequestPull, pull)
    world.reply(RequestStopProcessing, EventAck())
    return waiting


def test_it_ends_after_so_many_requests(world: CommandWorld, queue: deque[str]) -> None:
    ran = world.ixctl("load", *ALL, "--count", "300", "--clients", "2", "--depth", "3", "--json")
    assert ran.code == 0
    *kinds, summary = ran.records
    assert summary["requests"] == 300 == sum(each["count"] for each in kinds)
    assert summary["errors"] == {}
    assert {each["request"] for each in kinds} == {"submit", "pull", "stop"}
    assert kinds[0]["milliseconds"]["max"] >= kinds[0]["milliseconds"]["p50"] > 0
    assert len(world.server.registered) == 4
    assert world.goodbyes == 4


def test_it_ends_after_so_many_seconds(world: CommandWorld, queue: deque[str]) -> None:
    ran = world.ixctl("load", *ALL, "--seconds", "0.5", "--json")
    assert 0.5 <= ran.records[-1]["seconds"] < 1.0
    assert ran.records[-1]["requests"] > 100


def test_the_same_seed_sends_the_same(world: CommandWorld, queue: deque[str]) -> None:
    world.ixctl("load", *ALL, "--count", "50", "--clients", "1", "--mix", "2:1:0")
    first = [type(each) for each in world.asked]
    queue.clear()
    world.ixctl("load", *ALL, "--count", "50", "--clients", "1", "--mix", "2:1:0")
    again = [type(each) for each in world.asked][len(first) :]
    assert sorted(map(str, first)) == sorted(map(str, again))
    assert RequestStopProcessing not in first


def test_errors_are_counted_by_code(world: CommandWorld, queue: deque[str]) -> None:
    world.reply(RequestPull, EventError(error_code=Code.UNKNOWN_VIEW))
    ran = world.ixctl("load", *ALL, "--count", "40")
    assert ran.code == 1
    assert f"× {Code.UNKNOWN_VIEW}: Unknown view" in ran.stdout


def test_empty_pulls_are_counted(world: CommandWorld, queue: deque[str]) -> None:
    ran = world.ixctl("load", "--view", "Q1/All", "--mix", "0:1:0", "--count", "10")
    assert "10 pulls were empty" in ran.stdout


@pytest.mark.parametrize("argv", [(), ("--queue", "Q1", "--media-type", "email")])
def test_what_the_mix_needs_must_be_said(world: CommandWorld, argv: tuple[str, ...]) -> None:
    assert world.ixctl("load", *argv).code == 2


def test_a_mix_is_three_weights() -> None:
    assert mix("2:1:0") == {"submit": 2, "pull": 1, "stop": 0}
    for text in ("1:1", "a:b:c", "0:0:0", "1:-1:1"):
        with pytest.raises(ArgumentTypeError, match="expected three weights"):
            mix(text)
