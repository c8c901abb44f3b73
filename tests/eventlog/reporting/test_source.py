"""Opening a log."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from ixproxy.errors import StorageError
from ixproxy.eventlog.log_databases import open_database
from ixproxy.eventlog.reporting.source import Log, LogUnreadable, moment, number, text
from ixproxy.eventlog.schemas import LOG
from tests.eventlog.logs import in_schema
from tests.eventlog.reporting.filling import NOON, LogFile
from tests.eventlog.reporting.gathering import open_log


def test_a_log_says_what_it_is_and_who_writes_it(tmp_path: Path) -> None:
    for merged in (False, True):
        with LogFile(tmp_path / f"{merged}.db", merged=merged) as file:
            file.node(102, "ixn2", NOON)
            file.node(101, "ixn1", NOON + 1)
        with closing(open_log(file.address)) as log:
            assert log.merged == merged
            assert log.nodes() == [(101, "ixn1", NOON + 1), (102, "ixn2", NOON)]


def test_what_is_written_meanwhile_is_not_seen(tmp_path: Path) -> None:
    with LogFile(tmp_path / "log.db") as file:
        file.connection.execute("COMMIT")
        file.connection.execute("PRAGMA journal_mode = WAL")
        file.connection.execute("BEGIN")
        file.interaction(NOON, "EventHeld", "i1")
        file.connection.execute("COMMIT")
        with closing(open_log(file.address)) as log:
            assert next(log.rows("SELECT COUNT(*) FROM rpt_interaction")) == (1,)
            file.connection.execute("BEGIN")
            file.interaction(NOON, "EventResumed", "i1")
            file.connection.execute("COMMIT")
            assert next(log.rows("SELECT COUNT(*) FROM rpt_interaction")) == (1,)
        file.connection.execute("BEGIN")


def test_a_log_cannot_be_changed_by_who_reads_it(tmp_path: Path) -> None:
    with LogFile(tmp_path / "log.db") as file:
        pass
    with closing(open_log(file.address)) as log, pytest.raises(StorageError, match="readonly"):
        next(log.rows("DELETE FROM log_schema RETURNING 1"))


def test_text_that_is_no_utf_8_is_shown_as_far_as_it_is(tmp_path: Path) -> None:
    with LogFile(tmp_path / "log.db") as file:
        file.interaction(NOON, "EventHeld", "i1")
        file.connection.execute("UPDATE rpt_interaction SET queue = CAST(x'41ff42' AS TEXT)")
    with closing(open_log(file.address)) as log:
        assert next(log.rows("SELECT queue FROM rpt_interaction")) == ("A\ufffdB",)


@pytest.mark.parametrize(
    ("statements", "reason"),
    [
        (("DROP TABLE log_schema",), "no event log: it has no log_schema"),
        (("DELETE FROM log_schema",), "log_schema has 0 rows, expected one"),
        (("UPDATE log_schema SET version = 99",), "version 99 of the tables of an event log"),
        (("UPDATE log_schema SET kind = 'x'",), "kind is 'x', expected log or merged"),
    ],
)
def test_what_is_no_log_of_ours_is_refused(
    tmp_path: Path, statements: tuple[str, ...], reason: str
) -> None:
    with LogFile(tmp_path / "log.db") as file:
        for statement in statements:
            file.connection.execute(statement)
    with pytest.raises(StorageError, match=reason):
        open_log(file.address)


def test_a_path_may_have_signs_that_addresses_have(tmp_path: Path) -> None:
    with LogFile(tmp_path / "a?b#c %41.db") as file:
        file.node(101, "ixn1", NOON)
    with closing(open_log(file.address)) as log:
        assert len(log.nodes()) == 1


def test_a_damaged_file_says_so_at_the_row(tmp_path: Path) -> None:
    path = tmp_path / "log.db"
    with LogFile(path) as file:
        for place in range(2000):
            file.interaction(NOON + place, "EventHeld", f"i{place}")
    raw = bytearray(path.read_bytes())
    raw[len(raw) // 3 : len(raw) // 3 + 40_000] = b"\xaa" * 40_000
    path.write_bytes(raw)
    with closing(open_log(file.address)) as log, pytest.raises(StorageError, match="damaged"):
        for _ in log.rows("SELECT * FROM rpt_interaction ORDER BY event_number"):
            pass


@pytest.mark.parametrize("value", [None, "noon", float("nan"), float("inf"), 1e12, b"1"])
def test_what_is_no_time_is_refused(value: object) -> None:
    with pytest.raises(LogUnreadable, match="expected seconds since the epoch"):
        moment(value)


def test_values_are_what_they_should_be() -> None:
    assert moment(5) == 5.0
    assert number(7) == 7
    assert (text(None), text("a"), text(5)) == ("", "a", "5")
    with pytest.raises(LogUnreadable, match="expected a whole number, but a row has '7'"):
        number("7")


def test_a_database_that_is_no_log_is_let_go_of() -> None:
    class Broken:
        name = "broken"
        closed = False

        def hold(self) -> None:
            raise StorageError("broken")

        def close(self) -> None:
            self.closed = True

    broken = Broken()
    with pytest.raises(StorageError, match="broken"):
        Log(broken)  # type: ignore[arg-type]
    assert broken.closed


@pytest.mark.processes
def test_a_log_in_postgresql_is_read_as_it_is_at_one_moment(postgresql_database: str) -> None:
    made = in_schema(postgresql_database, "Logs of us")
    with closing(open_database(made, create=True)) as database:
        database.make(LOG)
        database.run("INSERT INTO rpt_source VALUES (101, 'ixn1', 1, 1, ?)", (NOON,))
        with pytest.raises(StorageError, match="no event log"):
            open_log(postgresql_database)
        with closing(open_log(postgresql_database, "Logs of us")) as log:
            assert not log.merged
            query = "SELECT node FROM rpt_source WHERE logged_until < ? ORDER BY dbid"
            first, second = log.rows(query, [NOON + 1]), log.rows(query, [NOON + 1])
            assert (next(first), next(second)) == (("ixn1",), ("ixn1",))
            database.run("INSERT INTO rpt_source VALUES (102, 'ixn2', 1, 1, ?)", (NOON,))
            assert (list(first), list(log.rows(query, [NOON + 1]))) == ([], [("ixn1",)])
            assert list(log.rows(query, [NOON])) == []
            with pytest.raises(StorageError, match="syntax error"):
                list(log.rows("DELETE FROM log_schema RETURNING 1"))
