"""What an error of PostgreSQL means for a node."""

from __future__ import annotations

import re
import struct

import psycopg

from ixproxy.errors import StorageError, StoreUnreachable

BORDER = (psycopg.Error, struct.error, UnicodeError, ValueError, TypeError, AttributeError)
"""What psycopg raises, and what values raise that cannot be written."""

NOT_NULL = "23502"
IN_FAILED_TRANSACTION = "25P02"

# By SQLSTATE, else by its first two characters.
_MEANINGS = {
    "53100": "the disk of the database server is full",
    "53200": "the database server is out of memory",
    "53300": "the database server has too many connections",
    "57014": "interrupted: it took too long",
    "57P01": "an administrator has ended the session",
    "57P02": "the database server has crashed",
    "57P03": "the database server is starting or stopping",
    "42501": "the role may not do that",
    "28P01": "the password is wrong",
    "28000": "the role may not log in",
    "3D000": "there is no such database",
    "25006": "the database can only be read",
    "55P03": "another session keeps it locked",
    "08": "the connection is broken",
    "58": "the database server has trouble with its machine",
    "XX": "the database server has an error of its own",
}

_UNREACHABLE = {"53300", "57P01", "57P02", "57P03", "57P05", "25006"}

# What a server says before there is a session has no SQLSTATE in psycopg, only its words.
_REFUSALS = (
    (re.compile(r"password authentication failed"), "28P01"),
    (re.compile(r"no password supplied"), "28P01"),
    (re.compile(r'database "[^"]*" does not exist'), "3D000"),
    (re.compile(r'role "[^"]*" does not exist'), "28000"),
    (re.compile(r"is not permitted to log in"), "28000"),
    (re.compile(r"no pg_hba.conf entry"), "28000"),
    (re.compile(r"pg_hba.conf rejects connection"), "28000"),
    (re.compile(r"permission denied for database"), "42501"),
    (re.compile(r"unsupported startup parameter"), "08P01"),
    (re.compile(r"too many clients|too many connections|remaining connection slots"), "53300"),
    (re.compile(r"the database system is (starting up|shutting down|in recovery)"), "57P03"),
    (re.compile(r"the database system is not (yet )?accepting connections"), "57P03"),
    (re.compile(r"session is read-only|server is in hot standby mode"), "25006"),
)

# Where the words say more than the SQLSTATE.
_PLAINER = (
    (re.compile(r"no password supplied"), "the password is missing"),
    (re.compile(r'role "[^"]*" does not exist'), "there is no such role"),
)

# What no waiting mends: the address, or what it names on this machine.
_OF_THE_ADDRESS = re.compile(
    r"definition of service|service file|private key file|certificate file|sslmode value"
    r"|invalid (connection option|port number|URI|integer value)|does not support SSL"
)


def state_of(problem: BaseException) -> str:
    """The SQLSTATE of an error, empty if it has none."""
    if not isinstance(problem, psycopg.Error):
        return ""
    if problem.sqlstate:
        return problem.sqlstate
    text = str(problem)
    return next((state for words, state in _REFUSALS if words.search(text)), "")


def storage_error(problem: BaseException, doing: str) -> StorageError:
    """`problem` for a person who sees only the log."""
    state = state_of(problem)
    said = " ".join(str(problem).split())
    plainer = (meaning for words, meaning in _PLAINER if state and words.search(said))
    meaning = next(plainer, "") or _MEANINGS.get(state) or _MEANINGS.get(state[:2])
    text = f"{doing}: {meaning} ({said})" if meaning else f"{doing}: {said}"
    return StorageError(text)


def connecting_error(problem: BaseException, doing: str) -> StorageError:
    """Likewise, where there is no session yet: unreachable, or refused."""
    error = storage_error(problem, doing)
    state = state_of(problem)
    refused = bool(state) and state not in _UNREACHABLE
    if refused or _OF_THE_ADDRESS.search(str(problem)) or not isinstance(problem, psycopg.Error):
        return error
    return StoreUnreachable(str(error))


def certain(problem: psycopg.Error, connected: bool) -> bool:
    """
    Whether a commit that raised `problem` is known not to have happened.

    An error that a session survives has undone its transaction; one that ends
    the session may have come when the commit was done already.

    :param connected: whether the session is there still.
    """
    return connected and bool(problem.sqlstate)
