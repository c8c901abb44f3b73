"""Faults of what a source is reached through: each is over when it says so."""

from __future__ import annotations

from pathlib import Path
from random import Random
from typing import Any, cast

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from ixproxy.testing.capture_chaos_relayed import link_faults, server_faults
from ixproxy.testing.capture_chaos_source import Fault, Source
from ixproxy.testing.relay import Relay


class Near(Source):
    """Does in this thread what blocks."""

    def __init__(self) -> None:
        super().__init__(Clock(), Path("nowhere"), Random(1))

    async def apart(self, work: Any, *arguments: Any) -> Any:
        return work(*arguments)


class Noting:
    """Notes what is called of it."""

    def __init__(self) -> None:
        self.done: list[str] = []

    def __getattr__(self, name: str) -> Any:
        return lambda: self.done.append(name)


def begin(fault: Fault, seconds: float) -> Deferred[None]:
    async def strike() -> None:
        await fault(seconds)

    return Deferred.fromCoroutine(strike())


def test_connections_are_cut_or_hang_for_a_while() -> None:
    source, noting = Near(), Noting()
    faults = link_faults(source, lambda: cast(Relay, noting))
    assert begin(faults["cut connections"][0], 0.0).called
    assert noting.done == ["cut"]
    hanging = begin(faults["connections hang"][0], 2.0)
    source.reactor.advance(1.9)
    assert noting.done == ["cut", "hang"]
    source.reactor.advance(0.1)
    assert hanging.called
    assert noting.done == ["cut", "hang", "go_on"]


def test_a_broker_dies_and_comes_back_or_hangs_for_a_while() -> None:
    source, noting = Near(), Noting()
    faults = server_faults(source, noting.kill, noting.start, noting.pause, noting.resume)
    dying = begin(faults["kill broker"][0], 1.0)
    assert noting.done == ["kill"]
    source.reactor.advance(1.0)
    assert dying.called
    freezing = begin(faults["freeze broker"][0], 1.0)
    assert noting.done == ["kill", "start", "pause"]
    source.reactor.advance(1.0)
    assert freezing.called
    assert noting.done == ["kill", "start", "pause", "resume"]
