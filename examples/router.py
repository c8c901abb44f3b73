"""
A router without rules: it brings what is in a view to an agent, one after another.

    python examples/router.py examples/three-nodes.toml routers \
        --tenant 1 --view Inbound/All --agent kim

It connects to a proxy of the cluster, pulls for its strategy (nodes hold an empty
pull for a while) and delivers each interaction to the agent. A delivery is
answered when the agent has accepted; what is refused, or not answered in time, is
back in its queue by then. It prints what happens until it is interrupted.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater, react

from ixproxy.client import Client, connect
from ixproxy.config import client_view, load
from ixproxy.errors import Code, IxproxyError, RequestRefused
from ixproxy.messages import RequestDeliver, RequestLeaveInteraction, RequestPull

TURNED_DOWN = {Code.INVITATION_REJECTED: "refused", Code.INVITATION_EXPIRED: "let pass"}


async def deliver(client: Client, args: argparse.Namespace, identifier: str) -> bool:
    """Deliver one interaction; whether the agent has it now."""
    about = {"tenant_id": args.tenant, "interaction_id": identifier}
    try:
        # As long as a node's delivering-timeout at least, and a little more.
        await client.request(RequestDeliver(agent_id=args.agent, **about), timeout=60.0)
    except RequestRefused as problem:
        if client.closing:
            # Whether the agent accepts is the node's to see to now.
            return False
        if problem.code in TURNED_DOWN:
            print(f"{args.agent} {TURNED_DOWN[problem.code]} {identifier}", flush=True)
        else:
            print(f"{identifier} cannot be delivered: {problem}", flush=True)
            await client.request(RequestLeaveInteraction(**about))
        return False
    print(f"{args.agent} accepted {identifier}", flush=True)
    return True


async def route(reactor: Any, args: argparse.Namespace) -> None:
    """Pull and deliver."""
    view = client_view(load(args.file), args.application)
    client = await connect(
        reactor, view.place, name="router", client_type="RoutingEngine", tenants=view.tenants
    )
    reactor.addSystemEventTrigger("before", "shutdown", client.close)
    print(f"connected to {client.server.name}", flush=True)
    pull = RequestPull(
        tenant_id=args.tenant,
        view_id=args.view,
        number_of_interactions=1,
        extension={"pull-for-strategy": 1},
    )
    while not client.closing:
        try:
            taken = list((await client.request(pull)).interactions)
            accepted = [await deliver(client, args, identifier) for identifier in taken]
        except RequestRefused as problem:
            if client.closing:
                return
            print(f"refused: {problem}", flush=True)
            accepted = [False]
        if not all(accepted) and not client.closing:
            await deferLater(reactor, 1.0)


async def running(reactor: Any, args: argparse.Namespace) -> None:
    """Run; what cannot be used, reached or had is said in a line."""
    try:
        await route(reactor, args)
    except (IxproxyError, ValueError) as problem:
        raise SystemExit(f"{Path(__file__).name}: {problem}") from None


def main() -> None:
    """Run it until it is interrupted."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path, help="a deployment file")
    parser.add_argument("application", help="a cluster of proxies, or a client, in it")
    parser.add_argument("--tenant", type=int, default=1, help="its id (%(default)s)")
    parser.add_argument("--view", default="Inbound/All", help="where from (%(default)s)")
    parser.add_argument("--agent", default="kim", help="who works (%(default)s)")
    args = parser.parse_args()
    react(lambda reactor: Deferred.fromCoroutine(running(reactor, args)))


if __name__ == "__main__":
    main()
