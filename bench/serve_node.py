"""
`twistd ixnode`, but with a consumer of its outbox, and figures about itself.

usage: serve_node.py FILE APPLICATION STATISTICS

So that every submit writes its outbox row too. Twice a second the node's
batches and the works in them are written into the file STATISTICS, as JSON.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from twisted.application.internet import TimerService
from twisted.application.service import IService, MultiService
from twisted.cred.checkers import ICredentialsChecker
from twisted.scripts import twistd

from ixproxy import node_tap
from ixproxy.node.log_rules import LogRules
from ixproxy.tap_parts import Options

CONSUMER = "event-log"
SECONDS = 0.5

_read, _make = node_tap.read, node_tap.makeService


def read_with_consumer(
    path: Path, name: str, checkers: Sequence[ICredentialsChecker] = ()
) -> node_tap.NodeParts:
    """What the file says of the node, and a consumer of its outbox."""
    parts = _read(path, name, checkers)
    settings = replace(parts.plan.settings, logs={CONSUMER: LogRules()})
    return replace(parts, plan=replace(parts.plan, settings=settings))


def service_that_tells(options: Options, statistics: Path) -> IService:
    """The node, and what writes its figures."""
    member: Any = _make(options)
    both = MultiService()
    member.setServiceParent(both)
    TimerService(SECONDS, tell, member, statistics).setServiceParent(both)
    service: IService = both
    return service


def tell(member: Any, statistics: Path) -> None:
    """Write the figures of this moment; none before the node serves."""
    server = member.server
    if server is None:
        return
    unfinished = statistics.with_suffix(".new")
    told = {"batches": server.writer.batches, "works": server.writer.works}
    unfinished.write_text(json.dumps(told))
    unfinished.rename(statistics)


def main(*, consumer: bool = True) -> None:
    """Serve until the process is ended."""
    file, name, statistics = sys.argv[1:]
    if consumer:
        node_tap.read = read_with_consumer
    node_tap.makeService = lambda options: service_that_tells(options, Path(statistics))
    sys.argv = ["twistd", "--nodaemon", "--pidfile=", "ixnode", "-c", file, "-a", name]
    twistd.run()


if __name__ == "__main__":
    main()
