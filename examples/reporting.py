"""
A reporting program: who is logged in and what they do, from all nodes at once.

    python examples/reporting.py tcp:127.0.0.1:7101 tcp:127.0.0.1:7102 tcp:127.0.0.1:7103

It connects to every node that it is given, and prints the states of all agents
and then what happens, as if there were one node: until it is interrupted, and
whichever nodes come and go. It connects to a proxy just as well.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import react

from ixproxy.client import report
from ixproxy.errors import IxproxyError
from ixproxy.messages import EventActivityReport, EventMassAgentLogout, EventPlaceAgentState
from ixproxy.messages.message import Event
from ixproxy.wire.streams import RESYNC


def line(event: Event) -> str:
    """An event in one line; what was missed, and is told late, has a star."""
    if isinstance(event, EventActivityReport):
        agents = f", {event.number_of_agents} agents" if event.activity == "Begin" else ""
        return f"{event.activity}{agents}"
    if isinstance(event, EventPlaceAgentState):
        return f"{event.agent_id}: {event.media_list}, has {', '.join(event.interactions) or '-'}"
    number = event.reporting_event_sequence_number
    star = "*" if event.extension.get(RESYNC) else ""
    name = type(event).__name__.removeprefix("Event")
    words = [f"{number} {name}{star}"]
    for attribute in ("agent_id", "media_type_name", "interaction_id", "queue"):
        words += filter(None, [getattr(event, attribute, "")])
    if isinstance(event, EventMassAgentLogout):
        words += event.agents
    return " ".join(words)


async def reporting(reactor: Any, args: argparse.Namespace) -> None:
    """Connect to all nodes, and print what they tell together."""
    stream = await report(
        reactor,
        {endpoint: endpoint for endpoint in args.nodes},
        name="reporting",
        tenants=args.tenant,
        filter={"Events": args.events} if args.events else None,
        on_event=lambda event: print(line(event), flush=True),
    )
    reactor.addSystemEventTrigger(
        "before", "shutdown", lambda: Deferred.fromCoroutine(stream.close())
    )
    await Deferred()


async def running(reactor: Any, args: argparse.Namespace) -> None:
    """Run; what cannot be used or reached is said in a line."""
    try:
        await reporting(reactor, args)
    except (IxproxyError, ValueError) as problem:
        raise SystemExit(f"{Path(__file__).name}: {problem}") from None


def main() -> None:
    """Run it until it is interrupted."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("nodes", nargs="+", help="endpoints, such as tcp:127.0.0.1:7101")
    parser.add_argument("--tenant", type=int, nargs="+", default=[], help="ids (default: all)")
    parser.add_argument("--events", nargs="+", default=[], help="only these, such as EventHeld")
    args = parser.parse_args()
    react(lambda reactor: Deferred.fromCoroutine(running(reactor, args)))


if __name__ == "__main__":
    main()
