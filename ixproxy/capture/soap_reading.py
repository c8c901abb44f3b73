"""
An element of the native web service becomes an operation of a document.

Known clients send empty texts for what they do not mean, and lists with one nil
item: both stand for nothing. What is not known is refused by name, for what is
left out silently would be lost.
"""

from __future__ import annotations

from typing import Any

from ixproxy.capture.soap_key_values import (
    is_nil,
    local_name,
    read_keys,
    read_list,
    text_of,
    whole_of,
)
from ixproxy.capture.soap_names import (
    ALIASES,
    OPERATIONS,
    PROPERTIES,
    RECEIPT_KEY,
    Kind,
    Shape,
)
from ixproxy.capture.web_receipts import checked
from ixproxy.capture.xml_parsing import Element
from ixproxy.errors import Code, RequestRefused
from ixproxy.messages.message import KeyValues
from ixproxy.node.intake_work import Operation, Verb

NOBODY = "Missing InteractionId or ExternalId"

_FLAGS = {"true": True, "1": True, "false": False, "0": False}


def shape_of(element: Element) -> Shape:
    """
    What an operation's element may have.

    :raise RequestRefused: there is no such operation.
    """
    name = local_name(element)
    if name not in OPERATIONS:
        known = ", ".join(OPERATIONS)
        text = f"{name!r} is no operation of this service; there are: {known}"
        raise RequestRefused(Code.UNSUPPORTED_OPERATION, text)
    return OPERATIONS[name]


def read_operation(element: Element) -> tuple[Operation, str]:
    """
    What is asked for, and the receipt that Extension gives it ("": none).

    :raise RequestRefused: it is not a request that this service knows, a value
        does not fit, or the interaction is not named.
    """
    shape = shape_of(element)
    given = _fields(element, shape)
    extension: KeyValues = given.pop("Extension", {})
    receipt = checked(str(extension.get(RECEIPT_KEY, "")), f"Extension/{RECEIPT_KEY}")
    whom = {
        "interaction_id": given.pop("InteractionId", ""),
        "external_id": given.pop("ExternalId", ""),
    }
    match shape.verb:
        case Verb.PING:
            return Operation(verb=Verb.PING), receipt
        case Verb.SUBMIT:
            rest: dict[str, Any] = _submit(given)
        case Verb.UPDATE:
            rest = _update(given)
        case _:
            reason = given.get("ReasonSystemName", ""), given.get("ReasonDescription", "")
            rest = {"reason": reason}
    if shape.verb is not Verb.SUBMIT and not any(whom.values()):
        raise RequestRefused(Code.MISSING_VALUE, NOBODY)
    return Operation(verb=shape.verb, **whom, **rest), receipt


def _submit(given: dict[str, Any]) -> dict[str, Any]:
    user_data: KeyValues = given.pop("UserData", {})
    hold = bool(given.pop("Hold", False))
    # Every client says whether it is online, so that only what is so says anything.
    if not given.get("IsOnline", False):
        given.pop("IsOnline", None)
    properties = {PROPERTIES[name]: _plain(value) for name, value in given.items()}
    return {"properties": properties, "user_data": user_data, "hold": hold}


def _update(given: dict[str, Any]) -> dict[str, Any]:
    properties: KeyValues = dict(given.get("Changed", {}))
    if "Queue" in given:
        properties["Queue"] = given["Queue"]
    return {"properties": properties, "deleted": given.get("Deleted", ())}


def _plain(value: Any) -> Any:
    return int(value) if isinstance(value, bool) else value


def _fields(element: Element, shape: Shape) -> dict[str, Any]:
    """The fields that say something, by name."""
    kinds = {field.name: field.kind for field in shape.fields}
    found: dict[str, Any] = {}
    seen: set[str] = set()
    for child in element:
        name = local_name(child)
        name = ALIASES.get(name, name)
        if name not in kinds:
            expected = ", ".join(kinds)
            text = f"{local_name(element)} has no {name!r}; it has: {expected}"
            raise RequestRefused(Code.BAD_ATTRIBUTE, text)
        if name in seen:
            raise RequestRefused(Code.DUPLICATE_KEY, f"{name} is given twice")
        seen.add(name)
        value = None if is_nil(child) else _value(child, name, kinds[name])
        # Nothing is what empty texts and lists say, but not 0 and false.
        if value is not None and value not in ("", {}, ()):
            found[name] = value
    return found


def _value(element: Element, name: str, kind: Kind) -> Any:
    match kind:
        case Kind.TEXT:
            return text_of(element, name)
        case Kind.WHOLE:
            return whole_of(element, name) if text_of(element, name).strip() else None
        case Kind.FLAG:
            return flag_of(element, name)
        case Kind.LIST:
            return read_keys(element, name) if name == "Deleted" else read_list(element, name)


def flag_of(element: Element, name: str) -> bool | None:
    """
    What a flag says; None: nothing.

    :raise RequestRefused: something else than yes or no.
    """
    text = text_of(element, name).strip()
    if text and text not in _FLAGS:
        said = f"{name}: expected true or false, not {text[:40]!r}"
        raise RequestRefused(Code.BAD_ATTRIBUTE, said)
    return _FLAGS.get(text)
