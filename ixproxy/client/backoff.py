"""How long a client waits before it connects again: plain numbers, and chance that is passed in."""

from __future__ import annotations

from dataclasses import dataclass

from ixproxy.core.link_times import Chance


@dataclass(frozen=True, slots=True)
class Backoff:
    """
    A schedule of pauses between rounds of connecting; times in seconds.

    :ivar first: the first pause.
    :ivar factor: by how much each failure lengthens the next pause.
    :ivar most: the longest pause, before `spread` is added.
    :ivar spread: at most so much is added by chance, so that the clients of a
        server that went down do not all come back at once.
    """

    first: float = 0.2
    factor: float = 2.0
    most: float = 10.0
    spread: float = 2.0

    def __post_init__(self) -> None:
        if self.first < 0 or self.most < self.first or self.spread < 0 or self.factor < 1:
            raise ValueError(f"{self} is no schedule: pauses may not be negative or shrink")

    def pause(self, failures: int, chance: Chance, *, tried_all: bool = True) -> float:
        """
        Seconds to wait before the next round.

        :param failures: how many pauses there were since a connection that lasted.
        :param tried_all: makes no difference here, as it does to a `WarmStandby`.
        """
        # The exponent is bounded: a client may try for months.
        pause = min(self.most, self.first * self.factor ** min(failures, 64))
        return pause + chance() * self.spread
