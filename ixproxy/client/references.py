"""Numbers that tell the requests in flight on one connection apart."""

from __future__ import annotations

from collections.abc import Container

LAST = (1 << 32) - 1


class References:
    """
    Hands out references 1 to 2**32 - 1, over and over.

    0 is never used: an answer with it belongs to no request.
    """

    def __init__(self, last: int = 0) -> None:
        self._last = last

    def next(self, in_use: Container[int]) -> int:
        """
        The next reference that is not in use.

        `in_use` must leave one free, which the bound on requests in flight
        sees to.
        """
        while True:
            self._last = self._last + 1 if self._last < LAST else 1
            if self._last not in in_use:
                return self._last
