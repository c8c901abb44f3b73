"""
How long whoever has other proxies to go to waits before it goes: clients, and proxies alike.

It is the field's warm standby. After a lost connection, a pause by chance; after
one that did not last, a little more each time; after all have failed, a long
one. Every pause has its share of chance, so those that lost one server
together do not come to the next one together.
"""

from __future__ import annotations

from dataclasses import dataclass

from ixproxy.core.link_times import Chance

SOON = 0.2
"""Seconds of the first pause after a connection that did not last."""


@dataclass(frozen=True, slots=True)
class WarmStandby:
    """
    The pauses; times in seconds.

    :ivar retry_delay: after all servers were tried and failed
        (`warm-standby.retry-delay`).
    :ivar random_range: every pause is lengthened by chance, by at most this;
        after a lost connection it is the whole pause
        (`warm-standby.reconnection-random-delay-range`).
    """

    retry_delay: float = 10.0
    random_range: float = 2.0

    def __post_init__(self) -> None:
        if self.retry_delay <= 0 or self.random_range < 0:
            raise ValueError(f"{self}: expected a delay above 0, and a range of 0 or more")

    @property
    def most(self) -> float:
        """The longest pause, before chance is added."""
        return self.retry_delay

    def pause(self, failures: int, chance: Chance, *, tried_all: bool = True) -> float:
        """
        Seconds to wait before the next round.

        :param failures: how many pauses there were since a connection that lasted.
        :param tried_all: the round before failed at every server; otherwise a
            connection was lost.
        """
        if tried_all:
            pause = self.retry_delay
        elif failures:
            # The exponent is bounded: somebody may try for months.
            pause = min(self.retry_delay, SOON * 2.0 ** min(failures - 1, 64))
        else:
            pause = 0.0
        return pause + chance() * self.random_range


USUAL = WarmStandby()
"""What the field's clients do by default."""
