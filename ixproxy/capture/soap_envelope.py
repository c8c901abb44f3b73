"""
Bytes of a SOAP 1.1 request become the one element in its body.

They come from anyone: there is no document type, nothing is fetched or
expanded, and size, depth and number of elements are bounded (`xml_parsing`).
"""

from __future__ import annotations

import re

from ixproxy.capture.refusing import DocumentRefused
from ixproxy.capture.soap_names import ENVELOPE, ENVELOPE_12
from ixproxy.capture.xml_parsing import ENCODINGS, Element, XmlLimits, parse
from ixproxy.errors import Code, RequestRefused

LIMITS = XmlLimits(depth=110, elements=100_000, operations=1, properties=100_000)
"""A list in a list is three elements deeper; what is deeper than the field allows is said later."""

ROLE_NEXT = "http://schemas.xmlsoap.org/soap/actor/next"

_DECLARES = re.compile(rb"\s*(?:<\?xml[^>]*\sencoding|\xef\xbb\xbf|\xff\xfe|\xfe\xff|<\0|\0<)")


class EnvelopeProblem(RequestRefused):
    """
    The bytes are no request of SOAP 1.1.

    :ivar fault: the faultcode, without its prefix.
    """

    def __init__(self, description: str, code: int = Code.BAD_FRAME, fault: str = "Client") -> None:
        super().__init__(code, description)
        self.fault = fault


def read_envelope(body: bytes, charset: str = "", size: int = LIMITS.size) -> Element:
    """
    The element that says what is asked for.

    :param charset: what the transport says of the encoding; it counts where
        the document does not say it itself.
    :param size: bytes that it may have.
    :raise EnvelopeProblem: it is not well-formed, has what SOAP forbids, is too
        deep or too much, or is of another version.
    """
    root = _parsed(_as_declared(body, charset), size)
    if root.name != "Envelope":
        raise EnvelopeProblem(f"expected an Envelope of SOAP 1.1, not {root.shown}")
    if root.namespace != ENVELOPE:
        version = "1.2" if root.namespace == ENVELOPE_12 else f"namespace {root.namespace[:80]!r}"
        text = f"expected an Envelope of SOAP 1.1, not of {version}"
        raise EnvelopeProblem(text, fault="VersionMismatch")
    parts = {each.name: each for each in root if each.namespace == ENVELOPE}
    if "Header" in parts:
        _check_headers(parts["Header"])
    if "Body" not in parts:
        raise EnvelopeProblem("the Envelope has no Body")
    inner = parts["Body"].children
    if len(inner) != 1:
        raise EnvelopeProblem(f"expected one element in the Body, not {len(inner)}")
    return inner[0]


def _as_declared(body: bytes, charset: str) -> bytes:
    """The body in an encoding that can be told from it."""
    if not charset or _DECLARES.match(body):
        return body
    codec = ENCODINGS.get(charset)
    if codec is None:
        raise EnvelopeProblem(
            f"charset {charset[:40]!r} is none of UTF-8, UTF-16, ISO-8859-1, ASCII"
        )
    try:
        return body.decode(codec).encode()
    except UnicodeDecodeError as problem:
        text = f"byte {problem.start} is not {charset}: {problem.reason}"
        raise EnvelopeProblem(text) from problem


def _parsed(body: bytes, size: int) -> Element:
    try:
        return parse(body, XmlLimits(size, LIMITS.depth, LIMITS.elements, text=size))
    except DocumentRefused as problem:
        code = Code.TOO_LARGE if problem.code == Code.TOO_LARGE else Code.BAD_FRAME
        raise EnvelopeProblem(str(problem), code) from problem


def _check_headers(header: Element) -> None:
    """What must be understood is not: there is nothing here that understands headers."""
    for entry in header:
        demanded = entry.attributes.get(f"{ENVELOPE} mustUnderstand", "").strip() in ("1", "true")
        if demanded and entry.attributes.get(f"{ENVELOPE} actor", "") in ("", ROLE_NEXT):
            text = f"the header {entry.shown} must be understood, and is not"
            raise EnvelopeProblem(text, fault="MustUnderstand")
