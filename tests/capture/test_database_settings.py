"""The table of a database capture point: what it may say, and what is said of mistakes."""

from __future__ import annotations

import sys
from typing import Any

import pytest

from ixproxy.capture.database_settings import read_settings
from ixproxy.errors import ConfigError
from tests.capture.database_rig import QUERIES, SOURCE_UPDATES

GIVEN: dict[str, object] = {"address": "sqlite:/tmp/orders.db", **QUERIES}


def problems(**changed: object) -> dict[str, str]:
    """What is wrong, by key; keys are written with _ for -."""
    given = GIVEN | {key.replace("_", "-"): value for key, value in changed.items()}
    with pytest.raises(ConfigError) as refused:
        read_settings({key: value for key, value in given.items() if value is not None})
    return {problem.key: problem.text for problem in refused.value.problems}


def test_what_is_not_said_has_a_default() -> None:
    settings = read_settings(GIVEN)
    assert settings.place.name == "sqlite:/tmp/orders.db"
    assert (settings.cycle, settings.batch_size, settings.fetch_size) == (5.0, 500, 1000)
    assert set(settings.queries) == set(QUERIES)
    assert settings.queries["error-update"].names == ("ErrorCode", "ErrorDescription", "ExternalId")
    assert settings.queues["iWD_Completed"] == "completed-update"


def test_queues_are_classes_and_stand_in_one_list() -> None:
    settings = read_settings({**GIVEN, "complete-queues": ["Done", "Won"], "cancel-queues": []})
    assert settings.queues["Won"] == "completed-update"
    assert "iWD_Canceled" not in settings.queues
    found = problems(complete_queues=["Done"], reject_queues=["Done"])
    assert found == {"reject-queues": "Done stands in complete-queues, too"}


@pytest.mark.parametrize(
    ("changed", "key", "words"),
    [
        ({"address": None}, "address", "missing; expected"),
        ({"address": "mysql:x"}, "address", 'expected "sqlite:/path'),
        ({"address": "sqlite:"}, "address", "the path of a file"),
        ({"address": "sqlite::memory:"}, "address", "the path of a file"),
        ({"address": "postgresql://h"}, "address", "the name of a database"),
        ({"password_file": "/x"}, "password-file", "no password"),
        ({"capture_query": None}, "capture-query", "missing"),
        ({"capture_query": 5}, "capture-query", "expected a statement of SQL, not 5"),
        ({"captured_update": "UPDATE t SET a = 'x"}, "captured-update", "is not closed"),
        ({"captured_update": "UPDATE t SET a = ?'ErrorCode'"}, "captured-update", "of errors"),
        ({"error_update": "UPDATE t SET a = ?'EventTime'"}, "error-update", "of notifications"),
        ({"captured_update": "UPDATE t SET a = ?'externalid'"}, "captured-update", "ExternalId"),
        ({"held_update": "UPDATE t SET a = ?'eventtime'"}, "held-update", "EventTime"),
        ({"capture_query": "SELECT ?'ExternalId'"}, "capture-query", "nothing that a parameter"),
        ({"startup_query": "DELETE FROM t WHERE a = ?'X'"}, "startup-query", "nothing that"),
        ({"cycle": 0}, "cycle", "seconds"),
        ({"batch_size": 0}, "batch-size", "whole number"),
        ({"receipt_columns": "a"}, "receipt-columns", "list of texts"),
        ({"source_receipt_columns": ["a"]}, "source-receipt-columns", "no source-update-query"),
        ({"held_query": "SELECT 1"}, "held-query", "unknown setting"),
    ],
)
def test_a_mistake_is_named_with_its_place(changed: dict[str, Any], key: str, words: str) -> None:
    found = problems(**changed)
    assert list(found) == [key]
    assert words in found[key]


@pytest.mark.parametrize("missing", SOURCE_UPDATES)
def test_source_updates_are_all_there_or_none(missing: str) -> None:
    there = {key: value for key, value in SOURCE_UPDATES.items() if key != missing}
    found = problems(**there)
    assert list(found) == [missing]
    assert "needs it" in found[missing]
    assert len(read_settings({**GIVEN, **SOURCE_UPDATES}).queries) == 6


def test_all_mistakes_are_in_one_report() -> None:
    assert set(problems(address="x", cycle=-1, error_update="'", colour=1)) == {
        "address", "cycle", "error-update", "colour",
    }  # fmt: skip


def test_without_psycopg_postgresql_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ixproxy.capture.database_postgresql", None)
    assert "pip install" in problems(address="postgresql://h/d")["address"]


def test_an_address_is_never_quoted() -> None:
    for address in ("postgres://user:secret@h/d", "postgresql://user:secret@h:x/d"):
        assert "secret" not in str(problems(address=address))
