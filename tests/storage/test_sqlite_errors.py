from __future__ import annotations

import sqlite3

import pytest

from ixproxy.storage.sqlite_errors import certain, code_of, storage_error


def raised(code: int) -> sqlite3.OperationalError:
    problem = sqlite3.OperationalError("database or disk is full")
    problem.sqlite_errorcode = code
    return problem


@pytest.mark.parametrize(
    ("code", "text"),
    [
        (sqlite3.SQLITE_FULL, "writing x: the disk is full (database or disk is full)"),
        (sqlite3.SQLITE_IOERR_FSYNC, "writing x: input/output error (database or disk is full)"),
        (0, "writing x: database or disk is full"),
    ],
)
def test_an_error_says_what_was_done_and_what_it_means(code: int, text: str) -> None:
    assert str(storage_error(raised(code), "writing x")) == text


def test_an_error_that_is_not_from_sqlite_has_no_code() -> None:
    assert code_of(OverflowError("too large")) == 0
    assert str(storage_error(OverflowError("too large"), "writing")) == "writing: too large"


def test_only_a_lock_leaves_no_doubt_about_a_commit() -> None:
    assert certain(raised(sqlite3.SQLITE_BUSY))
    assert certain(raised(sqlite3.SQLITE_BUSY_SNAPSHOT))
    assert not certain(raised(sqlite3.SQLITE_FULL))
    assert not certain(raised(sqlite3.SQLITE_IOERR_WRITE))
