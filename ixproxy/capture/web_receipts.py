"""
The receipt of a request: the header `Idempotency-Key`, by which its repetition is known.

A receipt that is known has results with it, which say what was asked for and
of which interaction. So a request of another kind, or about another one, that
comes under it is told from a repetition (decision 120).
"""

from __future__ import annotations

import re

from ixproxy.capture.web_values import Asked
from ixproxy.errors import Code, RequestRefused
from ixproxy.messages.message import MAX_NAME
from ixproxy.node.intake_splitting import external_ids_of, ids_of
from ixproxy.node.intake_work import Document, Operation, Result, Taken, Verb

HEADER = "idempotency-key"
LONGEST = 255

REUSED = "the Idempotency-Key is that of another request: nothing is done"

_QUOTED = re.compile(r'"((?:[^"\\]|\\["\\])*)"')


def receipt_of(asked: Asked) -> str:
    """
    What a request calls itself; "": nothing.

    Both a string as structured headers write it (`"a-1"`) and a bare one are
    read, and mean the same.

    :raise RequestRefused: it is too long, or has signs that a header has not.
    """
    given = asked.headers.get(HEADER, "").strip()
    quoted = _QUOTED.fullmatch(given)
    return checked(re.sub(r"\\(.)", r"\1", quoted[1]) if quoted else given, "Idempotency-Key")


def checked(receipt: str, where: str) -> str:
    """
    A receipt, wherever it was given.

    :raise RequestRefused: it cannot be one.
    """
    if len(receipt) > LONGEST or not receipt.isascii() or not receipt.isprintable():
        text = f"{where}: expected at most {LONGEST} printable characters of ASCII"
        raise RequestRefused(Code.BAD_ATTRIBUTE, text)
    return receipt


def is_reused(document: Document, taken: Taken) -> bool:
    """
    Whether a receipt is known from another request than this document.

    False where that cannot be told: its results are kept no longer, or agree in
    their verbs and in whom they are about.
    """
    if not (taken.repeated and taken.results):
        return False
    if len(document.operations) != len(taken.results):
        return True
    return not all(map(_may_be_of, document.operations, taken.results))


def _may_be_of(operation: Operation, result: Result) -> bool:
    """Whether a result can be that of an operation."""
    if operation.verb is not result.verb:
        return False
    if operation.verb is Verb.PING:
        return True
    id, external_id = ids_of(operation)
    named = {each[:MAX_NAME] for each in external_ids_of(operation)}
    was = result.external_id[:MAX_NAME]
    if operation.verb is Verb.SUBMIT:
        # Where external ids are unique, it may have found one with another id.
        if named and was:
            return was in named
        return not (id and result.interaction_id) or result.interaction_id == id[:MAX_NAME]
    if id:
        return result.interaction_id == id[:MAX_NAME]
    if operation.verb is Verb.UPDATE:
        # It may have changed the external id that it went by, or deleted it.
        return not was or was in named
    return was == external_id[:MAX_NAME]
