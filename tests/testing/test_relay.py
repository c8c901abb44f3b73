"""A relay passes everything on, and can be cut or made to hang."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import pytest_twisted
from twisted.internet.defer import Deferred, DeferredQueue
from twisted.internet.endpoints import (
    TCP4ClientEndpoint,
    TCP4ServerEndpoint,
    connectProtocol,
)
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.internet.task import deferLater
from twisted.python.failure import Failure

from ixproxy.testing.relay import Relay

pytestmark = pytest.mark.processes


class Echo(Protocol):
    def dataReceived(self, data: bytes) -> None:
        transport: Any = self.transport
        transport.write(data.upper())


class Caller(Protocol):
    def __init__(self) -> None:
        self.came: DeferredQueue[bytes] = DeferredQueue()
        self.lost: Deferred[None] = Deferred()

    def dataReceived(self, data: bytes) -> None:
        self.came.put(data)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self.lost.callback(None)

    def say(self, data: bytes) -> None:
        transport: Any = self.transport
        transport.write(data)

    async def hear(self, size: int) -> bytes:
        heard = b""
        while len(heard) < size:
            heard += await self.came.get()
        return heard


@asynccontextmanager
async def relayed(reactor: Any) -> AsyncIterator[Relay]:
    endpoint = TCP4ServerEndpoint(reactor, 0, interface="127.0.0.1")
    listening = await endpoint.listen(Factory.forProtocol(Echo))
    relay = Relay(reactor, listening.getHost().port)
    await relay.start()
    try:
        yield relay
    finally:
        await relay.stop()
        await listening.stopListening()
        # What was cut is noticed in the next turns.
        while relay.legs:
            await deferLater(reactor, 0.01)
        await deferLater(reactor, 0.05)


async def call(reactor: Any, relay: Relay) -> Caller:
    caller = Caller()
    await connectProtocol(TCP4ClientEndpoint(reactor, "127.0.0.1", relay.port), caller)
    return caller


@pytest_twisted.ensureDeferred
async def test_what_comes_is_passed_on_both_ways_however_much_it_is(real_reactor: Any) -> None:
    async with relayed(real_reactor) as relay:
        caller = await call(real_reactor, relay)
        sent = b"grow " * 100_000
        caller.say(sent)
        assert await caller.hear(len(sent)) == sent.upper()


@pytest_twisted.ensureDeferred
async def test_a_cut_loses_all_connections_and_lets_new_ones_in(real_reactor: Any) -> None:
    async with relayed(real_reactor) as relay:
        callers = [await call(real_reactor, relay) for _ in range(3)]
        callers[0].say(b"a")
        assert await callers[0].hear(1) == b"A"
        relay.cut()
        for caller in callers:
            await caller.lost
        another = await call(real_reactor, relay)
        another.say(b"b")
        assert await another.hear(1) == b"B"


@pytest_twisted.ensureDeferred
async def test_what_came_while_it_hung_is_passed_on_afterwards(real_reactor: Any) -> None:
    async with relayed(real_reactor) as relay:
        before = await call(real_reactor, relay)
        before.say(b"a")
        assert await before.hear(1) == b"A"
        relay.hang()
        meanwhile = await call(real_reactor, relay)
        before.say(b"b")
        meanwhile.say(b"c")
        await deferLater(real_reactor, 0.2)
        assert not before.came.pending
        assert not meanwhile.came.pending
        assert not before.lost.called
        relay.go_on()
        assert await before.hear(1) == b"B"
        assert await meanwhile.hear(1) == b"C"


@pytest_twisted.ensureDeferred
async def test_where_nobody_listens_who_connects_is_cut(real_reactor: Any) -> None:
    async with relayed(real_reactor) as relay:
        relay.to = 1
        caller = await call(real_reactor, relay)
        await caller.lost
