"""
Key-value lists as elements: KVList, KVPair and KVPairValue.

Clients write them in many ways: items that are nil or empty stand for nothing,
and one that has several values has the one that says something.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from lxml import etree

from ixproxy.capture.soap_names import INSTANCE, NAMESPACE
from ixproxy.capture.xml_parsing import Element
from ixproxy.errors import Code, RequestRefused
from ixproxy.messages.message import KeyValues
from ixproxy.wire.keyvalues import MAX_DEPTH

_WHOLE = re.compile(r"[+-]?[0-9]{1,19}")
_NO_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

_LEAST, _GREATEST = -(2**31), 2**31 - 1


def local_name(element: Element) -> str:
    """An element's name where its namespace may be left out, as some clients do."""
    if element.namespace in (NAMESPACE, ""):
        return element.name
    return f"{{{element.namespace}}}{element.name}"


def is_nil(element: Element) -> bool:
    """Whether xsi:nil says that there is nothing."""
    return element.attributes.get(f"{INSTANCE} nil", "").strip() in ("true", "1")


def text_of(element: Element, where: str) -> str:
    """
    The text of an element that has only text.

    :raise RequestRefused: it has children.
    """
    if element.children:
        raise RequestRefused(Code.BAD_ATTRIBUTE, f"{where}: expected a text, not elements")
    return element.text


def whole_of(element: Element, where: str) -> int:
    """
    The whole number that an element has.

    :raise RequestRefused: it has none, or one of more than 64 bits.
    """
    text = text_of(element, where).strip()
    number = int(text) if _WHOLE.fullmatch(text) else None
    if number is None or not -(2**63) <= number < 2**63:
        said = f"{where}: expected a whole number of 64 bits, not {text[:40]!r}"
        raise RequestRefused(Code.BAD_ATTRIBUTE, said)
    return number


def read_list(element: Element, where: str, depth: int = 1) -> KeyValues:
    """
    The keys and values of a KVList; items without a value are left out.

    :param where: how it is called, for errors.
    :raise RequestRefused: what is in it is no list of keys and values, a key
        comes twice, or it is too deep.
    """
    if depth >= MAX_DEPTH:
        text = f"{where}: lists stand more than {MAX_DEPTH} deep in one another"
        raise RequestRefused(Code.BAD_ATTRIBUTE, text)
    found: KeyValues = {}
    for key, value in _items(element, where):
        inner = f"{where}/{key}"
        made = None if value is None else _read_value(value, inner, depth)
        if made is None:
            continue
        if key in found:
            raise RequestRefused(Code.DUPLICATE_KEY, f"{inner}: this key is there already")
        found[key] = made
    return found


def read_keys(element: Element, where: str) -> tuple[str, ...]:
    """
    The keys of a KVList, whether they have values or not, each once.

    :raise RequestRefused: it is none.
    """
    return tuple(dict.fromkeys(key for key, _ in _items(element, where)))


def _items(element: Element, where: str) -> Iterator[tuple[str, Element | None]]:
    for item in element:
        if local_name(item) != "kvitem":
            said = f"{where}: expected only kvitem elements, not {local_name(item)!r}"
            raise RequestRefused(Code.BAD_ATTRIBUTE, said)
        if is_nil(item) or not item.children:
            continue
        parts = {local_name(each): each for each in item}
        key = parts.pop("key", None)
        value = parts.pop("value", None)
        if parts:
            said = f"{where}: expected key and value in a kvitem, not {min(parts)!r}"
            raise RequestRefused(Code.BAD_ATTRIBUTE, said)
        name = "" if key is None else text_of(key, f"{where}: key")
        if not name:
            raise RequestRefused(Code.BAD_ATTRIBUTE, f"{where}: a kvitem has no key")
        yield name, value


def _read_value(element: Element, where: str, depth: int) -> str | int | KeyValues | None:
    """One value; None: there is none."""
    kinds = {local_name(each): each for each in element if not is_nil(each)}
    unknown = kinds.keys() - {"ValueInt", "ValueString", "ValueList"}
    if unknown:
        said = f"{where}: expected ValueInt, ValueString or ValueList, not {min(unknown)!r}"
        raise RequestRefused(Code.BAD_ATTRIBUTE, said)
    nested = kinds.get("ValueList")
    inner = None if nested is None else read_list(nested, where, depth + 1)
    if inner:
        return inner
    string = kinds.get("ValueString")
    text = None if string is None else text_of(string, where)
    if text:
        return text
    number = kinds.get("ValueInt")
    if number is not None and number.text.strip():
        return whole_of(number, where)
    return text if text is not None else inner


def xml_text(text: str) -> str:
    """`text` without what XML cannot say."""
    return _NO_XML.sub("\ufffd", text)


def write_list(parent: etree._Element, values: Mapping[str, Any]) -> None:
    """
    Add the items of a KVList.

    Numbers of more than 32 bits and such with a fraction become texts; bytes,
    and what is nothing, are left out, for the field has no elements for them.
    """
    for key, value in values.items():
        kind, inner = _written(value)
        if not kind:
            continue
        item = etree.SubElement(parent, f"{{{NAMESPACE}}}kvitem")
        etree.SubElement(item, f"{{{NAMESPACE}}}key").text = xml_text(key)
        outer = etree.SubElement(item, f"{{{NAMESPACE}}}value")
        made = etree.SubElement(outer, f"{{{NAMESPACE}}}{kind}")
        if isinstance(inner, str):
            made.text = xml_text(inner)
        else:
            write_list(made, inner)


def _written(value: object) -> tuple[str, str | Mapping[str, Any]]:
    """The element that a value is, and what it has; ("", ""): there is none for it."""
    match value:
        case bool():
            return "ValueInt", str(int(value))
        case int() if _LEAST <= value <= _GREATEST:
            return "ValueInt", str(value)
        case int() | float():
            return "ValueString", str(value)
        case str():
            return "ValueString", value
        case Mapping():
            return "ValueList", value
        case list() | tuple():
            return "ValueList", {str(place): each for place, each in enumerate(value)}
    return "", ""
