"""What a property element of a document says: its name, its type, its value."""

from __future__ import annotations

import re
from base64 import b64decode
from binascii import Error as NoBase64
from collections.abc import Callable
from typing import Any

from ixproxy.capture.field_names import FIELD, Holds, time_read
from ixproxy.capture.refusing import shown
from ixproxy.capture.xml_parsing import SPACE, Element
from ixproxy.errors import Code
from ixproxy.messages.message import MAX_NAME, KeyValues

_EMPTY_IS_ABSENT = frozenset({Holds.NUMBER, Holds.FLAG, Holds.TIME})
_WHOLE = re.compile(r"[+-]?[0-9]{1,19}")
_ATTRIBUTES = frozenset({"name", "type"})


class Unusable(Exception):
    """
    Something of one operation cannot be used; the others of its document can.

    :ivar code: one of `ixproxy.errors.Code`.
    """

    def __init__(self, at: Element, text: str, code: int = Code.BAD_ATTRIBUTE) -> None:
        super().__init__(f"line {at.line}: {text}")
        self.code = code


def key_of(element: Element) -> str:
    """The name of the property: what `name` says, else what the element is called."""
    key = element.attributes.get("name") if element.attributes else None
    if key is None:
        if element.namespace:
            raise Unusable(element, f"{element.shown}: properties are in no namespace")
        key = element.name
    if len(key) > MAX_NAME:
        raise Unusable(
            element, f"{shown(key)} has {len(key)} characters, {MAX_NAME} are allowed in a name"
        )
    return key


def read_properties(parent: Element, left: list[int]) -> KeyValues:
    """
    The properties that are the children of an element.

    :param left: how many the operation may still have; counted down.
    :raise Unusable: one has no usable value, or a name stands twice.
    """
    return _read(parent, left, FIELD)


def _read(parent: Element, left: list[int], known: dict[str, Holds]) -> KeyValues:
    found: KeyValues = {}
    for child in parent:
        left[0] -= 1
        if left[0] < 0:
            raise Unusable(child, "the operation has more properties than allowed", Code.TOO_LARGE)
        key = key_of(child)
        if key in found:
            raise Unusable(child, f"{shown(key)} is named twice", Code.DUPLICATE_KEY)
        if child.attributes or child.children or key in known:
            found[key] = _value(child, key, left, known.get(key))
        else:
            # Most properties are this: user data that is a text.
            found[key] = child.text
    return found


def _value(element: Element, key: str, left: list[int], holds: Holds | None) -> Any:
    said = element.attributes.get("type") if element.attributes else None
    for each in element.own if element.attributes else ():
        if each not in _ATTRIBUTES:
            raise Unusable(
                element, f"{shown(key)} has an attribute {shown(each)}; expected name or type"
            )
    if said is not None and said not in TYPES:
        expected = ", ".join(TYPES)
        raise Unusable(element, f"{shown(key)} has type {shown(said)}; expected one of {expected}")
    if holds is not None:
        if said is not None and said not in _FITS[holds]:
            raise Unusable(element, f"{shown(key)} is {holds.value}, not of type {said}")
    else:
        holds = TYPES[said] if said else (Holds.LIST if element.children else Holds.TEXT)
    if holds is Holds.LIST:
        if element.has_text():
            raise Unusable(element, f"{shown(key)} is a list and has text besides its elements")
        # Inside a list every name is the source's own.
        return _read(element, left, {})
    if element.children:
        raise Unusable(element, f"{shown(key)} is {holds.value}, and has elements inside")
    text = element.text
    if said is None and not text.strip(SPACE) and holds in _EMPTY_IS_ABSENT:
        # An empty property of the field is one that is not there; the node sees to that.
        return ""
    value = text if said == "string" and holds is Holds.TEXT else _READ[holds](text)
    if said == "binary":
        value = _binary(text)
    if value is None:
        wanted = "base64" if said == "binary" else holds.value
        raise Unusable(element, f"{shown(key)} is {shown(text)}, expected {wanted}")
    return value


def _whole(text: str) -> int | None:
    text = text.strip(SPACE)
    if not _WHOLE.fullmatch(text):
        return None
    number = int(text)
    return number if -(2**63) <= number < 2**63 else None


def _flag(text: str) -> int | None:
    return {"0": 0, "1": 1, "false": 0, "true": 1}.get(text.strip(SPACE))


def _binary(text: str) -> bytes | None:
    try:
        return b64decode("".join(text.split()), validate=True)
    except (NoBase64, ValueError):
        return None


_READ: dict[Holds, Callable[[str], Any]] = {
    Holds.TEXT: str,
    Holds.NUMBER: _whole,
    Holds.FLAG: _flag,
    Holds.TIME: lambda text: time_read(text.strip(SPACE)),
}

TYPES: dict[str, Holds] = {
    "string": Holds.TEXT,
    "int": Holds.NUMBER,
    "list": Holds.LIST,
    "binary": Holds.TEXT,
}
"""What `type` may say, and what the element then holds."""

_FITS: dict[Holds, frozenset[str]] = {
    Holds.TEXT: frozenset({"string"}),
    Holds.NUMBER: frozenset({"int"}),
    Holds.FLAG: frozenset({"int"}),
    Holds.TIME: frozenset({"string"}),
    Holds.LIST: frozenset({"list"}),
}
"""Which `type` a known property may have all the same."""
