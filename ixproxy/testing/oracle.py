"""
The oracle: a script through proxies over many nodes gives what one server gives.

`play` runs a script and keeps what every client was answered and told;
`differences` compares two such records. Required are the same answers, the
same events for each client (in any order over all), the same order of them
for each interaction and for each agent, and that no event of a later round
comes before one of an earlier round on the same subject.

    python -m ixproxy.testing.oracle --seeds 0:500 --players one-proxy,two-proxies

plays many scripts and prints the first difference of each that has one;
`--script` prints the script as well. With `--store postgresql` the nodes keep
their state in databases of a PostgreSQL server: one that is started for it, or,
with `--postgresql URI`, one where that role may make databases.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import msgspec

from ixproxy.core.settings import ProxySettings
from ixproxy.messages.message import Request
from ixproxy.node.model import NodeSettings
from ixproxy.testing.agent_scripts import agent_script
from ixproxy.testing.arguments import at_least_one, seed_range, some_of
from ixproxy.testing.cluster import Cluster
from ixproxy.testing.composing_client import ComposingCluster
from ixproxy.testing.differences import differences, disorder
from ixproxy.testing.memory_services import MemoryService, usual_services
from ixproxy.testing.places import Places
from ixproxy.testing.playing import Record, play
from ixproxy.testing.postgresql_places import stores_of
from ixproxy.testing.scripts import random_script
from ixproxy.testing.servers import ServerFailed
from ixproxy.testing.service_scripts import service_script
from ixproxy.testing.snapshot_scripts import snapshot_script
from ixproxy.testing.state_scripts import state_script
from ixproxy.testing.steps import Ask, Script, Upon

__all__ = [
    "PLAYERS",
    "Record",
    "compared",
    "differences",
    "disorder",
    "main",
    "many_servers",
    "one_server",
    "play",
]

HOLD = 0.1
"""
Seconds for which an empty pull for a strategy is held, once for each server:
so little that pulling until empty never takes a whole round.
"""


def one_server(seed: int, options: Sequence[tuple[str, Any]] = (), **arguments: Any) -> Cluster:
    """
    A node alone, as `play` wants it.

    :param options: what a script says of the servers' settings.
    """
    return many_servers(seed, options, nodes=1, proxies=0, **arguments)


def many_servers(
    seed: int,
    options: Sequence[tuple[str, Any]] = (),
    *,
    composing: bool = False,
    **arguments: Any,
) -> Cluster:
    """
    A cluster, as `play` wants it.

    :param composing: its reporting clients compose the streams of all nodes.
    """
    chosen = dict(options)
    shared = {name: chosen[name] for name in ("delivering_timeout",) if name in chosen}
    settings = {
        "node_settings": NodeSettings(pull_hold_timeout=HOLD, **chosen),
        "proxy_settings": ProxySettings(pull_hold_timeout=HOLD, **shared),
    }
    kind = ComposingCluster if composing else Cluster
    return kind(seed, **{**settings, **arguments})


SESSIONS_LAST = 70.0
"""Seconds after which nobody is waited for who was lost."""

PLAYERS: dict[str, dict[str, Any]] = {
    "one-proxy": {"proxies": 1},
    "two-proxies": {},
    "slow-path": {"fast_path": False},
    "chained": {"outer": 2},
    "composer": {"composing": True},
}
"""How a script may be played on three nodes: by name what the cluster is like."""

SCRIPTS: dict[str, Callable[[int], Script]] = {
    "agents": agent_script,
    "interactions": random_script,
    "snapshots": snapshot_script,
    "services": service_script,
    "states": state_script,
}


def compared(
    script: Script, players: Sequence[str], stores: Places | None = None
) -> Iterator[tuple[str, str]]:
    """
    Play a script on one server and by each of these, and say what is wrong.

    :param stores: where the databases of all these servers lie.
    :return: the player, or `one-server` itself, and what.
    """
    one = one_server(script.seed, script.options, stores=stores, services=_services(script))
    try:
        expected = play(script, one)
        problems = _left_over(one)
    finally:
        one.close()
    for problem in (*expected.problems, *problems, *disorder(script, expected)):
        yield "one-server", problem
    for name in players:
        arguments = {"stores": stores, "services": _services(script), **PLAYERS[name]}
        many = many_servers(script.seed, script.options, **arguments)
        try:
            actual = play(script, many)
            problems = _left_over(many)
        finally:
            many.close()
        for problem in differences(expected, actual):
            yield name, problem
        for problem in (*actual.problems, *problems, *disorder(script, actual)):
            yield name, problem


def _services(script: Script) -> Sequence[MemoryService]:
    return usual_services() if script.services else ()


def _left_over(cluster: Cluster) -> list[str]:
    """What is wrong when the sessions are over of all who have vanished."""
    cluster.run(SESSIONS_LAST)
    return cluster.problems()


def shown(script: Script) -> Iterator[str]:
    """A script as lines to read; steps are counted as `differences` counts them."""
    yield f"options {dict(script.options)}"
    for number, client in enumerate(script.clients):
        yield f"client {number}: {client.name} {client.client_type} {client.agent}"
    step = 0
    for number, actions in enumerate(script.rounds):
        for action in actions:
            yield f"round {number} step {step}: {_brief(action)}"
            step += 1


def _brief(value: Any) -> str:
    """An action, without what it leaves as it is by default."""
    if isinstance(value, Ask):
        return f"{value.client}: {_brief(value.request)}"
    if isinstance(value, Upon):
        asks = ", ".join(map(_brief, value.asks))
        return f"upon the invitation of {value.client} to {value.label}, {value.after:g} s: {asks}"
    if isinstance(value, Request):
        plain = msgspec.to_builtins(value, builtin_types=(bytes,))
        if value.reason is not None:
            plain["Reason"] = value.reason.reason
        return f"{type(value).__name__} {plain}"
    return str(value)


def main(arguments: Sequence[str]) -> int:
    """
    Play many scripts; returns how many had a difference, at most 99.

    :raise SystemExit: with 2: nothing would be played, or there is no PostgreSQL server to use.
    """
    parser = argparse.ArgumentParser(prog="python -m ixproxy.testing.oracle")
    parser.add_argument(
        "--seeds", type=seed_range, default="0:20", help="FIRST:BEHIND_THE_LAST, or one seed"
    )
    parser.add_argument(
        "--players",
        type=some_of("player", PLAYERS),
        default=",".join(PLAYERS),
        help=", ".join(PLAYERS),
    )
    parser.add_argument("--scripts", default="agents", choices=sorted(SCRIPTS))
    parser.add_argument(
        "--most", type=at_least_one, default=1, help="differences shown for each player"
    )
    parser.add_argument("--script", action="store_true", help="print each script first")
    parser.add_argument("--store", default="sqlite", choices=["sqlite", "postgresql"])
    parser.add_argument("--postgresql", default="", metavar="URI", help="use this server")
    chosen = parser.parse_args(arguments)
    scripts = [SCRIPTS[chosen.scripts](seed) for seed in chosen.seeds]
    try:
        with stores_of(chosen.store, chosen.postgresql) as stores:
            wrong = sum(_differs(script, stores, chosen) for script in scripts)
    except ServerFailed as problem:
        sys.stderr.write(f"{problem}\n")
        raise SystemExit(2) from problem
    _say(f"{len(scripts)} scripts, {wrong} with differences")
    return min(wrong, 99)


def _differs(script: Script, stores: Places, chosen: Any) -> bool:
    """Play one script, and print what the command was asked to."""
    if chosen.script:
        _say(*shown(script))
    found: dict[str, list[str]] = {}
    for player, problem in compared(script, chosen.players, stores):
        found.setdefault(player, []).append(problem)
    for player, problems in found.items():
        for problem in problems[: chosen.most]:
            _say(f"seed {script.seed}, {player}, 1 of {len(problems)}: {problem}")
    return bool(found)


def _say(*lines: str) -> None:
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
