"""Records of Kafka become documents, and notifications and copies become records."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, NamedTuple, Protocol

from confluent_kafka import KafkaException
from msgspec.structs import replace

from ixproxy.capture.refusing import DocumentRefused, unusable
from ixproxy.node.intake_work import Document, Notification

MOST_KEY = 4096
"""Bytes of a key that a reply carries; a longer one is left out."""

MOST_CORRELATION = 1024
"""Bytes of a `correlation` header that a reply carries; instead of a longer one, its place."""

CORRELATION = "correlation"

Headers = list[tuple[str, bytes]]

EXPECTED = (KafkaException, ValueError, OSError)
"""What the client raises, and what a missing secret does; anything else is a mistake."""


class Message(Protocol):
    """What confluent-kafka gives, as far as it is used."""

    def topic(self) -> str: ...
    def partition(self) -> int: ...
    def offset(self) -> int: ...
    def key(self) -> bytes | None: ...
    def value(self) -> bytes | None: ...
    def headers(self) -> list[tuple[str, bytes | None]] | None: ...
    def timestamp(self) -> tuple[int, int]: ...


class Outgoing(NamedTuple):
    """A record to be written."""

    topic: str
    key: bytes | None
    value: bytes | None
    headers: Headers


Reads = Callable[[bytes, str, Mapping[str, str]], Document]
"""Makes a document of bytes, with a receipt and a correlation; raises DocumentRefused."""


@dataclass(frozen=True, slots=True)
class Record:
    """
    One record that was read.

    :ivar document: what it asks for, or, where it cannot be read, why not.
    """

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: Headers
    document: Document

    @property
    def name(self) -> str:
        """How messages call it."""
        return f"{self.topic}/{self.partition}/{self.offset}"

    @property
    def size(self) -> int:
        """Bytes that it takes here."""
        return len(self.value or b"") + len(self.key or b"") + 500


def record_of(message: Message, read: Reads, replies: bool) -> Record:
    """
    :param read: see `Reads`.
    :param replies: whether there is a place for replies.
    """
    topic, partition, offset = message.topic(), message.partition(), message.offset()
    key, value = message.key(), message.value()
    headers, why = _headers(message)
    place = f"{topic}/{partition}/{offset}"
    correlation = {"place": place} | (_correlation(key, headers) if replies else {})
    receipt = _receipt(message)
    try:
        if why or value is None:
            raise DocumentRefused(why or "the record has no value")
        document = read(value, receipt, correlation)
    except DocumentRefused as refused:
        document = unusable(refused, place, receipt, correlation, replies=replies)
    if not replies:
        document = replace(document, replies=False)
    return Record(topic, partition, offset, key, value, headers, document)


def _headers(message: Message) -> tuple[Headers, str]:
    """
    The headers, or why there are none.

    A name may have any bytes, but the client makes texts of names; where it cannot, it
    gives none of them.
    """
    try:
        return [(name, content or b"") for name, content in message.headers() or []], ""
    except (SystemError, UnicodeError):
        return [], "its headers cannot be read: the name of one is not UTF-8"


def _receipt(message: Message) -> str:
    """
    The same for the same record, however often it is read.

    Its place alone would not do: a topic that is made anew counts from 0 again.
    """
    kind, at = message.timestamp()
    digest = blake2b(digest_size=12)
    for part in (message.key() or b"", message.value() or b""):
        digest.update(len(part).to_bytes(8, "big"))
        digest.update(part)
    place = f"{message.topic()}/{message.partition()}/{message.offset()}"
    return f"{place}/{at if kind else 0}/{digest.hexdigest()}"


def _correlation(key: bytes | None, headers: Headers) -> dict[str, str]:
    found: dict[str, str] = {}
    if key is not None and len(key) <= MOST_KEY:
        # Any bytes: each becomes the character of its number.
        found["key"] = key.decode("latin-1")
    for name, content in headers:
        if name == CORRELATION and len(content) <= MOST_CORRELATION:
            found[CORRELATION] = content.decode("latin-1")
    return found


def copy_of(record: Record, topic: str, why: str = "", refused: str = "") -> Outgoing:
    """
    A record as it goes to the topic of what was processed, or of errors.

    Key, value and headers are as they were; what is added begins with `ixproxy-`.

    :param why: what was wrong with it; "": nothing.
    :param refused: which of its operations were refused, if nobody is told; "": none.
    """
    headers = [*record.headers, ("ixproxy-source", record.name.encode())]
    for name, text in (("ixproxy-error", why), ("ixproxy-refused", refused)):
        if text:
            headers.append((name, text.encode("utf-8", "replace")))
    return Outgoing(topic, record.key, record.value, headers)


def notification_of(told: Notification, topic: str, content: bytes) -> Outgoing:
    """
    A notification as a record.

    A reply has the key of the request; anything else has the interaction's own id,
    so that all of one interaction stand in one partition, in their order.
    """
    correlation = told.correlation if told.reply else {}
    if "key" in correlation:
        key: bytes | None = correlation["key"].encode("latin-1")
    else:
        key = (told.interaction_id or told.external_id).encode() or None
    headers: list[tuple[str, str]] = [
        ("ixproxy-event", told.said.value),
        ("ixproxy-number", f"{told.dbid}-{told.number}"),
    ]
    if told.reply:
        headers.append((CORRELATION, correlation.get(CORRELATION) or correlation.get("place", "")))
    return Outgoing(topic, key, content, [(name, _bytes(text)) for name, text in headers])


def _bytes(text: str) -> bytes:
    try:
        return text.encode("latin-1")
    except UnicodeEncodeError:
        return text.encode()


def problem_text(error: Any) -> str:
    """A KafkaError in one line: its name and what is said."""
    return f"{error.name()}: {' '.join(str(error.str()).split())}"


def said(problem: BaseException) -> str:
    """What went wrong in a thread, in one line."""
    if isinstance(problem, KafkaException) and problem.args and hasattr(problem.args[0], "name"):
        return problem_text(problem.args[0])
    if isinstance(problem, EXPECTED):
        return str(problem)
    return f"{type(problem).__name__}: {problem}"
