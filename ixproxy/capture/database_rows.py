"""Rows become documents, and what became of them, and of interactions, becomes values to bind."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

from ixproxy.capture import database_names as names
from ixproxy.capture.database_parameters import Statement
from ixproxy.capture.database_sessions import Value
from ixproxy.errors import Code
from ixproxy.messages.message import KeyValues
from ixproxy.node.intake_work import Document, Notification, Operation, Problem, Said, Verb

MOST_DESCRIPTION = 256
"""Characters of an ErrorDescription: so many the field gives it."""

LARGEST = 1 << 63
_WHOLE = re.compile(r"[+-]?[0-9]{1,20}")
_TRUE = {"1", "true", "yes", "on", "t", "y"}
_FALSE = {"0", "false", "no", "off", "f", "n", ""}

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
    hold = _hold(properties.pop(names.HOLD, 0)) if submits else False
    # An update of both addresses by the first, and changes the other.
    operation = Operation(
        verb=Verb.SUBMIT if submits else Verb.UPDATE,
        interaction_id=interaction_id,
        external_id=external_id if submits or not interaction_id else "",
        properties=properties,
        hold=hold,
    )
    receipt = ""
    if receipts:
        word = "row" if submits else "update"
        receipt = f"{word}:{interaction_id or external_id}:{digest(row, receipt_columns)}"
    return Document(operations=(operation,), receipt=receipt, replies=False)


def name_of(row: Row) -> str:
    """How messages call a row."""
    for column in (names.EXTERNAL_ID, names.INTERACTION_ID):
        if row.get(column) is not None:
            return str(row[column])[:64]
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
    agent = told.extra.get("PartyAgentId") or values.get("AssignedTo")
    actor_type, actor = told.actor
    system_name, description = told.reason
    values |= {
        names.INTERACTION_ID: told.interaction_id or None,
        names.EXTERNAL_ID: told.external_id or values.get(names.EXTERNAL_ID),
        "EventTime": time_text(told.at),
        "EventNumber": told.number,
        "ActorType": actor_type or None,
        "ActorId": actor or None,
        "PartyAgentId": agent or None,
        "ReasonSystemName": system_name or None,
        "ReasonDescription": description or None,
    }
    return tuple(values.get(name) for name in statement.names)


def time_text(seconds: float) -> str:
    """A moment as the field writes it: UTC, `YYYY-MM-DD HH:MM:SS`."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S")


def _bindable(name: str, value: Any) -> Value:
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, int | float) and name in names.TIMES:
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
        text = f"column {name}: names are case-sensitive; give it the name {known} with AS"
        raise BadRow(Code.BAD_ATTRIBUTE, text)
    if isinstance(value, bytes | bytearray | memoryview):
        raise BadRow(Code.BAD_ATTRIBUTE, f"column {name}: binary values are not taken")
    if name in names.TIMES and isinstance(value, int | float) and not isinstance(value, bool):
        return _moment(name, value)
    if isinstance(value, bool | int):
        if not -LARGEST <= value < LARGEST:
            raise BadRow(Code.BAD_ATTRIBUTE, f"column {name}: the number is too large")
        return int(value)
    if isinstance(value, float):
        return repr(value)
    if not isinstance(value, str):
        kind = type(value).__name__
        text = f"column {name}: a value of the kind {kind} is not taken; make it a text in the query"
        raise BadRow(Code.BAD_ATTRIBUTE, text)
    if any("\ud800" <= sign <= "\udfff" for sign in value):
        raise BadRow(Code.BAD_ATTRIBUTE, f"column {name}: the text is no UTF-8")
    return _number(name, value) if name in names.NUMBERS else value


def _moment(name: str, value: float) -> str:
    try:
        return time_text(value)
    except (ValueError, OverflowError, OSError):
        raise BadRow(Code.BAD_ATTRIBUTE, f"column {name}: {value!r} is no time") from None


def _number(name: str, text: str) -> int | None:
    if not text.strip():
        return None
    if not _WHOLE.fullmatch(text.strip()):
        text = f"column {name}: expected a whole number, not {text[:64]!r}"
        raise BadRow(Code.BAD_ATTRIBUTE, text)
    number = int(text)
    if not -LARGEST <= number < LARGEST:
        raise BadRow(Code.BAD_ATTRIBUTE, f"column {name}: the number is too large")
    return number


def _hold(value: Any) -> bool:
    word = str(value).strip().lower()
    if word in _TRUE or word in _FALSE:
        return word in _TRUE
    raise BadRow(Code.BAD_ATTRIBUTE, f"column {names.HOLD}: expected 0 or 1, not {word[:64]!r}")
