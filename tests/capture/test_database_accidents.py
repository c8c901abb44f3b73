"""What a database capture point does not expect costs it a round, and no session is left."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ixproxy.capture import database
from ixproxy.net.served_part import END_LIMIT
from ixproxy.testing.fake_intake import FakeIntake
from tests.capture.database_rig import CutSession, SqliteTables
from tests.failures import LoggedFailures


@pytest.fixture
def tables(tmp_path: Path) -> SqliteTables:
    return SqliteTables(tmp_path)


def test_an_end_takes_less_than_the_node_waits_for_it() -> None:
    assert database.END_SECONDS < END_LIMIT


def closes(tables: SqliteTables, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is opened and closed from now on."""
    seen: list[str] = []
    open_ = tables.cut_place.open

    def opened(seconds: float) -> Any:
        session = open_(seconds)
        close = session.close
        seen.append("open")

        def closed() -> None:
            seen.append("close")
            close()

        monkeypatch.setattr(session, "close", closed)
        return session

    monkeypatch.setattr(tables.cut_place, "open", opened)
    return seen


def test_what_nobody_expected_is_said_and_logged_once_and_rows_come_all_the_same(
    tables: SqliteTables, monkeypatch: pytest.MonkeyPatch, logged_failures: LoggedFailures
) -> None:
    def broken(*_: object) -> None:
        raise LookupError("unheard of")

    seen = closes(tables, monkeypatch)
    tables.give("a")
    point, intake = tables.make_point(), FakeIntake(tables.reactor)
    with monkeypatch.context() as breaking:
        breaking.setattr(CutSession, "read", broken)
        point.begin(intake)
        tables.later(60)
        assert point.figures()["state"] == "connecting: LookupError: unheard of"
    assert len(logged_failures.flush(LookupError)) == 1
    # Nobody knows what state a session is in that broke.
    assert seen.count("open") == seen.count("close") > 1
    tables.until(lambda: not tables.left())
    assert len(intake.documents) == 1
    assert point.figures()["state"] == "connected"


def test_a_round_that_breaks_without_the_database_keeps_its_session(
    tables: SqliteTables, monkeypatch: pytest.MonkeyPatch, logged_failures: LoggedFailures
) -> None:
    def broken(*_: object) -> None:
        raise LookupError("unheard of")

    tables.give("a")
    point, intake = tables.make_point(), FakeIntake(tables.reactor)
    with monkeypatch.context() as breaking:
        breaking.setattr(database, "document", broken)
        point.begin(intake)
        tables.later(60)
        assert point.figures()["state"] == "waiting: LookupError: unheard of"
    assert len(logged_failures.flush(LookupError)) == 1
    tables.until(lambda: not tables.left())
    assert len(intake.documents) == 1


def test_a_session_that_opens_after_the_end_is_closed(
    tables: SqliteTables, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = closes(tables, monkeypatch)
    point = tables.make_point()
    point.begin(FakeIntake(tables.reactor))
    ended: list[None] = []
    point.end().addCallback(ended.append)
    assert seen == []
    tables.later(1)
    assert seen == ["open", "close"]
    assert ended
