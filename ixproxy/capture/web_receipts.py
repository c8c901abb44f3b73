"""The receipt of a request: the header `Idempotency-Key`, by which its repetition is known."""

from __future__ import annotations

import re

from ixproxy.capture.web_values import Asked
from ixproxy.errors import Code, RequestRefused

HEADER = "idempotency-key"
LONGEST = 255

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
