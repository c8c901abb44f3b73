"""
The oracle of event logs: the merged logs of many nodes are what one server logs.

A script is played on one server, and through proxies on three nodes; all have event
logs in tables: one for all nodes, or one each. The logs of the nodes are merged as
`ixctl eventlog merge` does it, and what comes of that is held against the log of the one
server: the same rows, those about each interaction and each agent in the same order
(`ixproxy.testing.differences`), but for what differs by nature (`ixproxy.testing.log_rows`).

    python -m ixproxy.testing.log_oracle --seeds 0:100 --scripts agents --logs each,shared
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from ixproxy.eventlog.log_databases import open_database
from ixproxy.eventlog.log_source import LogSource
from ixproxy.eventlog.merge_run import MergeOptions, MergeRun, Summary
from ixproxy.eventlog.merge_target import MergeTarget
from ixproxy.testing.arguments import at_least_one, seed_range, some_of
from ixproxy.testing.cluster import Cluster
from ixproxy.testing.differences import stream_differences
from ixproxy.testing.log_rows import LoggedForm, Row, rows_at
from ixproxy.testing.memory_services import usual_services
from ixproxy.testing.oracle import PLAYERS, SCRIPTS, SESSIONS_LAST, many_servers, one_server
from ixproxy.testing.playing import play
from ixproxy.testing.steps import Script
from ixproxy.testing.table_logs import SqliteLogs, TableLogs

LOGS = {"each": False, "shared": True}
"""The configurations of the guide: a database for each node, or one for all."""


class Logged(NamedTuple):
    """
    What a run has left.

    :ivar addresses: of the logs.
    :ivar labels: ids of interactions to labels.
    """

    addresses: Sequence[str]
    labels: dict[str, str]

    def normal(self, rows: Sequence[Row]) -> list[dict[str, Any]]:
        """Rows of this run as they compare with another's."""
        return LoggedForm(self.labels).of(rows)


def logged(script: Script, cluster: Cluster, logs: TableLogs) -> Logged:
    """Play a script on a cluster that logs; it is closed then."""
    try:
        logs.follow(cluster)
        record = play(script, cluster)
        cluster.run(SESSIONS_LAST)
        assert cluster.rows("outbox") == [], "not everything is logged"
    finally:
        cluster.close()
        logs.close()
    return Logged(tuple(logs.addresses), record.labels)


def on_one_server(script: Script, logs: TableLogs) -> Logged:
    """A script on one server, with its log."""
    one = one_server(script.seed, script.options, services=_services(script))
    return logged(script, one, logs)


def on_many(script: Script, logs: TableLogs, player: str = "two-proxies") -> Logged:
    """A script on three nodes, with their logs; see `oracle.PLAYERS`."""
    arguments = {"services": _services(script), **PLAYERS[player]}
    return logged(script, many_servers(script.seed, script.options, **arguments), logs)


def _services(script: Script) -> Any:
    return usual_services() if script.services else ()


def merged(addresses: Sequence[str], target: str, **options: Any) -> Summary:
    """
    Merge logs as `ixctl eventlog merge` does it.

    :param options: see `MergeOptions`; all is merged that is there.
    """
    sources = [LogSource(open_database(address)) for address in addresses]
    try:
        into = MergeTarget(open_database(target, create=True))
        return MergeRun(sources, into, MergeOptions(**{"final": True, **options})).run()
    finally:
        for source in sources:
            source.close()


def log_differences(expected: list[dict[str, Any]], actual: list[dict[str, Any]]) -> Iterator[str]:
    """Where one history, in normal form, is not what another says it must be."""
    return stream_differences("the log", expected, actual)


def compared_logs(
    script: Script, logs: Sequence[str], folder: Path, player: str = "two-proxies"
) -> Iterator[tuple[str, str]]:
    """
    Play a script with each of these configurations of logs, and say what is wrong.

    :param logs: of LOGS.
    :param folder: where databases are made; none is there.
    :return: the configuration, and what.
    """
    one = on_one_server(script, TableLogs(SqliteLogs(folder / "one"), shared=False))
    expected = one.normal(rows_at(one.addresses[0]))
    for name in logs:
        places = SqliteLogs(folder / name)
        many = on_many(script, TableLogs(places, shared=LOGS[name]), player)
        target = places.new("merged")
        merged(many.addresses, target)
        for problem in log_differences(expected, many.normal(rows_at(target))):
            yield name, problem


def main(arguments: Sequence[str]) -> int:
    """Play many scripts; returns how many had a difference, at most 99."""
    parser = argparse.ArgumentParser(prog="python -m ixproxy.testing.log_oracle")
    parser.add_argument(
        "--seeds", type=seed_range, default="0:20", help="FIRST:BEHIND_THE_LAST, or one seed"
    )
    parser.add_argument("--scripts", default="agents", choices=sorted(SCRIPTS))
    parser.add_argument("--player", default="two-proxies", choices=sorted(PLAYERS))
    parser.add_argument(
        "--logs", type=some_of("logs", LOGS), default=",".join(LOGS), help=", ".join(LOGS)
    )
    parser.add_argument("--most", type=at_least_one, default=1, help="differences shown of each")
    chosen = parser.parse_args(arguments)
    wrong = 0
    for seed in chosen.seeds:
        found: dict[str, list[str]] = {}
        with TemporaryDirectory() as folder:
            script = SCRIPTS[chosen.scripts](seed)
            for name, problem in compared_logs(script, chosen.logs, Path(folder), chosen.player):
                found.setdefault(name, []).append(problem)
        wrong += bool(found)
        for name, problems in found.items():
            for problem in problems[: chosen.most]:
                _say(f"seed {seed}, {name}, 1 of {len(problems)}: {problem}")
    _say(f"{len(chosen.seeds)} scripts, {wrong} with differences")
    return min(wrong, 99)


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
