"""
All fan-outs in flight together: how many there are, and how much is kept of answers.

A fan-out keeps what nodes answered until the last of them did, and that may
be much. So both are bounded, for all clients together and for each: none has
more than a part, or one that asks for everything would leave others nothing.

What a restart loses, and who restores it: the counts, with the fan-outs.
"""

from __future__ import annotations

from collections import Counter

from ixproxy.core.clients import Client

ONE_IN = 4
"""One client may have one part in so many."""


class FanOuts:
    """
    :ivar number: fan-outs in flight.
    :ivar kept: bytes of answers that they keep.
    """

    def __init__(self) -> None:
        self.number = 0
        self.kept = 0
        self._kept_for: Counter[Client] = Counter()

    def begin(self, client: Client, most: int) -> bool:
        """Count one more; False: there are as many as may be, and it is not counted."""
        if self.number >= most or client.fan_outs >= self.share(most):
            return False
        self.number += 1
        client.fan_outs += 1
        return True

    @staticmethod
    def share(most: int) -> int:
        """What one client may have of so much."""
        return max(1, most // ONE_IN)

    def keep(self, client: Client, size: int, most: int) -> bool:
        """Count so many bytes, if there is room for them."""
        if self.kept + size > most or self._kept_for[client] + size > self.share(most):
            return False
        self.kept += size
        self._kept_for[client] += size
        return True

    def end(self, client: Client, size: int) -> None:
        """One is settled, and what was kept for it is not kept any more."""
        self.number -= 1
        client.fan_outs -= 1
        self.kept -= size
        self._kept_for[client] -= size
        if not self._kept_for[client]:
            del self._kept_for[client]
