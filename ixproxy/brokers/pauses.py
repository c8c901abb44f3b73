"""How long one waits before one tries again: longer each time, up to a limit."""

from __future__ import annotations

FIRST = 0.5
"""Seconds of the first pause."""


class Pauses:
    """
    Doubling pauses.

    :param most: the longest, in seconds.
    """

    def __init__(self, most: float) -> None:
        self._most = most
        self._next = min(FIRST, most)

    def next(self) -> float:
        """Seconds to wait this time."""
        pause = self._next
        self._next = min(self._most, pause * 2)
        return pause

    def over(self) -> None:
        """It worked: the next pause is short again."""
        self._next = min(FIRST, self._most)
