"""
JSON bodies become operations.

    {"externalId": "SR-1001", "properties": {"Queue": "Inbound", "Priority": 10},
     "userData": {"Customer": {"Name": "Mary"}}, "hold": true}

Names of properties are the field's. Values are texts, whole numbers of 64 bits
and objects of such; true and false are 1 and 0, as the field has it.
"""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec

from ixproxy.errors import Code, RequestRefused
from ixproxy.messages.message import KeyValues
from ixproxy.node.intake_work import Operation, Verb
from ixproxy.wire.keyvalues import MAX_DEPTH

MOST_OPERATIONS = 1_000
"""Operations of one batch: they are one transaction, which others wait for."""

T = TypeVar("T")


class JsonReason(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """Why: of hold, resume and stop."""

    system_name: str = ""
    description: str = ""


class JsonSubmit(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """What a new interaction is to be."""

    interaction_id: str = ""
    external_id: str = ""
    properties: dict[str, Any] = {}
    user_data: dict[str, Any] = {}
    hold: bool = False


class JsonUpdate(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """What is to change."""

    properties: dict[str, Any] = {}
    user_data: dict[str, Any] = {}
    deleted: tuple[str, ...] = ()


class JsonWhy(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """The body of a hold or a resume."""

    reason: JsonReason = JsonReason()


class JsonOperation(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """One operation of a batch: all that any of them takes."""

    operation: Verb
    interaction_id: str = ""
    external_id: str = ""
    properties: dict[str, Any] = {}
    user_data: dict[str, Any] = {}
    deleted: tuple[str, ...] = ()
    hold: bool = False
    reason: JsonReason = JsonReason()


class JsonBatch(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """Many operations in one transaction."""

    operations: tuple[JsonOperation, ...]


def read_submit(body: bytes) -> Operation:
    """:raise RequestRefused: it is no JSON of this form; the text says where."""
    given = _decoded(body, JsonSubmit)
    return Operation(
        verb=Verb.SUBMIT,
        interaction_id=given.interaction_id,
        external_id=given.external_id,
        properties=_checked(given.properties, "$.properties"),
        user_data=_checked(given.user_data, "$.userData"),
        hold=given.hold,
    )


def read_update(body: bytes, interaction_id: str, external_id: str) -> Operation:
    """:raise RequestRefused: as `read_submit`."""
    given = _decoded(body, JsonUpdate)
    return Operation(
        verb=Verb.UPDATE,
        interaction_id=interaction_id,
        external_id=external_id,
        properties=_checked(given.properties, "$.properties"),
        user_data=_checked(given.user_data, "$.userData"),
        deleted=given.deleted,
    )


def read_why(body: bytes) -> tuple[str, str]:
    """
    The reason in a body that may be empty.

    :raise RequestRefused: as `read_submit`.
    """
    reason = _decoded(body, JsonWhy).reason if body.strip() else JsonReason()
    return reason.system_name, reason.description


def read_batch(body: bytes) -> tuple[Operation, ...]:
    """:raise RequestRefused: as `read_submit`; also where there are none or too many."""
    given = _decoded(body, JsonBatch).operations
    if not 1 <= len(given) <= MOST_OPERATIONS:
        text = f"expected 1 to {MOST_OPERATIONS} operations, not {len(given)} - at `$.operations`"
        raise RequestRefused(Code.BAD_ATTRIBUTE, text)
    return tuple(_operation(each, f"$.operations[{place}]") for place, each in enumerate(given))


def _operation(given: JsonOperation, where: str) -> Operation:
    addressed = given.interaction_id or given.external_id
    if given.operation not in (Verb.SUBMIT, Verb.PING) and not addressed:
        text = f"expected interactionId or externalId - at `{where}`"
        raise RequestRefused(Code.MISSING_VALUE, text)
    return Operation(
        verb=given.operation,
        interaction_id=given.interaction_id,
        external_id=given.external_id,
        properties=_checked(given.properties, f"{where}.properties"),
        user_data=_checked(given.user_data, f"{where}.userData"),
        deleted=given.deleted,
        hold=given.hold,
        reason=(given.reason.system_name, given.reason.description),
    )


def _decoded(body: bytes, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(body, type=kind)
    except msgspec.ValidationError as problem:
        raise RequestRefused(Code.BAD_ATTRIBUTE, str(problem)) from problem
    except RecursionError as problem:
        raise RequestRefused(Code.BAD_FRAME, "JSON is nested too deep") from problem
    except ValueError as problem:  # msgspec's DecodeError, and texts that are no Unicode
        raise RequestRefused(Code.BAD_FRAME, f"not JSON: {problem}") from problem


def _checked(values: KeyValues, where: str, depth: int = 1) -> KeyValues:
    if depth >= MAX_DEPTH:
        raise RequestRefused(Code.BAD_ATTRIBUTE, f"objects are nested too deep - at `{where}`")
    return {key: _value(value, f"{where}.{key}", depth) for key, value in values.items()}


def _value(value: object, where: str, depth: int) -> Any:
    match value:
        case bool():
            return int(value)
        case int():
            if -(2**63) <= value < 2**63:
                return value
            text = f"expected a number of 64 bits - at `{where}`"
            raise RequestRefused(Code.BAD_ATTRIBUTE, text)
        case str():
            return value
        case dict():
            return _checked(value, where, depth + 1)
    kind = {float: "a fraction", list: "an array", type(None): "null"}.get(type(value), "that")
    text = f"expected a text, a whole number or an object, not {kind} - at `{where}`"
    raise RequestRefused(Code.BAD_ATTRIBUTE, text)
