"""What is wrong with a document that cannot be handed in, and which answers say "later"."""

from __future__ import annotations

from ixproxy.errors import Code, IxproxyError, RequestRefused


class DocumentRefused(IxproxyError):
    """
    A document of which nothing can be done: it belongs in the error place.

    :ivar code: one of `ixproxy.errors.Code`, for an `error` notification.
    :ivar reason: what is wrong, in one line.
    :ivar line: of the document, counted from 1; 0: not known.
    """

    def __init__(self, reason: str, line: int = 0, code: int = Code.BAD_ATTRIBUTE) -> None:
        self.code = code
        self.reason = one_line(reason)
        self.line = line
        super().__init__(f"line {line}: {self.reason}" if line else self.reason)


MOST_SHOWN = 300
"""Characters of a reason: parts of a document stand in it, and those have no end."""

THE_DOCUMENT_IS_AT_FAULT = frozenset(
    {
        Code.MISSING_VALUE,
        Code.UNSUPPORTED_OPERATION,
        Code.TOO_LARGE,
        Code.BAD_FRAME,
        Code.BAD_ATTRIBUTE,
        Code.NOT_ALLOWED,
        Code.UNSUPPORTED_YET,
        Code.UNKNOWN_TENANT,
        Code.UNKNOWN_MEDIA_TYPE,
        Code.UNKNOWN_QUEUE,
        Code.DUPLICATE_INTERACTION,
        Code.READ_ONLY_PROPERTY,
        Code.DUPLICATE_KEY,
        Code.USER_DATA_TOO_LARGE,
    }
)
"""Refusals of a whole document that would be the same whenever it was given again."""


def refused_for_ever(answer: RequestRefused) -> bool:
    """Whether a document that an intake has refused belongs in the error place, not to later."""
    return not answer.in_doubt and answer.code in THE_DOCUMENT_IS_AT_FAULT


def one_line(text: str) -> str:
    """`text` as a person can read it in one line: cut, and without what does not print."""
    if len(text) > MOST_SHOWN:
        text = text[: MOST_SHOWN - 1] + "…"
    return "".join(each if each.isprintable() else " " for each in text).strip()


def shown(text: str) -> str:
    """A piece of a document, quoted and cut, to stand in a reason."""
    return repr(text if len(text) <= 60 else text[:59] + "…")
