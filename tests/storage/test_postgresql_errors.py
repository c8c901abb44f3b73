from __future__ import annotations

import struct

import psycopg
import pytest

from ixproxy.errors import StoreUnreachable
from ixproxy.storage.postgresql_errors import certain, connecting_error, state_of, storage_error


def test_an_error_says_what_was_done_and_what_it_means() -> None:
    full = psycopg.errors.DiskFull("could not extend file\nHINT:  Check free disk space.")
    assert str(storage_error(full, "writing x")) == (
        "writing x: the disk of the database server is full "
        "(could not extend file HINT: Check free disk space.)"
    )
    assert str(storage_error(struct.error("too large"), "writing x")) == "writing x: too large"
    assert "own" in str(storage_error(psycopg.errors.InternalError_("bug"), "x"))


@pytest.mark.parametrize(
    ("text", "unreachable", "said"),
    [
        ("connection refused", True, "connection refused"),
        ("connection timeout expired", True, "timeout"),
        ("FATAL:  the database system is starting up", True, "starting or stopping"),
        ("FATAL:  sorry, too many clients already", True, "too many connections"),
        ("session is read-only", True, "can only be read"),
        ('FATAL:  password authentication failed for user "ix"', False, "the password is wrong"),
        ("fe_sendauth: no password supplied", False, "the password is missing"),
        ('FATAL:  database "x" does not exist', False, "no such database"),
        ('FATAL:  role "x" does not exist', False, "there is no such role"),
        ('FATAL:  role "x" is not permitted to log in', False, "the role may not log in"),
        ('FATAL:  no pg_hba.conf entry for host "::1"', False, "the role may not log in"),
        ('FATAL:  permission denied for database "x"', False, "the role may not do that"),
        ('definition of service "x" not found', False, "service"),
        ("server does not support SSL, but SSL was required", False, "SSL"),
    ],
)
def test_a_server_that_is_not_there_is_told_from_one_that_refuses(
    text: str, unreachable: bool, said: str
) -> None:
    error = connecting_error(psycopg.OperationalError(text), "connecting to x")
    assert isinstance(error, StoreUnreachable) == unreachable
    assert said in str(error)


def test_only_an_error_that_the_session_survives_leaves_no_doubt_about_a_commit() -> None:
    refused = psycopg.errors.NotNullViolation("no")
    assert certain(refused, connected=True)
    assert not certain(refused, connected=False)
    assert not certain(psycopg.OperationalError("the connection is lost"), connected=True)


def test_what_is_not_from_postgresql_has_no_state() -> None:
    assert state_of(ValueError("x")) == ""
    assert state_of(psycopg.OperationalError("x")) == ""
