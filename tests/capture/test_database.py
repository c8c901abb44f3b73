"""Rows become interactions, and are marked; the contract of capture points on SQLite."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from twisted.internet.defer import Deferred, fail

from ixproxy.capture.database import DatabasePoint, make
from ixproxy.errors import Code, ConfigError, NotTold, RequestRefused
from ixproxy.node.intake_work import Document, Problem, Result, Said, Verb
from ixproxy.testing.capture_contract import CapturePointContract
from ixproxy.testing.capture_outside import Outside
from ixproxy.testing.fake_intake import FakeIntake, Say, Teller, notification
from tests.capture.database_rig import (
    NOTIFICATIONS,
    QUERIES,
    SOURCE_UPDATES,
    SqliteTables,
)


class TestSqliteTables(CapturePointContract):
    def outside(self) -> Outside:
        self.folder = TemporaryDirectory()
        return SqliteTables(Path(self.folder.name))

    def teardown_method(self) -> None:
        super().teardown_method()
        self.folder.cleanup()


@pytest.fixture
def tables(tmp_path: Path) -> SqliteTables:
    return SqliteTables(tmp_path)


def begun(tables: SqliteTables) -> tuple[DatabasePoint, FakeIntake]:
    point, intake = tables.make_point(), FakeIntake(tables.reactor)
    point.begin(intake)
    tables.later(1)
    return point, intake


def test_a_row_is_a_submit_with_its_columns_and_is_marked_with_the_id(
    tables: SqliteTables,
) -> None:
    tables.give("a", priority=7, note="Müller")
    _, intake = begun(tables)
    (document,) = intake.documents
    (operation,) = document.operations
    assert (operation.verb, operation.external_id) == (Verb.SUBMIT, "a")
    assert operation.properties == {"Priority": 7, "Note": "Müller"}
    assert not document.replies
    assert tables.execute("SELECT state, ixn FROM orders") == [("done", "0000000000000001")]


def test_what_the_node_refuses_is_marked_with_code_and_reason(tables: SqliteTables) -> None:
    tables.give("a")
    point, intake = tables.make_point(), FakeIntake(tables.reactor)
    problem = Problem(Code.UNKNOWN_QUEUE, "x" * 500)
    intake.results_of = lambda _: [Result(verb=Verb.SUBMIT, problem=problem)]
    point.begin(intake)
    tables.later(1)
    found = tables.execute("SELECT state, code, why FROM orders")
    assert found == [("error", Code.UNKNOWN_QUEUE, "x" * 256)]
    assert intake.refusals == [("a", "x" * 500)]
    assert point.figures()["refused"] == 1


def test_a_row_that_could_not_be_marked_comes_again_under_the_same_name(
    tables: SqliteTables,
) -> None:
    tables.give("a")
    point, intake = tables.make_point(), FakeIntake(tables.reactor)
    intake.answers = [Say.LATE]
    point.begin(intake)
    tables.until(lambda: intake.in_flight)
    tables.cut()
    intake.settle()
    tables.later(5)
    assert tables.left() == ["a"]
    point.end()
    tables.mend()
    point = tables.make_point()
    point.begin(intake)
    tables.later(5)
    assert tables.left() == []
    assert [document.receipt for document in intake.documents] == [intake.documents[0].receipt] * 2
    assert len(intake.taken) == 1
    assert point.figures()["repeated"] == 1


def test_equal_rows_have_equal_receipts_and_changed_ones_others(tables: SqliteTables) -> None:
    _, intake = begun(tables)
    for note in ("one", "two", "one"):
        tables.execute("DELETE FROM orders")
        tables.give("a", note=note)
        tables.later(10)
    first, second, third = (document.receipt for document in intake.documents)
    assert first == third != second
    assert first.startswith("row:a:")


def test_only_the_columns_that_are_to_count_make_the_receipt(tmp_path: Path) -> None:
    tables = SqliteTables(tmp_path, **{"receipt-columns": ["ExternalId"]})
    _, intake = begun(tables)
    for note in ("one", "two"):
        tables.execute("DELETE FROM orders")
        tables.give("a", note=note)
        tables.later(10)
    assert len({document.receipt for document in intake.documents}) == 1


def test_a_column_of_the_receipt_that_does_not_come_is_said(tmp_path: Path) -> None:
    tables = SqliteTables(tmp_path, **{"receipt-columns": ["Version"]})
    tables.give("a")
    point, intake = begun(tables)
    assert intake.documents == []
    assert "gives no column Version" in str(point.figures()["state"])


def test_many_rows_are_read_some_at_a_time(tmp_path: Path) -> None:
    tables = SqliteTables(tmp_path, **{"fetch-size": 7, "batch-size": 3, "cycle": 3600})
    for number in range(50):
        tables.give(f"{number:02d}")
    point, intake = begun(tables)
    tables.until(lambda: not tables.left())
    assert [document.operations[0].external_id for document in intake.documents] == [
        f"{number:02d}" for number in range(50)
    ]
    assert point.figures()["marked"] == 50


def test_a_row_that_is_too_large_is_refused(tmp_path: Path) -> None:
    tables = SqliteTables(tmp_path, **{"max-document-size": 20})
    tables.give("small", note="x" * 10)
    tables.give("large", note="x" * 30)
    _, intake = begun(tables)
    assert tables.errors() == {"large": "the row has 35 characters, 20 are allowed"}
    assert len(intake.documents) == 1


def test_a_document_that_breaks_the_node_each_time_is_given_up(tables: SqliteTables) -> None:
    class Breaking(FakeIntake):
        def take(self, document: Document) -> Deferred[object]:  # type: ignore[override]
            self.documents.append(document)
            return fail(RequestRefused(Code.INTERNAL, "it broke"))

    tables.give("a")
    point, intake = tables.make_point(), Breaking(tables.reactor)
    point.begin(intake)
    tables.until(lambda: not tables.left())
    assert len(intake.documents) == 5
    assert "it broke" in tables.errors()["a"]


def test_a_poison_row_is_set_aside_and_the_others_go_on(tables: SqliteTables) -> None:
    tables.execute_script(
        "CREATE TRIGGER no_errors BEFORE UPDATE OF state ON orders WHEN new.number = 'bad' "
        "BEGIN SELECT RAISE(ABORT, 'not this one'); END"
    )
    tables.give_bad("bad")
    tables.give("a")
    point, intake = begun(tables)
    tables.until(lambda: tables.left() == ["bad"])
    tables.later(30)
    tables.give("b")
    tables.until(lambda: tables.left() == ["bad"])
    assert len(intake.refusals) == 1
    assert point.figures()["unmarkable"] == 1
    assert "not this one" in str(point.figures()["unmarkable-because"])
    tables.execute("DROP TRIGGER no_errors")
    tables.until(lambda: not tables.left())
    assert list(tables.errors()) == ["bad"]
    assert point.figures()["unmarkable"] == 0


def test_an_error_update_that_stopped_working_does_not_keep_others_from_coming(
    tables: SqliteTables,
) -> None:
    _, intake = begun(tables)
    tables.execute("ALTER TABLE orders RENAME COLUMN why TO reason")
    tables.give_bad("bad")
    tables.give("a")
    tables.until(lambda: tables.left() == ["bad"])
    tables.execute("ALTER TABLE orders RENAME COLUMN reason TO why")
    tables.until(lambda: not tables.left())
    assert len(intake.refusals) == 1


def test_bad_sql_is_said_and_nothing_is_read_until_it_is_mended(tables: SqliteTables) -> None:
    tables.execute("ALTER TABLE orders RENAME COLUMN ixn TO interaction")
    tables.give("a")
    point, intake = begun(tables)
    tables.later(20)
    assert intake.documents == []
    assert str(point.figures()["state"]).startswith("waiting: captured-update: no such column")
    tables.execute("ALTER TABLE orders RENAME COLUMN interaction TO ixn")
    tables.until(lambda: not tables.left())
    assert point.figures()["state"] == "connected"


def test_a_column_that_goes_missing_is_said_and_nothing_is_lost(tables: SqliteTables) -> None:
    point, intake = begun(tables)
    tables.execute("ALTER TABLE orders RENAME COLUMN note TO remark")
    tables.give("a")
    tables.later(20)
    assert "no such column: note" in str(point.figures()["state"])
    tables.execute("ALTER TABLE orders RENAME COLUMN remark TO note")
    tables.until(lambda: not tables.left())
    assert len(intake.taken) == 1


def test_where_captured_rows_cannot_be_marked_no_more_are_captured(tables: SqliteTables) -> None:
    point, intake = begun(tables)
    tables.execute("ALTER TABLE orders RENAME COLUMN ixn TO interaction")
    tables.give("a")
    tables.later(20)
    tables.give("b")
    tables.later(20)
    assert len(intake.documents) == 1
    assert "no such column: ixn" in str(point.figures()["state"])
    tables.execute("ALTER TABLE orders RENAME COLUMN interaction TO ixn")
    tables.until(lambda: not tables.left())
    assert len(intake.documents) == len(intake.taken) == 2


def test_a_locked_database_is_waited_for(
    tables: SqliteTables, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ixproxy.capture.database_sqlite.BUSY_SECONDS", 0.01)
    tables.give("a")
    other = sqlite3.connect(tables.path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    point, intake = begun(tables)
    tables.later(10)
    assert len(intake.documents) == 1
    assert "keeps the database locked" in str(point.figures()["state"])
    assert point.figures()["to-be-marked"] == 1
    other.execute("ROLLBACK")
    other.close()
    tables.until(lambda: not tables.left())
    assert len(intake.documents) == 1


def test_the_startup_query_runs_once_in_a_term(tmp_path: Path) -> None:
    tables = SqliteTables(
        tmp_path, **{"startup-query": "INSERT INTO told (what) VALUES ('started')"}
    )
    point, _ = begun(tables)
    tables.cut()
    tables.later(30)
    tables.mend()
    tables.later(30)
    assert point.figures()["state"] == "connected"
    assert tables.execute("SELECT what FROM told") == [("started",)]


def test_source_updates_are_updates_and_come_as_often_as_they_are_there(tmp_path: Path) -> None:
    tables = SqliteTables(tmp_path, **SOURCE_UPDATES)
    _, intake = begun(tables)
    for priority in (5, 7, 5):
        tables.execute(
            "INSERT INTO changes (number, state, priority) VALUES ('a', 'new', ?)", priority
        )
        tables.later(10)
    assert [document.operations[0].properties for document in intake.documents] == [
        {"Change": at, "Priority": priority} for at, priority in ((1, 5), (2, 7), (3, 5))
    ]
    assert {document.operations[0].verb for document in intake.documents} == {Verb.UPDATE}
    assert {document.receipt for document in intake.documents} == {""}
    assert tables.execute("SELECT DISTINCT state FROM changes") == [("done",)]


def test_source_updates_whose_columns_name_them_have_receipts(tmp_path: Path) -> None:
    tables = SqliteTables(tmp_path, **SOURCE_UPDATES, **{"source-receipt-columns": ["Change"]})
    tables.execute("INSERT INTO changes (number, state) VALUES ('a', 'new')")
    _, intake = begun(tables)
    assert intake.documents[0].receipt.startswith("update:a:")


def test_each_notification_runs_its_query(tmp_path: Path) -> None:
    tables = SqliteTables(tmp_path, **NOTIFICATIONS)
    point, _ = begun(tables)
    assert Said.PLACED_IN_QUEUE in point.wanted
    assert Said.SUBMITTED not in point.wanted
    teller = Teller(tables.reactor, point)
    teller.tell(
        notification(Said.ASSIGNED, "1", extra={"PartyAgentId": "kim"}),
        notification(Said.PLACED_IN_QUEUE, "2", place="iWD_Completed", actor=("router", "r1")),
        notification(Said.PLACED_IN_QUEUE, "3", place="Elsewhere"),
        notification(Said.HELD, "4", reason=("lunch", "At lunch")),
        notification(Said.STOPPED, "5", actor=("agent", "kim")),
        notification(Said.CHANGED, "6"),
        notification(Said.STOPPED, "7", reply=True),
    )
    tables.until(lambda: not teller.waiting)
    assert tables.execute("SELECT what, ixn, who, queue FROM told ORDER BY event") == [
        ("assigned", "1", "kim", "Inbound"),
        ("completed", "2", "r1", "iWD_Completed"),
        ("queued", "3", None, "Elsewhere"),
        ("held", "4", "lunch", "Inbound"),
        ("stopped", "5", "agent", "Inbound"),
        ("updated", "6", "Müller", "Inbound"),
    ]
    assert tables.execute("SELECT DISTINCT at FROM told") == [("2026-10-14 17:46:40",)]


def test_notifications_wait_while_the_database_is_away_and_come_once(tmp_path: Path) -> None:
    tables = SqliteTables(tmp_path, **NOTIFICATIONS, **{"batch-size": 2})
    point, _ = begun(tables)
    teller = Teller(tables.reactor, point)
    tables.cut()
    teller.tell(*(notification(Said.STOPPED, f"{at}") for at in range(5)))
    tables.later(10)
    assert "notifications wait" in str(point.figures()["notifications-problem"])
    assert isinstance(teller.failures[-1], NotTold)
    tables.mend()
    tables.until(lambda: not teller.waiting)
    assert [id for _, id in tables.told()] == ["0", "1", "2", "3", "4"]
    assert point.figures()["notified"] == 5


def test_a_notification_that_is_not_allowed_is_passed_over(tmp_path: Path) -> None:
    tables = SqliteTables(tmp_path, **NOTIFICATIONS)
    tables.execute_script(
        "CREATE TRIGGER no BEFORE INSERT ON told WHEN new.ixn = '2' "
        "BEGIN SELECT RAISE(ABORT, 'not this one'); END"
    )
    point, _ = begun(tables)
    teller = Teller(tables.reactor, point)
    teller.tell(*(notification(Said.STOPPED, f"{at}") for at in range(5)))
    tables.until(lambda: not teller.waiting)
    assert [id for _, id in tables.told()] == ["0", "1", "3", "4"]
    assert point.figures()["notifications-refused"] == 1
    assert "not this one" in str(point.figures()["notifications-problem"])


def test_a_notification_whose_query_does_not_fit_any_more_waits(tmp_path: Path) -> None:
    tables = SqliteTables(tmp_path, **NOTIFICATIONS)
    point, _ = begun(tables)
    tables.execute("ALTER TABLE told RENAME COLUMN at TO moment")
    teller = Teller(tables.reactor, point)
    teller.tell(notification(Said.STOPPED, "1"))
    tables.later(10)
    assert teller.waiting
    assert "stopped-update" in str(point.figures()["notifications-problem"])
    tables.execute("ALTER TABLE told RENAME COLUMN moment TO at")
    tables.until(lambda: not teller.waiting)
    assert tables.told() == [("stopped", "1")]


def test_few_notifications_wait_for_others_to_come(tmp_path: Path) -> None:
    tables = SqliteTables(tmp_path, **NOTIFICATIONS, **{"storing-timeout": 30, "batch-size": 3})
    point, _ = begun(tables)
    teller = Teller(tables.reactor, point)
    teller.tell(notification(Said.STOPPED, "1"))
    tables.later(1)
    assert not teller.waiting
    teller.tell(notification(Said.STOPPED, "2"))
    tables.later(20)
    assert teller.waiting
    tables.later(11)
    assert not teller.waiting
    teller.tell(*(notification(Said.STOPPED, f"{at}") for at in range(3, 6)))
    tables.later(1)
    assert not teller.waiting


def test_the_maker_makes_a_point_and_names_what_is_wrong(tmp_path: Path) -> None:
    assert isinstance(make({"address": f"sqlite:{tmp_path}/x.db", **QUERIES}), DatabasePoint)
    with pytest.raises(ConfigError) as refused:
        make({"address": f"sqlite:{tmp_path}/x.db"})
    assert [problem.key for problem in refused.value.problems] == [
        "capture-query", "captured-update", "error-update",
    ]  # fmt: skip
