from __future__ import annotations

import os
from collections import Counter
from itertools import chain
from typing import Any

import pytest

from ixproxy import messages as m
from ixproxy.errors import Code
from ixproxy.node.model import NodeSettings
from ixproxy.testing.agent_scripts import agent_script
from ixproxy.testing.oracle import (
    PLAYERS,
    Record,
    compared,
    differences,
    disorder,
    main,
    many_servers,
    one_server,
    play,
)
from ixproxy.testing.postgresql import SUPERUSER, PostgresqlServer
from ixproxy.testing.scripts import random_script
from ixproxy.testing.snapshot_scripts import snapshot_script
from ixproxy.testing.steps import Action, Ask, ReadAll, Script
from tests.testing.conftest import KindsOfStore

SEEDS = int(os.environ.get("IXPROXY_ORACLE_SEEDS", "200"))
"""How many scripts are played; more of them find rarer things."""

AGENT_SEEDS = max(8, SEEDS // 20)
"""How many scripts about agents are played by each player."""

BLOCK = 50


CHAINED = max(1, SEEDS // 4)
"""How many of them are played through two proxies behind one another as well."""


def played(script: Script, **cluster: Any) -> tuple[Record, Record]:
    """A script on one server, and through two proxies on three."""
    one = one_server(script.seed)
    expected = play(script, one)
    one.close()
    many = many_servers(script.seed, **cluster)
    actual = play(script, many)
    assert many.problems() == []
    many.close()
    return expected, actual


@pytest.mark.parametrize("first", range(0, SEEDS, BLOCK))
def test_many_servers_give_what_one_gives(first: int) -> None:
    answers: Counter[str] = Counter()
    for seed in range(first, min(first + BLOCK, SEEDS)):
        script = random_script(seed)
        expected, actual = played(script)
        assert list(differences(expected, actual)) == [], f"seed {seed}"
        assert list(disorder(script, actual)) == [], f"seed {seed}"
        assert list(disorder(script, expected)) == [], f"seed {seed}"
        answers.update(_kind(answer) for answer in expected.answers)
        answers.update(event[""] for told in expected.events for event in told)
    # The scripts are worth playing: much succeeds, much is refused, many are told.
    for kind in (
        "EventAck",
        "pulled",
        "refused",
        "EventRevoked",
        "EventPropertiesChanged",
        "EventWorkbinContentChanged",
    ):
        assert answers[kind] >= BLOCK // 2, answers


@pytest.mark.parametrize("fast_path", [True, False], ids=["fast", "slow"])
def test_two_levels_of_proxies_give_what_one_server_gives(fast_path: bool) -> None:
    """Test idea 55: ids, errors and events through a proxy behind a proxy."""
    for seed in range(CHAINED):
        script = random_script(seed)
        expected, actual = played(script, outer=2, fast_path=fast_path)
        assert list(differences(expected, actual)) == [], f"seed {seed}"
        assert list(disorder(script, actual)) == [], f"seed {seed}"


def _kind(answer: Any) -> str:
    if isinstance(answer, dict):
        return "pulled" if answer else "nothing"
    if isinstance(answer, tuple):
        return answer[0][""] if isinstance(answer[0], dict) else "refused"
    return "time"


def test_servers_that_behave_otherwise_are_found_out() -> None:
    lenient = NodeSettings(pull_hold_timeout=0.1, ignore_read_only_on_change=True)
    found = 0
    for seed in range(30):
        script = random_script(seed)
        one, other = one_server(seed), one_server(seed, node_settings=lenient)
        found += bool(list(differences(play(script, one), play(script, other))))
        one.close()
        other.close()
    assert found > 3


@pytest.mark.parametrize("player", ["one-proxy", "two-proxies", "composer"])
def test_agents_and_what_is_reported_of_them_are_as_with_one_server(player: str) -> None:
    """Design 14.3: logins, media, deliveries, transfers, conferences, stops, and streams."""
    for seed in range(AGENT_SEEDS):
        assert list(compared(agent_script(seed), [player])) == [], f"seed {seed}"


@pytest.mark.parametrize("player", ["slow-path", "chained"])
def test_so_it_is_on_the_slow_path_and_through_two_levels_of_proxies(player: str) -> None:
    for seed in range(max(1, AGENT_SEEDS // 4)):
        assert list(compared(agent_script(seed), [player])) == [], f"seed {seed}"


@pytest.mark.parametrize("player", ["one-proxy", "two-proxies", "slow-path", "composer", "chained"])
def test_snapshots_are_as_with_one_server(player: str) -> None:
    """Idea 23: take, pages, lock, unlock, move, stop, release, among all else that clients do."""
    for seed in range(AGENT_SEEDS):
        assert list(compared(snapshot_script(seed), [player])) == [], f"seed {seed}"


def test_scripts_about_snapshots_are_worth_playing() -> None:
    seen: Counter[str] = Counter()
    for seed in range(16):
        script = snapshot_script(seed)
        one = one_server(seed, script.options)
        record = play(script, one)
        one.close()
        for action, answer in zip(chain(*script.rounds), record.answers, strict=True):
            seen.update(_about_snapshots(action, answer))
    for kind in ("read", "left", "taken", "moved", "not moved", "locked", "is locked"):
        assert seen[kind] >= 4, seen


def _about_snapshots(action: Action, answer: Any) -> list[str]:
    """What an answer shows of snapshots."""
    if isinstance(action, ReadAll) and isinstance(answer, dict):
        return ["read"] * (len(answer["Interactions"]) > 3) + ["left"] * bool(answer["Errors"])
    if not isinstance(action, Ask) or not isinstance(answer, tuple):
        return []
    if not isinstance(answer[0], dict):
        return ["is locked"] if answer[0] == Code.LOCKED else []
    if isinstance(action.request, m.RequestTakeSnapshot):
        return ["taken"] if answer[0].get("NumberOfInteractions", 0) > 3 else []
    if isinstance(action.request, m.RequestMoveInteractions | m.RequestStopInteractions):
        moved, left = answer[0].get("NumberOfInteractions"), answer[0].get("Errors")
        return ["moved"] * bool(moved) + ["not moved"] * bool(left)
    return ["locked"] if isinstance(action.request, m.RequestLockInteraction) else []


def test_scripts_about_agents_are_worth_playing() -> None:
    told: Counter[str] = Counter()
    for seed in range(12):
        script = agent_script(seed)
        one = one_server(seed, script.options)
        record = play(script, one)
        one.close()
        told.update(event[""] for heard in record.events for event in heard)
    for kind in (
        "EventInvite",
        "EventAgentInvited",
        "EventRejected",
        "EventRevoked",
        "EventPartyAdded",
        "EventPartyRemoved",
        "EventAgentLogin",
        "EventAgentLogout",
        "EventPlaceAgentState",
        "EventForcedAgentStateChange",
    ):
        assert told[kind] >= 5, told


def test_the_command_prints_the_first_difference_of_each_script(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert main(["--seeds", "3:5", "--players", "one-proxy"]) == 0
    assert capsys.readouterr().out == "2 scripts, 0 with differences\n"
    monkeypatch.setitem(PLAYERS, "late", {"node_settings": NodeSettings(delivering_timeout=1.0)})
    assert main(["--seeds", "4", "--players", "late", "--script"]) == 1
    *script, difference, end = capsys.readouterr().out.splitlines()
    assert script[0].startswith("options {")
    assert script[-1].startswith("round 26 step ")
    assert difference.startswith("seed 4, late, 1 of ")
    assert end == "1 scripts, 1 with differences"


def test_the_command_knows_its_players(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--players", "none"])
    assert "unknown player 'none'" in capsys.readouterr().err


@pytest.mark.parametrize("player", ["one-proxy", "chained"])
def test_so_it_is_where_nodes_are_databases_of_postgresql(
    player: str, kinds_of_store: KindsOfStore
) -> None:
    stores = kinds_of_store("postgresql")
    for seed in range(max(1, AGENT_SEEDS // 4)):
        assert list(compared(agent_script(seed), [player], stores)) == [], f"seed {seed}"
        assert list(compared(random_script(seed), [player], stores)) == [], f"seed {seed}"
        assert list(compared(snapshot_script(seed), [player], stores)) == [], f"seed {seed}"


def test_one_kind_of_store_gives_what_the_other_gives(kinds_of_store: KindsOfStore) -> None:
    for seed in range(max(2, AGENT_SEEDS // 2)):
        script = agent_script(seed) if seed % 2 else random_script(seed)
        records = []
        for kind in ("sqlite", "postgresql"):
            one = one_server(seed, script.options, stores=kinds_of_store(kind))
            records.append(play(script, one))
            one.close()
        assert list(differences(*records)) == [], f"seed {seed}"


def test_the_command_takes_an_existing_server_or_starts_one(
    postgresql_server: PostgresqlServer, capsys: pytest.CaptureFixture[str]
) -> None:
    def databases() -> list[tuple[object, ...]]:
        return postgresql_server.execute("SELECT datname FROM pg_database ORDER BY datname")

    few = ["--seeds", "3", "--players", "one-proxy", "--store", "postgresql"]
    before = databases()
    assert main([*few, "--postgresql", postgresql_server.address("postgres", SUPERUSER)]) == 0
    assert databases() == before
    assert main(few) == 0
    assert capsys.readouterr().out == "1 scripts, 0 with differences\n" * 2


@pytest.mark.parametrize("nothing", ["--seeds 5:1", "--players ,", "--most 0"])
def test_a_run_of_nothing_is_refused(nothing: str) -> None:
    with pytest.raises(SystemExit) as refused:
        main(nothing.split())
    assert refused.value.code == 2


def test_a_server_that_is_not_there_is_told_in_one_line(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(
            ["--seeds", "1", "--store", "postgresql", "--postgresql", "postgresql://127.0.0.1:1/x"]
        )
    assert ended.value.code == 2
    assert len(capsys.readouterr().err.splitlines()) == 1
