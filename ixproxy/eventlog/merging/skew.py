"""
How far the clocks of nodes are apart, from what several of them logged at the same time.

Theory of operation: for each pair of nodes the differences of the newest acts
that both logged are kept, and their median is what the clocks are apart: a
node that was slow, or came back late, does not move it. A median follows clocks
that drift. The node with the smallest dbid has the right time, of those that are not in the
future; the others'
offsets follow from the pairs, those with most samples first. A node that shares nothing with
any other is taken to be right. What is set by hand is not estimated, and counts
as right for others.

The offsets follow from the samples alone, which can be kept and gone on with.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import deque
from collections.abc import Collection, Iterable, Mapping

WINDOW = 101
"""Samples of a pair that count."""

FINEST = 3
"""Decimals of a second that offsets have."""

LEAST = 0.02
"""Seconds by which clocks are apart at least: what is less is the time that requests take."""

Pair = tuple[int, int]


class _Window:
    """The newest samples of a pair, and their median."""

    def __init__(self, samples: Iterable[float]) -> None:
        self.samples = deque(samples, WINDOW)
        self._sorted = sorted(self.samples)

    def add(self, sample: float) -> None:
        if len(self.samples) == WINDOW:
            del self._sorted[bisect_left(self._sorted, self.samples[0])]
        self.samples.append(sample)
        insort(self._sorted, sample)

    @property
    def median(self) -> float:
        return _apart(self._sorted[len(self._sorted) // 2])


class Skew:
    """
    The clocks of all nodes.

    :param samples: as they were kept: by pair of dbids, the smaller first, the second's clock
        less the first's, in seconds.
    :param fixed: offsets set by hand, by dbid.
    :param estimated: False: all others are 0.
    :param doubted: nodes whose clocks are right only if there are no others.
    :ivar changed: pairs whose samples are to be kept anew.
    :ivar version: becomes another when an offset does.
    """

    def __init__(
        self,
        samples: Mapping[Pair, Iterable[float]],
        fixed: Mapping[int, float],
        *,
        estimated: bool = True,
        doubted: Collection[int] = (),
    ) -> None:
        self._windows = {pair: _Window(each) for pair, each in samples.items()}
        self._fixed = dict(fixed)
        self._estimated = estimated
        self._doubted = frozenset(doubted)
        self._offsets: dict[int, float] = {}
        self.changed: set[Pair] = set()
        self.version = 0
        self._estimate()

    def of(self, dbid: int) -> float:
        """Seconds by which a node's clock is ahead."""
        return self._offsets.get(dbid, 0.0)

    def samples(self, pair: Pair) -> list[float]:
        """What is to be kept of a pair."""
        return list(self._windows[pair].samples)

    def knows(self, first: int, second: int) -> bool:
        """Whether two nodes have shared something."""
        return (min(first, second), max(first, second)) in self._windows

    def learn(self, dbid: int, time: float, other: int, other_time: float) -> None:
        """Two nodes logged the same act, each by its clock."""
        if not self._estimated or dbid == other:
            return
        pair = (min(dbid, other), max(dbid, other))
        sample = other_time - time if dbid < other else time - other_time
        window = self._windows.get(pair)
        self.changed.add(pair)
        if window is None:
            self._windows[pair] = _Window([sample])
            self._estimate()
            return
        before = window.median, len(window.samples)
        window.add(sample)
        # How many there are decides which pairs count first.
        if (window.median, len(window.samples)) != before:
            self._estimate()

    def _estimate(self) -> None:
        offsets = dict(self._fixed)
        if self._estimated:
            sizes = {pair: len(window.samples) for pair, window in self._windows.items()}
            pairs = sorted(sizes, key=lambda pair: (-sizes[pair], pair))
            met = {node for pair in pairs for node in pair}
            nodes = sorted(met, key=lambda node: (node in self._doubted, node))
            for root in [*sorted(self._fixed), *nodes]:
                offsets.setdefault(root, 0.0)
                self._spread(pairs, offsets)
        if offsets != self._offsets:
            self._offsets = offsets
            self.version += 1

    def _spread(self, pairs: list[Pair], offsets: dict[int, float]) -> None:
        """From the nodes whose offsets are known to all that share something with them."""
        spread = True
        while spread:
            spread = False
            for first, second in pairs:
                if (first in offsets) == (second in offsets):
                    continue
                apart = self._windows[first, second].median
                if first in offsets:
                    offsets[second] = _apart(offsets[first] + apart)
                else:
                    offsets[first] = _apart(offsets[second] - apart)
                spread = True
                break


def _apart(seconds: float) -> float:
    """By how much clocks are apart; also where two differences, each rounded, say so."""
    found = round(seconds, FINEST)
    return found if abs(found) >= LEAST else 0.0
