"""
Documents with something wrong in them, by the hundred thousand, from good ones and a seed.

Theory of operation: a document is damaged once to four times, each time in its
structure (elements lost, doubled, nested, given other names and values), in
its text (scraps of markup where none should be), in its encoding (bytes of one,
declaration of another), or in its bytes. One in sixteen stays whole. Whatever
comes out must be read, or refused in one line that a person can read, and
nothing of it may stay behind.
"""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from ixproxy.capture.refusing import DocumentRefused
from ixproxy.capture.xml_parsing import LIMITS, XmlLimits
from ixproxy.capture.xml_reading import read_document
from ixproxy.node.intake_work import Document

WHOLE_ONE_IN = 16
LONGEST = 16 << 10
"""No document is longer than this, however often its parts are doubled."""

SCRAPS = (
    "<", ">", "</", "/>", "&", ";", "&amp;", "&lt;", "&#0;", "&#x41;", "&#xD800;", "&#x110000;",
    "&#99999999999;", "&e;", "%e;", "]]>", "<![CDATA[", "<!--", "-->", "--", "<?", "?>", "<?xml?>",
    "<!DOCTYPE a>", '<!DOCTYPE a [<!ENTITY e "&e;&e;">]>', '<!DOCTYPE a SYSTEM "file:///etc/passwd">',
    "<!ENTITY e 'x'>", "<!", "\0", "\x01", "\x7f", "\x85", "\u2028", "\ufeff", "\ufffe", "\uffff",
    "😀", "é", "'", '"', "=", " ", "\t", "\n", "\r\n", "\r", ":", "x:", "xmlns='urn:x'",
    "xmlns:x='urn:x'", "xmlns=''", "xml:space='preserve'", "name=''", "name='Priority'",
    "type='int'", "type='list'", "type='string'", "type='binary'", "type='float'", "a='1' a='2'",
)  # fmt: skip
NAMES = (
    "interaction", "Interaction", "interactions", "properties", "deleted", "reason", "property",
    "Priority", "TenantId", "Queue", "IsOnline", "ReceivedAt", "InQueues", "Hold", "ExternalId",
    "InteractionId", "x:y", "xmlns", "xml", "é", "a" * 300, "-a", "1",
)  # fmt: skip
VALUES = (
    "", " ", "0", "1", "-1", "true", "9223372036854775807", "9223372036854775808", "1e9", "１",
    "2026-11-22 09:30:00", "2026-02-30", "0000-00-00", "9999-12-31T23:59:59-23:59", "submit",
    "update", "hold", "resume", "stop", "getinfo", "ping", "cancel", "SUBMIT", "AAE=", "x" * 2000,
)  # fmt: skip
CODECS = (
    "utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "iso-8859-1", "ascii",
    "cp1252", "cp037", "utf-7", "shift_jis",
)  # fmt: skip
DECLARED = (
    "UTF-8", "utf-8", "UTF-16", "UTF-16LE", "ISO-8859-1", "US-ASCII", "windows-1252", "UTF-7", "",
    "UTF-32", "EBCDIC-CP-US", "x" * 2000, "-",
)  # fmt: skip

_DECLARATION = re.compile(r"<\?xml[^>]*>\n?")
_TAG = re.compile(r"<[^<>]*>")
_NAME = re.compile(r"(?<=[</])[A-Za-z][\w.-]*")
_VALUE = re.compile(r"(?<=>)[^<>]+(?=<)|(?<=\")[^\"<>]*(?=\")")

Change = Callable[[str, random.Random], str]


def mutated_documents(corpus: Sequence[bytes], seed: int, count: int) -> Iterator[bytes]:
    """
    `count` documents, the same for the same seed.

    :param corpus: good documents, in UTF-8.
    """
    texts = [content.decode() for content in corpus]
    chance = random.Random(seed)
    for _ in range(count):
        text = chance.choice(texts)
        if not chance.randrange(WHOLE_ONE_IN):
            yield text.encode()
            continue
        for _ in range(chance.randint(0, 3)):
            text = chance.choice(_CHANGES)(text, chance)[:LONGEST]
        content = _encoded(text, chance) if not chance.randrange(4) else text.encode()
        if not chance.randrange(4):
            content = chance.choice(_DAMAGES)(content, chance)
        yield content


def _other_name(text: str, chance: random.Random) -> str:
    return _replaced(text, _NAME, NAMES, chance)


def _other_value(text: str, chance: random.Random) -> str:
    return _replaced(text, _VALUE, VALUES, chance)


def _replaced(
    text: str, places: re.Pattern[str], choices: Sequence[str], chance: random.Random
) -> str:
    # From a random place on, so that not all of them must be found.
    place = places.search(text, chance.randrange(len(text) + 1)) or places.search(text)
    if place is None:
        return text
    return text[: place.start()] + chance.choice(choices) + text[place.end() :]


def _two_tags(text: str, chance: random.Random) -> tuple[int, int]:
    """Where two tags begin and end, which are often those of one element."""
    first = _TAG.search(text, chance.randrange(len(text) + 1)) or _TAG.search(text)
    if first is None:
        return 0, len(text)
    second = _TAG.search(text, first.end()) if chance.randrange(4) else first
    return first.start(), (second or first).end()


def _lost(text: str, chance: random.Random) -> str:
    start, end = _two_tags(text, chance)
    return text[:start] + text[end:]


def _doubled(text: str, chance: random.Random) -> str:
    start, end = _two_tags(text, chance)
    return text[:end] + text[start:end] * chance.choice((1, 1, 1, 2, 50)) + text[end:]


def _moved(text: str, chance: random.Random) -> str:
    start, end = _two_tags(text, chance)
    rest = text[:start] + text[end:]
    place = chance.randint(0, len(rest))
    return rest[:place] + text[start:end] + rest[place:]


def _nested(text: str, chance: random.Random) -> str:
    start, end = _two_tags(text, chance)
    deep, name = chance.choice((1, 2, 40, 400)), chance.choice(NAMES[:12])
    return text[:start] + f"<{name}>" * deep + text[start:end] + f"</{name}>" * deep + text[end:]


def _scrap(text: str, chance: random.Random) -> str:
    place = chance.randint(0, len(text))
    return text[:place] + chance.choice(SCRAPS) + text[place + chance.randint(0, 2) :]


def _scrap_in_tag(text: str, chance: random.Random) -> str:
    tag = _TAG.search(text, chance.randrange(len(text) + 1))
    if tag is None:
        return text
    place = tag.end() - 2 if text[tag.end() - 2] == "/" else tag.end() - 1
    return f"{text[:place]} {chance.choice(SCRAPS)}{text[place:]}"


_CHANGES: tuple[Change, ...] = (
    *([_other_name] * 2), *([_other_value] * 3), _lost, _doubled, _moved, _nested, _scrap,
    _scrap_in_tag,
)  # fmt: skip


def _encoded(text: str, chance: random.Random) -> bytes:
    declared = chance.choice(DECLARED)
    bare = _DECLARATION.sub("", text, count=1)
    named = f' encoding="{declared}"' if declared else ""
    return f'<?xml version="1.0"{named}?>\n{bare}'.encode(chance.choice(CODECS), "replace")


def _flipped(content: bytes, chance: random.Random) -> bytes:
    if not content:
        return content
    changed = bytearray(content)
    for _ in range(chance.randint(1, 3)):
        changed[chance.randrange(len(changed))] = chance.randrange(256)
    return bytes(changed)


def _cut(content: bytes, chance: random.Random) -> bytes:
    return content[: chance.randint(0, len(content))]


def _inserted(content: bytes, chance: random.Random) -> bytes:
    place = chance.randint(0, len(content))
    return content[:place] + chance.randbytes(chance.randint(1, 4)) + content[place:]


_DAMAGES: tuple[Callable[[bytes, random.Random], bytes], ...] = (_flipped, _cut, _inserted)


@dataclass(slots=True)
class Outcome:
    """
    What a run found.

    :ivar read: documents that were read, and `problems`: operations of them with one.
    :ivar refused: how often each reason was given, without what differs.
    """

    documents: int = 0
    read: int = 0
    operations: int = 0
    problems: int = 0
    refused: Counter[str] = field(default_factory=Counter)


def fuzz_documents(
    corpus: Sequence[bytes], seed: int, count: int, limits: XmlLimits = LIMITS
) -> Outcome:
    """
    Read `count` mutated documents.

    :raise AssertionError: one was neither read nor refused as it must be; it
        names the seed, the number, and the document.
    """
    outcome = Outcome()
    for number, content in enumerate(mutated_documents(corpus, seed, count)):
        outcome.documents += 1
        try:
            document = read_document(content, limits=limits)
        except DocumentRefused as refused:
            fault = _fault_of(refused.reason) if refused.line >= 0 else "a line below 0"
            outcome.refused[_without_what_differs(refused.reason)] += 1
        except Exception as error:
            raise AssertionError(
                f"seed {seed}, document {number}: {error!r}\n{content!r}"
            ) from error
        else:
            fault = _judge(document, outcome, limits)
        if fault:
            raise AssertionError(f"seed {seed}, document {number}: {fault}\n{content!r}")
    return outcome


def _judge(document: Document, outcome: Outcome, limits: XmlLimits) -> str:
    """What is wrong with a document that was read, or ""."""
    outcome.read += 1
    outcome.operations += len(document.operations)
    if not 0 < len(document.operations) <= limits.operations:
        return f"{len(document.operations)} operations"
    for operation in document.operations:
        if operation.problem is not None:
            outcome.problems += 1
            if operation.properties or operation.problem.code < 1:
                return f"an operation with a problem that is no such: {operation}"
            if fault := _fault_of(operation.problem.description):
                return fault
        elif len(operation.properties) > limits.properties:
            return "too many properties"
    return ""


def _fault_of(reason: str) -> str:
    if not reason.strip() or not reason.isprintable() or len(reason) > 400:
        return f"not a text of one line: {reason!r}"
    return ""


def _without_what_differs(reason: str) -> str:
    return re.sub(r"""'[^']*'|"[^"]*"|\d+""", "…", reason)[:120]
