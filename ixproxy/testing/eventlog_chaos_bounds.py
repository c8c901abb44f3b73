"""
A log that is away until its spool is full: the log drops and says what, or it has requests refused.

Theory of operation: both cases have one node, whose log is away while a flood of events
comes. The node is killed while its spool is full, and again while it ships; what its
backup finds must be followed as exactly as what it would have known itself.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from ixproxy.testing.chaos_books import Books
from ixproxy.testing.chaos_history import History
from ixproxy.testing.eventlog_chaos_deployment import LEAST_BOUND, NODES, SHAKEN
from ixproxy.testing.eventlog_chaos_flood import Flood
from ixproxy.testing.eventlog_chaos_judging import Truth, Verdict
from ixproxy.testing.eventlog_chaos_outsides import Outside
from ixproxy.testing.eventlog_chaos_page import make_page, read_page, told_wrongly
from ixproxy.testing.eventlog_chaos_stage import Options, Outcome, Stage
from ixproxy.testing.eventlog_chaos_told import Told

NODE = "ixn1"
DOCUMENTS = 300
REFUSALS = 20
SAID_DROPPED = "are dropped and counted"
SAID_REFUSED = "requests that change something are refused"
SHIPPED = 0.7
"""What of the bound waits at most once a log that is back has taken a good part."""

WAIT_SECONDS = 120.0


class _Bounded:
    """What both cases have in common."""

    def __init__(self, stage: Stage, flood: Flood, told: Told) -> None:
        self.stage = stage
        self.flood = flood
        self.told = told
        self.surprises: list[str] = []
        self.left = 0

    def expect(self, what: str, so: bool) -> None:
        """Something that must be so."""
        if not so:
            self.surprises.append(f"not so: {what}")

    async def until(self, happened: Callable[[], bool], what: str) -> None:
        """Wait for something, or note that it does not happen."""
        deadline = self.stage.reactor.seconds() + WAIT_SECONDS
        while not happened():
            if self.stage.reactor.seconds() > deadline:
                self.expect(what, False)
                return
            await self.stage.pause(0.1)

    async def kill(self) -> None:
        """`kill -9` to the primary; wait until its backup has been seen to serve."""
        epoch = self.told.epoch
        await self.stage.strike("kill primary", NODE, 0.0)
        await self.until(lambda: self.told.epoch > epoch, "the backup serves")

    async def go_away(self) -> None:
        """The log is away."""
        self.stage.struck["log is away"] += 1
        await self.stage.apart(self.stage.outside.go_away)

    async def come_back(self) -> None:
        """The log is back."""
        await self.stage.apart(self.stage.outside.come_back)

    def waiting(self) -> int:
        """Events that wait, as of the last look."""
        return self.told.waiting


async def _dropping(run: _Bounded) -> None:
    options, flood, told = run.stage.options, run.flood, run.told

    def dropped() -> int:
        return told.dropped.get(told.epoch, 0)

    for kill in (True, False):
        full = await flood.until(lambda: dropped() >= options.drops)
        run.expect(f"events are dropped in epoch {told.epoch}: {dropped()}", full)
        run.expect("the status says so", told.status is not None and told.status.dropping)
        if kill:
            await run.kill()
    await run.come_back()
    await run.until(lambda: run.waiting() < SHIPPED * LEAST_BOUND, "the spool is shipped")
    # How much is left by then is chance: a log may be faster than whoever looks.
    run.left = run.waiting()
    await run.stage.look()
    await run.kill()
    await run.stage.look()
    for _ in range(5):
        await flood.churn()


async def _refusing(run: _Bounded) -> None:
    flood, told = run.flood, run.told
    full = await flood.until(lambda: flood.refused >= REFUSALS)
    run.expect(f"requests are refused: {flood.refused}", full)
    run.expect("the status says so", told.status is not None and told.status.refusing)
    before = flood.refused
    await flood.submit(REFUSALS)
    run.expect("submits are refused", flood.refused - before == len(flood.open) == REFUSALS)
    run.expect("what changes nothing is answered", await flood.known())
    await run.kill()
    before = flood.refused
    await flood.hand_in_again()
    run.expect("the backup refuses as well", flood.refused - before == len(flood.open) == REFUSALS)
    await run.come_back()
    await run.until(lambda: run.waiting() < LEAST_BOUND, "there is room again")
    await flood.hand_in_again()
    run.expect("and requests are served", not flood.open)
    await run.stage.look()
    await run.kill()


async def bounded(
    reactor: Any,
    folder: Path,
    options: Options,
    tell: Callable[[str], object],
    outside: Outside | None = None,
) -> Outcome:
    """
    One run of the case `bound`, or of `mandatory`.

    :param outside: one that is started and goes on; None: it has its own.
    :raise ixproxy.errors.IxproxyError: there can be none here, or the node broke down.
    """
    began = reactor.seconds()
    mandatory = options.case == "mandatory"
    history = History(folder / "history.jsonl")
    stage = Stage(reactor, folder, options, [NODE], mandatory=mandatory, outside=outside)
    async with stage:
        endpoints = stage.endpoints(NODE)
        run = _Bounded(stage, Flood(reactor, history, endpoints), Told())
        try:
            await run.told.begin(reactor, history, endpoints, "told", SHAKEN)
            await run.flood.begin()
            await run.flood.submit(DOCUMENTS)
            run.expect("documents are taken", not run.flood.open)
            await run.go_away()
            await (_refusing if mandatory else _dropping)(run)
            tell(f"  {dict(run.told.dropped)} dropped by epoch, {run.flood.refused} refused")
            run.surprises += await run.flood.drain()
        finally:
            await run.come_back()
            await run.flood.end()
            await run.told.end()
            history.flush()
        verdict = await stage.judged(Truth(Books().read(history.requests), told=run.told.events))
        verdict.figures["requests refused, for the log is full"] = run.flood.refused
        verdict.figures["waited when killed amid shipping"] = run.left
        if stage.outside.has_pages:
            wrong = await stage.apart(lambda: _wrong_on_the_page(stage, folder / "report.html"))
            verdict.count("wrong on the page of the report", wrong)
        _judge_bound(run, verdict, mandatory)
        surprises = [*stage.surprises(), *run.surprises]
    return Outcome(
        options, verdict, stage.struck, surprises, stage.outside.missing,
        reactor.seconds() - began, run.told.most_waiting,
    )  # fmt: skip


def _wrong_on_the_page(stage: Stage, file: Path) -> list[str]:
    """In what the page of `ixctl eventlog report` is not right about what was dropped."""
    make_page(stage.outside.address, file)
    names = {dbid: f"{name} ({dbid})" for name, dbid in NODES.items()}
    said = read_page(file.read_text("utf-8"))
    return told_wrongly(said, stage.witness(), stage.outside.logged(), names)


def _judge_bound(run: _Bounded, verdict: Verdict, mandatory: bool) -> None:
    seen, dropped = sum(run.told.dropped.values()), verdict.figures["dropped"]
    if mandatory:
        run.expect(f"nothing is dropped: {dropped}, seen {seen}", dropped == seen == 0)
        run.expect("the node's log says it", run.stage.said(NODE, SAID_REFUSED))
        return
    run.expect(f"events are dropped as seen: {dropped}, seen {seen}", dropped >= seen > 0)
    run.expect("nothing is refused", run.flood.refused == 0)
    run.expect("the node's log says it", run.stage.said(NODE, SAID_DROPPED))
    run.expect(
        f"no more waits than the bound allows: {run.told.most_waiting}",
        run.told.most_waiting <= LEAST_BOUND,
    )
