"""
Which HTTP status an error code is, and when it is worth trying again.

503 is said of what was not done and may be done a little later, so that
balancers go elsewhere and clients come back; never of what may have been done,
unless the document has a receipt by which it is known again (decision 106).
"""

from __future__ import annotations

from typing import NamedTuple

from ixproxy.errors import Code, in_doubt

RETRY_SECONDS = {
    Code.BUSY: 1,
    Code.STOPPING: 5,
    Code.STORE_FAILED: 5,
    Code.NO_SERVERS: 5,
    Code.EXPIRED: 1,
    Code.RECEIPT_HOME_UNAVAILABLE: 5,
}
"""Codes of what is not done now but may be soon: seconds until it is worth asking again."""

UNCERTAIN_SECONDS = 5
"""The same where nobody knows what was done, and a receipt tells."""

_STATUS = {
    Code.MISSING_VALUE: 400,
    Code.BAD_ATTRIBUTE: 400,
    Code.BAD_FRAME: 400,
    Code.NOT_AUTHENTICATED: 401,
    Code.NOT_ALLOWED: 403,
    Code.UNKNOWN_INTERACTION: 404,
    Code.NOT_ACCESSIBLE: 404,
    Code.TOO_LARGE: 413,
    Code.USER_DATA_TOO_LARGE: 413,
    Code.UNSUPPORTED_OPERATION: 501,
    Code.UNSUPPORTED_YET: 501,
    Code.IN_PROGRESS: 409,
    Code.MORE_THAN_ONE: 409,
    Code.DUPLICATE_INTERACTION: 409,
    Code.NOT_QUEUED: 409,
    Code.LOCKED: 409,
    Code.ALREADY_HELD: 409,
    Code.NOT_HELD: 409,
}


class Status(NamedTuple):
    """An HTTP status, and in how many seconds to ask again (0: do not)."""

    code: int
    retry: int = 0

    @property
    def headers(self) -> tuple[tuple[str, str], ...]:
        """What an answer with it says besides."""
        return (("Retry-After", str(self.retry)),) if self.retry else ()


def status_of(code: int, uncertain: bool | None = None, receipt: str = "") -> Status:
    """
    The status of an error.

    :param uncertain: whether it may have been done; None: as the code says.
    :param receipt: of the document.
    """
    if in_doubt(code) if uncertain is None else uncertain:
        return Status(503, UNCERTAIN_SECONDS) if receipt else Status(500)
    if code in RETRY_SECONDS:
        return Status(503, RETRY_SECONDS[code])
    return Status(_STATUS.get(code, 422))
