"""
`ixctl demo`: a real cluster on this machine, fed, worked off and checked.

Theory of operation: three nodes, two proxies and an external server are started as
processes of their own, in a directory of their own. Everything is handed in, by media servers
through both proxies or by capture points of the nodes, looked up again and compared with
the input, and delivered to agents, who work it off until all queues are empty. A
reporting client watches. What is reported is counted by the cluster's answers, by
looking into the nodes' databases, which is done past the nodes, and by what the watcher,
and who put in files, was told.
"""

from __future__ import annotations

import shutil
import tempfile
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from random import SystemRandom
from typing import Any

from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
)
from twisted.internet.defer import CancelledError

from ixproxy.cli.demo_calling import PROGRAM, Calls, all_connected
from ixproxy.cli.demo_clients import Clients, clients
from ixproxy.cli.demo_deployment import NODES, PROXIES, RESPONDER, Plan, plan, write
from ixproxy.cli.demo_feeding import Feeding, feeding
from ixproxy.cli.demo_input import CsvSource, MadeUp, Source, columns_of, survey
from ixproxy.cli.demo_routing import work_off
from ixproxy.cli.demo_stores import look
from ixproxy.cli.demo_submitting import compare, find, media_servers, submit
from ixproxy.cli.demo_summary import Result, show
from ixproxy.cli.demo_watching import Watcher
from ixproxy.cli.demo_ways import FEEDS, Fed, ways_of
from ixproxy.cli.key_values import whole_number
from ixproxy.cli.outcomes import Exit, UsageError
from ixproxy.cli.output import Output
from ixproxy.client import Client
from ixproxy.errors import NodeUnavailable, RequestRefused
from ixproxy.testing.processes import wait_for_server
from ixproxy.testing.servers import ServerFailed, Servers
from ixproxy.values import ClientType

START_SECONDS = 60.0
MADE_UP = 400


def add_parser(subparsers: Any) -> None:
    """Add the subcommand."""
    parser: ArgumentParser = subparsers.add_parser(
        "demo",
        help="run a cluster on this machine and show what it does",
        description="Starts three nodes, two proxies and an external server as processes of "
        "their own, hands interactions in through both proxies, as files or by calls to web "
        "services, looks each of them up and compares it, delivers them to agents who work them "
        "off, and says what happened, and whether those who fed it and a reporting client were "
        "told the same. Exit code 1 when something was lost, doubled, changed, refused, or told "
        "otherwise.",
    )
    parser.add_argument(
        "--input", type=Path, metavar="FILE.csv", help="hand in the rows of a file; with --map"
    )
    parser.add_argument(
        "--map",
        type=columns_of,
        metavar="media=COLUMN,queue=COLUMN[,external-id=COLUMN]",
        help="which columns say the media type and the queue; every column becomes user data",
    )
    parser.add_argument("--encoding", default="utf-8-sig", help="of the file (%(default)s)")
    parser.add_argument("--limit", type=whole_number, help="hand in so many at most")
    parser.add_argument(
        "--feed",
        choices=tuple(FEEDS),
        default="direct",
        help="how they are handed in: by media servers, by the file capture points of the nodes, "
        "by their web services, or by all three in turn (%(default)s)",
    )
    parser.add_argument("--agents", type=whole_number, default=12, help="(%(default)s)")
    parser.add_argument(
        "--directory",
        type=Path,
        help="where deployment file, databases and logs go, to stay there",
    )
    parser.add_argument(
        "--responder",
        type=Path,
        metavar="FILE.py",
        help="the program that nodes call for strategies: examples/auto_responder.py of the "
        "source, which is found by itself where ixproxy runs from there",
    )
    parser.set_defaults(command=command)


def responder_of(args: Namespace) -> Path | None:
    """
    The external server's program; None: there is none.

    :raise UsageError: what was named is no file.
    """
    named: Path | None = args.responder
    if named is None:
        return PROGRAM if PROGRAM.exists() else None
    if not named.is_file():
        raise UsageError(f"--responder: {named} is not a file")
    return named.absolute()


def source_of(args: Namespace) -> Source:
    """
    What is to be handed in.

    :raise UsageError: the arguments make no sense together.
    """
    if bool(args.input) != bool(args.map):
        raise UsageError("--input and --map belong together")
    if args.input:
        return CsvSource(args.input, args.map, args.encoding, args.limit)
    return MadeUp(args.limit or MADE_UP)


async def command(reactor: Any, args: Namespace, output: Output) -> int:
    """Run the demo, and print what came of it."""
    source, responder, ways = source_of(args), responder_of(args), ways_of(args.feed)
    found = survey(source)
    result = Result(source.title, found.count, args.agents)
    with _directory(args.directory, output) as directory:
        cluster = plan(
            directory,
            found.media_types,
            found.queues,
            SystemRandom(),
            responder=responder,
            ways=ways,
        )
        result.calls = Calls() if responder else None
        write(cluster)
        async with feeding(reactor, cluster) as opened:
            result.feeding = opened
            await _run(reactor, cluster, Fed(source, ways), opened, result, output)
    if not output.json:
        show(result, output)
    output.record(result.record())
    return Exit.OK if result.sound else Exit.REFUSED


@contextmanager
def _directory(wanted: Path | None, output: Output) -> Iterator[Path]:
    """The directory to work in; one of our own making goes again, unless something failed."""
    if wanted is not None:
        yield wanted.absolute()
        return
    directory = Path(tempfile.mkdtemp(prefix="ixproxy-demo-"))
    try:
        yield directory
    except Exception as problem:
        if not isinstance(problem, CancelledError):
            output.note(f"Files are left in {directory}")
            raise
        shutil.rmtree(directory, ignore_errors=True)
        raise
    shutil.rmtree(directory, ignore_errors=True)


async def _run(
    reactor: Any, cluster: Plan, source: Source, ways: Feeding, result: Result, output: Output
) -> None:
    servers = Servers(reactor, cluster.file)
    stores = {node: cluster.store(node) for node in NODES}
    phase = _phases(reactor, result, output)
    try:
        with phase("start", len(NODES) + len(PROXIES) + bool(cluster.responder)) as progress:
            await _start(reactor, cluster, servers, progress)
        async with clients(reactor, cluster) as opened:
            result.measured = opened.measured
            client = await opened.open(PROXIES[0], "watcher", ClientType.REPORTING_ENGINE)
            if cluster.responder:
                await all_connected(reactor, await _caller(opened), START_SECONDS, servers.check)
            watcher = result.watcher = Watcher(client)
            await watcher.begin()
            media = await media_servers(opened, cluster.media_types)
            with phase("submit", result.handed_in) as progress:
                result.ids = await submit(opened, media, source, ways, progress)
            result.before = look(stores)
            with phase("compare", result.handed_in) as progress:
                result.differs = await compare(opened, media, source, result.ids, progress)
            with phase("find", len(result.before.queues)) as progress:
                result.finds_differ = await find(opened, media, result.before.queues, progress)
            with phase("work", len(result.before.nodes_of)) as progress:
                await work_off(opened, cluster, result.agents, result.seen, progress, result.calls)
                await ways.told_all()
                await watcher.told_all(reactor, result.done)
        servers.check()
    except (ServerFailed, CancelledError):
        raise
    except Exception:
        _explain(servers, output)
        raise
    finally:
        with phase("stop", 1):
            result.killed = await servers.stop()
    result.after = look(stores)


async def _start(
    reactor: Any, cluster: Plan, servers: Servers, progress: Callable[[int], None]
) -> None:
    for kind, names in (("ixnode", NODES), ("ixproxy", PROXIES)):
        for name in names:
            servers.start(kind, name, cluster.log(name))
        for name in names:
            try:
                await wait_for_server(reactor, cluster.endpoint(name), START_SECONDS, servers.check)
            except RequestRefused as problem:
                raise NodeUnavailable(f"{name} did not get ready: {problem}") from problem
            progress(1)
    if cluster.responder:
        arguments = ("--queue", cluster.escalations)
        servers.start_program(cluster.responder, RESPONDER, cluster.log(RESPONDER), arguments)
        progress(1)


async def _caller(opened: Clients) -> Client:
    return await opened.open(PROXIES[0], "caller", ClientType.ROUTING_ENGINE)


def _explain(servers: Servers, output: Output) -> None:
    """Say what the servers logged last."""
    for process in servers.processes.values():
        state = "running" if process.running else process.outcome
        output.note(f"--- {process.name} ({state}), the end of {process.log}:\n{process.tail()}")


_TITLES = {
    "start": "Starting servers",
    "submit": "Handing in",
    "compare": "Looking up and comparing",
    "find": "Finding, queue by queue",
    "work": "Working off",
    "stop": "Stopping servers",
}


def _phases(reactor: Any, result: Result, output: Output) -> Callable[[str, int], Any]:
    """Times each phase; says that it begins, or on a terminal how far it is."""

    @contextmanager
    def phase(name: str, total: int) -> Iterator[Callable[[int], None]]:
        began = reactor.seconds()
        if not output.notes.is_terminal:
            output.note(f"{_TITLES[name]} ({total})")
        with Progress(
            TextColumn("{task.description:<26}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=output.notes,
            disable=not output.notes.is_terminal,
        ) as bars:
            task = bars.add_task(_TITLES[name], total=total)
            try:
                yield lambda count: bars.advance(task, count)
            finally:
                result.seconds[name] = reactor.seconds() - began

    return phase
