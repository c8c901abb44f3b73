"""`ixctl eventlog merge`."""

from __future__ import annotations

import io
import json
import re
import sqlite3
from pathlib import Path
from time import time
from typing import Any

import pytest

from ixproxy.cli import eventlog_merge
from ixproxy.cli.eventlog_opening import opened
from ixproxy.cli.main import parser, run_command
from ixproxy.errors import StorageError
from ixproxy.eventlog import merge_run, sqlite_tables
from ixproxy.eventlog.log_databases import LogDatabase
from tests.eventlog.logs import history, interaction, log_at, login, logout


def run(*argv: str) -> tuple[int, str, str]:
    stdout, stderr = io.StringIO(), io.StringIO()
    args = parser(["eventlog"]).parse_args(["eventlog", "merge", *argv])
    code = run_command(args, stdout, stderr)
    return code, stdout.getvalue(), stderr.getvalue()


@pytest.fixture
def logs(tmp_path: Path) -> list[str]:
    made = [log_at(tmp_path, f"ixn{dbid}") for dbid in (1, 2)]
    for dbid, log in enumerate(made, 1):
        ahead = 40.0 * (dbid - 1)
        log.write(
            dbid,
            [login(10 + ahead), interaction(20 + dbid + ahead, f"i{dbid}"), logout(30 + ahead)],
        )
    return [log.address for log in made]


@pytest.fixture
def target(tmp_path: Path) -> str:
    return f"sqlite:{tmp_path / 'merged.db'}"


def test_a_merge_says_what_it_did(logs: list[str], target: str) -> None:
    code, out, err = run(*logs, "--into", target, "--final", "--progress")
    assert code == 0
    assert "merged until 1970-01-01 00:00:30" in out
    assert "clock of node 2: +40.000 s" in out
    assert "100 %: 6 events, until 1970-01-01 00:00:30" in err
    assert [row[2] for row in history(target)] == ["anna", "i1", "i2", "anna"]


def test_scripts_get_one_object(logs: list[str], target: str, tmp_path: Path) -> None:
    code, out, err = run(*logs, "--into", target, "--final", "--json", "--csv", str(tmp_path / "c"))
    record: dict[str, Any] = json.loads(out)
    assert (code, err) == (0, "")
    assert record["counted"] == {"copies": 2, "events": 6, "rows": 4}
    assert record["offsets"] == {"1": 0.0, "2": 40.0}
    assert (record["behind"], record["until"]) == ([], 30.0)
    assert record["files"][str(tmp_path / "c" / "rpt_interaction.csv")] == 2


def test_parquet_is_written_too(logs: list[str], target: str, tmp_path: Path) -> None:
    code, out, _ = run(*logs, "--into", target, "--final", "--parquet", str(tmp_path / "p"))
    assert code == 0
    assert f"{tmp_path / 'p' / 'rpt_agent.parquet'}: 2 rows" in out


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_no_file_of_an_export_may_be_a_source_or_the_target(
    logs: list[str], tmp_path: Path, kind: str
) -> None:
    for address in (f"sqlite:{tmp_path}/rpt_esp.{kind}", f"sqlite:{tmp_path}/.rpt_esp.{kind}.new"):
        for sources, target in (([*logs, address], "sqlite:none.db"), (logs, address)):
            code, out, err = run(*sources, "--into", target, f"--{kind}", str(tmp_path))
            assert (code, out) == (2, "")
            assert f"expected another file, this one belongs to {address}" in err
    assert {each.name for each in tmp_path.iterdir()} == {"ixn1.db", "ixn2.db"}


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_a_folder_where_nothing_can_be_written_is_found_before_the_merge(
    logs: list[str], target: str, tmp_path: Path, kind: str
) -> None:
    (tmp_path / "file").touch()
    for folder in (tmp_path / "file" / "f", tmp_path / "file", Path("/proc/x"), Path("/proc")):
        code, out, err = run(*logs, "--into", target, "--final", f"--{kind}", str(folder))
        assert (code, out) == (2, "")
        assert f"ixctl: {folder}: no files can be made there: " in err
    assert {each.name for each in tmp_path.iterdir()} == {"ixn1.db", "ixn2.db", "file"}


def fail(database: LogDatabase, folder: Path) -> dict[str, int]:
    raise StorageError("rpt_agent.csv: the disk is full")


def test_what_was_merged_is_said_although_the_files_cannot_be_written(
    logs: list[str], target: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(eventlog_merge, "export_csv", fail)
    code, out, err = run(*logs, "--into", target, "--final", "--csv", str(tmp_path / "c"))
    assert code == 1
    assert "merged until 1970-01-01 00:00:30" in out
    assert re.search(r"^  events +6$", out, re.M)
    assert err == "ixctl: rpt_agent.csv: the disk is full\n"
    code, out, err = run(*logs, "--into", target, "--json", "--csv", str(tmp_path / "c"))
    assert (code, err) == (1, "")
    merged, problem = map(json.loads, out.splitlines())
    assert (merged["until"], merged["files"]) == (30.0, {})
    assert problem["description"] == "rpt_agent.csv: the disk is full"


def test_clocks_can_be_left_as_they_are_or_set_by_hand(
    logs: list[str], target: str, tmp_path: Path
) -> None:
    _, out, _ = run(*logs, "--into", target, "--final", "--no-skew")
    assert "clock of node 2: +0.000 s" in out
    other = f"sqlite:{tmp_path / 'other.db'}"
    _, out, _ = run(*logs, "--into", other, "--final", "--offset", "2=39.5", "--offset", "1=-0.5")
    assert "clock of node 1: -0.500 s" in out
    assert "clock of node 2: +39.500 s" in out


def test_the_clock_of_a_node_that_nobody_knows_is_not_set(
    logs: list[str], target: str, tmp_path: Path
) -> None:
    code, out, err = run(*logs, "--into", target, "--final", "--offset", "999=5", "--offset", "1=2")
    assert (code, out) == (2, "")
    assert "--offset: neither the sources nor the target know of node 999, but of 1, 2;" in err
    assert {each.name for each in tmp_path.iterdir() if each.suffix == ".db"} == {
        "ixn1.db",
        "ixn2.db",
    }
    run(logs[0], "--into", target, "--final")
    before = Path(target.removeprefix("sqlite:")).read_bytes()
    assert run(logs[0], "--into", target, "--final", "--offset", "2=5")[0] == 2
    assert Path(target.removeprefix("sqlite:")).read_bytes() == before


def test_the_clock_of_a_node_whose_log_was_merged_once_may_be_set(
    logs: list[str], target: str
) -> None:
    run(*logs, "--into", target, "--final")
    code, out, err = run(logs[0], "--into", target, "--final", "--offset", "2=5")
    assert (code, err) == (0, "")
    assert "clock of node 2" not in out


def test_a_target_that_is_empty_knows_no_node(logs: list[str], tmp_path: Path) -> None:
    (tmp_path / "empty.db").touch()
    into = f"sqlite:{tmp_path / 'empty.db'}"
    code, _, err = run(*logs, "--into", into, "--offset", "3=5")
    assert (code, (tmp_path / "empty.db").stat().st_size) == (2, 0)
    assert "node 3, but of 1, 2" in err
    assert run(*logs, "--into", into, "--offset", "2=5")[0] == 0


def test_a_node_that_is_not_waited_for_is_said(logs: list[str], target: str) -> None:
    code, out, _ = run(*logs, "--into", target, "--wait", "0", "--no-skew")
    assert code == 0
    assert f"not waited for: node 1 in {logs[0]}, 40 s behind" in out


def test_a_node_that_is_in_the_future_is_said(target: str, tmp_path: Path) -> None:
    log = log_at(tmp_path, "ahead")
    log.write(1, [interaction(10, "a")], until=time() + 7200)
    _, out, _ = run(log.address, "--into", target)
    assert re.search(rf"^in the future: node 1 in {log.address}, 7[12]\d\d s ahead$", out, re.M)
    _, out, _ = run(log.address, "--into", target, "--json")
    (ahead,) = json.loads(out)["ahead"]
    assert (ahead["source"], ahead["dbid"]) == (log.address, 1)
    assert 7100 < ahead["seconds"] <= 7200
    _, out, _ = run(log.address, "--into", target, "--offset", "1=7200")
    assert "in the future" not in out


def test_a_second_run_has_nothing_to_do(logs: list[str], target: str) -> None:
    run(*logs, "--into", target, "--final")
    _, out, _ = run(*logs, "--into", target, "--final", "--json")
    assert json.loads(out)["counted"] == {}


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("sqlite:none.db", "there is no such file"),
        ("mysql://here", "mysql://here: expected sqlite:PATH, such as"),
    ],
)
def test_a_source_that_is_not_there_is_named(source: str, said: str, target: str) -> None:
    code, _, err = run(source, "--into", target)
    assert code == (2 if "mysql" in source else 1)
    assert said in err
    assert err.startswith("ixctl: ")


def test_a_server_that_does_not_answer_is_no_connection(target: str) -> None:
    code, out, _ = run("postgresql://127.0.0.1:9/log", "--into", target, "--json")
    assert code == 3
    assert json.loads(out)["error"] == "connection"


def test_a_source_that_is_locked_is_said(
    logs: list[str], target: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_tables, "BUSY_SECONDS", 0.01)
    other = sqlite3.connect(tmp_path / "ixn1.db", isolation_level=None)
    other.execute("PRAGMA locking_mode = EXCLUSIVE")
    other.execute("PRAGMA journal_mode = DELETE")
    other.execute("BEGIN EXCLUSIVE")
    code, _, err = run(*logs, "--into", target)
    assert code == 1
    assert "ixn1.db: another program keeps the database locked" in err
    other.close()


def test_a_full_disk_is_said_and_the_next_run_goes_on(
    logs: list[str], target: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    big = log_at(tmp_path, "big")
    big.write(7, [interaction(1 + n, "x" * 5000) for n in range(200)])
    run(*logs, "--into", target)
    room = Path(target.removeprefix("sqlite:")).stat().st_size // 4096 + 40

    def cramped(address: str, schema_name: str, *, create: bool = False) -> LogDatabase:
        database = opened(address, schema_name, create=create)
        if create:
            database.rows(f"PRAGMA max_page_count = {room}")
        return database

    with monkeypatch.context() as patch:
        patch.setattr(eventlog_merge, "opened", cramped)
        code, _, err = run(*logs, big.address, "--into", target, "--final")
    assert code == 1
    assert "merged.db: the disk is full" in err
    code, _, _ = run(*logs, big.address, "--into", target, "--final")
    assert code == 0
    assert len(history(target)) == 204


def test_an_interrupted_run_is_gone_on_with(
    logs: list[str], target: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(self: object, until: float) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(merge_run.MergeRun, "_merge", interrupt)
        code, _, err = run(*logs, "--into", target, "--final")
    assert code == 130
    assert "the next run goes on from there" in err
    assert run(*logs, "--into", target, "--final")[0] == 0
    assert len(history(target)) == 4


@pytest.mark.parametrize(
    "argv",
    [
        ["--wait", "-1"],
        ["--wait", "soon"],
        ["--wait", "nan"],
        ["--offset", "2"],
        ["--offset", "2=inf"],
        ["--offset", "two=1"],
        ["--csv", "a", "--parquet", "b"],
    ],
)
def test_options_that_make_no_sense_are_refused(
    argv: list[str], target: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        run("sqlite:a.db", "--into", target, *argv)
    assert caught.value.code == 2
    assert argv[0] in capsys.readouterr().err
