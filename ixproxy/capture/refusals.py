"""What becomes of a document that the node refuses as a whole: another time, or the error place."""

from __future__ import annotations

from enum import Enum

from ixproxy.errors import Code, RequestRefused
from ixproxy.node.intake_work import Problem, comes_again


class Fate(Enum):
    """LATER: it is given again; NEVER: it belongs in the error place."""

    LATER = "later"
    NEVER = "never"


MOST_ATTEMPTS = 5
"""How often a document is handed in that breaks something each time."""


def fate(problem: BaseException, attempts: int) -> Fate:
    """
    What to do with a document after `take` has failed.

    :param attempts: how often it was handed in, this time included.
    """
    if not isinstance(problem, RequestRefused) or problem.code == Code.INTERNAL:
        return Fate.NEVER if attempts >= MOST_ATTEMPTS else Fate.LATER
    return Fate.LATER if comes_again(problem) else Fate.NEVER


def problem_of(problem: BaseException | None) -> Problem:
    """What `take` has failed with, for who is told: its code stands there once."""
    if isinstance(problem, RequestRefused):
        return Problem(problem.code, problem.description)
    return Problem(Code.INTERNAL, str(problem))
