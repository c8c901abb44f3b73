"""
Faults on real processes under load, judged from the clients' histories.

    python -m ixproxy.testing.chaos --store sqlite --rounds 20 --seed 1
    python -m ixproxy.testing.chaos --store postgresql --json report.json

Exit code 1: something is wrong; the logs, the history and the databases are
kept, and their folder is named. See `doc/chaos.md`.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import react

from ixproxy.errors import IxproxyError
from ixproxy.testing import chaos_report as report
from ixproxy.testing.arguments import amount, amount_or_none, at_least_one
from ixproxy.testing.chaos_checks import Checks
from ixproxy.testing.chaos_clients import Load
from ixproxy.testing.chaos_faults import KINDS, draw, possible
from ixproxy.testing.chaos_history import History
from ixproxy.testing.chaos_probing import Prober
from ixproxy.testing.chaos_rounds import Round, Rounds
from ixproxy.testing.chaos_scene import POSTGRESQL, SQLITE, Options, Scene
from ixproxy.values import ClientType

REPORT, HISTORY = "report.json", "history.jsonl"


@dataclass(slots=True)
class Run:
    """What became of a run."""

    options: Options
    rounds: list[Round]
    missing: list[str]
    growth: int = 0

    @property
    def failed(self) -> bool:
        """Whether anything is wrong."""
        return report.failed(self.options, self.rounds)

    def record(self) -> dict[str, Any]:
        """For JSON."""
        return report.record(self.options, self.rounds, self.missing, self.growth)


async def run(reactor: Any, folder: Path, options: Options, tell: Callable[[str], None]) -> Run:
    """
    One run, in a folder of its own.

    :param tell: told each line of the report, as soon as there is one.
    :raise IxproxyError: there can be none here, or the cluster broke down for good.
    """
    folder.mkdir(parents=True, exist_ok=True)
    history = History(folder / HISTORY)
    scene = Scene(reactor, folder, options)
    done = Run(options, [], scene.missing)
    try:
        async with scene:
            endpoints = [scene.endpoint(proxy) for proxy in scene.cluster.proxies]
            load = Load(reactor, history, endpoints, Random(f"{options.seed}/load"), options.rate)
            probers: list[Prober] = []
            try:
                await load.begin()
                laid: set[str] = set()
                for number, proxy in enumerate(scene.cluster.proxies):
                    name = f"probe-{proxy}"
                    asker = await load.come(name, ClientType.MEDIA_SERVER, number, stays=True)
                    probers.append(Prober(proxy, asker, load.shift.run))
                    laid.update(await probers[-1].lay())
                    probers[-1].begin()
                checks = Checks(scene, load, history, laid)
                rounds = Rounds(scene, load, history, probers, checks)
                began = reactor.seconds()
                for number, blows in enumerate(plan(scene), 1):
                    if options.minutes and reactor.seconds() - began > options.minutes * 60:
                        tell(f"{options.minutes:g} minutes are over: no more rounds")
                        break
                    done.rounds.append(await rounds.happen(number, blows))
                    done.growth = checks.growth
                    tell(report.round_line(done.rounds[-1], options.rounds))
            finally:
                for prober in probers:
                    prober.end()
                await load.close()
    finally:
        history.flush()
        (folder / REPORT).write_text(json.dumps(done.record(), indent=1))
    for line in report.lines(options, done.rounds, done.missing, done.growth):
        tell(line)
    return done


def plan(scene: Scene) -> Any:
    """What happens in each round of a scene."""
    options = scene.options
    kinds = possible(
        options.store, pairs=scene.pairs, apart=scene.hosts.apart, disks=bool(scene.disks)
    )
    kinds = [kind for kind in kinds if not options.only or kind in options.only]
    if not kinds:
        raise IxproxyError("none of the faults that are wanted can be had here")
    random = Random(f"{options.seed}/faults")
    return draw(kinds, options.rounds, options.lease_limit or 0, random)


def parse(arguments: list[str]) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="python -m ixproxy.testing.chaos",
        description="Faults on real processes under load, judged from the clients' histories.",
    )
    parser.add_argument("--store", choices=(SQLITE, POSTGRESQL), default=SQLITE)
    parser.add_argument("--rounds", type=at_least_one, default=20)
    parser.add_argument("--seed", type=int, default=1, help="draws faults and load")
    parser.add_argument(
        "--minutes",
        type=amount_or_none,
        default=0.0,
        help="no round begins later than that, which is a failure; 0: all do",
    )
    parser.add_argument("--rate", type=amount, default=30.0, help="documents per second, about")
    parser.add_argument("--lease-limit", type=int, default=3, metavar="SECONDS")
    parser.add_argument("--alone", action="store_true", help="nodes without backups")
    parser.add_argument(
        "--loopback", action="store_true", help="no network namespaces, no small file systems"
    )
    parser.add_argument(
        "--only", action="append", default=[], choices=sorted(KINDS), metavar="FAULT",
        help=f"only this fault, or these: {', '.join(KINDS)}",
    )  # fmt: skip
    parser.add_argument(
        "--json", type=Path, metavar="FILE", help="write the report there, too, as FILE-STORE"
    )
    parser.add_argument("--keep", action="store_true", help="keep the folder in any case")
    return parser.parse_args(arguments)


def options_of(args: argparse.Namespace) -> Options:
    """What a run is to be like."""
    return Options(
        store=args.store,
        rounds=args.rounds,
        seed=args.seed,
        lease_limit=None if args.alone else args.lease_limit,
        apart=not args.loopback,
        rate=args.rate,
        minutes=args.minutes,
        only=tuple(args.only),
    )


def report_file(asked: Path, store: str) -> Path:
    """Where a report is written: runs on both stores with one command line have a file each."""
    return asked.with_name(f"{asked.stem}-{store}{asked.suffix}")


async def command(reactor: Any, args: argparse.Namespace) -> None:
    """:raise SystemExit: something is wrong."""

    def tell(line: str) -> None:
        sys.stdout.write(f"{line}\n")
        sys.stdout.flush()

    folder = Path(tempfile.mkdtemp(prefix=f"ixchaos-{os.getpid()}-"))
    try:
        done = await run(reactor, folder, options_of(args), tell)
    except IxproxyError as problem:
        tell(f"The run broke off: {problem}\nLogs and history: {folder}")
        raise SystemExit(1) from problem
    if args.json is not None:
        report_file(args.json, args.store).write_text(json.dumps(done.record(), indent=1))
    if done.failed or args.keep:
        tell(f"Logs, history and databases: {folder}")
    else:
        shutil.rmtree(folder)
    if done.failed:
        raise SystemExit(1)


if __name__ == "__main__":
    arguments = parse(sys.argv[1:])
    react(lambda reactor: Deferred.fromCoroutine(command(reactor, arguments)))
