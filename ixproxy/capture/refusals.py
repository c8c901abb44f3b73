"""What becomes of a document that the node refuses as a whole: another time, or the error place."""

from __future__ import annotations

from enum import Enum

from ixproxy.errors import Code, RequestRefused


class Fate(Enum):
    """LATER: give it again, as often as it takes; SOMETIMES: a few times; NEVER: not again."""

    LATER = "later"
    SOMETIMES = "a few times"
    NEVER = "never"


MOST_ATTEMPTS = 5
"""How often a document is handed in that breaks something each time."""

_FATES = {
    Code.BUSY: Fate.LATER,
    Code.STOPPING: Fate.LATER,
    Code.STORE_FAILED: Fate.LATER,
    Code.STORE_UNCERTAIN: Fate.LATER,
    Code.EXPIRED: Fate.LATER,
    Code.CANCELLED: Fate.LATER,
    Code.NOT_ACCESSIBLE: Fate.LATER,
    Code.LOST_CONNECTION: Fate.LATER,
    Code.SUPERSEDED: Fate.LATER,
    Code.INTERNAL: Fate.SOMETIMES,
}


def fate(problem: BaseException, attempts: int) -> Fate:
    """
    What to do with a document after `take` has failed.

    :param attempts: how often it was handed in, this time included.
    :return: LATER or NEVER.
    """
    if not isinstance(problem, RequestRefused):
        found = Fate.SOMETIMES
    else:
        found = _FATES.get(problem.code, Fate.LATER if problem.in_doubt else Fate.NEVER)
    if found is Fate.SOMETIMES:
        return Fate.NEVER if attempts >= MOST_ATTEMPTS else Fate.LATER
    return found
