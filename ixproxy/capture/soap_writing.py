"""Envelopes of the native web service: responses and faults, as bytes in UTF-8."""

from __future__ import annotations

from datetime import UTC, datetime

from lxml import etree

from ixproxy.capture.soap_key_values import write_list, xml_text
from ixproxy.capture.soap_names import ENVELOPE, NAMESPACE, Shape
from ixproxy.errors import Code, describe, in_doubt
from ixproxy.messages.message import KeyValues
from ixproxy.node.intake_work import Problem, Taken, Verb

XML = "text/xml; charset=utf-8"

REPEATED = "Repeated"
"""A key in Extension of the response to what was known by its receipt already."""

SERVER_ERROR = "Interaction Server protocol error"
"""What the field says as faultstring of whatever the node refuses."""

_TEXTS = {
    Code.MISSING_VALUE: describe(Code.MISSING_VALUE),
    Code.BAD_FRAME: "Malformed request",
    Code.BAD_ATTRIBUTE: "Malformed request",
    Code.TOO_LARGE: "Request too large",
    Code.UNSUPPORTED_OPERATION: "Unsupported operation",
    Code.NOT_AUTHENTICATED: "Not authenticated",
}
"""Where faultstring says something else: the request did not get as far as the node."""

_AS_DOCUMENTED = frozenset({Code.UNKNOWN_INTERACTION})
"""Codes whose description clients compare with the field's."""


def envelope(spaces: dict[str, str]) -> tuple[etree._Element, etree._Element]:
    """A new envelope and its body."""
    root = etree.Element(f"{{{ENVELOPE}}}Envelope", nsmap={"SOAP-ENV": ENVELOPE, **spaces})
    return root, etree.SubElement(root, f"{{{ENVELOPE}}}Body")


def to_bytes(root: etree._Element) -> bytes:
    """An envelope as it is sent."""
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8")


def field_time(seconds: float) -> str:
    """A moment as the field writes it, in UTC."""
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S}"


def write_response(shape: Shape, taken: Taken, now: float) -> bytes:
    """
    The response to an operation that was done.

    :param taken: of a repeated document the results may be gone: then the
        response says only that it was repeated.
    :param now: seconds since the epoch.
    """
    result = taken.results[0] if taken.results else None
    root, body = envelope({"ixn": NAMESPACE})
    response = etree.SubElement(body, f"{{{NAMESPACE}}}{shape.response}")
    properties: KeyValues = result.properties if result is not None else {}
    extension: KeyValues = {}
    match shape.verb:
        case Verb.SUBMIT if result is not None:
            extension["InteractionId"] = result.interaction_id
        case Verb.GETINFO:
            write_list(_child(response, "InteractionProperties"), properties)
        case Verb.PING:
            _child(response, "EventTime").text = field_time(now)
            write_list(_child(response, "PingInfo"), properties)
    if taken.repeated:
        extension[REPEATED] = 1
    if extension:
        write_list(_child(response, "Extension"), extension)
    return to_bytes(root)


def faultstring_of(code: int) -> str:
    """The class of an error, in the field's words."""
    return _TEXTS.get(code, SERVER_ERROR)


def description_of(problem: Problem) -> str:
    """What is wrong; where the field's words are known, in those."""
    if problem.code in _AS_DOCUMENTED or not problem.description:
        return describe(problem.code)
    return problem.description


def whose_fault(code: int, retry: int) -> str:
    """The faultcode of an error, without its prefix: who has to do something about it."""
    return "Server" if retry or in_doubt(code) else "Client"


def begin_fault(body: etree._Element, faultcode: str, faultstring: str) -> etree._Element:
    """Add a Fault; its detail is to be filled."""
    fault = etree.SubElement(body, f"{{{ENVELOPE}}}Fault")
    # By SOAP 1.1 these three have no namespace.
    etree.SubElement(fault, "faultcode").text = f"SOAP-ENV:{faultcode}"
    etree.SubElement(fault, "faultstring").text = xml_text(faultstring)
    return etree.SubElement(fault, "detail")


def write_fault(problem: Problem, faultcode: str) -> bytes:
    """
    A fault of the native mode.

    :param faultcode: without its prefix.
    """
    root, body = envelope({"ixn": NAMESPACE})
    detail = begin_fault(body, faultcode, faultstring_of(problem.code))
    message = etree.SubElement(detail, f"{{{NAMESPACE}}}FaultMessage")
    _child(message, "ErrorCode").text = str(problem.code)
    _child(message, "ErrorDescription").text = xml_text(description_of(problem))
    return to_bytes(root)


def _child(parent: etree._Element, name: str) -> etree._Element:
    return etree.SubElement(parent, f"{{{NAMESPACE}}}{name}")
