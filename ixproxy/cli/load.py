"""
`ixctl load`: a small closed-loop load generator.

Theory of operation: each client is a connection of a media server and one of
a routing client; on each pair run `--depth` loops, and a loop sends its next
request when the last one is answered. What it sends is drawn by weight:
submit, pull from the view, or stop something pulled before (with nothing in
hand it pulls instead). The run ends after `--seconds` or `--count` requests;
what is still held then goes back to its queue.
"""

from __future__ import annotations

from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any

from twisted.internet.defer import Deferred, DeferredList, gatherResults

from ixproxy.cli.connecting import Asking, add_options, deployment_of
from ixproxy.cli.key_values import seconds, whole_number
from ixproxy.cli.latencies import Latencies
from ixproxy.cli.outcomes import Exit, UsageError
from ixproxy.cli.output import Output
from ixproxy.cli.targets import tenant_of, view_of
from ixproxy.client import Client, Settings, connect
from ixproxy.errors import RequestRefused, describe
from ixproxy.messages import RequestPull, RequestStopProcessing, RequestSubmit
from ixproxy.messages.message import Request
from ixproxy.values import ClientType

KINDS = ("submit", "pull", "stop")


def mix(text: str) -> dict[str, int]:
    """
    Weights, as in `2:1:1`: of submits, pulls and stops.

    :raise ArgumentTypeError: it is not three whole numbers, or they are all 0.
    """
    parts = text.split(":")
    if (
        len(parts) != len(KINDS)
        or not all(part.isdecimal() for part in parts)
        or not any(map(int, parts))
    ):
        raise ArgumentTypeError(f"expected three weights such as 2:1:1, not {text!r}")
    return dict(zip(KINDS, map(int, parts), strict=True))


def add_parser(subparsers: Any) -> None:
    """Add the subcommand."""
    parser: ArgumentParser = subparsers.add_parser(
        "load",
        help="generate load and measure answers",
        description="Keeps a number of requests in flight and measures how long each takes. It "
        "stops interactions of the view for good: point it at a queue of its own.",
    )
    parser.add_argument("--media-type", default="", metavar="NAME", help="of what is submitted")
    parser.add_argument("--queue", default="", help="where it is submitted to")
    parser.add_argument("--view", default="", metavar="QUEUE/VIEW", help="what is pulled from")
    parser.add_argument(
        "--mix", type=mix, default=mix("1:1:1"), metavar="S:P:E",
        help="weights of submits, pulls and ends (1:1:1)",
    )  # fmt: skip
    parser.add_argument("--clients", type=whole_number, default=4, help="(%(default)s)")
    parser.add_argument(
        "--depth", type=whole_number, default=1, help="requests in flight of each (%(default)s)"
    )
    parser.add_argument("--seconds", type=seconds, default=10.0, help="(%(default)g)")
    parser.add_argument("--count", type=whole_number, default=None, help="at most so many requests")
    parser.add_argument(
        "--bytes", type=whole_number, default=500, help="of user data in a submit (%(default)s)"
    )
    parser.add_argument("--seed", type=int, default=1, help="of what is drawn (%(default)s)")
    add_options(parser, ClientType.MEDIA_SERVER, choice=False, session=False)
    parser.set_defaults(command=command)


@dataclass(slots=True)
class Tally:
    """What came of all requests: latencies by kind, errors by code."""

    latencies: dict[str, Latencies] = field(
        default_factory=lambda: {kind: Latencies() for kind in KINDS}
    )
    errors: Counter[int] = field(default_factory=Counter)
    empty_pulls: int = 0

    @property
    def requests(self) -> int:
        """How many were answered, errors included."""
        return sum(each.count for each in self.latencies.values())

    def record(self, seconds: float) -> dict[str, object]:
        """The summary as `--json` prints it."""
        return {
            "seconds": round(seconds, 3),
            "requests": self.requests,
            "per_second": round(self.requests / seconds, 1) if seconds else 0.0,
            "errors": {str(code): count for code, count in sorted(self.errors.items())},
            "empty_pulls": self.empty_pulls,
        }


class Loop:
    """One closed loop on the two connections of a client."""

    def __init__(
        self,
        media: Asking,
        routing: Asking,
        args: Namespace,
        tenant_id: int,
        random: Random,
        tally: Tally,
    ) -> None:
        self._media, self._routing = media, routing
        self._args = args
        self._tenant_id = tenant_id
        self._random = random
        self._tally = tally
        self._held: deque[str] = deque()

    async def run(self, clock: Callable[[], float], go_on: Callable[[], bool]) -> None:
        """Send one request after another for as long as `go_on` says so."""
        weights = [self._args.mix[kind] for kind in KINDS]
        while go_on():
            kind = self._random.choices(KINDS, weights)[0]
            if kind == "stop" and not self._held:
                kind = "pull"
            client = self._routing if kind != "submit" else self._media
            began = clock()
            try:
                answer = await client.request(self._request(kind))
            except RequestRefused as problem:
                self._tally.errors[problem.code] += 1
            else:
                if kind == "pull":
                    self._held.extend(answer.interactions)
                    self._tally.empty_pulls += not answer.interactions
            self._tally.latencies[kind].add(clock() - began)

    def _request(self, kind: str) -> Request:
        args = self._args
        if kind == "submit":
            return RequestSubmit(
                tenant_id=self._tenant_id,
                media_type=args.media_type,
                queue=args.queue,
                user_data={"Subject": "load", "Text": "x" * args.bytes},
            )
        if kind == "pull":
            return RequestPull(
                tenant_id=self._tenant_id, view_id=args.view, number_of_interactions=1
            )
        return RequestStopProcessing(tenant_id=self._tenant_id, interaction_id=self._held.popleft())


def _checked(args: Namespace) -> None:
    if args.mix["submit"] and not (args.media_type and args.queue):
        raise UsageError("submits need --media-type and --queue")
    if (args.mix["pull"] or args.mix["stop"]) and not args.view:
        raise UsageError("pulls and ends need --view")


async def command(reactor: Any, args: Namespace, output: Output) -> int:
    """Run the load, and print what was measured."""
    _checked(args)
    deployment = deployment_of(args)
    view = view_of(deployment, args.application, args.tenant) if deployment else None
    random = Random(args.seed)
    clients: list[Client] = []
    tally = Tally()

    async def open_one(name: str, client_type: ClientType) -> Client:
        client = await connect(
            reactor,
            view.place if view else args.connect,
            tenants=view.tenants if view else (),
            name=name,
            client_type=client_type,
            settings=Settings(timeout=args.timeout),
        )
        clients.append(client)
        return client

    try:
        media = [
            await open_one(f"{args.name}-{number}", ClientType.MEDIA_SERVER)
            for number in range(1, args.clients + 1)
        ]
        routing = [
            await open_one(f"{args.name}-r{number}", ClientType.ROUTING_ENGINE)
            for number in range(1, args.clients + 1)
        ]
        tenant_id = tenant_of(args.tenant, deployment, media[0].server.tenants)
        loops = [
            Loop(*pair, args, tenant_id, Random(random.random()), tally)
            for pair in zip(media, routing, strict=True)
            for _ in range(args.depth)
        ]
        took = await _run(reactor, args, loops, tally)
    finally:
        await DeferredList([client.close() for client in clients])
    _show(tally, took, output)
    return Exit.REFUSED if tally.errors else Exit.OK


async def _run(reactor: Any, args: Namespace, loops: list[Loop], tally: Tally) -> float:
    began = reactor.seconds()
    sent = 0

    def go_on() -> bool:
        nonlocal sent
        sent += 1
        within = args.count is None or sent <= args.count
        return within and bool(reactor.seconds() - began < args.seconds)

    await gatherResults(
        [Deferred.fromCoroutine(loop.run(reactor.seconds, go_on)) for loop in loops],
        consumeErrors=True,
    )
    return float(reactor.seconds() - began)


def _show(tally: Tally, took: float, output: Output) -> None:
    rows = []
    for kind, latencies in tally.latencies.items():
        if latencies.count:
            times = latencies.milliseconds()
            histogram = [[round(low, 6), round(high, 6), n] for low, high, n in latencies.rows()]
            output.record(
                {
                    "request": kind,
                    "count": latencies.count,
                    "milliseconds": times,
                    "histogram": histogram,
                }
            )
            rows.append([kind, latencies.count, *times.values()])
    output.record(tally.record(took))
    if output.json:
        return
    output.table(("request", "count", "mean ms", "p50", "p90", "p99", "max"), rows)
    rate = tally.requests / took if took else 0.0
    output.line(f"{tally.requests} requests in {took:.1f} s: {rate:.0f} a second")
    if tally.empty_pulls:
        output.line(f"{tally.empty_pulls} pulls were empty")
    for code, count in sorted(tally.errors.items()):
        output.line(f"{count} × {code}: {describe(code)}")
