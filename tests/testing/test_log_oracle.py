from __future__ import annotations

import os
import sqlite3
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from ixproxy.errors import StorageError
from ixproxy.eventlog.log_tables import TABLES
from ixproxy.eventlog.postgresql_log import PostgresqlTables
from ixproxy.eventlog.settings import TableSettings
from ixproxy.storage.postgresql_session import Place
from ixproxy.testing.cluster import Cluster
from ixproxy.testing.log_oracle import (
    LOGS,
    Logged,
    compared_logs,
    log_differences,
    main,
    merged,
    on_many,
    on_one_server,
)
from ixproxy.testing.log_rows import rows_at
from ixproxy.testing.oracle import SCRIPTS
from ixproxy.testing.table_logs import SqliteLogs, TableLogs

SEEDS = max(6, int(os.environ.get("IXPROXY_ORACLE_SEEDS", "200")) // 33)
"""How many scripts about agents are played; more of them find rarer things."""

SCRIPT = 5
"""One that is worth it."""


@pytest.fixture(scope="module")
def one(tmp_path_factory: pytest.TempPathFactory) -> Logged:
    """A script on one server."""
    places = SqliteLogs(tmp_path_factory.mktemp("one"))
    return on_one_server(SCRIPTS["agents"](SCRIPT), TableLogs(places, shared=False))


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Logged:
    """The same on three nodes with one log; whoever changes the log makes it as it was."""
    places = SqliteLogs(tmp_path_factory.mktemp("many"))
    return on_many(SCRIPTS["agents"](SCRIPT), TableLogs(places, shared=True))


def unlike(one: Logged, many: Logged, target: str) -> list[str]:
    """Where a merged history is not what the log of one server is."""
    expected = one.normal(rows_at(one.addresses[0]))
    return list(log_differences(expected, many.normal(rows_at(target))))


def run(address: str, statement: str, *values: object) -> int:
    connection = sqlite3.connect(address.removeprefix("sqlite:"))
    try:
        with connection:
            return connection.execute(statement, values).rowcount
    finally:
        connection.close()


def test_what_three_nodes_log_of_agents_comes_to_what_one_server_logs(tmp_path: Path) -> None:
    """Issue 8, 1: both configurations of the guide."""
    for seed in range(SEEDS):
        found = list(compared_logs(SCRIPTS["agents"](seed), list(LOGS), tmp_path / str(seed)))
        assert found == [], f"seed {seed}"


@pytest.mark.parametrize("scripts", ["interactions", "services", "snapshots", "states"])
def test_so_it_is_with_what_other_scripts_do(scripts: str, tmp_path: Path) -> None:
    for seed in range(max(2, SEEDS // 4)):
        found = list(compared_logs(SCRIPTS[scripts](seed), list(LOGS), tmp_path / str(seed)))
        assert found == [], f"seed {seed}"


@pytest.mark.parametrize("seed", [8, 20])
def test_what_names_no_session_stays_behind_a_logout(seed: int, tmp_path: Path) -> None:
    assert list(compared_logs(SCRIPTS["states"](seed), ["each"], tmp_path)) == []


@pytest.mark.parametrize("player", ["slow-path", "chained"])
def test_so_it_is_on_the_slow_path_and_through_two_levels_of_proxies(
    player: str, tmp_path: Path
) -> None:
    for seed in (27, 36):
        found = list(compared_logs(SCRIPTS["agents"](seed), ["each"], tmp_path / str(seed), player))
        assert found == [], f"seed {seed}"


def test_so_it_is_where_all_nodes_log_to_a_database_of_postgresql(
    tmp_path: Path, postgresql_database: str
) -> None:
    class PostgresqlLogs:
        def new(self, name: str) -> str:
            return postgresql_database

        def tables(self, settings: TableSettings) -> PostgresqlTables:
            return PostgresqlTables(Place(settings.address), settings)

    script = SCRIPTS["agents"](SCRIPT)
    one = on_one_server(script, TableLogs(SqliteLogs(tmp_path / "one"), shared=False))
    many = on_many(script, TableLogs(PostgresqlLogs(), shared=True))
    assert many.addresses == (postgresql_database,)
    target = f"sqlite:{tmp_path / 'merged'}.db"
    assert merged(many.addresses, target).counted["events"] > 0
    assert unlike(one, many, target) == []


def test_the_scripts_are_worth_it(tmp_path: Path) -> None:
    kinds: Counter[tuple[str, str]] = Counter()
    for scripts, seeds in (("agents", (5,)), ("services", (2,)), ("states", (1,))):
        for seed in seeds:
            places = SqliteLogs(tmp_path / f"{scripts}{seed}")
            played = on_one_server(SCRIPTS[scripts](seed), TableLogs(places, shared=False))
            rows = rows_at(played.addresses[0])
            kinds.update((row["table"], row["event"]) for row in rows)
    for table, event in (
        ("rpt_interaction", "EventInteractionSubmitted"),
        ("rpt_interaction", "EventPartyRemoved"),
        ("rpt_interaction", "EventAgentInvited"),
        ("rpt_interaction", "EventCustomReporting"),
        ("rpt_agent", "EventAgentLogin"),
        ("rpt_agent", "EventAgentLogout"),
        ("rpt_agent", "EventReadyForMedia"),
        ("rpt_agent", "EventCustomReporting"),
        ("rpt_esp", "EventExternalServiceRequested"),
        ("rpt_esp", "EventExternalServiceResponded"),
        ("rpt_custom", "EventCustomReporting"),
    ):
        assert kinds[table, event], f"{event} in {table}"


def test_the_nodes_have_many_copies_of_which_the_history_has_one(
    many: Logged, tmp_path: Path
) -> None:
    counted = merged(many.addresses, f"sqlite:{tmp_path}/merged.db").counted
    assert counted["copies"] > 5
    assert counted["rows"] == counted["events"] - counted["copies"]


def test_merged_alone_the_log_of_one_server_stays_as_it_is(one: Logged, tmp_path: Path) -> None:
    target = f"sqlite:{tmp_path}/merged.db"
    merged(one.addresses, target)
    assert unlike(one, one, target) == []


class MergedMeanwhile(TableLogs):
    """Logs that are merged every now and then while nodes write to them."""

    times = 0

    def __init__(self, target: str, *arguments: Any, **more: Any) -> None:
        super().__init__(*arguments, **more)
        self.target = target

    def follow(self, cluster: Cluster) -> None:
        super().follow(cluster)
        self._merge_later(cluster)

    def _merge_later(self, cluster: Cluster) -> None:
        def merge() -> None:
            merged(self.addresses, self.target, final=False, wait=20.0, part=7)
            self.times += 1
            self._merge_later(cluster)

        cluster.clock.callLater(31, merge)


def test_merging_again_and_again_while_nodes_write_gives_the_same(
    one: Logged, tmp_path: Path
) -> None:
    target = f"sqlite:{tmp_path}/merged.db"
    logs = MergedMeanwhile(target, SqliteLogs(tmp_path / "many"), shared=False)
    many = on_many(SCRIPTS["agents"](SCRIPT), logs)
    assert logs.times > 5
    last = merged(many.addresses, target).counted["events"]
    assert last < sum(len(rows_at(address)) for address in many.addresses) / 2
    assert unlike(one, many, target) == []


def test_clocks_that_are_wrong_change_nothing(one: Logged, many: Logged, tmp_path: Path) -> None:
    [log] = many.addresses
    target = f"sqlite:{tmp_path}/merged.db"
    shift(log, {102: 40.0, 103: -25.25})
    try:
        offsets = merged(many.addresses, target).offsets
        unestimated = f"sqlite:{tmp_path}/wrong.db"
        merged(many.addresses, unestimated, estimated=False)
    finally:
        shift(log, {102: -40.0, 103: 25.25})
    assert offsets == pytest.approx({101: 0.0, 102: 40.0, 103: -25.25}, abs=0.02)
    assert unlike(one, many, target) == []
    assert unlike(one, many, unestimated), "clocks were not wrong enough to be noticed"


def shift(log: str, offsets: dict[int, float]) -> None:
    """Have it as if these nodes' clocks were ahead."""
    for dbid, seconds in offsets.items():
        for table in TABLES:
            change = f"UPDATE {table} SET event_time = event_time + ? WHERE dbid = ?"
            run(log, change, seconds, dbid)
        change = "UPDATE rpt_source SET logged_until = logged_until + ? WHERE dbid = ?"
        run(log, change, seconds, dbid)


def test_a_row_that_is_missing_doubled_or_changed_is_found(one: Logged) -> None:
    rows = rows_at(one.addresses[0])
    expected = one.normal(rows)
    assert not list(log_differences(expected, one.normal(rows)))
    for place in range(0, len(rows), 5):
        row = rows[place]
        before, behind = rows[:place], rows[place + 1 :]
        for wrong in (
            [*before, *behind],
            [*before, row, row, *behind],
            [*before, {**row, "tenant_id": 2}, *behind],
        ):
            assert list(log_differences(expected, one.normal(wrong))), row


def test_two_rows_of_an_agent_or_of_an_interaction_in_the_wrong_order_are_found(
    one: Logged,
) -> None:
    expected = one.normal(rows_at(one.addresses[0]))
    swapped = 0
    for subject in ("AgentId", "InteractionId"):
        last: dict[Any, int] = {}
        for place, event in enumerate(expected):
            of_agent = event["table"] == "rpt_agent"
            if event[subject] is None or of_agent != (subject == "AgentId"):
                continue
            before = last.get(event[subject])
            last[event[subject]] = place
            if before is None or expected[before] == event:
                continue
            wrong = list(expected)
            wrong[before], wrong[place] = wrong[place], wrong[before]
            assert list(log_differences(expected, wrong)), event
            swapped += 1
    assert swapped > 20


def test_what_a_node_has_not_logged_is_missing_from_the_history(
    one: Logged, many: Logged, tmp_path: Path
) -> None:
    [log] = many.addresses
    copy = tmp_path / "copy.db"
    copy.write_bytes(Path(log.removeprefix("sqlite:")).read_bytes())
    name = "SELECT dbid, epoch, event_number FROM rpt_interaction ORDER BY event_time LIMIT 1"
    row = f"(dbid, epoch, event_number) = ({name})"
    assert run(str(copy), f"DELETE FROM rpt_interaction WHERE {row}") == 1
    target = f"sqlite:{tmp_path}/merged.db"
    merged([f"sqlite:{copy}"], target)
    [problem] = unlike(one, many, target)
    assert problem.startswith("the log was not told {'': 'EventInteractionSubmitted'")


def test_a_node_that_does_not_log_everything_is_found_out(tmp_path: Path) -> None:
    class NoLogs:
        def new(self, name: str) -> str:
            return f"sqlite:{tmp_path / 'nowhere' / name}.db"

        tables = SqliteLogs(tmp_path).tables

    script = SCRIPTS["services"](1)
    with pytest.raises(AssertionError, match="not everything is logged"):
        on_one_server(script, TableLogs(NoLogs(), shared=False))
    with pytest.raises(StorageError, match="there is no such file"):
        rows_at(f"sqlite:{tmp_path / 'nowhere' / 'node1'}.db")


def test_the_command_prints_the_first_difference_of_each_script(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    few = ["--seeds", "3", "--scripts", "services", "--player", "one-proxy"]
    assert main([*few, "--logs", "shared"]) == 0
    assert capsys.readouterr().out == "1 scripts, 0 with differences\n"
    whole = rows_at
    monkeypatch.setattr(
        "ixproxy.testing.log_oracle.rows_at",
        lambda address: whole(address)[1 if "merged" in address else 0 :],
    )
    assert main(few) == 1
    *differences, end = capsys.readouterr().out.splitlines()
    assert [each[:15] for each in differences] == ["seed 3, each, 1", "seed 3, shared,"]
    assert "the log was not told {'': 'EventInteractionSubmitted'" in differences[0]
    assert end == "1 scripts, 1 with differences"
    with pytest.raises(SystemExit):
        main(["--logs", "none"])
    assert "unknown logs 'none'" in capsys.readouterr().err


@pytest.mark.parametrize("nothing", ["--seeds 5:1", "--logs ,", "--most 0"])
def test_a_run_of_nothing_is_refused(nothing: str) -> None:
    with pytest.raises(SystemExit) as refused:
        main(nothing.split())
    assert refused.value.code == 2
