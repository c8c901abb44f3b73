"""Collects latencies in few numbers: counts by size, and percentiles read off them."""

from __future__ import annotations

from math import log

_STEP = log(1.05)
_LOWEST = 1e-6


class Latencies:
    """
    Durations in seconds, each known to within 5 %.

    However many are added, the memory stays: one count for each 5 % step
    from a microsecond up.
    """

    def __init__(self) -> None:
        self._counts: dict[int, int] = {}
        self.count = 0
        self.total = 0.0
        self.longest = 0.0

    def add(self, seconds: float) -> None:
        """One more."""
        step = int(log(max(seconds, _LOWEST) / _LOWEST) / _STEP)
        self._counts[step] = self._counts.get(step, 0) + 1
        self.count += 1
        self.total += seconds
        self.longest = max(self.longest, seconds)

    def percentile(self, share: float) -> float:
        """What `share` (0 to 1) of them do not exceed, in seconds; 0 without any."""
        wanted = share * self.count
        seen = 0
        for step, count in sorted(self._counts.items()):
            seen += count
            if seen >= wanted:
                return min(_LOWEST * 1.05 ** (step + 1), self.longest)
        return self.longest

    def milliseconds(self) -> dict[str, float]:
        """Mean, percentiles and maximum, in milliseconds."""
        mean = self.total / self.count if self.count else 0.0
        found = {
            "mean": mean,
            "p50": self.percentile(0.5),
            "p90": self.percentile(0.9),
            "p99": self.percentile(0.99),
            "max": self.longest,
        }
        return {name: round(seconds * 1000, 3) for name, seconds in found.items()}

    def rows(self) -> list[tuple[float, float, int]]:
        """A histogram in doubling steps: from and to in seconds, and how many."""
        rows: dict[int, int] = {}
        for step, count in self._counts.items():
            doubled = int(step * _STEP / log(2))
            rows[doubled] = rows.get(doubled, 0) + count
        if not rows:
            return []
        return [
            (_LOWEST * 2**step, _LOWEST * 2 ** (step + 1), rows.get(step, 0))
            for step in range(min(rows), max(rows) + 1)
        ]
