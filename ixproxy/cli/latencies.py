"""Collects latencies in few numbers: counts by size, and percentiles read off them."""

from __future__ import annotations

from math import frexp

_LOWEST = 1e-6
_LONGEST = 1e6
_PARTS = 64
"""Steps of equal width into which each doubling is divided."""


class Latencies:
    """
    Durations in seconds, each known to within 2 %.

    However many are added, the memory stays: one count for each step from a
    microsecond up, 64 steps to a doubling.
    """

    __slots__ = ("_counts", "count", "longest", "total")

    def __init__(self) -> None:
        self._counts: dict[int, int] = {}
        self.count = 0
        self.total = 0.0
        self.longest = 0.0

    def add(self, seconds: float) -> None:
        """One more."""
        part, doubling = frexp(min(max(seconds, _LOWEST), _LONGEST) / _LOWEST)
        step = doubling * _PARTS + int((2 * part - 1) * _PARTS)
        self._counts[step] = self._counts.get(step, 0) + 1
        self.count += 1
        self.total += seconds
        if seconds > self.longest:
            self.longest = seconds

    def merge(self, other: Latencies) -> None:
        """Add all that another collection has."""
        for step, count in other._counts.items():
            self._counts[step] = self._counts.get(step, 0) + count
        self.count += other.count
        self.total += other.total
        self.longest = max(self.longest, other.longest)

    def percentile(self, share: float) -> float:
        """What `share` (0 to 1) of them do not exceed, in seconds; 0 without any."""
        wanted = share * self.count
        seen = 0
        for step, count in sorted(self._counts.items()):
            seen += count
            if seen >= wanted:
                return min(_from(step + 1), self.longest)
        return self.longest

    def milliseconds(self) -> dict[str, float]:
        """Mean, percentiles and maximum, in milliseconds."""
        mean = self.total / self.count if self.count else 0.0
        found = {
            "mean": mean,
            "p50": self.percentile(0.5),
            "p90": self.percentile(0.9),
            "p99": self.percentile(0.99),
            "p99.9": self.percentile(0.999),
            "max": self.longest,
        }
        return {name: round(seconds * 1000, 3) for name, seconds in found.items()}

    def rows(self) -> list[tuple[float, float, int]]:
        """A histogram in doubling steps: from and to in seconds, and how many."""
        rows: dict[int, int] = {}
        for step, count in self._counts.items():
            doubled = step // _PARTS
            rows[doubled] = rows.get(doubled, 0) + count
        if not rows:
            return []
        return [
            (_from(step * _PARTS), _from((step + 1) * _PARTS), rows.get(step, 0))
            for step in range(min(rows), max(rows) + 1)
        ]


def _from(step: int) -> float:
    """Where a step begins, in seconds."""
    doubling, part = divmod(step, _PARTS)
    # A step is narrow next to what it holds, so the products are exact enough.
    return float(_LOWEST * 2.0 ** (doubling - 1) * (1 + part / _PARTS))
