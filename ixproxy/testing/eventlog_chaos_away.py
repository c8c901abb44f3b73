"""
A log that is away again and again, under load, while nodes are killed: nothing is dropped.

Theory of operation: both nodes of a small cluster log into the same database. In each round
something happens to it, and to a node as well in most: while the log is away, so that
the backup finds a spool, or as soon as it is back, so that it breaks off amid shipping.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

from ixproxy.errors import IxproxyError
from ixproxy.testing.capture_chaos_faults import STRIKES
from ixproxy.testing.chaos_books import Books
from ixproxy.testing.chaos_clients import Load
from ixproxy.testing.chaos_history import History
from ixproxy.testing.eventlog_chaos_deployment import NODES, PROXY, SHAKEN
from ixproxy.testing.eventlog_chaos_judging import Truth
from ixproxy.testing.eventlog_chaos_outsides import Fault, Outside
from ixproxy.testing.eventlog_chaos_stage import Options, Outcome, Stage
from ixproxy.testing.eventlog_chaos_told import Told

BOUND = 1_000_000
WHILE, AFTERWARDS = "while it is away", "as it comes back"
BETWEEN_SECONDS = 2.0
REST_SECONDS = 120.0
"""Within which clients are done once nothing new is handed in."""


@dataclass(frozen=True, slots=True)
class Round:
    """
    One round.

    :ivar fault: what happens to the log, for so many `seconds`.
    :ivar strike: what happens to a node, "": nothing; `moment`: when; `hang`: for how many
        seconds, where it is for a while.
    """

    fault: str
    seconds: float
    strike: str = ""
    node: str = ""
    moment: str = ""
    hang: float = 0.0

    def __str__(self) -> str:
        struck = f"; {self.node} {self.moment}: {self.strike}" if self.strike else ""
        return f"{self.fault}, {self.seconds:.1f} s{struck}"


def draw(
    faults: Mapping[str, Fault], rounds: int, random: Random, only: Sequence[str] = ()
) -> list[Round]:
    """
    What happens in each round: every fault once before one comes again, likewise the strikes.

    :raise IxproxyError: none of the faults that are wanted can be had here.
    """
    kinds = [kind for kind in faults if not only or kind in only]
    if not kinds:
        raise IxproxyError(
            f"of the faults that are wanted there are none among {', '.join(faults)}"
        )
    drawn_faults = _in_turn(kinds, rounds, random)
    strikes = _in_turn(["kill primary", "kill primary", "", *STRIKES], rounds, random)
    found = []
    for fault, strike in zip(drawn_faults, strikes, strict=False):
        seconds = random.uniform(faults[fault].least, faults[fault].most)
        if not strike:
            found.append(Round(fault, seconds))
            continue
        node, moment = random.choice(list(NODES)), random.choice((WHILE, AFTERWARDS))
        hang = random.uniform(*STRIKES[strike][1:])
        found.append(Round(fault, seconds, strike, node, moment, hang))
    return found


def _in_turn(kinds: Sequence[str], count: int, random: Random) -> list[str]:
    order: list[str] = []
    while len(order) < count:
        order += random.sample(kinds, len(kinds))
    return order[:count]


async def away(
    reactor: Any,
    folder: Path,
    options: Options,
    tell: Callable[[str], object],
    outside: Outside | None = None,
) -> Outcome:
    """
    One run.

    :param outside: one that is started and goes on; None: it has its own.
    :raise ixproxy.errors.IxproxyError: there can be none here, or the cluster broke down.
    """
    began = reactor.seconds()
    history = History(folder / "history.jsonl")
    stage = Stage(reactor, folder, options, NODES, bound=BOUND, proxy=True, outside=outside)
    async with stage:
        load = Load(
            reactor, history, [stage.cluster.endpoint(PROXY)], Random(f"{options.seed}/load"),
            options.rate,
        )  # fmt: skip
        told = {name: Told() for name in NODES}
        try:
            for name, each in told.items():
                await each.begin(reactor, history, stage.endpoints(name), f"told-{name}", SHAKEN)
            await load.begin()
            load.go_on()
            rounds = draw(
                stage.outside.faults(), options.rounds, Random(f"{options.seed}/faults"),
                options.only,
            )  # fmt: skip
            for number, happening in enumerate(rounds, 1):
                await _happen(stage, happening)
                await stage.look()
                waits = sum(watch.waiting for watch in told.values())
                tell(f"  round {number}: {happening}; {waits} events wait")
                await stage.pause(BETWEEN_SECONDS)
                await stage.look()
            load.rest()
            late = await _rested(stage, load)
            problems = load.problems()
        finally:
            await load.close()
            for each in told.values():
                await each.end()
            history.flush()
        truth = Truth(Books(seen=load.seen).read(history.requests))
        for each in told.values():
            truth.told |= each.events
        verdict = await stage.judged(truth)
        verdict.count("events dropped though there was room", (await _gaps(stage)))
        surprises = [*stage.surprises(), *problems, *late]
    return Outcome(
        options, verdict, stage.struck, surprises, stage.outside.missing,
        reactor.seconds() - began, max(each.most_waiting for each in told.values()),
    )  # fmt: skip


async def _gaps(stage: Stage) -> list[object]:
    logged = await stage.apart(stage.outside.logged)
    return list(logged.gaps)


async def _happen(stage: Stage, each: Round) -> None:
    fault = stage.outside.faults()[each.fault]
    stage.struck[each.fault] += 1
    await stage.apart(fault.begin)
    try:
        if each.moment == WHILE:
            await stage.pause(each.seconds / 2)
            await stage.meanwhile(
                stage.strike(each.strike, each.node, each.hang), stage.pause(each.seconds / 2)
            )
        else:
            await stage.pause(each.seconds)
    finally:
        await stage.apart(fault.end)
    if each.moment == AFTERWARDS:
        # Some rows have left by then, and some have not.
        await stage.pause(0.5)
        await stage.strike(each.strike, each.node, each.hang)


async def _rested(stage: Stage, load: Load) -> list[str]:
    """Wait until clients have nothing to do; what they still have after long."""
    deadline = stage.reactor.seconds() + REST_SECONDS
    while load.busy:
        if stage.reactor.seconds() > deadline:
            return [f"clients are not done: {load.busy}"]
        await stage.pause(0.2)
    return []
