"""
A desktop without a screen: an agent who takes work, and keeps it when a proxy dies.

    python examples/desktop.py examples/three-nodes.toml desktops \
        --tenant 1 --agent kim --view Inbound/All

It connects to a proxy of the cluster by chance, logs the agent in, takes one
interaction if there is any, and prints what happens until it is interrupted.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import react

from ixproxy.client import connect
from ixproxy.config import client_view, load
from ixproxy.errors import IxproxyError, RequestRefused
from ixproxy.messages import RequestAgentLogin, RequestPull, ServerFacts
from ixproxy.messages.message import Message


def say(text: str) -> None:
    """Print a line at once, also into a pipe."""
    print(text, flush=True)


def moved(server: ServerFacts | None) -> None:
    """The connection was lost, or is there again."""
    say(f"connected to {server.name}" if server else "connection lost")


def heard(event: Message) -> None:
    """Something happened."""
    say(f"event {type(event).__name__}")


def missing(request: Message, refusal: RequestRefused) -> None:
    """Something did not come back with the connection."""
    say(f"{type(request).__name__} is over: {refusal}")


async def desktop(reactor: Any, args: argparse.Namespace) -> None:
    """Connect, log in, take something, and stay."""
    view = client_view(load(args.file), args.application)
    client = await connect(
        reactor,
        view.place,
        name=f"desktop of {args.agent}",
        client_type="AgentApplication",
        tenants=view.tenants,
        on_event=heard,
    )
    reactor.addSystemEventTrigger("before", "shutdown", client.close)
    moved(client.server)
    client.on_connection(moved)
    client.on_not_restored(missing)
    await client.request(
        RequestAgentLogin(
            tenant_id=args.tenant,
            agent_id=args.agent,
            place_id=f"place of {args.agent}",
            media_list={"email": 1},
        )
    )
    say(f"{args.agent} is logged in")
    pull = RequestPull(tenant_id=args.tenant, view_id=args.view, number_of_interactions=1)
    taken = await client.request(pull)
    say(f"took {', '.join(taken.interactions) or 'nothing'}")
    client.on_connection(lambda server: say(f"holds {', '.join(client.holding) or 'nothing'}"))
    await Deferred()


async def running(reactor: Any, args: argparse.Namespace) -> None:
    """Run; what cannot be used, reached or had is said in a line."""
    try:
        await desktop(reactor, args)
    except (IxproxyError, ValueError) as problem:
        raise SystemExit(f"{Path(__file__).name}: {problem}") from None


def main() -> None:
    """Run it until it is interrupted."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path, help="a deployment file")
    parser.add_argument("application", help="a cluster of proxies, or a client, in it")
    parser.add_argument("--tenant", type=int, default=1, help="its id (%(default)s)")
    parser.add_argument("--agent", default="kim", help="who works (%(default)s)")
    parser.add_argument("--view", default="Inbound/All", help="where from (%(default)s)")
    args = parser.parse_args()
    react(lambda reactor: Deferred.fromCoroutine(running(reactor, args)))


if __name__ == "__main__":
    main()
