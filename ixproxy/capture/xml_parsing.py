"""
Bytes from outside become a tree of elements, and nothing else can come of them.

Theory of operation: what the bytes are encoded in is found out here, from the
byte order mark and the XML declaration alone, and only four encodings are
known; the parser gets UTF-8 that declares none, so it has nothing left to
choose. A document type is looked for before the parser sees anything: there
are no entities to expand and nothing to fetch. Size, depth, and the numbers and
lengths of elements are bounded while the parser runs, not afterwards.

The parser is expat, which forgets a document with its parser. lxml does not:
it keeps every name that it has ever met for as long as the thread lives, so
names out of documents would fill the memory.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from xml.parsers import expat

from ixproxy.capture.refusing import DocumentRefused, shown
from ixproxy.errors import Code

SPACE = " \t\r\n"
"""White space as XML means it."""


@dataclass(frozen=True, slots=True)
class XmlLimits:
    """
    What one document may have at most.

    :ivar size: bytes.
    :ivar depth: elements inside each other, the root included.
    :ivar elements: in all of it, and `attributes` of one of them.
    :ivar name: characters of a name, and of an attribute's value.
    :ivar text: characters of the text of one element.
    :ivar operations: of one document, and `properties` of one operation, those
        inside lists included.
    """

    size: int = 1 << 20
    depth: int = 32
    elements: int = 100_000
    attributes: int = 32
    name: int = 1000
    text: int = 256 << 10
    operations: int = 10_000
    properties: int = 2000


LIMITS = XmlLimits()


class Element:
    """
    One element.

    :ivar name: its local name, and `namespace`, "" for none.
    :ivar attributes: by name; of one in a namespace that and the name, with a space between.
    :ivar pieces: its own text, as it came, without that of its children.
    :ivar line: where it begins, counted from 1.
    """

    __slots__ = ("attributes", "children", "line", "name", "namespace", "pieces")

    def __init__(self, name: str, attributes: dict[str, str], line: int) -> None:
        if " " in name:
            self.namespace, _, self.name = name.rpartition(" ")
        else:
            self.namespace, self.name = "", name
        self.attributes = attributes
        self.children: list[Element] = []
        self.pieces: list[str] = []
        self.line = line

    def __iter__(self) -> Iterator[Element]:
        return iter(self.children)

    @property
    def text(self) -> str:
        """Its own text, character by character as it stands there."""
        pieces = self.pieces
        return pieces[0] if len(pieces) == 1 else "".join(pieces)

    @property
    def shown(self) -> str:
        """Its name, for a person."""
        name = shown(self.name)
        return f"{name} of namespace {shown(self.namespace)}" if self.namespace else name

    @property
    def own(self) -> dict[str, str]:
        """Its attributes that are in no namespace; others are for other programs."""
        return {key: value for key, value in self.attributes.items() if " " not in key}

    def has_text(self) -> bool:
        """Whether it has text that is more than white space."""
        return any(not piece.isspace() or piece.strip(SPACE) for piece in self.pieces)


ENCODINGS = {
    "utf-8": "utf-8",
    "utf8": "utf-8",
    "utf-16": "utf-16",
    "utf-16le": "utf-16",
    "utf-16be": "utf-16",
    "iso-8859-1": "iso-8859-1",
    "us-ascii": "ascii",
    "ascii": "ascii",
}
"""What a declaration may say, in small letters, and the encoding that it means."""

_MARKS = (
    (b"\xef\xbb\xbf", "utf-8", "utf-8"),
    (b"\xff\xfe\0\0", "", "UTF-32"),
    (b"\0\0\xfe\xff", "", "UTF-32"),
    (b"\xff\xfe", "utf-16", "utf-16-le"),
    (b"\xfe\xff", "utf-16", "utf-16-be"),
    (b"<\0\0\0", "", "UTF-32"),
    (b"\0\0\0<", "", "UTF-32"),
    (b"<\0", "utf-16", "utf-16-le"),
    (b"\0<", "utf-16", "utf-16-be"),
)
"""How a document may begin, the encoding that it then is in ("": none of ours), and its codec."""

NO_DOCUMENT_TYPE = "it has a document type, which is not allowed"
_ALLOWED = "expected UTF-8, UTF-16, ISO-8859-1 or US-ASCII"
_LONGEST_DECLARATION = 1024
_DECLARATION = re.compile(
    r"""<\?xml\s+version\s*=\s*(?:'1\.[0-9]+'|"1\.[0-9]+")"""
    r"""(?:\s+encoding\s*=\s*(?:'(?P<a>[A-Za-z][\w.-]*)'|"(?P<b>[A-Za-z][\w.-]*)"))?"""
    r"""(?:\s+standalone\s*=\s*(?:'(?:yes|no)'|"(?:yes|no)"))?\s*\?>""",
    re.ASCII,
)
_BEFORE_ROOT = re.compile(r"(?:[ \t\r\n]++|<!--.*?-->|<\?.*?\?>)*+", re.DOTALL)


def parse(content: bytes, limits: XmlLimits = LIMITS) -> Element:
    """
    The root of a document.

    :raise DocumentRefused: it is not well-formed, in another encoding, has a
        document type, or more than `limits` of something.
    """
    text = checked_text(content, limits)
    return _grown(text.encode(), limits)


def checked_text(content: bytes, limits: XmlLimits = LIMITS) -> str:
    """
    The text of a document that a parser may be given: see `without_encoding`.

    :raise DocumentRefused: it is too large, has a document type, or is in
        another encoding.
    """
    if len(content) > limits.size:
        raise DocumentRefused(
            f"it has {len(content)} bytes, {limits.size} are allowed", code=Code.TOO_LARGE
        )
    text = without_encoding(content)
    start = _BEFORE_ROOT.match(text)
    if start and text.startswith("<!DOCTYPE", start.end()):
        line = text.count("\n", 0, start.end()) + 1
        raise DocumentRefused(NO_DOCUMENT_TYPE, line)
    return text


def without_encoding(content: bytes) -> str:
    """
    The text of a document, whose declaration then names no encoding; lines stay where they were.

    :raise DocumentRefused: it is in no encoding that we know, or not in that
        which it says.
    """
    found, codec = _by_first_bytes(content)
    head = content[:_LONGEST_DECLARATION].decode(codec or "iso-8859-1", "ignore")
    head = head.removeprefix("\ufeff")
    declared = _DECLARATION.match(head)
    said = (declared["a"] or declared["b"] or "") if declared else ""
    meant = ENCODINGS.get(said.lower())
    if said and meant is None:
        raise DocumentRefused(f"it is declared as {said}; {_ALLOWED}", 1)
    if meant and found and meant != found:
        raise DocumentRefused(f"it is declared as {said}, but its bytes are {found.upper()}", 1)
    if meant == "utf-16" and not found:
        raise DocumentRefused(f"it is declared as {said}, but its bytes are not", 1)
    codec = codec or meant or "utf-8"
    try:
        text = content.decode(codec)
    except UnicodeDecodeError as problem:
        line = content.count(b"\n", 0, problem.start) + 1
        raise DocumentRefused(
            f"byte {problem.start} is not {(said or codec).upper()}: {problem.reason}", line
        ) from problem
    text = text.removeprefix("\ufeff")
    if declared:
        lines = "\n" * declared[0].count("\n")
        text = f'<?xml version="1.0"{lines}?>{text[declared.end() :]}'
    return text


def _by_first_bytes(content: bytes) -> tuple[str, str]:
    """The encoding, and its codec, that the first bytes leave no doubt of, or ""."""
    for mark, found, codec in _MARKS:
        if content.startswith(mark):
            if not found:
                raise DocumentRefused(f"it is {codec}; {_ALLOWED}", 1)
            return found, codec
    return "", ""


def _grown(content: bytes, limits: XmlLimits) -> Element:
    """The tree of a document in UTF-8, grown while expat reads it."""
    parser = expat.ParserCreate("utf-8", " ")
    root: list[Element] = []
    opened: list[Element] = []
    left, characters = limits.elements, 0
    depth, longest = limits.depth, limits.name

    def begun(name: str, attributes: dict[str, str]) -> None:
        nonlocal left, characters
        left -= 1
        characters = 0
        if left < 0 or len(opened) >= depth or len(name) > longest or attributes:
            _check(limits, parser.CurrentLineNumber, left, len(opened), name, attributes)
        new = Element(name, attributes, parser.CurrentLineNumber)
        (opened[-1].children if opened else root).append(new)
        opened.append(new)

    def ended(_: str) -> None:
        nonlocal characters
        opened.pop()
        characters = 0

    def text(piece: str) -> None:
        nonlocal characters
        element = opened[-1]
        element.pieces.append(piece)
        # Text between children counts anew after each; but then there are as many elements.
        characters += len(piece)
        if characters > limits.text:
            raise DocumentRefused(
                f"the text of {element.shown} has more than {limits.text} characters",
                parser.CurrentLineNumber,
                Code.TOO_LARGE,
            )

    def doctype(*_: object) -> None:
        # `checked_text` finds it before; what it might not have found ends here.
        raise DocumentRefused(NO_DOCUMENT_TYPE, parser.CurrentLineNumber)

    parser.buffer_text = True
    parser.StartElementHandler = begun
    parser.EndElementHandler = ended
    parser.CharacterDataHandler = text
    parser.StartDoctypeDeclHandler = doctype
    parser.SetParamEntityParsing(expat.XML_PARAM_ENTITY_PARSING_NEVER)
    try:
        parser.Parse(content, True)
    except expat.ExpatError as problem:
        why = expat.ErrorString(problem.code)
        raise DocumentRefused(f"it is not well-formed: {why}", problem.lineno) from problem
    finally:
        # The parser and its callbacks keep each other, and the tree, until the collector comes.
        parser.StartElementHandler = None
        parser.EndElementHandler = None
        parser.CharacterDataHandler = None
        parser.StartDoctypeDeclHandler = None
    return root[0]


def _check(
    limits: XmlLimits, line: int, left: int, depth: int, name: str, attributes: dict[str, str]
) -> None:
    """:raise DocumentRefused: an element is one too many, too deep, or has too much."""
    reason = ""
    if left < 0:
        reason = f"it has more than {limits.elements} elements"
    elif depth >= limits.depth:
        reason = f"elements are more than {limits.depth} deep"
    elif len(name) > limits.name:
        reason = f"a name has {len(name)} characters, {limits.name} are allowed"
    elif len(attributes) > limits.attributes:
        reason = f"an element has more than {limits.attributes} attributes"
    else:
        for key, value in attributes.items():
            if len(key) > limits.name or len(value) > limits.name:
                reason = f"attribute {shown(key)} is longer than {limits.name} characters"
    if reason:
        raise DocumentRefused(reason, line, Code.TOO_LARGE)
