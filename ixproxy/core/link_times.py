"""
How long a proxy waits for what at a node's servers: all its times, as data.

A node whose primary is gone must be found again within about a second of the
moment at which its new primary listens. So nothing that hangs is waited for
alone: the other server is asked meanwhile.

| time | why |
|---|---|
| connect | the kernel of a host that is there answers in milliseconds |
| answer | a node answers a registration without its store; a stopped one never does |
| patience | both limits are doubled with every round in vain, up to this: a slow node, too, is linked in the end; one that has no other server gets it at once |
| head start | so long the other server is left alone when an attempt begins: most are over by then |
| probe | a backup that refuses costs a packet each way; what a new primary waits for its proxies |
| longest probe | a server that says it is newer, and then cannot be linked, is asked less and less often |
| quiet | requests wait, and nothing at all comes: the server is suspect, and the other is asked at once |
| pauses | before each round of attempts; the last one and a head start are less than a second |
| spread | the share of each pause that chance takes off: proxies lose a node at the same moment |
"""  # noqa: E501 (the rows of a table)

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

Chance = Callable[[], float]
"""A number from 0 up to 1, each time another."""


@dataclass(frozen=True, slots=True)
class LinkTimes:
    """
    Seconds, but for `spread`; see the table above.

    :ivar connect: option `node-connect-timeout`.
    :ivar answer: option `node-answer-timeout`.
    :ivar probe: option `node-probe-interval`.
    """

    connect: float = 1.0
    answer: float = 1.5
    probe: float = 1.0
    patience: float = 5.0
    head_start: float = 0.25
    longest_probe: float = 16.0
    quiet: float = 1.0
    pauses: tuple[float, ...] = (0.1, 0.2, 0.4, 0.6, 0.75)
    spread: float = 0.25

    def pause(self, round: int, chance: Chance) -> float:
        """Before the attempts that follow `round` failed rounds in a row, from 1."""
        return self.spread_out(self.pauses[min(round, len(self.pauses)) - 1], chance)

    def limit(self, usual: float, rounds: int, *, alone: bool) -> float:
        """
        How long one step of an attempt may take.

        :param usual: `connect` or `answer`.
        :param rounds: failed rounds in a row.
        :param alone: there is no other server to try.
        """
        most = max(self.patience, usual)
        return most if alone else min(most, usual * 2.0 ** min(rounds, 16))

    def until_asked(self, vain: int, chance: Chance) -> float:
        """From one question to the other server to the next, after `vain` moves in vain."""
        interval = self.probe * 2.0 ** min(vain, 16)
        return self.spread_out(min(interval, max(self.probe, self.longest_probe)), chance)

    def spread_out(self, pause: float, chance: Chance) -> float:
        """A pause, shortened by chance."""
        return pause * (1.0 - self.spread * chance())
