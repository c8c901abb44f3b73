"""Hands each interaction of the demo in by its way, and counts what came by which."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from ixproxy.cli.demo_clients import Measured
from ixproxy.cli.demo_deployment import Plan
from ixproxy.cli.demo_files import Files, NoReply
from ixproxy.cli.demo_input import Work
from ixproxy.cli.demo_posting import Caller, CallFailed, Post, Posts
from ixproxy.cli.demo_ways import Way, way_of
from ixproxy.cli.latencies import Latencies

_TIMED = {Way.FILES: "File, until its reply", Way.CALLS: "Call of a web service"}


class Feeding:
    """
    All ways of a demo.

    :ivar handed_in: how many interactions came by each.
    :ivar answered: how many of them were acknowledged, replied to or answered, with an id.
    :ivar files: None: none come in files.
    :ivar posts: None: none come in calls.
    """

    def __init__(self, reactor: Any, plan: Plan, post: Post) -> None:
        self._reactor = reactor
        self._ways = plan.ways
        self.handed_in: Counter[Way] = Counter()
        self.answered: Counter[Way] = Counter()
        self.files = Files(reactor, plan) if Way.FILES in plan.ways else None
        self.posts = Posts(reactor, plan, post) if Way.CALLS in plan.ways else None

    async def hand_in(
        self, measured: Measured, work: Work, by_server: Callable[[Work], Awaitable[str]]
    ) -> str:
        """
        Hand one in.

        :param by_server: how media servers do it.
        :return: its id; "": it was refused, which is counted.
        """
        way = way_of(work, self._ways)
        self.handed_in[way] += 1
        began = self._reactor.seconds()
        try:
            if way is Way.FILES and self.files is not None:
                identifier = await self.files.hand_in(work)
            elif way is Way.CALLS and self.posts is not None:
                identifier = await self.posts.hand_in(work)
            else:
                identifier = await by_server(work)
        except (NoReply, CallFailed) as problem:
            measured.errors[str(problem)] += 1
            return ""
        if way in _TIMED:
            latencies = measured.latencies.setdefault(_TIMED[way], Latencies())
            latencies.add(self._reactor.seconds() - began)
        self.answered[way] += bool(identifier)
        return identifier

    async def told_all(self) -> None:
        """Wait for what is still to be told, but not for ever."""
        if self.files is not None:
            await self.files.told_all()

    @property
    def wrong(self) -> dict[str, int]:
        """How often what was not as it should be; empty: all is well."""
        counts = {"not answered": self.handed_in.total() - self.answered.total()}
        for each in (self.files, self.posts):
            counts |= each.wrong if each is not None else {}
        return {name: count for name, count in counts.items() if count}

    def record(self) -> dict[str, object]:
        """For scripts."""
        found: dict[str, object] = {
            way.name.lower(): {"handed_in": self.handed_in[way], "answered": self.answered[way]}
            for way in Way
        }
        found["files_seen"] = self.files.record() if self.files is not None else None
        found["calls_seen"] = self.posts.record() if self.posts is not None else None
        return found


@asynccontextmanager
async def feeding(reactor: Any, plan: Plan) -> AsyncIterator[Feeding]:
    """The ways of a demo, looked after until the end: what is told, and then what lies where."""
    caller = Caller(reactor)
    ways = Feeding(reactor, plan, caller.post)
    if ways.files is not None:
        ways.files.begin()
    try:
        yield ways
    finally:
        if ways.files is not None:
            ways.files.end()
        await caller.close()
