"""
SQL with named parameters, as the field's database capture points write it.

    UPDATE orders SET done = 1, ixn = ?'InteractionId' WHERE number = ?'ExternalId'

becomes SQL of one dialect with bound parameters, and the names that are bound:
never text that is put into text. What stands in literals, quoted names and
comments is left as it is. Outside of these a `?` right before a quote always
begins a parameter; where PostgreSQL's operator of that name is meant, a space
stands between them.
"""

from __future__ import annotations

import re
from enum import Enum
from typing import NamedTuple

LONGEST_NAME = 128


class Dialect(Enum):
    """In which SQL a statement is written."""

    SQLITE = "SQLite"
    POSTGRESQL = "PostgreSQL"


class Statement(NamedTuple):
    """
    What can be run.

    `names`: of the parameters, in the order in which they are bound; a name that
    stands twice is bound twice, since each place may want another type.
    """

    text: str
    names: tuple[str, ...]


_PARAMETER = r"\?'(?P<name>(?:[^']|'')*)'"
_BROKEN = r"(?P<broken>'|\"|`|/\*)"
_E_STRING = r"'(?:[^'\\]|''|\\.)*'"
# A literal goes on behind a line break, and stays of its kind.
_GOES_ON = r"(?:[ \t\f\v]|--[^\n\r]*)*[\n\r](?:\s|--[^\n\r]*[\n\r])*"

_TOKENS = {
    Dialect.SQLITE: re.compile(
        rf"""(?P<kept>--[^\n]*|/\*.*?(?:\*/|\Z)|'(?:[^']|'')*'|"(?:[^"]|"")*"|`(?:[^`]|``)*`
        |\[[^\]]*\]|\w[\w$]*|\s+)|{_PARAMETER}|(?P<foreign>\?\d*|[:@$]\w[\w$]*)
        |(?P<end>;)|(?:{_BROKEN}|(?P<bracket>\[))|(?P<sign>.)""",
        re.DOTALL | re.VERBOSE,
    ),
    Dialect.POSTGRESQL: re.compile(
        rf"""(?P<kept>--[^\n\r]*|[eE]{_E_STRING}(?:{_GOES_ON}{_E_STRING})*
        |'(?:[^']|'')*'|"(?:[^"]|"")*"|\$(?P<tag>(?:[^\W\d]\w*)?)\$.*?\$(?P=tag)\$
        |(?![eE]')\w[\w$]*|\s+)|{_PARAMETER}|(?P<foreign>\$\d+)
        |(?P<end>;)|(?P<nested>/\*)|(?P<broken>[eE]'|'|"|\$(?:[^\W\d]\w*)?\$)|(?P<sign>.)""",
        re.DOTALL | re.VERBOSE,
    ),
}
_NESTING = re.compile(r"/\*|\*/")


def read_statement(sql: str, dialect: Dialect) -> Statement:
    """
    Rewrite the parameters of one statement.

    :raise ValueError: something is not closed, a parameter has no usable name or
        is not written as `?'Name'`, or there is more than one statement or none;
        the text says where.
    """
    if "\0" in sql:
        raise ValueError(f"{_where(sql, sql.index(chr(0)))}: a NUL character")
    pieces: list[str] = []
    names: list[str] = []
    at, ended, words = 0, False, False
    tokens = _TOKENS[dialect]
    while at < len(sql):
        found = tokens.match(sql, at)
        assert found is not None  # the last alternative takes any character
        kind, text = found.lastgroup, found[0]
        end = found.end()
        if found["broken"] or (dialect is Dialect.SQLITE and found["bracket"]):
            raise ValueError(f"{_where(sql, at)}: {text} is not closed")
        if dialect is Dialect.POSTGRESQL and found["nested"]:
            end = _end_of_comment(sql, at)
            text = sql[at:end]
        elif found["name"] is not None:
            names.append(_name(sql, at, found["name"]))
            text = "?" if dialect is Dialect.SQLITE else f"${len(names)}"
            # Nothing that stands beside a parameter may become part of it.
            text = f"{' ' if pieces and _joins(pieces[-1]) else ''}{text}"
            if end < len(sql) and (sql[end].isalnum() or sql[end] in "_$'"):
                text += " "
        elif found["foreign"]:
            raise ValueError(f"{_where(sql, at)}: {text}: parameters are written as ?'Name'")
        elif kind == "end":
            ended = True
        blank = text.isspace() or text.startswith(("--", "/*"))
        if ended and not blank and kind != "end":
            raise ValueError(f"{_where(sql, at)}: one statement is expected, here a second begins")
        words = words or not (blank or kind == "end")
        pieces.append(text)
        at = end
    if not words:
        raise ValueError("expected a statement of SQL")
    return Statement("".join(pieces), tuple(names))


def _name(sql: str, at: int, written: str) -> str:
    name = written.replace("''", "'")
    if not name or not name.isprintable() or len(name) > LONGEST_NAME:
        raise ValueError(
            f"{_where(sql, at)}: expected as the name of a parameter 1 to {LONGEST_NAME} "
            "printable characters"
        )
    return name


def _joins(piece: str) -> bool:
    return piece[-1:].isalnum() or piece[-1:] in ("_", "$", "?")


def _end_of_comment(sql: str, at: int) -> int:
    """Where a comment ends that may have others in it."""
    depth = 0
    for mark in _NESTING.finditer(sql, at):
        depth += 1 if mark[0] == "/*" else -1
        if depth == 0:
            return mark.end()
    raise ValueError(f"{_where(sql, at)}: /* is not closed")


def _where(sql: str, at: int) -> str:
    line = sql.count("\n", 0, at) + 1
    return f"line {line}, column {at - sql.rfind(chr(10), 0, at)}"
