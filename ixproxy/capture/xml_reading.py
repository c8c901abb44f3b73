"""
The native XML, inbound: bytes of one document become its operations.

    document    := interaction | wrapper
    wrapper     := <any-name> interaction+ </any-name>
    interaction := <interaction operation=VERB [InteractionId=S] [ExternalId=S]>
                     [<properties> property* </properties>]          submit, update
                     [<deleted> name* </deleted>]                    update
                     [<reason systemname=S description=S/>]          hold, resume, stop
                   </interaction>
    property    := <Name [type=T] [name=S]>value</Name>
                 | <Name [type="list"] [name=S]> property* </Name>

What is wrong with the document refuses all of it; what is wrong with one
operation becomes the problem of that one, and the others are done. An unknown
VERB is of the first sort: who writes it does not speak this language.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ixproxy.capture.field_names import HOLD
from ixproxy.capture.refusing import DocumentRefused, one_line, shown
from ixproxy.capture.xml_parsing import LIMITS, Element, XmlLimits, parse
from ixproxy.capture.xml_values import Unusable, key_of, read_properties
from ixproxy.errors import Code
from ixproxy.messages.message import MAX_NAME, MAX_TEXT
from ixproxy.node.intake_work import Document, Operation, Problem, Verb

INTERACTION = "interaction"


@dataclass(frozen=True, slots=True)
class _Form:
    """What the `interaction` of one verb may and must have."""

    parts: frozenset[str] = frozenset()
    names_one: bool = True


_REASONED = _Form(frozenset({"reason"}))
_FORMS: dict[Verb, _Form] = {
    Verb.SUBMIT: _Form(frozenset({"properties"}), names_one=False),
    Verb.UPDATE: _Form(frozenset({"properties", "deleted"})),
    Verb.HOLD: _REASONED,
    Verb.RESUME: _REASONED,
    Verb.STOP: _REASONED,
    Verb.GETINFO: _Form(),
    Verb.PING: _Form(names_one=False),
}

_VERBS = {verb.value: verb for verb in Verb}
_IDENTITY = {"InteractionId": "interaction_id", "ExternalId": "external_id"}
_REASON = {"systemname": MAX_NAME, "description": MAX_TEXT}


def read_document(
    content: bytes,
    *,
    receipt: str = "",
    correlation: Mapping[str, str] | None = None,
    limits: XmlLimits = LIMITS,
) -> Document:
    """
    The document that `content` is.

    :param receipt: and `correlation`: as in a `Document`.
    :raise DocumentRefused: nothing of it can be used.
    """
    return Document(
        operations=read_operations(parse(content, limits), limits),
        receipt=receipt,
        correlation=dict(correlation or {}),
    )


def read_operations(root: Element, limits: XmlLimits = LIMITS) -> tuple[Operation, ...]:
    """
    The operations of a document, in their order.

    :raise DocumentRefused: it holds something else, none, or too many.
    """
    if _is_interaction(root):
        return (_operation(root, limits),)
    if root.has_text():
        raise DocumentRefused(f"{root.shown} has text besides its elements", root.line)
    found = root.children
    if not found:
        raise DocumentRefused(f"{root.shown} holds no interaction", root.line)
    if len(found) > limits.operations:
        raise DocumentRefused(
            f"it has {len(found)} operations, {limits.operations} are allowed",
            code=Code.TOO_LARGE,
        )
    for child in found:
        if not _is_interaction(child):
            raise DocumentRefused(f"expected an interaction, not {child.shown}", child.line)
    return tuple(_operation(child, limits) for child in found)


def _is_interaction(element: Element) -> bool:
    return element.name == INTERACTION and not element.namespace


def _operation(element: Element, limits: XmlLimits) -> Operation:
    verb = _verb(element)
    asked: dict[str, Any] = {}
    try:
        _read_identity(element, asked)
        _read_parts(element, verb, limits, asked)
        _settle(element, verb, asked)
    except Unusable as problem:
        named = {key: asked[key] for key in _IDENTITY.values() if key in asked}
        return Operation(verb=verb, problem=Problem(problem.code, one_line(str(problem))), **named)
    return Operation(verb=verb, **asked)


def _verb(element: Element) -> Verb:
    said = element.attributes.get("operation")
    if said in _VERBS:
        return _VERBS[said]
    expected = ", ".join(_VERBS)
    found = "no operation" if said is None else f"the operation {shown(said)}"
    raise DocumentRefused(
        f"an interaction has {found}; expected one of {expected}",
        element.line,
        Code.UNSUPPORTED_OPERATION,
    )


def _read_identity(element: Element, asked: dict[str, Any]) -> None:
    for name, value in element.own.items():
        key = _IDENTITY.get(name)
        if key is not None:
            if len(value) > MAX_NAME:
                raise Unusable(
                    element, f"{name} has {len(value)} characters, {MAX_NAME} are allowed"
                )
            asked[key] = value
        elif name != "operation":
            raise Unusable(
                element,
                f"an interaction has an attribute {shown(name)}; "
                "expected operation, InteractionId or ExternalId",
            )


def _read_parts(element: Element, verb: Verb, limits: XmlLimits, asked: dict[str, Any]) -> None:
    if element.has_text():
        raise Unusable(element, "an interaction has text besides its elements")
    allowed = _FORMS[verb].parts
    left = [limits.properties]
    seen: set[str] = set()
    for part in element:
        if part.namespace or part.name not in allowed:
            expected = " or ".join(sorted(allowed)) or "nothing inside"
            raise Unusable(part, f"{verb.value} has {part.shown}; expected {expected}")
        if part.name in seen:
            raise Unusable(part, f"{part.shown} stands twice", Code.DUPLICATE_KEY)
        seen.add(part.name)
        if part.name == "reason":
            asked["reason"] = _reason(part)
            continue
        if part.has_text():
            raise Unusable(part, f"{part.shown} has text besides its elements")
        if part.own:
            raise Unusable(part, f"{part.shown} has attributes; expected none")
        if part.name == "properties":
            asked["properties"] = read_properties(part, left)
        else:
            asked["deleted"] = _deleted(part, left)


def _reason(part: Element) -> tuple[str, str]:
    for name, value in part.own.items():
        most = _REASON.get(name)
        if most is None:
            raise Unusable(
                part,
                f"a reason has an attribute {shown(name)}; expected systemname or description",
            )
        if len(value) > most:
            raise Unusable(part, f"{name} has {len(value)} characters, {most} are allowed")
    if part.children or part.has_text():
        raise Unusable(part, "a reason has something inside; expected attributes only")
    return part.attributes.get("systemname", ""), part.attributes.get("description", "")


def _deleted(part: Element, left: list[int]) -> tuple[str, ...]:
    names: dict[str, None] = {}
    for child in part:
        left[0] -= 1
        if left[0] < 0:
            raise Unusable(child, "the operation has more properties than allowed", Code.TOO_LARGE)
        name = key_of(child)
        if child.children or child.has_text():
            raise Unusable(child, f"{shown(name)} is to be deleted and has something inside")
        if name in names:
            raise Unusable(child, f"{shown(name)} is named twice", Code.DUPLICATE_KEY)
        names[name] = None
    return tuple(names)


def _settle(element: Element, verb: Verb, asked: dict[str, Any]) -> None:
    """Put what a submit names among its properties where it belongs, and see what is missing."""
    properties = asked.get("properties", {})
    if verb is Verb.SUBMIT:
        asked["hold"] = bool(properties.pop(HOLD, ""))
        for name, key in _IDENTITY.items():
            if name not in properties:
                continue
            value = properties.pop(name)
            if len(value) > MAX_NAME:
                raise Unusable(
                    element, f"{name} has {len(value)} characters, {MAX_NAME} are allowed"
                )
            if asked.get(key, value) != value:
                raise Unusable(element, f"{name} is said twice, and not alike", Code.DUPLICATE_KEY)
            asked[key] = value
    elif _FORMS[verb].names_one and not (asked.get("interaction_id") or asked.get("external_id")):
        raise Unusable(
            element, f"{verb.value} has neither InteractionId nor ExternalId", Code.MISSING_VALUE
        )
    both = properties.keys() & set(asked.get("deleted", ()))
    if both:
        raise Unusable(
            element, f"{shown(min(both))} is both changed and deleted", Code.DUPLICATE_KEY
        )
