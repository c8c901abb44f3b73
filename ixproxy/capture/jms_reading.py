"""Messages become documents: in threads, for a stylesheet or a long document takes its time."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from msgspec.structs import replace

from ixproxy.capture.jms_settings import JmsSettings
from ixproxy.capture.jms_words import Received
from ixproxy.capture.refusing import DocumentRefused, unusable
from ixproxy.node.intake_work import Document

MESSAGE, CORRELATION, REPLY_TO = "message", "correlation", "reply-to"
"""Of a Document's correlation: the message's id, its correlation id, and where it wants replies."""

LONGEST_ID = 1_024
"""Characters of a message's id, its correlation id, and the queue where it wants replies."""

_DECLARED = re.compile(rb"\s*<\?xml[^>]*?encoding\s*=\s*[\"']([A-Za-z0-9._-]+)[\"']")


class ReadingBroke(DocumentRefused):
    """
    Reading a message broke: the mistake is ours, not of who sent it.

    :ivar problem: what was raised, with its traceback.
    """

    def __init__(self, problem: Exception) -> None:
        super().__init__(f"reading it broke: {type(problem).__name__}: {problem}")
        self.problem = problem


def read_messages(
    settings: JmsSettings, messages: Sequence[Received]
) -> list[Document | DocumentRefused]:
    """What each message asks for, or why it cannot be read."""
    read: list[Document | DocumentRefused] = []
    for message in messages:
        try:
            read.append(document_of(settings, message))
        except DocumentRefused as refused:
            read.append(refused)
        except Exception as problem:
            # Those that came with it must not wait for a mistake of ours.
            read.append(ReadingBroke(problem))
    return read


def document_of(settings: JmsSettings, message: Received) -> Document:
    """
    What a message asks for.

    :raise DocumentRefused: nothing of it can be used.
    """
    if message.text and (problem := wrong_with_text(message.body)):
        raise DocumentRefused(problem)
    correlation = correlation_of(settings, message)
    document = settings.forms.read(message.body, receipt=message.name, correlation=correlation)
    if settings.notification_queue or REPLY_TO in correlation:
        return document
    return replace(document, replies=False)


def unusable_message(
    settings: JmsSettings, message: Received, refused: DocumentRefused
) -> Document:
    """What is handed in of a message of which nothing can be done."""
    try:
        correlation = correlation_of(settings, message)
    except DocumentRefused:
        correlation = {}
    name = message.name[:LONGEST_ID]
    replies = bool(settings.notification_queue) or REPLY_TO in correlation
    return unusable(refused, name, message.name, correlation, replies=replies)


def correlation_of(settings: JmsSettings, message: Received) -> Mapping[str, str]:
    """
    What is to be known of a message when its replies are sent.

    :raise DocumentRefused: it is too long to be kept.
    """
    said = {
        MESSAGE: message.name,
        CORRELATION: message.correlation,
        REPLY_TO: message.reply_to if settings.use_reply_to else "",
    }
    for what, value in said.items():
        if len(value) > LONGEST_ID:
            raise DocumentRefused(
                f"its {what} id has {len(value)} characters, {LONGEST_ID} are allowed"
            )
    return {what: value for what, value in said.items() if value}


def wrong_with_text(body: bytes) -> str:
    """
    Why a text message, which comes in UTF-8, cannot be read; empty: it can.

    What it declares must be what it is, as the field demands.
    """
    declared = _DECLARED.match(body)
    if declared is None or body.isascii():
        return ""
    name = declared[1].decode()
    if name.upper() in ("UTF-8", "UTF8"):
        return ""
    return (
        f"it is a text message, which comes in UTF-8, and declares the encoding {name}: "
        "declare UTF-8, or send it as bytes"
    )
