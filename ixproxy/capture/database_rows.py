"""Rows become documents, and what became of them, and of interactions, becomes values to bind."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from hashlib import sha256
from typing import Any

from ixproxy.capture import database_names as names
from ixproxy.capture.database_parameters import Statement
from ixproxy.capture.database_sessions import Value
from ixproxy.capture.field_names import FIELD, HOLD, Holds, time_read, time_text
from ixproxy.errors import Code
from ixproxy.messages.message import KeyValues
from ixproxy.node.intake_work import Document, Notification, Operation, Problem, Said, Verb

MOST_NAME = 64
"""Characters of an id that stand in a receipt, where it helps a person."""

MOST_DESCRIPTION = 256
"""Characters of an ErrorDescription: so many the field gives it."""

LARGEST = 1 << 63
_WHOLE = re.compile(r"[+-]?[0-9]{1,20}")
_TRUE = {"1", "true", "yes", "on", "t", "y"}
_FALSE = {"0", "false", "no", "off", "f", "n"}

Row = Mapping[str, Value]
"""A row by its columns."""


class BadRow(ValueError):
    """
    A row that is no document.

    :ivar problem: why.
    """

    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)
        self.problem = Problem(code, text)


def digest(row: Row, columns: tuple[str, ...] = ()) -> str:
    """
    Short and the same for equal rows.

    :param columns: those that count; none: all do.
    """
    hashed = sha256()
    for name in columns or sorted(row):
        value = row.get(name)
        written = value if isinstance(value, bytes) else str(value).encode("utf-8", "surrogatepass")
        for part in (name.encode(), type(value).__name__.encode(), written):
            hashed.update(len(part).to_bytes(8, "big"))
            hashed.update(part)
    return hashed.hexdigest()[:32]


def document(row: Row, query: str, receipt_columns: tuple[str, ...], receipts: bool) -> Document:
    """
    What a row of a query asks for.

    :param query: names.CAPTURE or names.SOURCE.
    :param receipts: whether it is to have a receipt: the row's id and its digest.
    :raise BadRow: it is not to be had.
    """
    submits = query == names.CAPTURE
    properties: KeyValues = {}
    for name, value in row.items():
        if (made := _property(name, value)) is not None:
            properties[name] = made
    interaction_id = str(properties.pop(names.INTERACTION_ID, ""))
    external_id = str(properties.get(names.EXTERNAL_ID, ""))
    if not interaction_id and not external_id:
        raise BadRow(Code.MISSING_VALUE, "neither InteractionId nor ExternalId has a value")
    if not interaction_id or submits:
        properties.pop(names.EXTERNAL_ID, None)
    hold = bool(properties.pop(HOLD, 0))
    # An update of both addresses by the first, and changes the other.
    operation = Operation(
        verb=Verb.SUBMIT if submits else Verb.UPDATE,
        interaction_id=interaction_id,
        external_id=external_id if submits or not interaction_id else "",
        properties=properties,
        hold=hold and submits,
    )
    receipt = ""
    if receipts:
        word = "row" if submits else "update"
        name = (interaction_id or external_id)[:MOST_NAME]
        receipt = f"{word}:{name}:{digest(row, receipt_columns)}"
    return Document(operations=(operation,), receipt=receipt, replies=False)


def too_large(row: Row, most: int) -> Problem | None:
    """Why a row is no document, where its texts and bytes are more than so many; or None."""
    size = sum(len(value) for value in row.values() if isinstance(value, str | bytes))
    if size <= most:
        return None
    return Problem(Code.TOO_LARGE, f"the row has {size} characters, {most} are allowed")


def name_of(row: Row) -> str:
    """How messages call a row."""
    for column in (names.EXTERNAL_ID, names.INTERACTION_ID):
        if row.get(column) not in (None, ""):
            return str(row[column])[:MOST_NAME]
    return "a row without an id"


def mark_values(
    statement: Statement, row: Row, interaction_id: str, problem: Problem | None = None
) -> tuple[Value, ...]:
    """What the parameters of a mark stand for; names that a row does not have: None."""
    values = dict(row)
    if interaction_id:
        values[names.INTERACTION_ID] = interaction_id
    if problem is not None:
        values[names.ERROR_CODE] = problem.code
        values[names.ERROR_DESCRIPTION] = problem.description[:MOST_DESCRIPTION]
    return tuple(values.get(name) for name in statement.names)


def query_of(told: Notification, queues: Mapping[str, str]) -> str:
    """The query that tells of this; "": none does."""
    if told.reply:
        return ""
    if told.said is Said.PLACED_IN_QUEUE:
        return queues.get(told.place, names.QUEUED)
    return names.TOLD.get(told.said, "")


def told_values(statement: Statement, told: Notification) -> tuple[Value, ...]:
    """What the parameters of a notification's query stand for; what it does not have: None."""
    values: dict[str, Any] = {
        name: _bindable(name, value) for name, value in told.properties.items()
    }
    if told.said is Said.PLACED_IN_QUEUE and told.place:
        values["Queue"] = told.place
    actor_type, actor = told.actor
    system_name, description = told.reason
    values |= {
        names.INTERACTION_ID: told.interaction_id or None,
        names.EXTERNAL_ID: told.external_id or values.get(names.EXTERNAL_ID),
        "EventTime": time_text(told.at),
        "EventNumber": told.number,
        "ActorType": actor_type or None,
        "ActorId": actor or None,
        **{name: told.extra.get(name) or None for name in names.OF_PARTIES},
        "ReasonSystemName": system_name or None,
        "ReasonDescription": description or None,
    }
    return tuple(values.get(name) for name in statement.names)


def _bindable(name: str, value: Any) -> Value:
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, int | float) and FIELD.get(name) is Holds.TIME:
        return time_text(value) if value else None
    # Lists of keys and values, and binary, cannot be parameters.
    return value if isinstance(value, str | int | float) else None


def _property(name: str, value: Value) -> str | int | None:
    """
    A column as a property.

    :return: None: it is absent.
    :raise BadRow: it cannot be one.
    """
    if value is None:
        return None
    if known := names.misspelt(name):
        raise _bad(name, f"names are case-sensitive; give it the name {known} with AS")
    if isinstance(value, bytes | bytearray | memoryview):
        raise _bad(name, "binary values are not taken")
    if not isinstance(value, str | int | float):
        kind = type(value).__name__
        raise _bad(name, f"a value of the kind {kind} is not taken; make it a text in the query")
    if isinstance(value, str) and any("\ud800" <= sign <= "\udfff" for sign in value):
        raise _bad(name, "the text is no UTF-8")
    if isinstance(value, int) and not -LARGEST <= value < LARGEST:
        raise _bad(name, "the number is too large")
    holds = FIELD.get(name)
    if holds is None:
        return repr(value) if isinstance(value, float) else _plain(value)
    if isinstance(value, str) and not value.strip() and holds is not Holds.TEXT:
        return None
    made = _READ[holds](value)
    if made is None:
        raise _bad(name, f"expected {holds.value}, not {str(value)[:64]!r}")
    return made


def _plain(value: str | int) -> str | int:
    return int(value) if isinstance(value, bool) else value


def _bad(name: str, text: str) -> BadRow:
    return BadRow(Code.BAD_ATTRIBUTE, f"column {name}: {text}")


def _time(value: str | int | float) -> str | None:
    if isinstance(value, str):
        return time_read(value)
    return time_text(value) if 0 <= value < LARGEST else None


def _whole(value: str | int | float) -> int | None:
    if isinstance(value, str):
        usable = _WHOLE.fullmatch(value.strip()) is not None
    else:
        usable = isinstance(value, int) or value.is_integer()
    if not usable:
        return None
    number = int(value)
    return number if -LARGEST <= number < LARGEST else None


def _flag(value: str | int | float) -> int | None:
    word = str(value).strip().lower()
    return 1 if word in _TRUE else 0 if word in _FALSE else None


_READ: dict[Holds, Callable[[str | int | float], str | int | None]] = {
    Holds.TEXT: str,
    Holds.NUMBER: _whole,
    Holds.FLAG: _flag,
    Holds.TIME: _time,
    Holds.LIST: lambda _: None,
}
