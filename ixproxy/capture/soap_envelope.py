"""
Bytes of a SOAP 1.1 request become the one element in its body.

The parser reads no DTD, expands no entity, opens no file and no connection, and
what is deeper or larger than a request can be is refused: bytes come from anyone.
"""

from __future__ import annotations

from lxml import etree

from ixproxy.capture.soap_names import ENVELOPE, ENVELOPE_12
from ixproxy.errors import Code, RequestRefused

ENCODINGS = frozenset({"utf-8", "utf-16", "iso-8859-1", "us-ascii", "ascii"})
"""The encodings of the field; others are refused, whatever the parser knows besides."""

MOST_ELEMENTS = 100_000
"""Elements of one envelope."""

ROLE_NEXT = "http://schemas.xmlsoap.org/soap/actor/next"


class EnvelopeProblem(RequestRefused):
    """
    The bytes are no request of SOAP 1.1.

    :ivar fault: the faultcode, without its prefix.
    """

    def __init__(self, description: str, code: int = Code.BAD_FRAME, fault: str = "Client") -> None:
        super().__init__(code, description)
        self.fault = fault


def read_envelope(body: bytes, charset: str = "") -> etree._Element:
    """
    The element that says what is asked for.

    :param charset: what the transport says of the encoding; it overrides what
        the document says of itself, as RFC 7303 has it.
    :raise EnvelopeProblem: it is not well-formed, has what SOAP forbids, is too
        deep or too much, or is of another version.
    """
    root = _parsed(body, charset)
    name = etree.QName(root)
    if name.localname != "Envelope" or name.namespace != ENVELOPE:
        if name.localname == "Envelope":
            version = "1.2" if name.namespace == ENVELOPE_12 else f"{name.namespace!r}"
            text = f"expected an envelope of SOAP 1.1, not {version}"
            raise EnvelopeProblem(text, fault="VersionMismatch")
        raise EnvelopeProblem(f"expected an Envelope of SOAP 1.1, not {root.tag!r}")
    _check_headers(root.find(f"{{{ENVELOPE}}}Header"))
    inner = root.find(f"{{{ENVELOPE}}}Body")
    if inner is None:
        raise EnvelopeProblem("the Envelope has no Body")
    if len(inner) != 1:
        raise EnvelopeProblem(f"expected one element in the Body, not {len(inner)}")
    return inner[0]


def _parsed(body: bytes, charset: str) -> etree._Element:
    if charset and charset not in ENCODINGS:
        raise EnvelopeProblem(f"charset {charset[:40]!r} is not one of {_known()}")
    parser = etree.XMLParser(
        encoding=charset or None,
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        root = etree.fromstring(body, parser)
    except etree.XMLSyntaxError as problem:
        raise EnvelopeProblem(f"not well-formed XML: {problem.msg}") from problem
    except (LookupError, ValueError) as problem:
        raise EnvelopeProblem(f"not XML: {problem}") from problem
    about = root.getroottree().docinfo
    if about.doctype or about.internalDTD is not None:
        raise EnvelopeProblem("a document type declaration is not allowed in SOAP")
    if (about.encoding or "utf-8").lower() not in ENCODINGS:
        raise EnvelopeProblem(f"encoding {about.encoding!r} is not one of {_known()}")
    for count, _ in enumerate(root.iter()):
        if count >= MOST_ELEMENTS:
            raise EnvelopeProblem(f"more than {MOST_ELEMENTS} elements", Code.TOO_LARGE)
    return root


def _known() -> str:
    return ", ".join(sorted(ENCODINGS - {"ascii"}))


def _check_headers(header: etree._Element | None) -> None:
    """What must be understood is not: there is nothing here that understands headers."""
    for entry in header if header is not None else ():
        demanded = entry.get(f"{{{ENVELOPE}}}mustUnderstand", "").strip() in ("1", "true")
        if demanded and entry.get(f"{{{ENVELOPE}}}actor", ROLE_NEXT) in ("", ROLE_NEXT):
            text = f"the header {entry.tag!r} must be understood, and is not"
            raise EnvelopeProblem(text, fault="MustUnderstand")
