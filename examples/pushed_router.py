"""
A router to which nodes push, and which makes one order of what they all have.

    python examples/pushed_router.py tcp:127.0.0.1:7101 tcp:127.0.0.1:7102 \
        --strategy Mail --to Done --own-order

It registers at each node directly and says that it has a strategy loaded; nodes
push what views with `strategy = "Mail"` show. Each is placed in the queue `--to`,
or delivered to `--agent`. With `--proxy` and `--view` it pulls from a view through a
proxy, too. With `--own-order` it first waits a moment for what the nodes have, and
then always routes the one with the highest priority of all that it was given;
else it takes them as they come. It prints what happens until it is interrupted.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.task import deferLater, react

from ixproxy.client import Client, connect
from ixproxy.client.routing_work import RoutingItem, RoutingWork, as_it_comes, by_priority
from ixproxy.errors import Code, IxproxyError, RequestRefused
from ixproxy.messages import (
    RequestDeliver,
    RequestLeaveInteraction,
    RequestPlaceInQueue,
    RequestPull,
)

COLLECTING = 0.5
"""Seconds in which nodes push what they have, before the first is routed."""
GONE = {Code.NOT_A_PARTY, Code.UNKNOWN_INTERACTION}
TURNED_DOWN = {Code.INVITATION_REJECTED, Code.INVITATION_EXPIRED}


async def route(reactor: Any, args: argparse.Namespace, item: RoutingItem) -> None:
    """Route one interaction; what cannot be routed goes back, after a moment."""
    about: dict[str, Any] = {"tenant_id": item.tenant_id, "interaction_id": item.interaction_id}
    name = f"{item.interaction_id} of {item.client.server.name}"
    request: Any = RequestPlaceInQueue(queue=args.to, **about)
    if args.agent:
        request = RequestDeliver(agent_id=args.agent, **about)
    try:
        await item.client.request(request)
    except RequestRefused as problem:
        if problem.in_doubt:
            # What the node says at the next registration decides: if it is ours still, again.
            await deferLater(reactor, 1.0)
            if item.wanted and not item.client.closing:
                await route(reactor, args, item)
        elif problem.code not in GONE and problem.code not in TURNED_DOWN:
            print(f"{name} cannot be routed: {problem}", flush=True)
            await deferLater(reactor, 1.0)
            if item.wanted:
                await item.client.request(RequestLeaveInteraction(**about))
        return
    print(f"routed {name}, priority {item.properties.get('Priority', '-')}", flush=True)


async def pull(reactor: Any, args: argparse.Namespace, client: Client, work: RoutingWork) -> None:
    """Pull from a view, whenever there is little left to do."""
    request = RequestPull(
        tenant_id=args.tenant,
        view_id=args.view,
        number_of_interactions=args.at_once,
        extension={"pull-for-strategy": 1, "StrategyId": args.strategy},
    )
    while not client.closing:
        if len(work) >= args.at_once:
            await deferLater(reactor, 0.1)
            continue
        try:
            work.add_pulled(client, args.tenant, await client.request(request))
        except RequestRefused as problem:
            if not client.closing:
                print(f"refused: {problem}", flush=True)
                await deferLater(reactor, 1.0)


async def work_off(reactor: Any, args: argparse.Namespace, work: RoutingWork) -> None:
    """Route one after another."""
    while True:
        await work.some()
        item = work.take()
        if item is None:
            continue
        try:
            await route(reactor, args, item)
        except RequestRefused as problem:
            print(f"refused: {problem}", flush=True)


async def run(reactor: Any, args: argparse.Namespace) -> None:
    """Be pushed to by nodes, pull through a proxy, and route."""
    work = RoutingWork(by_priority if args.own_order else as_it_comes)
    facts: dict[str, Any] = {"name": args.name, "client_type": "RoutingEngine"}
    for endpoint in args.nodes:
        arrivals = work.arrivals()
        extension = {"strategies": [args.strategy]}
        client = await connect(reactor, endpoint, extension=extension, on_event=arrivals, **facts)
        arrivals.belong_to(client)
        reactor.addSystemEventTrigger("before", "shutdown", client.close)
        print(f"connected to {client.server.name}", flush=True)
    pulling = []
    if args.proxy:
        client = await connect(reactor, args.proxy, **facts)
        reactor.addSystemEventTrigger("before", "shutdown", client.close)
        print(f"connected to {client.server.name}", flush=True)
        pulling = [Deferred.fromCoroutine(pull(reactor, args, client, work))]
    if args.own_order:
        await deferLater(reactor, COLLECTING)
    hands = [Deferred.fromCoroutine(work_off(reactor, args, work)) for _ in range(args.at_once)]
    await gatherResults([*pulling, *hands], consumeErrors=True)


async def running(reactor: Any, args: argparse.Namespace) -> None:
    """Run; what cannot be used, reached or had is said in a line."""
    try:
        await run(reactor, args)
    except (IxproxyError, ValueError) as problem:
        raise SystemExit(f"{Path(__file__).name}: {problem}") from None


def main() -> None:
    """Run it until it is interrupted."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("nodes", nargs="*", help="where the nodes listen, such as tcp:host:7101")
    parser.add_argument("--strategy", default="Mail", help="what is loaded (%(default)s)")
    parser.add_argument("--to", default="Done", help="the queue to place in (%(default)s)")
    parser.add_argument("--agent", default="", help="deliver to this agent instead")
    parser.add_argument("--own-order", action="store_true", help="the highest priority first")
    parser.add_argument("--at-once", type=int, default=1, help="how many (%(default)s)")
    parser.add_argument("--proxy", default="", help="where a proxy listens, to pull through it")
    parser.add_argument("--view", default="Inbound/All", help="to pull from (%(default)s)")
    parser.add_argument("--tenant", type=int, default=1, help="its id (%(default)s)")
    parser.add_argument("--name", default="urs", help="the router's own (%(default)s)")
    args = parser.parse_args()
    react(lambda reactor: Deferred.fromCoroutine(running(reactor, args)))


if __name__ == "__main__":
    main()
