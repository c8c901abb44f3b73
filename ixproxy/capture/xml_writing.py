"""
The native XML, outbound: one notification becomes one document.

    <interaction operation=SAID InteractionId=S ExternalId=S EventId=DBID-NUMBER EventTime=TIME …>
      <properties>…</properties> <changed>…</changed> <deleted>…</deleted>
      <reason systemname=S description=S/>
    </interaction>

Always UTF-8. What is written can be read by `ixproxy.capture.xml_values`, and
says the same there, but for characters that XML cannot hold: those become
U+FFFD, since a source would rather have a text with a hole than none.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterable, Mapping, Sequence
from xml.sax.saxutils import escape

from ixproxy.capture.field_names import FIELD, Holds, in_order, time_text
from ixproxy.node.intake_work import Notification, Said

_DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>\n'
_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")
_IN_TEXT = {"\r": "&#13;"}
_IN_ATTRIBUTE = {'"': "&quot;", "\t": "&#9;", "\n": "&#10;", "\r": "&#13;"}

DEEPEST = 24
"""Lists inside lists that are written; deeper ones are left out, for nobody could read them."""


def write_notification(told: Notification) -> bytes:
    """The document that says `told`."""
    lines = [f"{_DECLARATION}<interaction{_attributes(_head(told))}"]
    inside: list[str] = []
    if told.properties:
        _group(inside, "properties", told.properties)
    if told.said is Said.CHANGED:
        if told.changed:
            _group(inside, "changed", told.changed)
        if told.deleted:
            _deleted(inside, told.deleted)
    if any(told.reason):
        name, description = told.reason
        inside.append(
            f"  <reason{_attributes((('systemname', name), ('description', description)))}/>"
        )
    if told.extra:
        _group(inside, "extra", told.extra)
    if inside:
        lines[0] += ">"
        lines += [*inside, "</interaction>"]
    else:
        lines[0] += "/>"
    return ("\n".join(lines) + "\n").encode()


def _head(told: Notification) -> Iterable[tuple[str, str]]:
    """The attributes of the root; those without a value are left out."""
    yield "operation", told.said.value
    yield "InteractionId", told.interaction_id
    yield "ExternalId", told.external_id
    if told.problem is not None:
        yield "code", str(told.problem.code)
        yield "description", told.problem.description
    if told.number:
        yield "EventId", f"{told.dbid}-{told.number}"
    if told.at:
        yield "EventTime", time_text(told.at)
    yield "Place", told.place
    yield "ActorType", told.actor[0]
    yield "ActorName", told.actor[1]


def _attributes(pairs: Iterable[tuple[str, str]]) -> str:
    return "".join(
        f' {name}="{escape(held(value), _IN_ATTRIBUTE)}"' for name, value in pairs if value
    )


def _group(out: list[str], name: str, properties: Mapping[str, object]) -> None:
    out.append(f"  <{name}>")
    _list(out, properties, FIELD, 2)
    out.append(f"  </{name}>")


def _deleted(out: list[str], names: Sequence[str]) -> None:
    out.append("  <deleted>")
    seen: set[str] = set()
    for name in names:
        tag, attribute = _tag(name, seen)
        out.append(f"    <{tag}{attribute}/>")
    out.append("  </deleted>")


def _list(
    out: list[str], properties: Mapping[str, object], known: Mapping[str, Holds], depth: int
) -> None:
    """Children for all of `properties`; what is None is not there."""
    pairs = [(key, value) for key, value in properties.items() if value is not None]
    seen: set[str] = set()
    for key, value in in_order(pairs) if known else pairs:
        _property(out, key, value, known.get(key), depth, seen)


def _property(
    out: list[str], key: str, value: object, holds: Holds | None, depth: int, seen: set[str]
) -> None:
    tag, attribute = _tag(key, seen)
    indent = "  " * depth
    if isinstance(value, list | tuple):
        value = {str(number): each for number, each in enumerate(value)}
    if isinstance(value, Mapping):
        if depth - 2 >= DEEPEST:
            return
        opening = f'{indent}<{tag}{attribute} type="list"'
        if not value:
            out.append(f"{opening}/>")
            return
        out.append(f"{opening}>")
        _list(out, value, {}, depth + 1)
        out.append(f"{indent}</{tag}>")
        return
    kind, text = _scalar(value, holds)
    said = f' type="{kind}"' if kind else ""
    if text:
        out.append(f"{indent}<{tag}{attribute}{said}>{escape(held(text), _IN_TEXT)}</{tag}>")
    else:
        out.append(f"{indent}<{tag}{attribute}{said}/>")


def _scalar(value: object, holds: Holds | None) -> tuple[str, str]:
    """The type to name, "" where it goes without saying, and the text of a value."""
    if holds is Holds.TIME and isinstance(value, int | float):
        return "", time_text(value)
    if isinstance(value, bool):
        value = int(value)
    if isinstance(value, int):
        return "" if holds in (Holds.NUMBER, Holds.FLAG, Holds.TEXT) else "int", str(value)
    if isinstance(value, bytes):
        return "binary", b64encode(value).decode()
    return "", str(value)


def _tag(key: str, seen: set[str]) -> tuple[str, str]:
    """The element that a property of this name is, and its attribute `name`, if it needs one."""
    name = held(str(key))
    if name in seen:
        # Two names that differ only in what XML cannot hold.
        number = 2
        while f"{name}~{number}" in seen:
            number += 1
        name = f"{name}~{number}"
    seen.add(name)
    if _NAME.fullmatch(name):
        return name, ""
    return "property", f' name="{escape(name, _IN_ATTRIBUTE)}"'


def held(text: str) -> str:
    """`text` as XML can hold it."""
    return _NO_XML.sub("\ufffd", text)
