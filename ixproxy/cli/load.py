"""
`ixctl load`: generates load, measures answers, and keeps books of what it did.

What is drawn, sent and measured is in `ixproxy.cli.load_mix`, `load_arrivals`,
`load_run` and `load_tally`; here they are put together from a command line.
"""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterator
from itertools import chain
from random import Random
from typing import Any

from twisted.internet.defer import CancelledError
from twisted.internet.task import LoopingCall

from ixproxy.cli.demo_input import Columns, CsvSource
from ixproxy.cli.load_arrivals import Spacing, arrivals
from ixproxy.cli.load_clients import clients
from ixproxy.cli.load_content import Content, made_up, rows_of
from ixproxy.cli.load_ledger import Ledger
from ixproxy.cli.load_mix import FROM_A_VIEW, OF_A_WORKBIN, Kind
from ixproxy.cli.load_options import IN_FLIGHT, add_options
from ixproxy.cli.load_report import progress_line, show
from ixproxy.cli.load_requests import NO_WORKBIN, Places, Requests
from ixproxy.cli.load_run import ClosedRun, Crew, Length, OpenRun, Run
from ixproxy.cli.load_tally import Tally
from ixproxy.cli.load_waiting import count_queues, status_of
from ixproxy.cli.outcomes import Exit, UsageError
from ixproxy.cli.output import Output
from ixproxy.cli.workbins import workbin_of

PROGRESS = 1.0
"""Seconds between two lines of progress."""


def add_parser(subparsers: Any) -> None:
    """Add the subcommand."""
    add_options(
        subparsers.add_parser(
            "load",
            help="generate load and measure answers",
            description="Sends requests and measures how long each takes: a closed loop keeps a "
            "number of them in flight, an open one (--rate) sends at given times. It stops "
            "interactions of the view for good: point it at a queue of its own.",
        )
    ).set_defaults(command=command)


def checked(args: Namespace) -> None:
    """
    See that the mix has what it needs.

    :raise UsageError: it has not.
    """
    kinds, columns = args.mix.kinds, args.columns or Columns()
    somewhere = (args.media_type or columns.media) and (args.queue or columns.queue)
    if Kind.SUBMIT in kinds and not somewhere:
        raise UsageError("submits need --media-type and --queue, or --columns that say them")
    if kinds & FROM_A_VIEW and not args.view:
        raise UsageError("pulls, and what is done to what was pulled, need --view")
    if kinds & OF_A_WORKBIN and not args.workbin:
        raise UsageError("workbin, content and fetch need --workbin and its owner")
    if Kind.SHOW in kinds and not args.view and Kind.SUBMIT not in kinds:
        raise UsageError("show needs something to look at: give --view, or submits in the mix")
    if Kind.FETCH in kinds and not args.view:
        raise UsageError("fetch needs something in a workbin, and so --view")
    if args.columns and args.input is None:
        raise UsageError("--columns needs --input")
    if args.rate is None and (args.arrivals or args.max_in_flight):
        raise UsageError("--arrivals and --max-in-flight belong to --rate")
    if args.rate is not None and (args.depth > 1 or args.think):
        raise UsageError("--depth and --think belong to a closed loop, without --rate")


def content_of(args: Namespace, random: Random) -> Iterator[Content]:
    """
    What is handed in.

    :raise UsageError: the file cannot be read, or is not one.
    """
    if args.input is None:
        return made_up(args.bytes, random)
    rows = rows_of(CsvSource(args.input, args.columns or Columns(), args.encoding))
    # What is wrong with a file is said before anybody is asked anything.
    return chain([next(rows)], rows)


def places_of(args: Namespace, tenant_id: int) -> Places:
    """Where the load happens."""
    workbin = workbin_of(args) if args.workbin else NO_WORKBIN
    into = args.into or args.view.partition("/")[0] or args.queue
    return Places(tenant_id, args.media_type, args.queue, args.view, into, workbin)


async def command(reactor: Any, args: Namespace, output: Output) -> int:
    """Run the load, and print what was measured."""
    checked(args)
    random = Random(args.seed)
    content = content_of(args, Random(random.random()))
    ledger = Ledger()
    async with clients(reactor, args, Random(random.random())) as opened:
        observer = await opened.observer(f"{args.name}-observer")
        places = places_of(args, opened.tenant_of(observer))
        requests = Requests(places, content)
        crews = [await opened.crew(number, ledger) for number in range(1, args.clients + 1)]
        before = await status_of(observer)
        tally = Tally(reactor.seconds() + args.warm_up)
        run = _run(reactor, args, crews, requests, tally, random)
        interrupted = await _to_its_end(reactor, run, tally, output)
        took = max(0.0, reactor.seconds() - tally.measured_from)
        # A goodbye gives back what a client still has, but what is on hold stays so.
        await run.resume_all()
        await opened.goodbye()
        ledger.all_returned()
        if before is not None:
            named = requests.queues() | ledger.queues
            await count_queues(reactor, observer, before, places.tenant_id, named, ledger)
    show(tally, ledger, took, output)
    if interrupted:
        return Exit.INTERRUPTED
    return Exit.REFUSED if tally.errors or ledger.right is False else Exit.OK


def _run(
    reactor: Any,
    args: Namespace,
    crews: list[Crew],
    requests: Requests,
    tally: Tally,
    random: Random,
) -> Run:
    length = Length(args.warm_up + args.seconds, args.count)
    parts = (reactor, crews, requests, args.mix, length, tally, Random(random.random()))
    if args.rate is None:
        closed = ClosedRun(*parts)
        closed.depth, closed.ramp, closed.think = args.depth, args.ramp_up, args.think
        return closed
    opened = OpenRun(*parts)
    spacing = args.arrivals or Spacing.POISSON
    opened.arrivals = arrivals(args.rate, args.ramp_up, spacing, Random(random.random()))
    opened.max_in_flight = args.max_in_flight or IN_FLIGHT
    return opened


async def _to_its_end(reactor: Any, run: Run, tally: Tally, output: Output) -> bool:
    """Run; whether it was interrupted."""
    looked_at = run.began

    def look() -> None:
        nonlocal looked_at
        now = reactor.seconds()
        latencies, refused = tally.look()
        line = progress_line(now - run.began, now - looked_at, latencies, refused, run.in_flight)
        output.notes.print(line)
        looked_at = now

    progress = LoopingCall(look)
    progress.clock = reactor
    run.start()
    if output.terminal:
        progress.start(PROGRESS, now=False)
    interrupted = False
    try:
        await run.ended
    except CancelledError:
        interrupted = True
        run.stop()
        await run.drained()
    finally:
        run.stop()
        if progress.running:
            progress.stop()
    return interrupted
